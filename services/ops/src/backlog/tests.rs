use domain::{ClinicId, LaneName, Stage};
use jiff::SignedDuration;
use ledger::read::Flow;

use super::{Backlog, Known};
use crate::{names::Names, views::Queue};

fn names(ehr_of_the_second: &str) -> Names {
    let clinic = |id: &str, ehr: &str| (ClinicId::parse(id).unwrap(), ehr.to_owned());
    Names {
        lanes: ["default", "north"].map(|lane| LaneName::parse(lane).unwrap()).into(),
        clinics: Some([clinic("clinic-01", "main"), clinic("clinic-02", ehr_of_the_second)].into()),
        ehrs: None,
        payers: None,
    }
}

/// Lane `default` is of clinic-01, lane `north` of clinic-02.
fn flow(stage: Stage, lane: &str, (left, emitted): (u64, u64)) -> Flow {
    let clinic = if lane == "default" { "clinic-01" } else { "clinic-02" };
    Flow {
        stage,
        lane: LaneName::parse(lane).unwrap(),
        clinic: Some(ClinicId::parse(clinic).unwrap()),
        left,
        emitted,
    }
}

fn project(scope: &str, minutes: Option<i64>, second: &str) -> (Option<u64>, Option<f64>, Option<u64>) {
    let queue = |name: &str, ready| Queue { queue: name.to_owned(), ready, unacknowledged: 1 };
    let queues = [
        queue("validation.default", 9),
        queue("validation.north", 4),
        queue("validation.north.dlq", 100),
        queue("ehr-writer.default", 19),
        queue("ehr-writer.north", 29),
        queue("wait.30s", 1000),
    ];
    let flows = [
        flow(Stage::Validation, "default", (50, 40)),
        flow(Stage::Validation, "north", (25, 20)),
        flow(Stage::Eligibility, "default", (35, 30)),
        flow(Stage::Eligibility, "north", (15, 10)),
    ];
    let names = names(second);
    let known = Known { names: &names, queues: Some(&queues), flows: Some(&flows), in_flight: Some(7) };
    let lasts = minutes.map(SignedDuration::from_mins);
    let Backlog { waiting, per_minute, projected } = Backlog::project(&scope.parse().unwrap(), lasts, &known);
    (waiting, per_minute, projected)
}

#[test]
fn what_waits_and_what_comes_in_add_up() {
    for (scope, expected) in [
        ("stage:validation", (Some(15), Some(15.0), Some(165))),
        ("stage:ehr-writer", (Some(50), Some(8.0), Some(130))),
        ("lane:north", (Some(35), Some(5.0), Some(85))),
        ("clinic:clinic-01", (Some(7), Some(10.0), Some(107))),
        ("ehr:main", (Some(50), Some(8.0), Some(130))),
    ] {
        assert_eq!(project(scope, Some(10), "main"), expected, "{scope}");
    }
}

#[test]
fn what_cannot_be_known_is_not_guessed() {
    assert_eq!(project("stage:validation", None, "main"), (Some(15), Some(15.0), None), "no end");
    assert_eq!(project("ehr:main", Some(10), "other"), (None, Some(6.0), None), "two EHRs share the queues");
    for scope in ["payer:aetna", "messenger:sms"] {
        assert_eq!(project(scope, Some(10), "main"), (None, None, None), "{scope}");
    }
    let known = Known { names: &names("main"), queues: None, flows: None, in_flight: None };
    let blind = Backlog::project(&"stage:validation".parse().unwrap(), None, &known);
    assert_eq!(blind, Backlog { waiting: None, per_minute: None, projected: None });
}
