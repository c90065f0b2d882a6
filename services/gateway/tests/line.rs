//! The whole gateway, as its `main` runs it, with a real broker and, where it matters, a real database.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use domain::{
    AdmissionId, CorrelationId, MessageId,
    blind::IndexKey,
    clock::{Clock, SystemClock},
    envelope::Envelope,
    ids::SourceName,
    ports::SwitchScope,
    reconcile::Day,
    seal::Keyring,
    submission::SubmittedForm,
};
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use lapin::{
    Connection, ConnectionProperties,
    message::Delivery,
    options::BasicConsumeOptions,
    types::{AMQPValue, FieldTable},
};
use ledger::{AdmissionRequest, Config, Proposed, Store, acts::Actor, switches::Pause};
use reqwest::{Client, Response, StatusCode};
use runtime::{
    Boot, Settings,
    config::{Secret, TelemetrySection},
    topology::{Lanes, Management, Topology},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{
    collector::Collector,
    env::{TestDatabase, TestVhost},
    wait,
};
use tokio::task::JoinHandle;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const KEY: &str = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20";
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const STRANGER: &str = "00-11111111111111111111111111111111-2222222222222222-01";
/// Nothing listens there.
const NOWHERE: &str = "127.0.0.1:9";

struct Gateway {
    boot: Boot,
    address: SocketAddr,
    running: JoinHandle<anyhow::Result<()>>,
    client: Client,
    folder: TempDir,
}

impl Gateway {
    async fn start(amqp: &str, postgres: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), amqp, postgres).await
    }

    /// In a folder where another process of it may have been.
    async fn start_in(folder: TempDir, amqp: &str, postgres: &str) -> Self {
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("web.secret", SECRET);
        write("2026-11.key", KEY);
        // No key may have two purposes.
        write("index", &KEY.replace("0102", "ff02"));
        let source = "[[source]]\nname = \"web\"\nkind = \"web_form\"\nclinics = [\"*\"]\nsecret_files = [\"web.secret\"]";
        write("sources.toml", source);
        let clinics = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clinics");
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let settings = format!(
            "[amqp]\nurl = {amqp:?}\n[postgres]\nurl = {postgres:?}\n[keys]\nsealing_dir = \".\"\nindex_file = \"index\"\n\
             [clinics]\ndirs = [{clinics:?}]\n[gateway]\nlisten = \"{address}\"\nsources_file = \"sources.toml\"\ncount_dir = \"count\"\n"
        );
        let settings = Settings::from_toml(&settings, folder.path()).unwrap();
        let boot = Boot::new("gateway", settings, Arc::new(SystemClock)).unwrap();
        let running = tokio::spawn(gateway::run(boot.clone()));
        let gateway = Self { boot, address, running, client: Client::new(), folder };
        gateway.until("/health/live", StatusCode::OK).await;
        gateway
    }

    /// Asks until the answer is as expected.
    async fn until(&self, path: &str, expected: StatusCode) {
        let ask = || async { self.get(path).await.is_some_and(|status| status == expected) };
        wait::until(Duration::from_secs(20), ask).await.unwrap();
    }

    async fn get(&self, path: &str) -> Option<StatusCode> {
        Some(self.client.get(format!("http://{}{path}", self.address)).send().await.ok()?.status())
    }

    async fn send(&self, request: reqwest::RequestBuilder, id: &str, body: &str) -> Response {
        let now = SystemClock.now().as_second();
        let signature =
            standardwebhooks::Webhook::new(SECRET).unwrap().sign(id, now, body.as_bytes()).unwrap();
        request
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", signature)
            .header("traceparent", TRACEPARENT)
            .header("tracestate", "patient=Canary")
            .header("baggage", "patient=Canary")
            .body(body.to_owned())
            .send()
            .await
            .unwrap()
    }

    async fn post(&self, path: &str, id: &str, body: &Value) -> Response {
        let request = self.client.post(format!("http://{}{path}", self.address));
        self.send(request, id, &body.to_string()).await
    }

    async fn ask(&self, path: &str) -> Response {
        let request = self.client.get(format!("http://{}{path}", self.address));
        self.send(request, "ask", "").await
    }

    /// Stops it; gives its folder.
    async fn stop(self) -> TempDir {
        self.boot.shutdown().soft().cancel();
        self.running.await.unwrap().unwrap();
        self.boot.close().await;
        self.folder
    }
}

async fn apply_topology(vhost: &TestVhost) {
    let secret = |text: &str| Secret::new(text.to_owned());
    let management = Management::new(&secret(vhost.management_url()), &secret(vhost.amqp_url())).unwrap();
    management.apply(&Topology::derive(&Lanes::default())).await.unwrap();
}

async fn code(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

async fn next_message(vhost: &TestVhost) -> Delivery {
    let connection = Connection::connect(vhost.amqp_url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let mut consumer = channel
        .basic_consume(
            "validation.default".into(),
            "test".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await
        .unwrap();
    tokio::time::timeout(Duration::from_secs(20), consumer.next()).await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn a_form_is_in_the_queue_sealed_while_the_database_is_down() {
    let vhost = TestVhost::create().await.unwrap();
    apply_topology(&vhost).await;
    let gateway = Gateway::start(vhost.amqp_url(), &format!("postgres://nobody@{NOWHERE}/none")).await;
    let collector = Collector::start().await.unwrap();
    let section =
        TelemetrySection { otlp_endpoint: Some(collector.url().to_owned()), ..TelemetrySection::default() };
    let telemetry =
        runtime::telemetry::init(gateway.boot.origin(), &section, gateway.boot.metrics()).unwrap();
    gateway.until("/health/ready", StatusCode::OK).await;
    let stranger = gateway.client.get(format!("http://{}/v1/submissions/s-1", gateway.address));
    let stranger = stranger.header("traceparent", STRANGER).header("tracestate", "patient=Canary");
    assert_eq!(stranger.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);

    let form = json!({"q3_fullName": {"last": "Canary"}});
    let response = gateway.post("/v1/intake/clinic-01/1", "msg_1", &form).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let accepted: Value = response.json().await.unwrap();

    let delivery = next_message(&vhost).await;
    assert_eq!(
        (delivery.exchange.as_str(), delivery.routing_key.as_str()),
        ("intake.ingest", "clinic.clinic-01")
    );
    let properties = &delivery.properties;
    assert_eq!(properties.kind().as_ref().unwrap().as_str(), "intake.submission.v1");
    assert_eq!(
        properties.content_type().as_ref().unwrap().as_str(),
        "application/vnd.frontdesk.envelope+json"
    );
    assert_eq!(properties.correlation_id().as_ref().unwrap().as_str(), accepted["correlation_id"]);
    assert_eq!(properties.app_id().as_ref().unwrap().as_str(), "gateway");
    assert_eq!(*properties.delivery_mode(), Some(2));
    let headers = properties.headers().as_ref().unwrap().inner();
    let AMQPValue::LongString(traceparent) = &headers["traceparent"] else { panic!("no traceparent") };
    assert!(String::from_utf8_lossy(traceparent.as_bytes()).contains(&TRACEPARENT[3..35]), "another trace");
    assert!(!headers.contains_key("tracestate") && !headers.contains_key("baggage"), "{headers:?}");
    assert!(!String::from_utf8_lossy(&delivery.data).contains("Canary"));
    let keys = Keyring::new([("2026-11".to_owned(), (1..=32).collect())]).unwrap();
    let message = Envelope::from_slice(&delivery.data).unwrap().open::<SubmittedForm>(&keys).unwrap();
    assert_eq!(message.meta.submission.as_str(), "msg_1");
    assert_eq!(message.secret.expose().form, form);

    let asked = gateway.ask("/v1/submissions/msg_1?clinic=clinic-01").await;
    assert_eq!(code(asked).await, (503, "store_unavailable".to_owned()));
    gateway.stop().await;

    // Whoever is known is joined, and nobody else.
    tokio::task::spawn_blocking(move || drop(telemetry)).await.unwrap();
    let spans = collector.spans();
    let of = |name: &str| spans.iter().filter(move |span| span.name == name).collect::<Vec<_>>();
    let posted = of("POST /v1/intake/{clinic}/{form}");
    assert_eq!(
        (posted[0].trace.as_str(), posted[0].parent.as_deref()),
        (&TRACEPARENT[3..35], Some(&TRACEPARENT[36..52]))
    );
    let asked = of("GET /v1/submissions/{id}");
    assert_eq!((asked.len(), asked[0].parent.as_deref()), (2, None), "a stranger");
    assert_eq!(asked[1].parent.as_deref(), Some(&TRACEPARENT[36..52]));
    assert!(spans.iter().all(|span| span.trace != STRANGER[3..35]), "a stranger's trace");
}

#[tokio::test]
async fn without_a_broker_or_a_route_nothing_is_promised() {
    let gateway =
        Gateway::start(&format!("amqp://guest:guest@{NOWHERE}/%2f"), "postgres://nobody@127.0.0.1:9/none")
            .await;
    assert_eq!(gateway.get("/health/ready").await, Some(StatusCode::SERVICE_UNAVAILABLE));
    let answer = gateway.post("/v1/intake/clinic-01", "msg_1", &json!({})).await;
    assert_eq!(answer.headers()["retry-after"], "5");
    assert_eq!(code(answer).await, (503, "broker_unavailable".to_owned()));
    gateway.stop().await;

    let empty = TestVhost::create().await.unwrap();
    let gateway = Gateway::start(empty.amqp_url(), "postgres://nobody@127.0.0.1:9/none").await;
    gateway.until("/health/ready", StatusCode::OK).await;
    let answer = gateway.post("/v1/intake/clinic-01", "msg_1", &json!({})).await;
    assert_eq!(code(answer).await, (503, "broker_unavailable".to_owned()));
    gateway.stop().await;
}

fn rejected(submission: &str) -> AdmissionRequest {
    let now = SystemClock.now();
    AdmissionRequest {
        submission: submission.parse().unwrap(),
        clinic: "clinic-01".parse().unwrap(),
        message: MessageId::from_uuid(SystemClock.fresh_id()),
        correlation: CorrelationId::from_uuid(SystemClock.fresh_id()),
        source: SourceName::parse("web_form").unwrap(),
        submitted_at: now,
        received_at: now,
        appointment_at: None,
        template: None,
        content: IndexKey::new(&[0; 32]).index("content", &[submission]),
        corrected: false,
        original: vec![],
        proposed: Proposed::Reject {
            code: domain::Code::MissingField,
            field: Some(domain::FieldPath::known("patient.given")),
        },
    }
}

#[tokio::test]
async fn states_and_pauses_come_from_the_ledger() {
    let (vhost, database) = (TestVhost::create().await.unwrap(), TestDatabase::create().await.unwrap());
    apply_topology(&vhost).await;
    let config = Config::with_url(database.url());
    ledger::migrate(&config).await.unwrap();
    let store = Store::connect(&config, Arc::new(SystemClock)).await.unwrap();
    let gateway = Gateway::start(vhost.amqp_url(), database.url()).await;
    gateway.until("/health/ready", StatusCode::OK).await;

    assert_eq!(code(gateway.ask("/v1/submissions/s-1").await).await, (404, "unknown_submission".to_owned()));
    let matcher: Arc<ledger::Matcher> = Arc::new(|_: &AdmissionRequest, _: &[_]| ledger::MatchDecision::New);
    let admission: AdmissionId = store.admit(rejected("s-1"), matcher).await.unwrap().admission;
    assert_eq!(store.admission(admission).await.unwrap().unwrap().state.as_str(), "rejected");
    let found: Value = gateway.ask("/v1/submissions/s-1").await.json().await.unwrap();
    assert_eq!(found["admissions"][0]["state"], "rejected");
    assert_eq!(found["admissions"][0]["code"], "missing_field");
    assert_eq!(found["admissions"][0]["field"], "patient.given");

    let scope = SwitchScope::Clinic("clinic-01".parse().unwrap());
    let pause = Pause { scope, actor: "t".into(), reason: "t".into(), since: SystemClock.now(), until: None };
    store.pause(&pause, "operator").await.unwrap();
    // What was accepted before the pause is answered as before: each time another one.
    let fresh = async || {
        gateway.post("/v1/intake/clinic-01", &format!("m-{}", SystemClock.fresh_id()), &json!({})).await
    };
    let paused = || async { code(fresh().await).await == (503, "clinic_paused".to_owned()) };
    wait::until(Duration::from_secs(20), paused).await.unwrap();
    let actor = Actor { name: "t".into(), role: "operator".into() };
    store.resume(&pause.scope, &actor, "t").await.unwrap();
    let open = || async { fresh().await.status() == StatusCode::ACCEPTED };
    wait::until(Duration::from_secs(20), open).await.unwrap();
    gateway.stop().await;
}

#[tokio::test]
async fn what_was_accepted_without_the_database_is_counted_once_when_it_is_there() {
    let (vhost, database) = (TestVhost::create().await.unwrap(), TestDatabase::create().await.unwrap());
    apply_topology(&vhost).await;
    let config = Config::with_url(database.url());
    ledger::migrate(&config).await.unwrap();
    let store = Store::connect(&config, Arc::new(SystemClock)).await.unwrap();
    let clinic = "clinic-01".parse().unwrap();
    let always = Day { from: Timestamp::UNIX_EPOCH, until: Timestamp::MAX };
    let post = async |gateway: &Gateway, id: &str| {
        gateway.until("/health/ready", StatusCode::OK).await;
        let response = gateway.post("/v1/intake/clinic-01/1", id, &json!({"n": id})).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED);
    };

    let away = Gateway::start(vhost.amqp_url(), &format!("postgres://nobody@{NOWHERE}/none")).await;
    post(&away, "msg_1").await;
    post(&away, "msg_2").await;
    let folder = away.stop().await;
    let other = Gateway::start(vhost.amqp_url(), database.url()).await;
    post(&other, "msg_2").await;
    wait::until(Duration::from_secs(20), async || {
        store.accepted_on(&clinic, always).await.unwrap() == Some(1)
    })
    .await
    .unwrap();
    let back = Gateway::start_in(folder, vhost.amqp_url(), database.url()).await;
    post(&back, "msg_3").await;
    let counted = async || store.accepted_on(&clinic, always).await.unwrap() == Some(3);
    wait::until(Duration::from_secs(20), counted).await.unwrap();
    let lost = store.never_admitted(&clinic, Timestamp::MAX, Timestamp::MAX, 10).await.unwrap();
    assert!(lost.is_empty(), "given up after a month: {lost:?}");
    let soon = SystemClock.now() + SignedDuration::from_secs(1);
    let lost = store.never_admitted(&clinic, soon, soon, 10).await.unwrap();
    assert_eq!(lost.len(), 3, "nothing admits here: {lost:?}");
    // Both say that there is no more, so nobody is missed, also when they were not heard of for days.
    drop((other.stop().await, back.stop().await));
    let later = Arc::new(Later);
    let store = Store::connect(&config, later.clone()).await.unwrap();
    let day = Day { from: SystemClock.now(), until: later.now() };
    assert_eq!(store.untold(day).await.unwrap(), []);
}

/// Tomorrow's clock.
struct Later;

impl Clock for Later {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::from_hours(24)
    }

    fn fresh_id(&self) -> uuid::Uuid {
        SystemClock.fresh_id()
    }
}
