//! `frontdesk recover` with a real broker that loses everything, a real database, and validation as its service runs it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::{path::Path, sync::Arc, time::Duration};

use domain::{
    AdmissionId, ClinicId, Code, CorrelationId, Exchange, MessageId, Meta, Phi, Stage, SubmissionId,
    clock::{Clock, SystemClock},
    envelope::{CONTENT_TYPE, Envelope, Message},
    ids::LetterId,
    letter::{Again, DeadLetter},
    matching::person::Matcher,
    meta::Mode,
    ports::{LetterBox as _, NotSent, Outbox, Pending},
    submission::{Submission, SubmittedForm},
};
use frontdesk::recover::{Broker, Choice, NotAll, Plan, Report};
use jiff::Timestamp;
use ledger::{
    Store,
    acts::Actor,
    read::{Judged, State, Stopped},
    replay::{Forecast, Foreseen, NewItem, Next, Rules},
};
use runtime::{
    Boot, Settings,
    amqp::Properties,
    run_stage,
    topology::{Lanes, Management, Topology},
};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{
    admin::BrokerAdmin,
    env::{TestDatabase, TestVhost},
    wait,
};
use tokio::task::JoinHandle;
use validation::Validation;

const KEY: &str = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";
const INDEX_KEY: &str = "2122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40";
const ADULT: &str = "clinic-01/examples/adult.json";
const ANOTHER: &str = "clinic-02/examples/adult.json";
const SOON: Duration = Duration::from_secs(60);

/// A line that has only its first stage: what it hands on stays in the queue of the second.
struct Line {
    settings: Settings,
    store: Store,
    vhost: TestVhost,
    _database: TestDatabase,
    _folder: TempDir,
}

/// Validation while it runs.
struct Running {
    boot: Boot,
    task: JoinHandle<()>,
}

impl Line {
    async fn new() -> Self {
        let (vhost, database) = (TestVhost::create().await.unwrap(), TestDatabase::create().await.unwrap());
        let folder = tempfile::tempdir().unwrap();
        for (name, key) in [("2026-11.key", KEY), ("index", INDEX_KEY)] {
            std::fs::write(folder.path().join(name), key).unwrap();
        }
        let clinics = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clinics");
        let text = format!(
            "[amqp]\nurl = {:?}\n[management]\nurl = {:?}\n[postgres]\nurl = {:?}\n[clinics]\ndirs = [{clinics:?}]\n\
             [keys]\nsealing_dir = \".\"\nindex_file = \"index\"\n",
            vhost.amqp_url(),
            vhost.management_url(),
            database.url(),
        );
        let settings = Settings::from_toml(&text, folder.path()).unwrap();
        let section = settings.section("postgres").unwrap();
        ledger::migrate(&section).await.unwrap();
        let store = Store::connect(&section, Arc::new(SystemClock)).await.unwrap();
        let line = Self { settings, store, vhost, _database: database, _folder: folder };
        line.apply_topology().await;
        line
    }

    async fn apply_topology(&self) {
        let topology = Topology::derive(&Lanes::read(&self.settings).unwrap());
        Management::from_settings(&self.settings).unwrap().apply(&topology).await.unwrap();
    }

    /// All queues and what is in them are gone.
    async fn lose_the_broker(&self) {
        let admin = BrokerAdmin::new(self.vhost.amqp_url(), self.vhost.management_url()).unwrap();
        admin.remove(self.vhost.name()).await.unwrap();
        admin.create(self.vhost.name()).await.unwrap();
    }

    fn validate(&self) -> Running {
        let boot = Boot::new("validation", self.settings.clone(), Arc::new(SystemClock)).unwrap();
        let clinics = Arc::new(runtime::clinics::load(&self.settings).unwrap());
        let handler = Validation::new(
            Arc::clone(&clinics),
            Arc::new(Matcher::bundled().unwrap()),
            Arc::new(boot.index_key().unwrap()),
            boot.keys().unwrap(),
            self.store.clone(),
        );
        let (of, store) = (boot.clone(), Arc::new(self.store.clone()));
        let task = tokio::spawn(async move {
            run_stage(&of, handler, store.clone(), store, clinics).await.unwrap();
        });
        Running { boot, task }
    }

    /// Waits until so many messages wait for the second stage.
    async fn handed_on(&self, number: u64) {
        let management = Management::from_settings(&self.settings).unwrap();
        let are = || async {
            let depths = management.depths().await.unwrap();
            depths.iter().any(|depth| depth.queue == "eligibility.default" && depth.ready == number)
        };
        wait::until(SOON, are).await.unwrap();
    }

    async fn plan(&self) -> Plan {
        let choice = Choice { clinic: None, received_before: None };
        Plan::make(&self.store, &choice).await.unwrap()
    }

    async fn broker(&self) -> anyhow::Result<Broker> {
        Broker::connect(&self.settings, Arc::new(SystemClock)).await
    }
}

impl Running {
    async fn send(&self, (properties, body): (Properties, Vec<u8>)) {
        let publisher = self.boot.publisher().await.unwrap();
        publisher.link().connected().await.unwrap();
        let key = Exchange::routing_key(&ClinicId::parse("clinic-01").unwrap());
        publisher.publish(Exchange::Ingest.as_str(), &key, properties, body).await.unwrap();
    }

    async fn stop(self) {
        self.boot.shutdown().soft().cancel();
        self.task.await.unwrap();
        self.boot.close().await;
    }
}

/// An example of a clinic, such as `clinic-01/examples/adult.json`.
fn example(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clinics").join(name);
    let example: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    example["submission"].clone()
}

fn properties(content_type: &str) -> Properties {
    let id = MessageId::from_uuid(SystemClock.fresh_id());
    Properties::new(id, "test", content_type, SystemClock.now())
        .correlation(CorrelationId::from_uuid(SystemClock.fresh_id()))
}

/// A submission as a scenario publishes it.
fn clear(name: &str) -> (Properties, Vec<u8>) {
    (properties("application/json"), example(name).to_string().into_bytes())
}

/// A submission as the gateway publishes it.
fn sealed(boot: &Boot, name: &str) -> (Properties, Vec<u8>) {
    let of: Submission = serde_json::from_value(example(name)).unwrap();
    let properties = properties(CONTENT_TYPE);
    let meta = Meta {
        submission: of.submission_id,
        clinic: of.clinic_id,
        source: of.source,
        submitted_at: of.submitted_at,
        received_at: SystemClock.now(),
        correlation: properties.correlation.unwrap(),
        admission: None,
        person: None,
        template: None,
        mode: Mode::Live,
        appointment_at: None,
    };
    let secret = Phi::new(SubmittedForm::new(of.form_version, of.form));
    let envelope = Message { meta, secret }.seal(&boot.keys().unwrap()).unwrap();
    (properties.schema(envelope.schema.clone()), envelope.to_vec().unwrap())
}

#[tokio::test]
async fn a_lost_broker_loses_nothing_that_was_admitted() {
    let line = Line::new().await;
    let validation = line.validate();
    validation.send(clear(ADULT)).await;
    validation.send(sealed(&validation.boot, ANOTHER)).await;
    // A person has to look at this one.
    validation.send(clear("clinic-01/examples/no-consent.json")).await;
    line.handed_on(2).await;
    wait::until(SOON, || async { line.store.stopped(None).await.unwrap().held == 1 }).await.unwrap();
    validation.stop().await;

    line.lose_the_broker().await;
    let refused = line.broker().await.err().unwrap().to_string();
    assert!(refused.contains("topology apply"), "{refused}");
    line.apply_topology().await;

    let plan = line.plan().await;
    assert_eq!(plan.stopped, Stopped { held: 1, dead: 0 });
    assert_eq!(plan.submissions.len(), 2);
    assert!(plan.submissions.iter().all(|one| one.state == State::InFlight));
    let broker = line.broker().await.unwrap();
    let report = broker.republish(&line.store, &plan.submissions, Some(50)).await.unwrap();
    assert_eq!(report, Report { published: 2, ..Report::default() });

    let validation = line.validate();
    line.handed_on(2).await;
    validation.stop().await;
    // The same messages to the journal, the same submissions to the ledger.
    assert_eq!(line.store.judged().await.unwrap(), Judged { messages: 3, repeats: 0 });
    assert_eq!(line.plan().await.submissions, plan.submissions);
    for one in &plan.submissions {
        let hops = line.store.timeline(one.admission).await.unwrap().hops;
        assert_eq!(hops.iter().map(|hop| hop.event.as_str()).collect::<Vec<_>>(), ["emitted", "emitted"]);
    }
    let adult = SubmissionId::parse("example-clinic-01-adult").unwrap();
    assert_eq!(line.store.submission(None, &adult).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_could_not_be_published_is_told() {
    let line = Line::new().await;
    let validation = line.validate();
    validation.send(sealed(&validation.boot, ADULT)).await;
    line.handed_on(1).await;
    validation.stop().await;
    let mut submissions = line.plan().await.submissions;
    let broker = line.broker().await.unwrap();

    // The database knows nothing unfinished of that name: it came to its end meanwhile.
    let mut forgotten = submissions[0].clone();
    forgotten.admission = AdmissionId::from_uuid(SystemClock.fresh_id());
    let report = broker.republish(&line.store, &[forgotten.clone()], None).await.unwrap();
    assert_eq!(report, Report { ended: 1, ..Report::default() });

    // The broker lost everything again, after the connection was made.
    line.lose_the_broker().await;
    submissions.push(forgotten);
    let NotAll { published, wanted, why } =
        broker.republish(&line.store, &submissions, None).await.unwrap_err();
    assert_eq!((published, wanted), (0, 2), "{why}");

    let choice = Choice { clinic: None, received_before: Some(Timestamp::UNIX_EPOCH) };
    assert!(Plan::make(&line.store, &choice).await.unwrap().submissions.is_empty(), "received later");
}

/// Says that it has sent, and the broker loses it.
struct Loses;

impl Outbox for Loses {
    fn send(&self, _: Again) -> Pending<Result<(), NotSent>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

#[tokio::test]
async fn a_replay_that_the_broker_lost_is_published_again() {
    let line = Line::new().await;
    let validation = line.validate();
    let (properties, body) = sealed(&validation.boot, ADULT);
    let (message, now) = (properties.message, SystemClock.now());
    let envelope = Envelope::from_slice(&body).unwrap();
    let letter = DeadLetter {
        id: LetterId::of("validation.default.dlq", Some(message), now, &body),
        message: Some(message),
        stage: Stage::Validation,
        lane: Lanes::default_lane(),
        code: Some(Code::TemplateFailed),
        field: None,
        endpoint: None,
        template: None,
        admission: None,
        submission: Some(envelope.meta.submission),
        clinic: Some(envelope.meta.clinic),
        correlation: envelope.meta.correlation,
        trace_id: None,
        attempt: 1,
        first_failed_at: None,
        died_at: now,
        collected_at: now,
        appointment_at: None,
        schema: envelope.schema,
        body,
    };
    line.store.keep(letter.clone()).await.unwrap();
    let item = NewItem {
        letter: letter.id,
        foreseen: Foreseen::plain(Forecast::WouldCreate),
        clinic: None,
        submission: None,
        edit: None,
    };
    let ann = Actor { name: "ann".to_owned(), role: "operator".to_owned() };
    let plan = line.store.make_plan(&[item], &ann, "mended").await.unwrap();
    let rules = Rules { canary: 0, rate: 10, stop_on: 50 };
    line.store.begin_run(plan, rules, &ann, "go").await.unwrap();
    assert!(line.plan().await.is_empty());
    assert_eq!(
        line.store.replay_next(plan, &Loses, &|_: LetterId, _: &[u8]| None).await,
        Ok(Next::Published)
    );

    let lost = line.plan().await;
    assert_eq!((lost.submissions.len(), &lost.replays), (0, &vec![letter.id]));
    let broker = line.broker().await.unwrap();
    assert_eq!(broker.replay(&line.store, &lost.replays, Some(50)).await.unwrap(), 1);
    line.handed_on(1).await;
    validation.stop().await;
    let now = line.plan().await;
    assert_eq!((now.submissions.len(), now.replays), (1, vec![]), "it is a submission like any other");
    assert_eq!(broker.replay(&line.store, &lost.replays, None).await.unwrap(), 0, "it is heard of");
}
