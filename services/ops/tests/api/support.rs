//! An API with one token for each role, and fakes.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use domain::{
    AdmissionId, ClinicId, Code, CorrelationId, FieldPath, SubmissionId,
    clock::Clock,
    effect::Kind,
    messages::EligibilityStatus,
    ports::{StoreDown, SwitchScope},
};
use jiff::Timestamp;
use ledger::{
    read::{
        Counts, EffectCount, EffectEvent, JournalRow, OutcomeFilter, OutcomePage, OutcomeRow, Percentiles,
        State, StateCount, Status, Timeline,
    },
    switches::Pause,
};
use ops::{
    App,
    access::Role,
    ports::{Queues, Records},
    router,
    tokens::Tokens,
    views::Queue,
};
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

pub(crate) struct TestClock;

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_799_000_000).unwrap()
    }

    fn fresh_id(&self) -> Uuid {
        Uuid::nil()
    }
}

/// A database with three outcomes, one a page; or none at all.
#[derive(Default)]
pub(crate) struct TestRecords {
    pub(crate) down: bool,
    /// Goes away after so many pages.
    pub(crate) pages: Option<i64>,
    pub(crate) pauses: Mutex<Vec<Pause>>,
    /// The filters that were asked for.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl TestRecords {
    fn up(&self) -> Result<(), StoreDown> {
        if self.down { Err(StoreDown) } else { Ok(()) }
    }
}

fn outcome(n: i64) -> OutcomeRow {
    OutcomeRow {
        submission_id: format!("s-{n}"),
        clinic_id: "clinic-01".to_owned(),
        state: "rejected",
        code: Some("missing_field"),
        field: Some("patient.given".to_owned()),
        patient: None,
        appointment: None,
        eligibility: None,
        notified: Some(vec![]),
    }
}

fn status(id: &SubmissionId) -> Status {
    Status {
        admission: AdmissionId::from_uuid(Uuid::nil()),
        submission: id.clone(),
        clinic: ClinicId::parse("clinic-01").unwrap(),
        copy: false,
        correlation: CorrelationId::from_uuid(Uuid::nil()),
        submitted_at: TestClock.now(),
        received_at: TestClock.now(),
        settled_at: Some(TestClock.now()),
        person: None,
        duplicate_of: Some(SubmissionId::parse("s-0").unwrap()),
        state: State::Held,
        code: Some(Code::SlotTaken),
        field: Some(FieldPath::known("appointment.start")),
        eligibility: Some(EligibilityStatus::Active),
        patient: Some("p1".to_owned()),
        appointment: Some("a1".to_owned()),
        notified: Some(vec!["email".to_owned()]),
    }
}

fn timeline() -> Timeline {
    let (at, code) = (TestClock.now(), Some(Code::SlotTaken));
    let hop = JournalRow {
        seq: 1,
        started_at: Timestamp::from_millisecond(at.as_millisecond() - 3).unwrap(),
        at,
        stage: "ehr-writer".to_owned(),
        lane: "default".to_owned(),
        event: "held".to_owned(),
        state: Some("held".to_owned()),
        code,
        field: Some("appointment.start".to_owned()),
        endpoint: Some("ehr:main".to_owned()),
        template: Some(("clinic-01".to_owned(), 1)),
        attempt: 1,
        trace_id: Some("0af7651916cd43dd8448eb211c80319c".to_owned()),
        actor: Some("line".to_owned()),
    };
    let effect = EffectEvent {
        at,
        kind: Kind::Slot,
        attempt: 1,
        event: "rejected".to_owned(),
        state: "rejected".to_owned(),
        code,
    };
    Timeline { hops: vec![hop], effects: vec![effect] }
}

#[async_trait]
impl Records for TestRecords {
    async fn outcomes(&self, filter: &OutcomeFilter, after: Option<i64>) -> Result<OutcomePage, StoreDown> {
        self.up()?;
        self.asked.lock().unwrap().push(format!("{filter:?}"));
        let page = after.unwrap_or(0) + 1;
        if self.pages.is_some_and(|pages| page > pages) {
            return Err(StoreDown);
        }
        Ok(OutcomePage { rows: vec![outcome(page)], next: (page < 3).then_some(page) })
    }

    async fn submission(
        &self,
        clinic: Option<&ClinicId>,
        id: &SubmissionId,
    ) -> Result<Vec<(Status, Timeline)>, StoreDown> {
        self.up()?;
        let there = id.as_str() == "s-1" && clinic.is_none_or(|clinic| clinic.as_str() == "clinic-01");
        Ok(there.then(|| (status(id), timeline())).into_iter().collect())
    }

    async fn counts(&self, _: &OutcomeFilter) -> Result<Counts, StoreDown> {
        self.up()?;
        let held = |code, count| StateCount { state: State::Held, code: Some(code), count };
        Ok(Counts {
            submissions: 3,
            copies: 0,
            persons: 2,
            states: vec![held(Code::DoubtfulMatch, 2), held(Code::SlotTaken, 1)],
            journal_submissions: 3,
            journal_undecodable: 1,
            effects: vec![EffectCount {
                kind: Kind::Patient,
                role: "create".to_owned(),
                state: "done".to_owned(),
                count: 1,
                resources: 1,
            }],
            notifications: vec![("email".to_owned(), "sent".to_owned(), 1)],
        })
    }

    async fn durations(&self, _: &OutcomeFilter) -> Result<Percentiles, StoreDown> {
        self.up()?;
        Ok(Percentiles { count: 1, p50_ms: 100.0, p99_ms: 200.0, max_ms: 300.0 })
    }

    async fn pauses(&self) -> Result<Vec<Pause>, StoreDown> {
        self.up()?;
        Ok(self.pauses.lock().unwrap().clone())
    }

    async fn pause(&self, pause: &Pause) -> Result<(), StoreDown> {
        self.up()?;
        self.pauses.lock().unwrap().push(pause.clone());
        Ok(())
    }

    async fn resume(&self, scope: &SwitchScope) -> Result<bool, StoreDown> {
        self.up()?;
        let mut pauses = self.pauses.lock().unwrap();
        let before = pauses.len();
        pauses.retain(|pause| pause.scope != *scope);
        Ok(pauses.len() < before)
    }
}

struct TestQueues;

#[async_trait]
impl Queues for TestQueues {
    async fn depths(&self) -> Option<Vec<Queue>> {
        Some(vec![Queue { queue: "validation.default".to_owned(), ready: 5, unacknowledged: 2 }])
    }
}

pub(crate) struct Api(Router);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// `None` if the answer was cut.
    pub(crate) text: Option<String>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.text.as_deref().unwrap_or("null")).unwrap()
    }
}

impl Api {
    pub(crate) fn open(records: TestRecords) -> Self {
        let lines = Role::ALL.map(|role| {
            format!("[[token]]\nname = \"the-{role}\"\nroles = [\"{role}\"]\nsha256 = \"{}\"\n", hash(role))
        });
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens.toml");
        std::fs::write(&file, lines.concat()).unwrap();
        Self(router(Arc::new(App {
            tokens: Tokens::load(&file).unwrap(),
            records: Arc::new(records),
            queues: Arc::new(TestQueues),
            clock: Arc::new(TestClock),
        })))
    }

    pub(crate) async fn call(&self, token: Option<&str>, method: &str, path: &str, body: &str) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response =
            self.0.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.ok();
        let text = bytes.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        Answer { status: parts.status, headers: parts.headers, text }
    }
}

/// `printf <role>-token | sha256sum`
fn hash(role: Role) -> &'static str {
    match role {
        Role::Viewer => "d036bd6d01a1cae081d39a2f8dab751dc042de814fd60df31fcb553170950f29",
        Role::Operator => "0850123315d21ab90f4f7236408a52ef6dbd6a02a6550e5c10dc73f4d993680e",
        Role::Approver => "697e4faac709ff91018bf81268f62b015913da0d39c2e58eb4ee5dbffc4da325",
        Role::Auditor => "ba1315421b7c58d465abec0bd552af5ff314ed8f9c5c0a7b7a6a6ecbac9bcbe5",
    }
}

pub(crate) fn token(role: Role) -> String {
    format!("{role}-token")
}
