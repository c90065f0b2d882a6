//! What became of a delivery, as metrics and on its span. Counted once it is so: what is let go comes again, and is counted then.

use std::time::Duration;

use domain::{Code, Settled, Stage};

use crate::{
    stage::case::{Case, Core},
    telemetry::{Counter, spans},
};

/// The SLO: from the door to the EHR.
const IN_TIME: Duration = Duration::from_secs(120);

/// It was handed on.
pub(super) fn emitted(core: &Core, case: &Case) {
    core.metrics.emitted.add(&[case.lane_label()]);
    case.ends_as("emitted");
    attempts(core, case);
    if core.stage == Stage::EhrWriter {
        written(core, case);
    }
}

/// It is in the EHR. What a person let go on has waited for that person.
fn written(core: &Core, case: &Case) {
    let Some(took) = since_the_door(core, case) else { return };
    let outcome = match took {
        _ if case.resumed => "resumed",
        took if took <= IN_TIME => "in_time",
        _ => "late",
    };
    core.metrics.written.add(&[case.lane_label(), ("outcome", outcome)]);
    if !case.resumed {
        core.metrics.to_ehr.took(took, &[case.lane_label()]);
    }
}

/// It comes again, and nothing is the matter with it.
pub(super) fn put_off(case: &Case, counter: &Counter, outcome: &str) {
    counter.add(&[case.lane_label()]);
    case.ends_as(outcome);
}

/// It came to its end.
pub(super) fn settled(core: &Core, case: &Case, settled: &Settled) {
    core.metrics.settled.add(&[case.lane_label()]);
    case.ends_as("settled");
    attempts(core, case);
    let end = match settled {
        Settled::Completed => "completed",
        Settled::Duplicate { .. } => "duplicate",
        Settled::Rejected { .. } => "rejected",
        Settled::Repeat => return,
    };
    core.metrics.ends.add(&[case.lane_label(), ("outcome", end)]);
    if *settled == Settled::Completed
        && let Some(took) = since_the_door(core, case)
    {
        core.metrics.to_end.took(took, &[case.lane_label()]);
    }
}

/// A person decides.
pub(super) fn held(core: &Core, case: &Case, code: Code) {
    core.metrics.held.add(&[case.lane_label()]);
    stopped(core, case, "held", code);
    attempts(core, case);
    core.metrics.ends.add(&[case.lane_label(), ("outcome", "held")]);
}

/// It is tried again.
pub(super) fn retried(core: &Core, case: &Case, code: Code) {
    core.metrics.retried.add(&[case.lane_label()]);
    stopped(core, case, "retried", code);
    spans::failed(&case.span, code.as_str());
}

/// It is a dead letter.
pub(super) fn died(core: &Core, case: &Case, code: Code) {
    core.metrics.dead.add(&[case.lane_label()]);
    stopped(core, case, "dead", code);
    spans::failed(&case.span, code.as_str());
    attempts(core, case);
    core.metrics.ends.add(&[case.lane_label(), ("outcome", "dead")]);
}

fn stopped(core: &Core, case: &Case, outcome: &str, code: Code) {
    case.ends_as(outcome);
    core.metrics.faults.add(&[case.lane_label(), ("outcome", outcome), ("code", code.as_str())]);
}

fn attempts(core: &Core, case: &Case) {
    core.metrics.attempts.record(f64::from(case.cx.attempt), &[case.lane_label()]);
}

/// The gateway said in the envelope when the submission came. One that came to the exchange itself came when validation first saw it.
fn since_the_door(core: &Core, case: &Case) -> Option<Duration> {
    let took = core.clock.now().duration_since(case.meta.as_ref()?.received_at);
    Some(Duration::try_from(took).unwrap_or_default())
}
