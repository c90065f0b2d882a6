//! What a person reads at the end of the demo.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use comfy_table::Table;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::{
    plan::{Door, Sent, Source},
    reconcile::{Check, Facts, different},
};
use crate::{
    ops::{Ops, Outcome},
    output,
};

/// How many submissions are timed: enough for a percentile, and few enough to ask for one by one.
const TIMED: usize = 3000;
/// Timelines asked for at once.
const AT_ONCE: usize = 8;

/// From sent to settled, of completed submissions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timing {
    /// How many were timed.
    pub count: usize,
    /// Half took at most this.
    pub p50: Duration,
    /// 99 of 100 took at most this.
    pub p99: Duration,
    /// From the first that was sent to the last that settled.
    pub whole: Duration,
}

/// Asks for the timelines of completed submissions, and takes the time from sending to settling.
///
/// # Errors
/// If the ops API does not answer.
pub async fn timing(
    ops: &Ops,
    source: &Source,
    sent: &[Sent],
    outcomes: &[Outcome],
) -> anyhow::Result<Timing> {
    let mut first: HashMap<(&str, &str), Timestamp> = HashMap::new();
    for one in sent {
        if let Some((clinic, id, _)) = source.named.get(&one.number) {
            first.entry((clinic.as_str(), id)).or_insert(one.at);
        }
    }
    let completed: Vec<&Outcome> = outcomes.iter().filter(|one| one.state == "completed").collect();
    let step = completed.len().div_ceil(TIMED).max(1);
    let asked = completed.into_iter().step_by(step).filter_map(|one| {
        let at = *first.get(&(one.clinic_id.as_str(), one.submission_id.as_str()))?;
        Some(async move {
            let admissions = ops.submission(&one.submission_id).await?;
            let this = admissions.iter().find(|admission| admission.outcome.clinic_id == one.clinic_id);
            let settled = this.and_then(|admission| admission.settled_at);
            anyhow::Ok(settled.map(|settled| (settled, settled.duration_since(at).unsigned_abs())))
        })
    });
    let timed: Vec<Option<(Timestamp, Duration)>> =
        stream::iter(asked).buffer_unordered(AT_ONCE).try_collect().await?;
    let (settled, took): (Vec<Timestamp>, Vec<Duration>) = timed.into_iter().flatten().unzip();
    let ends = settled.iter().max().zip(sent.iter().map(|one| &one.at).min());
    let whole = ends.map(|(last, first)| last.duration_since(*first).unsigned_abs()).unwrap_or_default();
    Ok(Timing { whole, ..percentiles(took) })
}

fn percentiles(mut took: Vec<Duration>) -> Timing {
    took.sort_unstable();
    let at = |share: usize| {
        took.get((took.len() * share).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
    };
    Timing { count: took.len(), p50: at(50), p99: at(99), whole: Duration::ZERO }
}

/// Everything, as text.
pub fn report(facts: &Facts<'_>, checks: &[Check], timing: &Timing) -> String {
    let mut text = format!("\n{}\n{}\n", accepted(facts, timing), states(facts.outcomes));
    text += &format!("{}\n", numbers(facts, timing));
    text += &format!("reconciliation\n{}\n", table(checks));
    match checks.iter().map(Check::unexplained).sum::<u64>() {
        0 => text += "every difference is explained: 0 unexplained\n",
        number => text += &format!("UNEXPLAINED: {number}\n"),
    }
    text
}

fn accepted(facts: &Facts<'_>, timing: &Timing) -> String {
    let by = |door| facts.sent.iter().filter(|one| one.door == door && one.refused.is_none()).count();
    let (amqp, http) = (by(Door::Amqp), by(Door::Http));
    let mut text = format!(
        "accepted {} submissions, {amqp} by the exchange and {http} by the gateway; the last was completed {:.1} s after the first was sent",
        amqp + http,
        timing.whole.as_secs_f64()
    );
    let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
    for problem in facts.sent.iter().filter_map(|one| one.refused.as_deref()) {
        *refused.entry(problem).or_default() += 1;
    }
    for (problem, number) in refused {
        text += &format!(
            "\nthe gateway refused {number} ({problem}); they were handed to the exchange, for a person to see"
        );
    }
    text
}

fn states(outcomes: &[Outcome]) -> Table {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for one in outcomes {
        *counts.entry((&one.state, one.code.as_deref().unwrap_or_default())).or_default() += 1;
    }
    let mut table = output::table();
    table.set_header(["state", "code", "submissions"]);
    for ((state, code), count) in counts {
        table.add_row([state, code, &count.to_string()]);
    }
    table
}

fn numbers(facts: &Facts<'_>, timing: &Timing) -> Table {
    let mut table = output::table();
    table.set_header(["in the EHR, and to the patients", ""]);
    let mut row = |what: &str, number: String| {
        table.add_row([what.to_owned(), number]);
    };
    if let Some(sandbox) = facts.sandbox {
        row("patients", sandbox.patients.to_string());
        row("coverages", sandbox.coverages.to_string());
        row("appointments", sandbox.appointments.to_string());
        row("e-mails", sandbox.mails.to_string());
        row("texts", sandbox.sms.to_string());
    } else {
        row("patients, by the ledger", different(facts.outcomes, |one| one.patient.as_ref()).to_string());
        row(
            "appointments, by the ledger",
            different(facts.outcomes, |one| one.appointment.as_ref()).to_string(),
        );
    }
    let in_state = |state: &str| facts.outcomes.iter().filter(|one| one.state == state).count();
    let updates: u64 = facts
        .ledger
        .effects
        .iter()
        .filter(|effect| effect.role == "update" && effect.state == "done")
        .map(|effect| effect.count)
        .sum();
    row("duplicates prevented: the same submission again", facts.source.repeats().to_string());
    row("duplicates prevented: the same request again", in_state("duplicate").to_string());
    row("duplicates prevented: updated what was there", updates.to_string());
    row("persons known to the ledger", facts.ledger.persons.to_string());
    let ms = |took: Duration| format!("{:.0} ms", took.as_secs_f64() * 1000.0);
    row("from sent to settled, p50", ms(timing.p50));
    row("from sent to settled, p99 (all were sent at once)", ms(timing.p99));
    table
}

fn table(checks: &[Check]) -> Table {
    let mut table = output::table();
    table.set_header(["", "", "", "", "explained by", "unexplained"]);
    for check in checks {
        let explained: Vec<String> = check
            .explained
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, why)| format!("{count} {why}"))
            .collect();
        table.add_row([
            check.what.to_owned(),
            check.left.to_string(),
            check.with.to_owned(),
            check.right.to_string(),
            explained.join("; "),
            check.unexplained().to_string(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::percentiles;
    use std::time::Duration;

    #[test]
    fn percentiles_are_of_the_rank() {
        let timing = percentiles((1..=200).rev().map(Duration::from_millis).collect());
        assert_eq!((timing.p50.as_millis(), timing.p99.as_millis(), timing.count), (100, 198, 200));
        assert_eq!(percentiles(Vec::new()).p99, Duration::ZERO);
    }
}
