//! The OpenAPI documents name the routes, the refusals and the views that the services have.

use std::collections::BTreeSet;

use domain::{
    AdmissionId, ClinicId, Code, CorrelationId, FieldPath, MessageId, Stage, SubmissionId,
    hold::{Candidate, Offer, Word},
    ids::{DiscardId, EditId, LetterId, PlanId},
    messages::Channel,
    reconcile::{Compared, Difference, Kind as DifferenceKind},
};
use gateway::{
    config::{MAX_BODY, MAX_DEPTH},
    ports::Standing,
    problem::Kind,
};
use jiff::Timestamp;
use ledger::{
    acts::{Outcome, What},
    holds::{Decided, DecisionRow, Doubt, Held, HoldPage, HoldRow},
    letters::{
        Changed, DiscardRow, EditRow, EditState, LetterGroup, LetterPage, LetterRow, LetterState, NotThat,
    },
    look_up::Naming,
    read::{Counts, EffectCount, OutcomeRow, Percentiles, State, StateCount, Thread},
    replay::{
        Because, Forecast, Foreseen, ItemOutcome, ItemPage, ItemRow, ItemState, PlanRow, PlanState, Tally,
        Why,
    },
    watch::Crash,
};
use ops::{
    access::Route,
    backlog::Backlog,
    edits::Made,
    names::Names,
    problem::Refusal,
    reconcile::{Left, Redriven, Why as LeftWhy},
    views::{
        Act, Acts, Admission, Breaker, DifferenceCount, Effect, Found, Glance, Hold, Letter, Match, Pause,
        Place, Queue, Reconciliation, Ruling, Run, RunSummary, SilentSource, Step, Traced,
    },
};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{assert_valid, component, names, read, texts, validator};

/// `POST /v1/…` for each operation of a document.
fn operations(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, methods)| {
            names(methods).into_iter().map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect()
}

/// The value is as the schema says, and has every member that the schema has.
fn describes(document: &Value, name: &str, value: &impl Serialize) {
    let value = serde_json::to_value(value).unwrap();
    assert_valid(&validator(&component(document, name)), &value, name);
    assert_eq!(names(&document["components"]["schemas"][name]["properties"]), names(&value), "{name}");
}

fn codes(document: &Value) {
    let listed = texts(document["components"]["schemas"]["Code"]["enum"].as_array().unwrap());
    assert_eq!(listed, Code::ALL.iter().map(ToString::to_string).collect());
}

#[test]
fn the_gateways_document_has_its_routes_and_refusals() {
    let document = read("openapi.gateway.json");
    let routes =
        gateway::Route::ALL.iter().map(|route| format!("{} {}", route.method().to_uppercase(), route.path()));
    assert_eq!(operations(&document), routes.collect());
    codes(&document);
    let schemas = &document["components"]["schemas"];
    let listed = texts(schemas["Problem"]["properties"]["code"]["enum"].as_array().unwrap());
    assert_eq!(listed, Kind::ALL.iter().map(|kind| kind.code().to_owned()).collect());
    let problem = validator(&component(&document, "Problem"));
    for kind in Kind::ALL {
        assert_valid(&problem, &serde_json::to_value(kind.problem()).unwrap(), kind.code());
        let response = &document["components"]["responses"][kind.status().to_string()];
        let text = response["description"].as_str().unwrap();
        assert!(text.contains(&format!("`{}`", kind.code())), "{} is not told of", kind.code());
        assert!(kind.retry_after_s().is_none() || response["headers"].get("retry-after").is_some(), "{text}");
    }
    let text = document["paths"]["/v1/intake/{clinic}"]["post"]["requestBody"]["description"].to_string();
    for limit in [format!("{} KiB", MAX_BODY / 1024), format!("at most {MAX_DEPTH} deep")] {
        assert!(text.contains(&limit), "{limit}");
    }
}

#[test]
fn the_gateways_document_describes_a_standing() {
    let standing = Standing {
        clinic_id: ClinicId::parse("clinic-01").unwrap(),
        state: "rejected".to_owned(),
        code: Some(Code::MissingField),
        field: Some(FieldPath::known("patient.given")),
        correlation_id: CorrelationId::from_uuid(Uuid::nil()),
        received_at: Timestamp::UNIX_EPOCH,
    };
    describes(&read("openapi.gateway.json"), "Standing", &standing);
}

#[test]
fn the_ops_document_has_its_routes_roles_and_refusals() {
    let document = read("openapi.ops.json");
    let routes = Route::ALL.iter().map(|route| format!("{} {}", route.method(), route.path()));
    assert_eq!(operations(&document), routes.collect());
    for route in Route::ALL.iter().copied() {
        let operation = &document["paths"][route.path()][route.method().to_lowercase()];
        let roles = route.roles().iter().map(ToString::to_string).collect();
        assert_eq!(texts(operation["x-roles"].as_array().unwrap()), roles, "{route:?}");
    }
    codes(&document);
    let problem = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let refusals = Refusal::ALL.iter().map(|refusal| refusal.problem()).collect::<Vec<_>>();
    assert_eq!(texts(problem.as_array().unwrap()), refusals.iter().map(|one| one.code.to_owned()).collect());
    let problem = validator(&component(&document, "Problem"));
    for refusal in refusals {
        assert_valid(&problem, &serde_json::to_value(&refusal).unwrap(), refusal.code);
    }
}

#[test]
fn the_ops_document_describes_its_views() {
    let document = read("openapi.ops.json");
    let (at, code, some) = (Timestamp::UNIX_EPOCH, Some(Code::SlotTaken), || Some("x".to_owned()));
    let outcome = OutcomeRow {
        submission_id: "s-1".to_owned(),
        clinic_id: "clinic-01".to_owned(),
        state: "held",
        code: Some("slot_taken"),
        field: some(),
        patient: some(),
        appointment: some(),
        eligibility: Some("active"),
        notified: Some(vec!["email".to_owned()]),
    };
    describes(&document, "Outcome", &outcome);
    let step = Step {
        at,
        took_ms: 1,
        stage: "ehr-writer".to_owned(),
        lane: "default".to_owned(),
        event: "held".to_owned(),
        attempt: 1,
        code,
        field: some(),
        endpoint: some(),
        template: some(),
        trace_id: some(),
        actor: some(),
    };
    describes(&document, "Step", &step);
    let effect =
        Effect { at, kind: "slot", attempt: 1, event: "done".to_owned(), state: "done".to_owned(), code };
    describes(&document, "Effect", &effect);
    let admission = admission(step, effect);
    describes(&document, "Admission", &admission);
    describes(&document, "Found", &json!({ "submission_id": "s-1", "admissions": [admission] }));
    traced(&document, admission.clone());
    letters(&document, admission.clone());
    holds(&document, admission);
}

fn holds(document: &Value, admission: Admission) {
    let (at, some) = (Timestamp::UNIX_EPOCH, || Some("x".to_owned()));
    let (id, stage, code) = (AdmissionId::from_uuid(Uuid::nil()), Stage::EhrWriter, Code::EhrParked);
    let row = HoldRow {
        admission_id: id,
        submission_id: SubmissionId::parse("s-1").unwrap(),
        clinic_id: ClinicId::parse("clinic-01").unwrap(),
        stage,
        lane: "default".parse().unwrap(),
        code,
        field: Some(FieldPath::known("consents.part2")),
        since: at,
        appointment_at: Some(at),
    };
    describes(document, "HoldRow", &row);
    describes(document, "HoldPage", &HoldPage { holds: vec![row.clone()], next: Some(id) });
    let candidate = Candidate {
        id: "p".to_owned(),
        agrees: vec!["sex".to_owned()],
        differs: vec!["given:near".to_owned()],
    };
    describes(document, "Candidate", &candidate);
    let offer = Offer { id: "slot-1".to_owned(), start: at, minutes: 20 };
    describes(document, "Offer", &offer);
    let kind = domain::effect::Kind::Patient;
    let role = "update".to_owned();
    let doubt = Doubt { admission_id: id, kind, role, state: "parked".to_owned(), resource: some() };
    describes(document, "Doubt", &doubt);
    let (word, actor) = (Word::SamePerson, "on-call".to_owned());
    let decision =
        DecisionRow { at, stage, code, decision: word, names: some(), actor, reason: "x".to_owned() };
    describes(document, "Decision", &decision);
    let held = Held {
        row: row.clone(),
        person: Some(domain::PersonId::from_uuid(Uuid::nil())),
        candidates: vec![candidate],
        slots: vec![offer],
        doubts: vec![doubt],
        channels: vec![Channel::Sms],
        decisions: vec![decision],
    };
    let hold = Hold { admission: Some(admission), ..Hold::new(held, None) };
    describes(document, "Hold", &hold);
    let thread = Thread { correlation: domain::CorrelationId::from_uuid(Uuid::nil()), trace_id: None };
    let decided = Decided { row, state: State::InFlight, effect: Some(kind), thread };
    describes(document, "Ruling", &Ruling::new(word, &decided));
    let schemas = &document["components"]["schemas"];
    for name in ["Decision", "Said", "Ruling"] {
        let listed = texts(schemas[name]["properties"]["decision"]["enum"].as_array().unwrap());
        assert_eq!(listed, Word::ALL.iter().map(ToString::to_string).collect(), "{name}");
    }
}

fn traced(document: &Value, admission: Admission) {
    let one = Match {
        admission_id: AdmissionId::from_uuid(Uuid::nil()),
        submission_id: SubmissionId::parse("s-1").unwrap(),
        clinic_id: "clinic-01".to_owned(),
        by: "phone",
        copy: false,
        state: "held",
        code: Some(Code::SlotTaken),
        correlation_id: CorrelationId::from_uuid(Uuid::nil()),
        received_at: Timestamp::UNIX_EPOCH,
    };
    describes(document, "Match", &one);
    describes(document, "Traced", &Traced { matches: vec![one], more: false, admission: Some(admission) });
    let listed = &document["components"]["schemas"]["Match"]["properties"]["by"]["enum"];
    assert_eq!(texts(listed.as_array().unwrap()), Naming::ALL.iter().map(ToString::to_string).collect());
    let wanted = json!({"phone": "x", "clinic": "clinic-01", "purpose": "x"});
    assert_valid(&validator(&component(document, "LookUp")), &wanted, "LookUp");
}

fn admission(step: Step, effect: Effect) -> Admission {
    let (at, code, some) = (Timestamp::UNIX_EPOCH, Some(Code::SlotTaken), || Some("x".to_owned()));
    Admission {
        clinic_id: "clinic-01".to_owned(),
        copy: false,
        state: "held",
        code,
        field: some(),
        duplicate_of: Some(SubmissionId::parse("s-0").unwrap()),
        patient: some(),
        appointment: some(),
        eligibility: Some("active"),
        notified: Some(vec!["sms".to_owned()]),
        correlation_id: CorrelationId::from_uuid(Uuid::nil()),
        received_at: at,
        settled_at: Some(at),
        timeline: vec![step],
        effects: vec![effect],
    }
}

fn letters(document: &Value, admission: Admission) {
    let (at, code, some) = (Timestamp::UNIX_EPOCH, Some(Code::EhrRejected), || Some("x".to_owned()));
    let group = LetterGroup {
        fingerprint: "ehr-writer/ehr_rejected/-/-".to_owned(),
        stage: "ehr-writer".to_owned(),
        code,
        count: 1,
        last_hour: 1,
        hour_before: 0,
        first_seen: at,
        last_seen: at,
        soonest_appointment: Some(at),
        clinics: vec!["clinic-01".to_owned()],
    };
    describes(document, "LetterGroup", &group);
    let row = LetterRow {
        id: LetterId::from_uuid(Uuid::nil()),
        message_id: Some(MessageId::from_uuid(Uuid::nil())),
        stage: "ehr-writer".to_owned(),
        lane: "default".to_owned(),
        code,
        field: some(),
        endpoint: some(),
        template: some(),
        fingerprint: group.fingerprint,
        admission_id: Some(AdmissionId::from_uuid(Uuid::nil())),
        submission_id: Some(SubmissionId::parse("s-1").unwrap()),
        clinic_id: Some(ClinicId::parse("clinic-01").unwrap()),
        correlation_id: CorrelationId::from_uuid(Uuid::nil()),
        trace_id: some(),
        attempts: 1,
        first_failed_at: Some(at),
        died_at: at,
        collected_at: at,
        appointment_at: Some(at),
        schema: "intake.checked.v1".to_owned(),
        state: LetterState::Replayed,
        state_at: Some(at),
        plan_id: Some(PlanId::from_uuid(Uuid::nil())),
    };
    describes(document, "LetterRow", &row);
    describes(document, "LetterPage", &LetterPage { letters: vec![row.clone()], next: Some(row.id) });
    let crash = Crash { stage: "ehr-writer".to_owned(), comebacks: 4, deaths: 2, last_seen_at: at };
    describes(document, "Crash", &crash);
    let letter = Letter { letter: row, edits: vec![edit()], admission: Some(admission), crash: Some(crash) };
    describes(document, "Letter", &letter);
}

fn edit() -> EditRow {
    EditRow {
        id: EditId::from_uuid(Uuid::nil()),
        letter_id: LetterId::from_uuid(Uuid::nil()),
        fields: vec!["patient.family".to_owned()],
        state: EditState::InForce,
        state_at: Timestamp::UNIX_EPOCH,
        made_at: Timestamp::UNIX_EPOCH,
        requester: "on-call".to_owned(),
        reason: "by phone".to_owned(),
        approver: Some("lead".to_owned()),
    }
}

#[test]
fn the_ops_document_describes_edits() {
    let document = read("openapi.ops.json");
    describes(&document, "Edit", &edit());
    let foreseen = Foreseen {
        code: Some(Code::TemplateFailed),
        field: Some(FieldPath::known("reason")),
        ..Foreseen::refused(Why::EditWaits)
    };
    describes(&document, "EditMade", &Made::new(edit(), foreseen));
    let valid =
        |name: &str, value: &Value| assert_valid(&validator(&component(&document, name)), value, name);
    valid("Correction", &json!({"values": {"patient.email": "x"}, "reason": "x"}));
    valid("Reveal", &json!({"field": "patient.email", "of": "edit", "purpose": "x"}));
    let schemas = &document["components"]["schemas"];
    for name in ["Edit", "EditMade"] {
        let listed = texts(schemas[name]["properties"]["state"]["enum"].as_array().unwrap());
        assert_eq!(listed, EditState::ALL.iter().map(ToString::to_string).collect(), "{name}");
    }
    let whys = texts(schemas["EditMade"]["properties"]["why"]["enum"].as_array().unwrap());
    assert_eq!(whys, Why::ALL.iter().map(ToString::to_string).collect());
}

#[test]
fn the_ops_document_describes_its_counts() {
    let document = read("openapi.ops.json");
    let counts = Counts {
        states: vec![StateCount { state: State::Held, code: Some(Code::SlotTaken), count: 1 }],
        effects: vec![EffectCount {
            kind: domain::effect::Kind::Patient,
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

#[test]
fn the_ops_document_describes_plans_and_ends() {
    let document = read("openapi.ops.json");
    let (at, some) = (Timestamp::UNIX_EPOCH, || Some("x".to_owned()));
    let tally = Tally { letters: 1, forecast: [("refused", 1)].into(), skipped: 1, ..Tally::default() };
    describes(&document, "Tally", &tally);
    let plan = PlanRow {
        id: PlanId::from_uuid(Uuid::nil()),
        made_at: at,
        actor: "on-call".to_owned(),
        reason: "mended".to_owned(),
        state: PlanState::Stopped,
        canary: Some(5),
        rate: Some(20),
        stop_on: Some(10),
        started_by: some(),
        started_at: Some(at),
        ended_at: Some(at),
        stopped_because: Some(Because::Silence),
        tally,
    };
    describes(&document, "Plan", &plan);
    let id = LetterId::from_uuid(Uuid::nil());
    let item = ItemRow {
        nth: 1,
        letter_id: id,
        fingerprint: "validation/malformed/-/-".to_owned(),
        clinic_id: Some(ClinicId::parse("clinic-01").unwrap()),
        submission_id: Some(SubmissionId::parse("s-1").unwrap()),
        appointment_at: Some(at),
        edit_id: Some(EditId::from_uuid(Uuid::nil())),
        forecast: Forecast::WouldCreate,
        code: Some(Code::DoubtfulMatch),
        field: some(),
        why: Some(Why::InDoubt),
        state: ItemState::Published,
        published_at: Some(at),
        outcome: Some(ItemOutcome::Failed),
        outcome_code: Some(Code::EhrRejected),
    };
    describes(&document, "Item", &item);
    describes(&document, "ItemPage", &ItemPage { items: vec![item], next: Some(1) });
    let left = NotThat { id, state: Some(LetterState::Archived) };
    describes(&document, "NotThat", &left);
    describes(&document, "Changed", &Changed { done: vec![id], left: vec![left] });
    let discard = DiscardRow {
        id: DiscardId::from_uuid(Uuid::nil()),
        requested_at: at,
        requester: "on-call".to_owned(),
        reason: "spam".to_owned(),
        letters: vec![id],
    };
    describes(&document, "Discard", &discard);
    let schemas = &document["components"]["schemas"];
    let listed = |value: &Value| texts(value.as_array().unwrap());
    let all = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let item = &schemas["Item"]["properties"];
    for (enumerated, names) in [
        (&schemas["LetterState"], all(LetterState::ALL.iter().map(|one| one.as_str()).collect())),
        (&schemas["Forecast"], all(Forecast::ALL.iter().map(|one| one.as_str()).collect())),
        (
            &schemas["Plan"]["properties"]["state"],
            all(PlanState::ALL.iter().map(|one| one.as_str()).collect()),
        ),
        (
            &schemas["Plan"]["properties"]["stopped_because"],
            all(Because::ALL.iter().map(|one| one.as_str()).collect()),
        ),
        (&item["why"], all(Why::ALL.iter().map(|one| one.as_str()).collect())),
        (&item["state"], all(ItemState::ALL.iter().map(|one| one.as_str()).collect())),
        (&item["outcome"], all(ItemOutcome::ALL.iter().map(|one| one.as_str()).collect())),
    ] {
        assert_eq!(listed(&enumerated["enum"]), names);
    }
}

fn difference() -> Difference {
    Difference {
        kind: DifferenceKind::TwiceInEhr,
        clinic_id: ClinicId::parse("clinic-01").ok(),
        admission_id: Some(AdmissionId::from_uuid(Uuid::nil())),
        submission_id: SubmissionId::parse("s-1").ok(),
        letter_id: Some(LetterId::from_uuid(Uuid::nil())),
        source: "web_form".parse().ok(),
        ehr: Some("main".to_owned()),
        resources: vec!["Patient/1".to_owned()],
        code: Some(Code::EhrConflict),
        count: 2,
        since: Some(Timestamp::UNIX_EPOCH),
    }
}

#[test]
fn the_ops_document_describes_reconciliations() {
    let document = read("openapi.ops.json");
    let (at, date) = (Timestamp::UNIX_EPOCH, jiff::civil::date(2026, 11, 22));
    let clinic = || ClinicId::parse("clinic-01").unwrap();
    let compared = Compared {
        clinic_id: clinic(),
        from: at,
        until: at,
        sent: Some(1),
        accepted: Some(1),
        journalled: 1,
        admitted: 1,
        in_flight: 0,
        completed: 1,
        duplicate: 0,
        rejected: 0,
        held: 0,
        dead: 0,
        written: 3,
        in_ehr: None,
        notified: 1,
    };
    describes(&document, "Compared", &compared);
    let found = Found { difference: difference(), advice: "Merge them.".to_owned(), redriven_at: Some(at) };
    describes(&document, "Difference", &found);
    let run = Run {
        id: Uuid::nil(),
        date,
        clinic_id: Some(clinic()),
        daily: false,
        actor: "on-call".to_owned(),
        begun_at: at,
        ended_at: at,
        compared: vec![compared],
        gaps: vec!["ehr:main: no answer".to_owned()],
        differences: vec![found],
    };
    describes(&document, "Run", &run);
    let summary = RunSummary {
        id: run.id,
        date,
        clinic_id: Some(clinic()),
        daily: true,
        actor: "ops".to_owned(),
        begun_at: at,
        ended_at: at,
        gaps: Vec::new(),
        differences: vec![DifferenceCount {
            kind: DifferenceKind::Held,
            clinic_id: Some(clinic()),
            count: 2,
        }],
    };
    describes(&document, "RunSummary", &summary);
    let left = Left { admission_id: AdmissionId::from_uuid(Uuid::nil()), why: LeftWhy::MayWait };
    describes(&document, "Left", &left);
    let redriven = Redriven { redriven: vec![left.admission_id], left: vec![left] };
    describes(&document, "Redriven", &redriven);
    let schemas = &document["components"]["schemas"];
    let listed = |value: &Value| texts(value["enum"].as_array().unwrap());
    let kinds = DifferenceKind::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(listed(&schemas["DifferenceKind"]), kinds);
    let whys = LeftWhy::ALL.iter().map(|why| serde_json::to_value(why).unwrap().as_str().unwrap().to_owned());
    assert_eq!(listed(&schemas["Left"]["properties"]["why"]), whys.collect());
}
