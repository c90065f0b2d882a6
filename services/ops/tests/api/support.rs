//! An API with one token for each role, and fakes.

mod records;
mod rows;

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use domain::{ClinicId, LaneName, blind::IndexKey, clock::Clock};
use jiff::Timestamp;
use ops::{
    App,
    access::Role,
    names::Names,
    ports::Queues,
    router,
    silence::Silences,
    tokens::Tokens,
    views::{Queue, SilentSource},
};
use serde_json::Value;
use tokio::sync::Notify;
use tower::ServiceExt;
use uuid::Uuid;

pub(crate) use records::TestRecords;

pub(crate) struct TestClock;

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_799_000_000).unwrap()
    }

    fn fresh_id(&self) -> Uuid {
        Uuid::nil()
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
