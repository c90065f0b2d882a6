//! Facts as they should be, made by hand: three submissions of two persons. Tests break them.

use std::sync::Arc;

use domain::effect::Kind;
use jiff::{SignedDuration, Timestamp};
use testkit::sandbox::{Channel, Interaction, Kind as Resource, Write};
use uuid::Uuid;

use super::{
    Check, Facts,
    facts::{
        Appointment, Attempt, Coverage, Dead, Hops, Notice, Op, Patient, Queue, Slot, Step, Submission, Told,
    },
    verdict,
};
use crate::chaos::people::Asked;

/// The person of each submission: the second is the first one's person again.
const PERSONS: [u32; 3] = [0, 0, 1];

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_millis(milliseconds)
}

fn start(nth: u128) -> Timestamp {
    at(1_000_000_000 + i64::try_from(nth).unwrap() * 1_200_000)
}

fn asked(nth: u128) -> Asked {
    let person = PERSONS[usize::try_from(nth).unwrap()];
    Asked {
        submission: format!("s-{nth}"),
        clinic: "clinic-01".into(),
        person,
        email: format!("p{person}@example.com"),
        phone: format!("+1202555000{person}"),
        member_id: format!("M{person}"),
        street: format!("{} Linden Street", nth + 1),
        provider: "clinic-01-prov-1".into(),
        start: start(nth),
        sms: false,
        mail: nth == 0,
    }
}

pub(super) fn patient(id: &str, person: u32) -> Patient {
    Patient {
        id: id.into(),
        version: 1,
        identifiers: vec![format!("{id}-identifier")],
        emails: vec![format!("p{person}@example.com")],
        streets: vec![],
    }
}

pub(super) fn coverage(id: &str, person: u32) -> Coverage {
    Coverage {
        id: id.into(),
        identifiers: vec![format!("{id}-identifier")],
        patient: format!("pat-{person}"),
        member: format!("M{person}"),
    }
}

pub(super) fn told(id: &str, person: u32, nth: u128) -> Told {
    let to = format!("p{person}@example.com");
    Told { channel: Channel::Email, id: id.into(), to, start: Some(start(nth)) }
}

pub(super) fn attempt(op: Uuid, attempt: i32, step: Step, state: &str, milliseconds: i64) -> Attempt {
    let committed_at = at(milliseconds + 1);
    Attempt { op, attempt, step, state: state.into(), at: at(milliseconds), committed_at }
}

/// All is as it should be.
pub(super) fn facts() -> Facts {
    let mut facts = Facts::default();
    for nth in 0..3 {
        submission(&mut facts, nth);
    }
    for (person, street) in [(0, "2 linden street"), (1, "3 linden street")] {
        let mut patient = patient(&format!("pat-{person}"), person);
        patient.identifiers = vec![format!("p{person}")];
        patient.streets = vec![street.into()];
        // The first person came twice.
        patient.version = if person == 0 { 2 } else { 1 };
        facts.ehr.patients.push(patient);
        let mut coverage = coverage(&format!("cov-{person}"), person);
        coverage.identifiers = vec![format!("c{person}")];
        facts.ehr.coverages.push(coverage);
    }
    facts.messages.push(told("<m-0>", 0, 0));
    let poison = Uuid::from_u128(77);
    facts.tally.poison.accepted.push(poison);
    facts.ledger.unreadable.push(poison);
    facts.dead.push(Dead { queue: "validation.a.dlq".into(), message: Some(poison) });
    facts.queues = vec![
        Queue { name: "validation.a".into(), messages: 0 },
        Queue { name: "validation.a.dlq".into(), messages: 1 },
    ];
    facts
}

fn submission(facts: &mut Facts, nth: u128) {
    let asked = asked(nth);
    let (person, admission) = (asked.person, Uuid::from_u128(1_000 + nth));
    let seq = i64::try_from(nth).unwrap() + 1;
    facts.ledger.submissions.push(Submission {
        admission,
        seq,
        clinic: asked.clinic.clone(),
        submission: asked.submission.clone(),
        copy: false,
        state: "completed".into(),
        code: None,
        patient: Some(format!("pat-{person}")),
        appointment: Some(format!("app-{nth}")),
    });
    let state = Some("completed".into());
    facts.ledger.hops.push(Hops { admission, handed_on: [true; 3], ended: true, state });
    let again = nth == 1;
    let effects = [
        (Kind::Patient, format!("p{person}"), format!("pat-{person}"), again, true),
        (Kind::Coverage, format!("c{person}"), format!("cov-{person}"), false, !again),
        (Kind::Slot, format!("s{nth}"), format!("slot-{nth}"), false, true),
        (Kind::Appointment, format!("a{nth}"), format!("app-{nth}"), false, true),
    ];
    for (step, (kind, idempotency, resource, update, writes)) in (0..).zip(effects) {
        let op = Uuid::from_u128(2_000 + nth * 10 + u128::try_from(step).unwrap());
        let time = i64::try_from(nth).unwrap() * 1_000 + step * 100;
        effect(facts, time, (op, kind, &idempotency, &resource), update, writes);
        let version = Some(if update { 2 } else { 1 });
        facts.ledger.ops.push(Op {
            op,
            admission,
            kind,
            in_force: true,
            update,
            idempotency,
            seq,
            state: "done".into(),
            attempts: i32::from(writes),
            resource: Some(resource),
            version,
        });
    }
    if asked.mail {
        let provider = Some(format!("<m-{nth}>"));
        facts.ledger.notices.push(Notice {
            admission,
            channel: Channel::Email,
            state: "sent".into(),
            provider,
        });
    }
    facts.ehr.appointments.push(Appointment {
        id: format!("app-{nth}"),
        identifiers: vec![format!("a{nth}")],
        patient: format!("pat-{person}"),
        provider: asked.provider.clone(),
        start: asked.start,
    });
    facts.ehr.busy.push(Slot {
        id: format!("slot-{nth}"),
        identifiers: vec![format!("s{nth}")],
        provider: asked.provider.clone(),
        start: asked.start,
    });
    facts.tally.sent.push(Arc::new(asked));
}

/// A lease, the write that the EHR saw, and its outcome; or the row that says that nothing was written.
fn effect(
    facts: &mut Facts,
    time: i64,
    (op, kind, idempotency, resource): (Uuid, Kind, &str, &str),
    update: bool,
    writes: bool,
) {
    if !writes {
        facts.ledger.attempts.push(attempt(op, 0, Step::Reused, "done", time));
        return;
    }
    facts.ledger.attempts.push(attempt(op, 1, Step::Intent, "intent", time));
    facts.ledger.attempts.push(attempt(op, 1, Step::Done, "done", time + 60));
    let (kind, changes) = match kind {
        Kind::Patient => (Resource::Patient, update),
        Kind::Coverage => (Resource::Coverage, false),
        Kind::Slot | Kind::SlotRelease => (Resource::Slot, true),
        Kind::Appointment => (Resource::Appointment, false),
    };
    facts.writes.push(Write {
        sequence: facts.writes.len() as u64,
        arrived_at: at(time + 20),
        interaction: if changes { Interaction::Update } else { Interaction::Create },
        resource: kind,
        identifier: Some(idempotency.into()),
        id: Some(resource.into()),
        version: Some(if changes { 2 } else { 1 }),
        committed: true,
        committed_at: Some(at(time + 30)),
        if_match: None,
        conditional: false,
        status: Some(201),
    });
}

fn check(facts: &Facts, name: &str) -> Check {
    let found: Vec<Check> =
        verdict(facts).checks.into_iter().filter(|check| check.name.contains(name)).collect();
    assert_eq!(found.len(), 1, "`{name}` names one check");
    found[0].clone()
}

/// The check of this name looks at something, and finds nothing wrong.
pub(super) fn holds(name: &str) {
    let check = check(&facts(), name);
    assert!(check.holds() && check.looked_at > 0, "{check:?}");
}

/// Once the facts are broken so, the check of this name finds it, and says so.
pub(super) fn broken(name: &str, says: &str, harm: impl FnOnce(&mut Facts)) {
    let mut facts = facts();
    harm(&mut facts);
    let check = check(&facts, name);
    assert!(!check.holds() && check.wrong.iter().any(|what| what.contains(says)), "{says}: {check:?}");
}
