//! A database, the checkout's templates with one that a test may break, and dead letters as validation and the EHR-writer leave them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{
    AdmissionId, Code, CorrelationId, MessageId, Meta, Phi, Stage,
    blind::IndexKey,
    clock::{Clock, SystemClock},
    envelope::{Envelope, RAW_SCHEMA},
    ids::LetterId,
    letter::DeadLetter,
    matching::person::Matcher,
    meta::Mode,
    ports::LetterBox,
    seal::Keyring,
};
use ledger::{
    Config, Store,
    acts::Actor,
    letters::{LetterFilter, LetterState},
    replay::{Choice, ItemRow},
};
use ops::replay::{Replay, Tools};
use serde_json::{Value, json};
use testkit::env::TestDatabase;

/// The checkout's templates.
pub(crate) const CLINICS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clinics");
/// In no row in clear.
pub(crate) const CANARY: &str = "Zebedee";

pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) replay: Arc<Replay>,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) database: TestDatabase,
    overlay: tempfile::TempDir,
}

pub(crate) fn actor() -> Actor {
    Actor { name: "ann".to_owned(), role: "operator".to_owned() }
}

pub(crate) fn keyring() -> Arc<Keyring> {
    Arc::new(Keyring::new([("2026-01".to_owned(), vec![10; 32])]).unwrap())
}

pub(crate) fn index() -> IndexKey {
    IndexKey::new(&[1; 32])
}

pub(crate) async fn store(database: &TestDatabase) -> Store {
    Store::connect(&Config::with_url(database.url()), Arc::new(SystemClock)).await.unwrap()
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await.unwrap();
        ledger::migrate(&Config::with_url(database.url())).await.unwrap();
        let (store, keys, overlay) = (store(&database).await, keyring(), tempfile::tempdir().unwrap());
        let replay = Arc::new(replay(&store, &keys, overlay.path().to_owned()));
        Self { store, replay, keys, database, overlay }
    }

    /// The template of clinic-01 with a field's rule set otherwise, or as it is.
    pub(crate) fn template(&self, rule: Option<&str>) {
        let folder = self.overlay.path().join("clinic-01");
        std::fs::create_dir_all(&folder).unwrap();
        let text = std::fs::read_to_string(Path::new(CLINICS).join("clinic-01/template.toml")).unwrap();
        let more = rule.map(|rule| format!("\n[fields]\n{rule}\n")).unwrap_or_default();
        std::fs::write(folder.join("template.toml"), text + &more).unwrap();
    }

    pub(crate) async fn keep(&self, letter: &DeadLetter) {
        self.store.keep(letter.clone()).await.unwrap();
    }

    /// What the dry run says of all open letters, in the order of their deaths.
    pub(crate) async fn foreseen(&self) -> Vec<ItemRow> {
        let (plan, more) = self.replay.plan(&all(), 100, &actor(), "to see").await.unwrap();
        assert!(!more);
        self.store.plan_items(plan.id, None, 100).await.unwrap().items
    }

    pub(crate) async fn sql(&self) -> tokio_postgres::Client {
        let (client, connection) =
            tokio_postgres::connect(self.database.url(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

pub(crate) fn replay(store: &Store, keys: &Arc<Keyring>, overlay: PathBuf) -> Replay {
    Replay::new(Tools {
        store: store.clone(),
        templates: Arc::new(move || runtime::clinics::load_dir(&[Path::new(CLINICS), &overlay])),
        keys: keys.clone(),
        index: index(),
        matcher: Matcher::bundled().unwrap(),
        clock: Arc::new(SystemClock),
    })
}

/// All that is open.
pub(crate) fn all() -> Choice {
    let filter = LetterFilter { state: Some(LetterState::Open), ..LetterFilter::default() };
    Choice { filter, letters: Vec::new() }
}

/// A submission of clinic-01's examples, under a name of its own.
pub(crate) fn submission(example: &str, id: &str) -> Value {
    let path = Path::new(CLINICS).join(format!("clinic-01/examples/{example}.json"));
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut submission = file["submission"].take();
    submission["submission_id"] = json!(id);
    submission
}

pub(crate) fn meta(clinic: &str, submission: &str) -> Meta {
    let now = SystemClock.now();
    Meta {
        submission: submission.parse().unwrap(),
        clinic: clinic.parse().unwrap(),
        source: "web_form".parse().unwrap(),
        submitted_at: now,
        received_at: now,
        correlation: CorrelationId::from_uuid(SystemClock.fresh_id()),
        admission: None,
        person: None,
        template: None,
        mode: Mode::Live,
        appointment_at: None,
    }
}

/// As it died in validation, having come in clear.
pub(crate) fn from_clear(body: Vec<u8>, keys: &Keyring, code: Code) -> DeadLetter {
    let envelope =
        Envelope::seal_bytes(RAW_SCHEMA, meta("unknown", "unknown"), Phi::new(body), keys).unwrap();
    letter(Stage::Validation, &envelope, code)
}

/// As it died at a later stage.
pub(crate) fn letter(stage: Stage, envelope: &Envelope, code: Code) -> DeadLetter {
    let (message, died_at) = (MessageId::from_uuid(SystemClock.fresh_id()), SystemClock.now());
    let body = envelope.to_vec().unwrap();
    DeadLetter {
        id: LetterId::of(&format!("{stage}.default.dlq"), Some(message), died_at, &body),
        message: Some(message),
        stage,
        lane: "default".parse().unwrap(),
        code: Some(code),
        field: None,
        endpoint: None,
        template: None,
        admission: envelope.meta.admission,
        submission: None,
        clinic: None,
        correlation: envelope.meta.correlation,
        trace_id: None,
        attempt: 1,
        first_failed_at: None,
        died_at,
        collected_at: died_at,
        appointment_at: None,
        schema: envelope.schema.clone(),
        body,
    }
}

pub(crate) fn fresh_admission() -> AdmissionId {
    AdmissionId::from_uuid(SystemClock.fresh_id())
}
