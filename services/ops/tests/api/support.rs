//! An API with one token for each role, and fakes.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use domain::{
    AdmissionId, ClinicId, Code, CorrelationId, Endpoint, FieldPath, LaneName, MessageId, Stage,
    SubmissionId,
    blind::IndexKey,
    breaker::BreakerState,
    clock::Clock,
    effect::Kind,
    hold::{Candidate, Word},
    ids::{EditId, LetterId, ProcessId},
    messages::EligibilityStatus,
    ports::{StoreDown, SwitchScope},
};
use jiff::Timestamp;
use ledger::{
    acts::{Act, ActFilter, Actor, Outcome, What},
    holds::{Decided, Held, HoldFilter, HoldPage, HoldRow, NewDecision, Undecided},
    letters::{EditRow, EditState, LetterFilter, LetterGroup, LetterPage, LetterRow, LetterState},
    look_up::{LookUp, Naming},
    read::{
        Activity, Counts, EffectCount, EffectEvent, Flow, JournalRow, Oldest, OutcomeFilter, OutcomePage,
        OutcomeRow, Parked, Percentiles, State, StateCount, Status, Thread, Timeline,
    },
    switches::Pause,
    watch::{Crash, ToldBreaker},
};
use ops::{
    App,
    access::Role,
    names::Names,
    ports::{Queues, Records},
    router,
    silence::Silences,
    tokens::Tokens,
    views::{Queue, SilentSource},
};
use serde_json::Value;
use tokio::sync::Notify;
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
    /// What was done, oldest first.
    pub(crate) acts: Mutex<Vec<Act>>,
    /// The filters that were asked for.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl TestRecords {
    fn up(&self) -> Result<(), StoreDown> {
        if self.down { Err(StoreDown) } else { Ok(()) }
    }

    fn note(&self, actor: Actor, what: What, (scope, reason): (String, &str), outcome: Outcome) {
        let mut acts = self.acts.lock().unwrap();
        let seq = i64::try_from(acts.len()).unwrap() + 1;
        let reason = reason.to_owned();
        acts.push(Act { seq, at: TestClock.now(), actor, what, scope, reason, until: None, outcome });
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

fn letter(nth: u128) -> LetterRow {
    let id = Uuid::from_u128(nth);
    LetterRow {
        id: LetterId::from_uuid(id),
        message_id: Some(MessageId::from_uuid(id)),
        stage: "ehr-writer".to_owned(),
        lane: "default".to_owned(),
        code: Some(Code::EhrRejected),
        field: Some("patient.given".to_owned()),
        endpoint: None,
        template: Some("clinic-01@1".to_owned()),
        fingerprint: "ehr-writer/ehr_rejected/patient.given/clinic-01@1".to_owned(),
        admission_id: Some(AdmissionId::from_uuid(id)),
        submission_id: Some(SubmissionId::parse("s-1").unwrap()),
        clinic_id: Some(ClinicId::parse("clinic-01").unwrap()),
        correlation_id: CorrelationId::from_uuid(id),
        trace_id: Some("0af7651916cd43dd8448eb211c80319c".to_owned()),
        attempts: 3,
        first_failed_at: Some(TestClock.now()),
        died_at: TestClock.now(),
        collected_at: TestClock.now(),
        appointment_at: Some(TestClock.now()),
        schema: "intake.checked.v1".to_owned(),
        state: LetterState::Open,
        state_at: None,
        plan_id: None,
    }
}

/// One that was not admitted.
fn poison() -> LetterRow {
    LetterRow {
        code: Some(Code::Poison),
        fingerprint: "ehr-writer/poison/-/-".to_owned(),
        admission_id: None,
        submission_id: None,
        clinic_id: None,
        ..letter(2)
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

    async fn pause(&self, pause: &Pause, role: &str) -> Result<Outcome, StoreDown> {
        self.up()?;
        self.pauses.lock().unwrap().push(pause.clone());
        let actor = Actor { name: pause.actor.clone(), role: role.to_owned() };
        self.note(actor, What::Paused, (pause.scope.to_string(), &pause.reason), Outcome::Done);
        Ok(Outcome::Done)
    }

    async fn resume(
        &self,
        scope: &SwitchScope,
        actor: &Actor,
        reason: &str,
    ) -> Result<Option<Pause>, StoreDown> {
        self.up()?;
        let mut pauses = self.pauses.lock().unwrap();
        let ended = pauses.iter().position(|pause| pause.scope == *scope).map(|at| pauses.remove(at));
        let outcome = if ended.is_some() { Outcome::Done } else { Outcome::Nothing };
        self.note(actor.clone(), What::Resumed, (scope.to_string(), reason), outcome);
        Ok(ended)
    }

    async fn acts(&self, filter: &ActFilter, before: Option<i64>, limit: u32) -> Result<Vec<Act>, StoreDown> {
        self.up()?;
        self.asked.lock().unwrap().push(format!("{filter:?}"));
        let acts = self.acts.lock().unwrap();
        let earlier = acts.iter().rev().filter(|act| before.is_none_or(|before| act.seq < before));
        Ok(earlier.take(limit as usize).cloned().collect())
    }

    async fn activity(&self, _: Timestamp) -> Result<Activity, StoreDown> {
        self.up()?;
        let lane = || LaneName::parse("default").unwrap();
        let clinic = ClinicId::parse("clinic-01").ok();
        let received_at = Timestamp::from_second(1_798_999_910).unwrap();
        Ok(Activity {
            flows: vec![Flow { stage: Stage::Validation, lane: lane(), clinic, left: 60, emitted: 50 }],
            held: vec![Parked { stage: Stage::EhrWriter, lane: lane(), count: 3 }],
            dead: vec![Parked { stage: Stage::EhrWriter, lane: lane(), count: 4 }],
            oldest: vec![Oldest { stage: Stage::EhrWriter, lane: lane(), received_at }],
        })
    }

    async fn standing(&self, _: Option<&ClinicId>) -> Result<Vec<(State, u64)>, StoreDown> {
        self.up()?;
        let count = |state| match state {
            State::InFlight => 4,
            State::Held => 3,
            _ => 0,
        };
        Ok(State::ALL.map(|state| (state, count(state))).into())
    }

    async fn letter_groups(&self, filter: &LetterFilter) -> Result<Vec<LetterGroup>, StoreDown> {
        self.up()?;
        self.asked.lock().unwrap().push(format!("{filter:?}"));
        Ok(vec![LetterGroup {
            fingerprint: letter(1).fingerprint,
            stage: "ehr-writer".to_owned(),
            code: Some(Code::EhrRejected),
            count: 3,
            last_hour: 2,
            hour_before: 1,
            first_seen: TestClock.now(),
            last_seen: TestClock.now(),
            soonest_appointment: Some(TestClock.now()),
            clinics: vec!["clinic-01".to_owned()],
        }])
    }

    async fn letters(
        &self,
        filter: &LetterFilter,
        after: Option<LetterId>,
        limit: u32,
    ) -> Result<LetterPage, StoreDown> {
        self.up()?;
        self.asked.lock().unwrap().push(format!("{filter:?} {after:?} {limit}"));
        Ok(LetterPage { letters: vec![letter(1)], next: Some(letter(1).id) })
    }

    async fn letter(&self, id: LetterId) -> Result<Option<LetterRow>, StoreDown> {
        self.up()?;
        Ok([letter(1), poison()].into_iter().find(|letter| letter.id == id))
    }

    async fn edits(&self, letter: LetterId) -> Result<Vec<EditRow>, StoreDown> {
        self.up()?;
        let at = || Timestamp::from_second(1_798_999_990).unwrap();
        let edit = |nth: u128, state| EditRow {
            id: EditId::from_uuid(Uuid::from_u128(nth)),
            letter_id: letter,
            fields: vec!["patient.email".to_owned()],
            state,
            state_at: at(),
            made_at: at(),
            requester: "on-call".to_owned(),
            reason: "the patient called".to_owned(),
            approver: None,
        };
        let edited = letter == self::letter(1).id;
        Ok(if edited {
            vec![edit(7, EditState::Superseded), edit(8, EditState::InForce)]
        } else {
            Vec::new()
        })
    }

    async fn admission(&self, id: AdmissionId) -> Result<Option<(Status, Timeline)>, StoreDown> {
        self.up()?;
        let there = [letter(1).admission_id, Some(AdmissionId::from_uuid(Uuid::nil()))].contains(&Some(id));
        Ok(there.then(|| (status(&SubmissionId::parse("s-1").unwrap()), timeline())))
    }

    async fn breakers(&self) -> Result<Vec<ToldBreaker>, StoreDown> {
        self.up()?;
        let told = |state, told_at| ToldBreaker {
            process: ProcessId::from_uuid(Uuid::nil()),
            stage: Stage::EhrWriter,
            endpoint: Endpoint::ehr("main"),
            state,
            since: Timestamp::from_second(1_798_999_900).unwrap(),
            probe_at: (state == BreakerState::Open).then(|| Timestamp::from_second(1_799_000_003).unwrap()),
            lanes: vec![LaneName::parse("default").unwrap()],
            told_at,
        };
        let long_ago = Timestamp::from_second(1_798_999_950).unwrap();
        Ok(vec![told(BreakerState::Open, TestClock.now()), told(BreakerState::Recovering, long_ago)])
    }

    async fn crash(&self, message: MessageId) -> Result<Option<Crash>, StoreDown> {
        self.up()?;
        let (stage, last_seen_at) = ("ehr-writer".to_owned(), TestClock.now());
        let there = poison().message_id == Some(message);
        Ok(there.then_some(Crash { stage, comebacks: 4, deaths: 2, last_seen_at }))
    }

    async fn named(
        &self,
        name: &str,
        clinic: Option<&ClinicId>,
        limit: u32,
    ) -> Result<Vec<(Naming, Status)>, StoreDown> {
        self.up()?;
        let one = || status(&SubmissionId::parse("s-1").unwrap());
        let here = clinic.is_none_or(|clinic| clinic.as_str() == "clinic-01");
        Ok(match name {
            "s-1" if here => vec![(Naming::Submission, one())],
            "several" => (0..limit).map(|_| (Naming::Message, one())).collect(),
            _ => Vec::new(),
        })
    }

    async fn look_up(&self, wanted: &LookUp, _: u32) -> Result<Vec<Status>, StoreDown> {
        self.up()?;
        self.asked.lock().unwrap().push(format!("{wanted:?}"));
        let somebody = wanted.indexes.iter().any(|(clinic, _)| clinic.as_str() != "clinic-02");
        Ok(somebody.then(|| status(&SubmissionId::parse("s-1").unwrap())).into_iter().collect())
    }

    async fn holds(
        &self,
        filter: &HoldFilter,
        after: Option<AdmissionId>,
        limit: u32,
    ) -> Result<HoldPage, StoreDown> {
        self.up()?;
        self.asked.lock().unwrap().push(format!("{filter:?} {after:?} {limit}"));
        Ok(HoldPage { holds: vec![hold().row], next: Some(hold().row.admission_id) })
    }

    async fn hold(&self, id: AdmissionId) -> Result<Option<Held>, StoreDown> {
        self.up()?;
        Ok(Some(hold()).filter(|hold| hold.row.admission_id == id))
    }

    /// Everything but what is asked for elsewhere is refused, as the ledger would refuse it.
    async fn decide(&self, decision: &NewDecision) -> Result<Decided, Undecided> {
        self.up()?;
        let row = hold().row;
        if decision.admission != row.admission_id {
            return Err(Undecided::Unknown);
        }
        let state = match decision.verdict.word {
            Word::SamePerson | Word::DifferentPerson => State::InFlight,
            Word::Close => State::Rejected,
            _ => return Err(Undecided::NotAllowed(row.code)),
        };
        let scope = (format!("admission:{}", row.admission_id), decision.reason.as_str());
        self.note(decision.actor.clone(), What::Decided, scope, Outcome::Done);
        let thread = Thread { correlation: CorrelationId::from_uuid(Uuid::nil()), trace_id: None };
        Ok(Decided { row, state, effect: None, thread })
    }
}

/// A doubtful match.
fn hold() -> Held {
    let row = HoldRow {
        admission_id: AdmissionId::from_uuid(Uuid::from_u128(1)),
        submission_id: SubmissionId::parse("s-1").unwrap(),
        clinic_id: ClinicId::parse("clinic-01").unwrap(),
        stage: Stage::Validation,
        lane: LaneName::parse("default").unwrap(),
        code: Code::DoubtfulMatch,
        field: None,
        since: TestClock.now(),
        appointment_at: Some(TestClock.now()),
    };
    let candidate = Candidate {
        id: Uuid::from_u128(7).to_string(),
        agrees: vec!["family".to_owned()],
        differs: vec!["birth_date:typo".to_owned()],
    };
    Held {
        row,
        person: None,
        candidates: vec![candidate],
        slots: vec![],
        doubts: vec![],
        channels: vec![],
        decisions: vec![],
    }
}

/// The key of the blind indexes.
pub(crate) const INDEX_KEY: [u8; 32] = [7; 32];

struct TestQueues;

#[async_trait]
impl Queues for TestQueues {
    async fn depths(&self) -> Option<Vec<Queue>> {
        Some(vec![Queue { queue: "validation.default".to_owned(), ready: 5, unacknowledged: 2 }])
    }
}

pub(crate) struct Api(Router, Arc<Notify>);

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
        Self::with(records, Some(Arc::new(IndexKey::new(&INDEX_KEY))))
    }

    pub(crate) fn without_index(records: TestRecords) -> Self {
        Self::with(records, None)
    }

    fn with(records: TestRecords, index: Option<Arc<IndexKey>>) -> Self {
        let lines = Role::ALL.map(|role| {
            format!("[[token]]\nname = \"the-{role}\"\nroles = [\"{role}\"]\nsha256 = \"{}\"\n", hash(role))
        });
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens.toml");
        std::fs::write(&file, lines.concat()).unwrap();
        let silences = Silences::default();
        silences.set(vec![SilentSource {
            clinic_id: ClinicId::parse("clinic-01").unwrap(),
            source: "web_form".parse().unwrap(),
            since: TestClock.now(),
            per_hour: 4.5,
        }]);
        let decided = Arc::new(Notify::new());
        let app = App {
            tokens: Tokens::load(&file).unwrap(),
            records: Arc::new(records),
            queues: Arc::new(TestQueues),
            names: Names {
                lanes: [LaneName::parse("default").unwrap()].into(),
                clinics: Some([(ClinicId::parse("clinic-01").unwrap(), "main".to_owned())].into()),
                ehrs: Some(["main".to_owned()].into()),
                payers: None,
            },
            clock: Arc::new(TestClock),
            replay: None,
            index,
            decided: Arc::clone(&decided),
            reconciler: None,
            silences,
        };
        Self(router(Arc::new(app)), decided)
    }

    /// Whether somebody was told of a decision since this was asked last.
    pub(crate) async fn told(&self) -> bool {
        tokio::time::timeout(std::time::Duration::ZERO, self.1.notified()).await.is_ok()
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
