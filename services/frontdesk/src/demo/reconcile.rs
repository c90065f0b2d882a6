//! The counts of the source, the journal, the ledger and the EHR, held against each other.

use std::collections::BTreeSet;

use ledger::read::{Counts, Judged};
use testkit::sandbox::Counts as SandboxCounts;

use super::plan::{Door, Sent, Source};
use crate::ops::Outcome;

/// All that is counted, each by the one who knows.
pub struct Facts<'a> {
    /// The file.
    pub source: &'a Source,
    /// What was accepted.
    pub sent: &'a [Sent],
    /// The journal's first stage.
    pub judged: Judged,
    /// Dead letters: those that were collected, and those that are still on the broker.
    pub dead_letters: u64,
    /// The ledger.
    pub ledger: &'a Counts,
    /// One row for each admission.
    pub outcomes: &'a [Outcome],
    /// The sandbox, if its EHR was written to.
    pub sandbox: Option<&'a SandboxCounts>,
}

/// Two counts that must be equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is counted on the left.
    pub what: &'static str,
    /// By the one who gives.
    pub left: u64,
    /// What is counted on the right.
    pub with: &'static str,
    /// By the one who takes.
    pub right: u64,
    /// What the left holds and the right does not, and why.
    pub explained: Vec<(u64, &'static str)>,
}

impl Check {
    /// What no explanation covers.
    pub fn unexplained(&self) -> u64 {
        let explained: u64 = self.explained.iter().map(|(count, _)| count).sum();
        self.left.abs_diff(self.right + explained)
    }
}

/// Every pair of counts that must agree.
pub fn reconcile(facts: &Facts<'_>) -> Vec<Check> {
    let mut checks = taken_in(facts);
    checks.extend(settled(facts));
    if let Some(sandbox) = facts.sandbox {
        checks.extend(outside(facts, sandbox));
    }
    checks
}

/// From the file to the ledger.
fn taken_in(facts: &Facts<'_>) -> Vec<Check> {
    let Facts { source, sent, ledger, .. } = facts;
    let by = |door| number(sent.iter().filter(|one| one.door == door && one.refused.is_none()).count());
    let (amqp, http) = (by(Door::Amqp), by(Door::Http));
    let judged = facts.judged;
    let admitted = ledger.submissions + ledger.copies;
    let unreadable = (ledger.journal_undecodable, "not readable as a submission: dead letters");
    vec![
        Check {
            what: "source: lines in the file",
            left: number(source.lines),
            with: "accepted by the exchange and the gateway",
            right: amqp + http,
            explained: Vec::new(),
        },
        Check {
            what: "accepted by the exchange and the gateway",
            left: amqp + http,
            with: "journal: messages that validation judged",
            right: judged.messages,
            explained: Vec::new(),
        },
        Check {
            what: "source: lines that repeat an earlier one",
            left: number(source.repeats()),
            with: "journal: repeats",
            right: judged.repeats,
            explained: Vec::new(),
        },
        Check {
            what: "journal: messages that validation judged",
            left: judged.messages,
            with: "ledger: submissions and refused copies",
            right: admitted,
            explained: vec![(judged.repeats, "repeats, journalled and not admitted again"), unreadable],
        },
        Check {
            what: "source: different submissions",
            left: number(source.different),
            with: "ledger: submissions and refused copies",
            right: admitted,
            explained: vec![unreadable],
        },
        Check {
            what: "journal: different submissions",
            left: ledger.journal_submissions,
            with: "ledger: submissions and refused copies",
            right: admitted,
            explained: Vec::new(),
        },
    ]
}

/// Each in exactly one state, and nothing on the way.
fn settled(facts: &Facts<'_>) -> Vec<Check> {
    let in_state = |state: &str| number(facts.outcomes.iter().filter(|one| one.state == state).count());
    let terminal = ["completed", "duplicate", "rejected", "held", "dead"].map(in_state).iter().sum();
    vec![
        Check {
            what: "ledger: submissions and refused copies",
            left: facts.ledger.submissions + facts.ledger.copies,
            with: "outcomes in a terminal state",
            right: terminal,
            explained: Vec::new(),
        },
        Check {
            what: "dead letters, collected or on the broker",
            left: facts.dead_letters,
            with: "outcomes that are dead",
            right: in_state("dead"),
            explained: vec![(facts.ledger.journal_undecodable, "not readable as a submission")],
        },
    ]
}

/// The EHR and the messages, as those count who hold them.
fn outside(facts: &Facts<'_>, sandbox: &SandboxCounts) -> Vec<Check> {
    let appointments = different(facts.outcomes, |one| one.appointment.as_ref());
    let told = |channel: &str| {
        let all = facts.outcomes.iter().filter_map(|one| one.notified.as_ref());
        number(all.filter(|channels| channels.iter().any(|one| one == channel)).count())
    };
    let pair = |what, left, with, right: usize| Check {
        what,
        left,
        with,
        right: number(right),
        explained: Vec::new(),
    };
    vec![
        pair(
            "outcomes: different patients",
            different(facts.outcomes, |one| one.patient.as_ref()),
            "EHR: patients",
            sandbox.patients,
        ),
        pair("outcomes: different appointments", appointments, "EHR: appointments", sandbox.appointments),
        pair("outcomes: different appointments", appointments, "EHR: busy slots", sandbox.slots_busy),
        pair("outcomes: told by e-mail", told("email"), "mail relay: mails", sandbox.mails),
        pair("outcomes: told by SMS", told("sms"), "SMS provider: texts", sandbox.sms),
    ]
}

/// How many different resources the outcomes name; an EHR's ids are its own at each clinic.
pub(super) fn different(outcomes: &[Outcome], of: fn(&Outcome) -> Option<&String>) -> u64 {
    number(outcomes.iter().filter_map(|one| Some((&one.clinic_id, of(one)?))).collect::<BTreeSet<_>>().len())
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Check;

    #[test]
    fn only_what_is_explained_may_differ() {
        let check = |left, right, explained| Check { what: "a", left, with: "b", right, explained };
        assert_eq!(check(5, 5, vec![]).unexplained(), 0);
        assert_eq!(check(5, 3, vec![(2, "repeats")]).unexplained(), 0);
        assert_eq!(check(5, 3, vec![(1, "repeats")]).unexplained(), 1);
        assert_eq!(check(3, 5, vec![]).unexplained(), 2);
        assert_eq!(check(3, 5, vec![(1, "repeats")]).unexplained(), 3);
    }
}
