//! How the line is, what is paused, and who did what.

use std::collections::BTreeSet;

use domain::{ClinicId, Code, Stage, effect::Kind};
use jiff::Timestamp;
use ledger::{
    acts::{Outcome, What},
    read::{Counts, EffectCount, Percentiles, State, StateCount},
};
use ops::{
    backlog::Backlog,
    names::Names,
    views::{Act, Acts, Breaker, Glance, Pause, Place, Queue, Reconciliation, SilentSource},
};
use serde_json::json;

use super::describes;
use crate::{assert_valid, component, read, texts, validator};

#[test]
fn the_ops_document_describes_its_counts() {
    let document = read("openapi.ops.json");
    let counts = Counts {
        states: vec![StateCount { state: State::Held, code: Some(Code::SlotTaken), count: 1 }],
        effects: vec![EffectCount {
            kind: Kind::Patient,
            role: "create".to_owned(),
            state: "done".to_owned(),
            count: 1,
            resources: 1,
        }],
        notifications: vec![("email".to_owned(), "sent".to_owned(), 1)],
        ..Counts::default()
    };
    let reconciliation = Reconciliation::new(counts, Percentiles::default());
    describes(&document, "Reconciliation", &reconciliation);
    describes(&document, "StateCount", &reconciliation.states[0]);
    let pause = Pause {
        scope: "clinic:clinic-01".parse().unwrap(),
        actor: "on-call".to_owned(),
        reason: "moving".to_owned(),
        since: Timestamp::UNIX_EPOCH,
        until: Some(Timestamp::UNIX_EPOCH),
    };
    describes(&document, "Pause", &pause);
    let queue = Queue { queue: "validation.default".to_owned(), ready: 1, unacknowledged: 0 };
    let place = Place {
        stage: Stage::EhrWriter,
        lane: "default".to_owned(),
        ready: Some(1),
        unacknowledged: Some(0),
        dead: None,
        held: 1,
        per_minute: 0.4,
        oldest_s: Some(60),
        paused: true,
        breaker: Some("open"),
    };
    describes(&document, "Place", &place);
    let breaker = Breaker {
        endpoint: "ehr:main".to_owned(),
        stage: "ehr-writer".to_owned(),
        lanes: vec!["default".to_owned()],
        state: "open",
        since: Timestamp::UNIX_EPOCH,
        probe_at: Some(Timestamp::UNIX_EPOCH),
        told_at: Timestamp::UNIX_EPOCH,
    };
    describes(&document, "Breaker", &breaker);
    let silent = SilentSource {
        clinic_id: ClinicId::parse("clinic-01").unwrap(),
        source: "web_form".parse().unwrap(),
        since: Timestamp::UNIX_EPOCH,
        per_hour: 4.5,
    };
    describes(&document, "SilentSource", &silent);
    let glance = Glance {
        at: Timestamp::UNIX_EPOCH,
        window_s: 300,
        states: reconciliation.states,
        lanes: vec![place],
        queues: Some(vec![queue]),
        paused: vec![pause],
        breakers: vec![breaker],
        silent: vec![silent],
    };
    describes(&document, "Status", &glance);
}

#[test]
fn the_ops_document_describes_switches_and_acts() {
    let document = read("openapi.ops.json");
    let backlog = Backlog { waiting: Some(4), per_minute: Some(0.4), projected: None };
    describes(&document, "Backlog", &backlog);
    let paused = json!({"scope": "ehr:main", "actor": "on-call", "reason": "upgrade",
                        "since": Timestamp::UNIX_EPOCH, "backlog": backlog});
    assert_valid(&validator(&component(&document, "Paused")), &paused, "Paused");
    let names =
        Names { lanes: BTreeSet::new(), clinics: None, ehrs: Some(["main".to_owned()].into()), payers: None };
    describes(&document, "Scopes", &names.listed());
    let act = Act {
        at: Timestamp::UNIX_EPOCH,
        actor: "on-call".to_owned(),
        role: "operator".to_owned(),
        what: "paused",
        scope: "ehr:main".to_owned(),
        reason: "upgrade".to_owned(),
        outcome: "replaced",
        until: Some(Timestamp::UNIX_EPOCH),
    };
    describes(&document, "Act", &act);
    describes(&document, "Acts", &Acts { acts: vec![act], next: Some(7) });
    let schemas = &document["components"]["schemas"];
    let listed = |name: &str| texts(schemas["Act"]["properties"][name]["enum"].as_array().unwrap());
    assert_eq!(listed("what"), What::ALL.iter().map(ToString::to_string).collect());
    assert_eq!(listed("outcome"), Outcome::ALL.iter().map(ToString::to_string).collect());
}
