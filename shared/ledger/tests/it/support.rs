//! A fresh database, stores on it, a clock that tests move, and requests to write.

use std::sync::{Arc, Mutex};

use domain::{
    AdmissionId, ClinicId, CorrelationId, LaneName, MessageId, PersonId, Stage, SubmissionId,
    blind::{BlindIndex, IndexKey},
    clock::{Clock, SystemClock},
    effect::{Class, Policy},
    hold,
    hop::{Event, Facts, Hop},
};
use jiff::{SignedDuration, Timestamp};
use ledger::{
    Admission, AdmissionRequest, Config, MatchDecision, MatchRequest, Matcher, Proposed, Store,
    admit::Candidate,
};
use testkit::env::TestDatabase;

/// A clock that stands still until it is moved.
pub(crate) struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub(crate) fn forward(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now += SignedDuration::from_secs(seconds);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn fresh_id(&self) -> uuid::Uuid {
        SystemClock.fresh_id()
    }
}

/// A migrated database of the test's own.
pub(crate) struct Fixture {
    pub(crate) database: TestDatabase,
    pub(crate) clock: Arc<TestClock>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await.unwrap();
        ledger::migrate(&Config::with_url(database.url())).await.unwrap();
        let clock = Arc::new(TestClock(Mutex::new("2026-11-22T09:00:00Z".parse().unwrap())));
        Self { database, clock }
    }

    pub(crate) fn config(&self) -> Config {
        Config { pool_size: 4, statement_timeout_s: 5, ..Config::with_url(self.database.url()) }
    }

    /// A store of its own, as another process would have it.
    pub(crate) async fn store(&self) -> Store {
        Store::connect(&self.config(), self.clock.clone()).await.unwrap()
    }

    /// A connection beside the stores.
    pub(crate) async fn sql(&self) -> tokio_postgres::Client {
        let (client, connection) =
            tokio_postgres::connect(self.database.url(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    pub(crate) async fn count(&self, sql: &str) -> i64 {
        self.sql().await.query_one(sql, &[]).await.unwrap().get(0)
    }
}

pub(crate) fn clinic() -> ClinicId {
    ClinicId::parse("clinic-01").unwrap()
}

pub(crate) fn submission(id: &str) -> SubmissionId {
    SubmissionId::parse(id).unwrap()
}

pub(crate) fn blind(text: &str) -> BlindIndex {
    IndexKey::new(&[1; 32]).index("test", &[text])
}

pub(crate) fn fresh_message() -> MessageId {
    MessageId::from_uuid(SystemClock.fresh_id())
}

pub(crate) fn fresh_admission() -> AdmissionId {
    AdmissionId::from_uuid(SystemClock.fresh_id())
}

pub(crate) fn fresh_person() -> PersonId {
    PersonId::from_uuid(SystemClock.fresh_id())
}

/// A submission whose person is called `name` ("Ada Lovelace": the key is the family name) and asks for `slot`.
pub(crate) fn request(id: &str, name: &str, slot: &str) -> AdmissionRequest {
    let family = name.split(' ').next_back().unwrap();
    let mut request = bare(id, name);
    request.proposed = Proposed::Match(MatchRequest {
        blocks: vec![blind(family), blind(&name.to_lowercase())],
        person: name.as_bytes().to_vec(),
        request: blind(slot),
    });
    request
}

/// A submission without a decision of its own yet.
pub(crate) fn bare(id: &str, content: &str) -> AdmissionRequest {
    let at = "2026-11-22T08:59:00Z".parse().unwrap();
    AdmissionRequest {
        submission: submission(id),
        clinic: clinic(),
        message: fresh_message(),
        correlation: CorrelationId::from_uuid(SystemClock.fresh_id()),
        source: "web_form".parse().unwrap(),
        submitted_at: at,
        received_at: at,
        appointment_at: None,
        template: None,
        content: blind(content),
        corrected: false,
        original: b"sealed".to_vec(),
        proposed: Proposed::Reject { code: domain::Code::MissingField, field: None },
    }
}

/// Equal names are the same person, names that differ in case too; names that differ in the given name are doubtful.
pub(crate) fn matcher() -> Arc<Matcher> {
    Arc::new(|request: &AdmissionRequest, candidates: &[Candidate]| {
        let Proposed::Match(wanted) = &request.proposed else { return MatchDecision::New };
        let name = String::from_utf8(wanted.person.clone()).unwrap().to_lowercase();
        let mut decision = MatchDecision::New;
        for candidate in candidates {
            if String::from_utf8_lossy(&candidate.sealed).to_lowercase() == name {
                return MatchDecision::Same(candidate.person);
            }
            if let MatchDecision::Doubtful(likely) = &mut decision {
                likely.push(like(candidate));
            } else {
                decision = MatchDecision::Doubtful(vec![like(candidate)]);
            }
        }
        decision
    })
}

fn like(candidate: &Candidate) -> hold::Candidate {
    let differs = vec!["given:different".to_owned(), "phone:typo".to_owned()];
    hold::Candidate { id: candidate.person.to_string(), agrees: vec!["family".to_owned()], differs }
}

pub(crate) async fn admit(store: &Store, request: &AdmissionRequest) -> Admission {
    store.admit(request.clone(), matcher()).await.unwrap()
}

/// Admits all at once, each in a task of its own, in turn through each of the stores.
pub(crate) async fn admit_at_once(stores: &[Store], requests: &[AdmissionRequest]) -> Vec<Admission> {
    let tasks: Vec<_> = requests
        .iter()
        .enumerate()
        .map(|(n, request)| {
            let (store, request) = (stores[n % stores.len()].clone(), request.clone());
            tokio::spawn(async move { store.admit(request, matcher()).await.unwrap() })
        })
        .collect();
    let mut admissions = Vec::new();
    for task in tasks {
        admissions.push(task.await.unwrap());
    }
    admissions
}

pub(crate) fn hop(admission: AdmissionId, stage: Stage, event: Event) -> Hop {
    let at = "2026-11-22T09:00:00Z".parse().unwrap();
    Hop {
        admission: Some(admission),
        submission: Some(submission("s-1")),
        clinic: Some(clinic()),
        correlation: None,
        message: fresh_message(),
        stage,
        lane: LaneName::parse("default").unwrap(),
        event,
        code: None,
        field: None,
        endpoint: None,
        template: None,
        attempt: 1,
        trace_id: None,
        started_at: at,
        finished_at: at,
        transition: None,
        facts: Facts::default(),
        parked: None,
    }
}

pub(crate) const LEASE: i64 = 30;

pub(crate) fn policy() -> Policy {
    Policy {
        class: Class::B,
        lease: SignedDuration::from_secs(LEASE),
        lateness: SignedDuration::from_secs(10),
        index_lag: SignedDuration::from_secs(5),
    }
}
