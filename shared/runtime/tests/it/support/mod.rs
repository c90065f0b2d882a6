//! A toy stage on a virtual host of its own.

mod broker;
mod store;
mod toy;

use std::{sync::Arc, time::Duration};

use domain::{
    ClinicId, CorrelationId, MessageId, Meta, Phi,
    clock::{Clock, SystemClock},
    envelope::{CONTENT_TYPE, Message},
    meta::Mode,
    seal::Keyring,
};
use runtime::{
    Boot, Settings, StageError,
    amqp::{Properties, Publisher},
    config::Secret,
    run_stage,
    topology::{Lanes, Management, Topology},
};
use testkit::env::TestVhost;
use tokio::task::JoinHandle;

pub(crate) use broker::{Got, Peek};
pub(crate) use store::{Board, Limits, Rows};
pub(crate) use toy::{Act, Note, Onward, Toy};

/// Long enough for a busy machine; no test waits this long unless it fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// In no log, queue or row in clear.
pub(crate) const CANARY: &str = "Zebedee Quartermaine";

pub(crate) struct Fixture {
    pub(crate) boot: Boot,
    pub(crate) toy: Toy,
    pub(crate) rows: Arc<Rows>,
    pub(crate) board: Arc<Board>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) publisher: Publisher,
    pub(crate) management: Management,
    pub(crate) peek: Peek,
    pub(crate) vhost: TestVhost,
    folder: tempfile::TempDir,
}

/// The lane `north` has `clinic-n`; every other clinic is in `default`.
pub(crate) async fn fixture() -> Fixture {
    fixture_with("").await
}

/// With more settings.
pub(crate) async fn fixture_with(more: &str) -> Fixture {
    let vhost = TestVhost::create().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("2026-01.key"), "0a".repeat(32)).unwrap();
    let settings = settings(&vhost, vhost.amqp_url(), folder.path(), more);
    let lanes = Lanes::read(&settings).unwrap();
    let management = Management::from_settings(&settings).unwrap();
    management.apply(&Topology::derive(&lanes)).await.unwrap();
    let boot = Boot::new("eligibility", settings, Arc::new(SystemClock)).unwrap();
    let publisher = boot.publisher().await.unwrap();
    publisher.link().connected().await.unwrap();
    Fixture {
        peek: Peek::connect(vhost.amqp_url()).await,
        boot,
        toy: Toy::default(),
        rows: Arc::default(),
        board: Arc::default(),
        limits: Arc::default(),
        publisher,
        management,
        vhost,
        folder,
    }
}

fn settings(vhost: &TestVhost, amqp: &str, folder: &std::path::Path, more: &str) -> Settings {
    let management = vhost.management_url();
    let stage = if more.contains("[stage]") { "" } else { "[stage]\nconcurrency = 8\nprefetch = 16\n" };
    let text = format!(
        "[amqp]\nurl = \"{amqp}\"\n[management]\nurl = \"{management}\"\n[keys]\nsealing_dir = \".\"\n\
         [lanes.north]\nclinics = [\"clinic-n\"]\n{stage}{more}"
    );
    Settings::from_toml(&text, folder).unwrap()
}

impl Fixture {
    pub(crate) fn keys(&self) -> Arc<Keyring> {
        self.boot.keys().unwrap()
    }

    /// Where its keys are.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Another process of the same stage, which reaches the broker by that URL.
    pub(crate) fn boot_by(&self, amqp: &str) -> Boot {
        let settings = settings(&self.vhost, amqp, self.folder.path(), "");
        Boot::new("eligibility", settings, Arc::new(SystemClock)).unwrap()
    }

    /// Runs the toy stage in the background.
    pub(crate) fn run(&self) -> JoinHandle<Result<(), StageError>> {
        self.run_as(&self.boot)
    }

    /// Runs it as that process.
    pub(crate) fn run_as(&self, boot: &Boot) -> JoinHandle<Result<(), StageError>> {
        let (boot, toy) = (boot.clone(), self.toy.clone());
        let (rows, board, limits) = (self.rows.clone(), self.board.clone(), self.limits.clone());
        tokio::spawn(async move { run_stage(&boot, toy, rows, board, limits).await })
    }

    /// Publishes a note to the toy stage's exchange.
    pub(crate) async fn publish(&self, clinic: &str, text: &str, act: Act) -> MessageId {
        let message = message(clinic, text, act);
        let envelope = message.seal(&self.keys()).unwrap();
        let properties = self
            .properties(CONTENT_TYPE)
            .schema(envelope.schema.as_str())
            .correlation(envelope.meta.correlation)
            .clinic(&envelope.meta.clinic);
        let id = properties.message;
        self.publish_raw(clinic, properties, envelope.to_vec().unwrap()).await;
        id
    }

    /// Publishes any body to the toy stage's exchange.
    pub(crate) async fn publish_raw(&self, clinic: &str, properties: Properties, body: Vec<u8>) {
        let key = format!("clinic.{clinic}");
        self.publisher.publish("intake.validated", &key, properties, body).await.unwrap();
    }

    pub(crate) fn properties(&self, content_type: &str) -> Properties {
        Properties::new(MessageId::from_uuid(SystemClock.fresh_id()), "test", content_type, SystemClock.now())
    }

    /// Waits for a message in a queue and takes it.
    pub(crate) async fn take(&self, queue: &str) -> Got {
        let peek = &self.peek;
        testkit::wait::until_some(DEADLINE, || peek.get(queue))
            .await
            .unwrap_or_else(|_| panic!("nothing in {queue}"))
    }

    /// Opens a message that the toy stage handed on.
    pub(crate) fn open(&self, got: &Got) -> Message<Onward> {
        got.envelope().open(&self.keys()).unwrap()
    }

    /// Waits until the condition holds.
    pub(crate) async fn until(&self, mut condition: impl AsyncFnMut() -> bool) {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        while !condition().await {
            assert!(tokio::time::Instant::now() < deadline, "not in time");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops the stage and proves that nothing is left in hand and nothing in clear lies anywhere.
    pub(crate) async fn stop(self, running: JoinHandle<Result<(), StageError>>) {
        self.boot.shutdown().soft().cancel();
        running.await.unwrap().unwrap();
        assert_eq!(self.boot.metrics().in_flight.get(), 0);
        self.boot.close().await;
        drop(self.vhost);
    }

    pub(crate) fn management_at(&self, url: &str) -> Management {
        let secret = |text: &str| Secret::new(text.to_owned());
        Management::new(&secret(self.vhost.management_url()), &secret(url)).unwrap()
    }
}

pub(crate) fn message(clinic: &str, text: &str, act: Act) -> Message<Note> {
    let now = SystemClock.now();
    let meta = Meta {
        submission: format!("s-{}", SystemClock.fresh_id().simple()).parse().unwrap(),
        clinic: clinic.parse::<ClinicId>().unwrap(),
        source: "kiosk".parse().unwrap(),
        submitted_at: now,
        received_at: now,
        correlation: CorrelationId::from_uuid(SystemClock.fresh_id()),
        admission: None,
        person: None,
        template: None,
        mode: Mode::Live,
        appointment_at: None,
    };
    Message { meta, secret: Phi::new(Note { text: text.to_owned(), act }) }
}
