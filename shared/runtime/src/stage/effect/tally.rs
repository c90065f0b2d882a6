//! What became of a delivery, as metrics and on its span.

use std::time::Duration;

use domain::{Code, Settled, Stage};

use crate::{
    stage::case::{Case, Core},
    telemetry::{Histogram, spans},
};

/// It was handed on.
pub(super) fn emitted(core: &Core, case: &Case) {
    case.ends_as("emitted");
    attempts(core, case);
    if core.stage == Stage::EhrWriter {
        since_the_door(core, case, &core.metrics.to_ehr);
    }
}

/// It came to its end.
pub(super) fn settled(core: &Core, case: &Case, settled: &Settled) {
    case.ends_as("settled");
    attempts(core, case);
    let end = match settled {
        Settled::Completed => "completed",
        Settled::Duplicate { .. } => "duplicate",
        Settled::Rejected { .. } => "rejected",
        Settled::Repeat => return,
    };
    core.metrics.ends.add(&[case.lane_label(), ("outcome", end)]);
    if *settled == Settled::Completed {
        since_the_door(core, case, &core.metrics.to_end);
    }
}

/// A person decides.
pub(super) fn held(core: &Core, case: &Case, code: Code) {
    stopped(core, case, "held", code);
    attempts(core, case);
    core.metrics.ends.add(&[case.lane_label(), ("outcome", "held")]);
}

/// It is tried again.
pub(super) fn retried(core: &Core, case: &Case, code: Code) {
    stopped(core, case, "retried", code);
    spans::failed(&case.span, code.as_str());
}

/// It is a dead letter.
pub(super) fn died(core: &Core, case: &Case, code: Code) {
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
fn since_the_door(core: &Core, case: &Case, histogram: &Histogram) {
    let Some(meta) = &case.meta else { return };
    let took = core.clock.now().duration_since(meta.received_at);
    histogram.took(Duration::try_from(took).unwrap_or_default(), &[case.lane_label()]);
}
