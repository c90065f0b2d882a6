//! A gateway with two sources, two clinics, and fakes where the broker and the database are.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode},
};
use domain::{
    ClinicId, SubmissionId,
    blind::IndexKey,
    clock::Clock,
    envelope::{Envelope, Message},
    ports::{Pending, StoreDown, SwitchBoard, SwitchScope},
    reconcile::Accepted,
    seal::Keyring,
    submission::SubmittedForm,
};
use gateway::{
    App, Pauses, Replays, Submissions,
    ports::{Count, Ingest, NotConfirmed, Standing, Standings},
    router,
    sources::Sources,
};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Semaphore;
use tower::ServiceExt;
use uuid::Uuid;

pub(crate) const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
pub(crate) const API_KEY: &str = "kiosk-key-1";
pub(crate) const NOW: i64 = 1_799_000_000;

/// `web` signs, for clinic-01 and clinic-02; `kiosks` has an API key, for clinic-01.
const SOURCES: &str = r#"
[[source]]
name = "web"
kind = "web_form"
clinics = ["*"]
secret_files = ["old.secret", "new.secret"]

[[source]]
name = "kiosks"
kind = "kiosk"
clinics = ["clinic-01"]
# printf kiosk-key-1 | sha256sum
api_key_sha256 = ["KEY_HASH"]
"#;

/// Stands still, and numbers what it makes.
struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn fresh_id(&self) -> Uuid {
        Uuid::from_u128(self.0.fetch_add(1, Ordering::Relaxed).into())
    }
}

/// A broker that keeps what it gets, and can be down or slow.
pub(crate) struct TestIngest {
    pub(crate) got: Mutex<Vec<Envelope>>,
    pub(crate) down: AtomicBool,
    /// A publish takes a permit: none left, it waits.
    pub(crate) pace: Semaphore,
}

#[async_trait]
impl Ingest for TestIngest {
    async fn publish(&self, envelope: Envelope) -> Result<(), NotConfirmed> {
        let _pace = self.pace.acquire().await.map_err(|_| NotConfirmed)?;
        if self.down.load(Ordering::Relaxed) {
            return Err(NotConfirmed);
        }
        self.got.lock().unwrap().push(envelope);
        Ok(())
    }

    fn ready(&self) -> bool {
        !self.down.load(Ordering::Relaxed)
    }
}

/// What was counted.
#[derive(Default)]
pub(crate) struct Counted(pub(crate) Mutex<Vec<Accepted>>);

#[async_trait]
impl Count for Counted {
    async fn accepted(&self, one: Accepted) {
        self.0.lock().unwrap().push(one);
    }
}

/// A database with these rows, or none at all.
#[derive(Default)]
pub(crate) struct TestStandings(pub(crate) Mutex<Option<Vec<Standing>>>);

#[async_trait]
impl Standings for TestStandings {
    async fn of(&self, _: &SubmissionId) -> Result<Vec<Standing>, StoreDown> {
        self.0.lock().unwrap().clone().ok_or(StoreDown)
    }
}

pub(crate) struct Paused(pub(crate) ClinicId);

impl SwitchBoard for Paused {
    fn paused(&self) -> Pending<Result<Vec<SwitchScope>, StoreDown>> {
        let scope = SwitchScope::Clinic(self.0.clone());
        Box::pin(async move { Ok(vec![scope]) })
    }
}

pub(crate) struct Door {
    pub(crate) router: Router,
    pub(crate) app: Arc<App>,
    pub(crate) ingest: Arc<TestIngest>,
    pub(crate) counted: Arc<Counted>,
    pub(crate) standings: Arc<TestStandings>,
    pub(crate) keys: Arc<Keyring>,
}

pub(crate) fn clinic(name: &str) -> ClinicId {
    ClinicId::parse(name).unwrap()
}

impl Door {
    pub(crate) fn open() -> Self {
        Self::with_places(16, 8)
    }

    /// A gateway with so many places, and so many for one source.
    pub(crate) fn with_places(all: usize, one: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("old.secret", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n");
        write("new.secret", SECRET);
        let hash = "b18838b5bdc0aba8600541855e20d21a059d19d442e3cb27f93b197b7f0c90ff";
        write("sources.toml", &SOURCES.replace("KEY_HASH", hash));
        let ingest = Arc::new(TestIngest {
            got: Mutex::default(),
            down: AtomicBool::new(false),
            pace: Semaphore::new(1000),
        });
        let standings = Arc::new(TestStandings::default());
        let counted = Arc::new(Counted::default());
        let keys = Arc::new(Keyring::new([("2026-11".to_owned(), vec![1; 32])]).unwrap());
        let app = Arc::new(App {
            sources: Sources::load(&folder.path().join("sources.toml"), one).unwrap(),
            clinics: [clinic("clinic-01"), clinic("clinic-02")].into(),
            pauses: Arc::new(Pauses::default()),
            submissions: Submissions::default(),
            replays: Replays::default(),
            keys: Arc::clone(&keys),
            index: Arc::new(IndexKey::new(&[2; 32])),
            ingest: ingest.clone(),
            count: counted.clone(),
            standings: standings.clone(),
            clock: Arc::new(TestClock(AtomicU64::new(1))),
            metrics: Arc::default(),
            places: Arc::new(Semaphore::new(all)),
            read_timeout: std::time::Duration::from_millis(300),
            public_url: "https://intake.example.org".to_owned(),
            stopping: AtomicBool::new(false),
        });
        Self { router: router(Arc::clone(&app)), app, ingest, counted, standings, keys }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        Answer::read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// So many messages arrived, and all are one submission, under one correlation.
    pub(crate) fn one_submission(&self, messages: usize) {
        let got = self.ingest.got.lock().unwrap();
        let names: HashSet<_> = got.iter().map(|one| (&one.meta.submission, one.meta.correlation)).collect();
        assert_eq!((got.len(), names.len()), (messages, 1), "messages, submissions");
    }

    /// What the line would read: the only message that arrived, opened.
    pub(crate) fn only_message(&self) -> Message<SubmittedForm> {
        let got = self.ingest.got.lock().unwrap();
        assert_eq!(got.len(), 1, "messages");
        got[0].clone().open(&self.keys).unwrap()
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    async fn read(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Self { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A request with the API key of `kiosks`.
pub(crate) fn keyed(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/json")
        .header("x-api-key", API_KEY)
        .body(body.into())
        .unwrap()
}

/// A request as a Make.com scenario signs it, by the reference library.
pub(crate) fn signed(path: &str, id: &str, body: &str) -> Request<Body> {
    let signature = standardwebhooks::Webhook::new(SECRET).unwrap().sign(id, NOW, body.as_bytes()).unwrap();
    Request::post(path)
        .header("content-type", "application/json; charset=utf-8")
        .header("webhook-id", id)
        .header("webhook-timestamp", NOW)
        .header("webhook-signature", signature)
        .body(body.to_owned().into())
        .unwrap()
}

pub(crate) fn get(path: &str) -> Request<Body> {
    Request::get(path).header("authorization", format!("Bearer {API_KEY}")).body(Body::empty()).unwrap()
}

/// A full submission of the kiosks.
pub(crate) fn submission(id: &str) -> Value {
    serde_json::json!({
        "submission_id": id, "clinic_id": "clinic-01", "source": "kiosk",
        "submitted_at": "2027-01-07T09:02:39Z", "form_version": "1", "form": {"LAST": "Canary-Smith"}
    })
}

/// Adds a header.
pub(crate) fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}
