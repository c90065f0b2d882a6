//! The whole API, as its `main` runs it, over a real database and a real broker.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::{sync::Arc, time::Duration};

use domain::{
    Code, CorrelationId, FieldPath, MessageId,
    blind::IndexKey,
    clock::{Clock, SystemClock},
    ids::SourceName,
};
use ledger::{AdmissionRequest, Config, MatchDecision, Matcher, Proposed, Store};
use reqwest::{Client, StatusCode};
use runtime::{
    Boot, Settings,
    config::Secret,
    topology::{Lanes, Management, Topology},
};
use serde_json::{Value, json};
use testkit::{
    certificates::{Authority, Identity},
    env::{TestDatabase, TestVhost},
    wait,
};

const TOKENS: &str = r#"
[[token]]
name = "on-call"
roles = ["viewer", "operator"]
# printf operator-token | sha256sum
sha256 = "0850123315d21ab90f4f7236408a52ef6dbd6a02a6550e5c10dc73f4d993680e"
"#;

fn rejected(n: usize) -> AdmissionRequest {
    let now = SystemClock.now();
    let submission = format!("s-{n}");
    AdmissionRequest {
        clinic: "clinic-01".parse().unwrap(),
        message: MessageId::from_uuid(SystemClock.fresh_id()),
        correlation: CorrelationId::from_uuid(SystemClock.fresh_id()),
        source: SourceName::parse("web_form").unwrap(),
        submitted_at: now,
        received_at: now,
        appointment_at: None,
        template: None,
        content: IndexKey::new(&[0; 32]).index("content", &[&submission]),
        corrected: false,
        original: vec![],
        proposed: Proposed::Reject {
            code: Code::MissingField,
            field: Some(FieldPath::known("patient.given")),
        },
        submission: submission.parse().unwrap(),
    }
}

#[tokio::test]
async fn the_ledger_and_the_broker_are_shown_as_they_are() {
    let (database, vhost) = (TestDatabase::create().await.unwrap(), TestVhost::create().await.unwrap());
    let secret = |text: &str| Secret::new(text.to_owned());
    let management = Management::new(&secret(vhost.management_url()), &secret(vhost.amqp_url())).unwrap();
    management.apply(&Topology::derive(&Lanes::default())).await.unwrap();
    let config = Config::with_url(database.url());
    ledger::migrate(&config).await.unwrap();
    let store = Store::connect(&config, Arc::new(SystemClock)).await.unwrap();
    // More than a page.
    let matcher: Arc<Matcher> = Arc::new(|_: &AdmissionRequest, _: &[_]| MatchDecision::New);
    let admitted = (0..1200).map(|n| store.admit(rejected(n), matcher.clone()));
    assert!(futures_util::future::join_all(admitted).await.iter().all(Result::is_ok));

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tokens.toml"), TOKENS).unwrap();
    std::fs::write(folder.path().join("2026-01.key"), "0a".repeat(32)).unwrap();
    std::fs::write(folder.path().join("index"), "01".repeat(32)).unwrap();
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = format!(
        "[amqp]\nurl = {:?}\n[management]\nurl = {:?}\n[postgres]\nurl = {:?}\n[keys]\nsealing_dir = \".\"\nindex_file = \"index\"\n[ops]\nlisten = \"{address}\"\ntokens_file = \"tokens.toml\"\n",
        vhost.amqp_url(),
        vhost.management_url(),
        database.url()
    );
    let settings = Settings::from_toml(&settings, folder.path()).unwrap();
    let boot = Boot::new("ops", settings, Arc::new(SystemClock)).unwrap();
    let running = tokio::spawn(ops::run(boot.clone()));
    let client = Client::new();
    let look = async |path: &str| {
        client.get(format!("http://{address}{path}")).bearer_auth("operator-token").send().await
    };
    wait::until(Duration::from_secs(20), || async { look("/v1/switches").await.is_ok() }).await.unwrap();

    let outcomes = look("/v1/outcomes?clinic=clinic-01&state=rejected").await.unwrap().text().await.unwrap();
    assert_eq!(outcomes.lines().count(), 1200);
    let first: Value = serde_json::from_str(outcomes.lines().next().unwrap()).unwrap();
    assert_eq!((&first["state"], &first["field"]), (&json!("rejected"), &json!("patient.given")));
    assert_eq!(look("/v1/outcomes?state=held").await.unwrap().text().await.unwrap(), "");

    let found: Value = look("/v1/submissions/s-7").await.unwrap().json().await.unwrap();
    assert_eq!(found["admissions"][0]["code"], "missing_field");
    let counts: Value = look("/v1/reconciliation").await.unwrap().json().await.unwrap();
    assert_eq!(counts["states"], json!([{"state": "rejected", "code": "missing_field", "count": 1200}]));
    let status: Value = look("/v1/status").await.unwrap().json().await.unwrap();
    let queues = status["queues"].as_array().unwrap();
    assert!(queues.iter().any(|queue| queue["queue"] == "validation.default"), "{queues:?}");

    let wish = json!({"scope": "stage:ehr-writer", "reason": "upgrade"});
    let url = format!("http://{address}/v1/switches");
    let paused = client.post(&url).bearer_auth("operator-token").json(&wish).send().await.unwrap();
    assert_eq!(paused.status(), StatusCode::CREATED);
    assert_eq!(store.pauses().await.unwrap()[0].actor, "on-call");
    let paused: Value = paused.json().await.unwrap();
    assert_eq!(paused["backlog"], json!({"waiting": 0, "per_minute": 0.0, "projected": null}));
    let resume = client.post(format!("{url}/stage:ehr-writer/resume")).bearer_auth("operator-token");
    let resumed = resume.json(&json!({"reason": "done"})).send().await.unwrap();
    assert_eq!(resumed.status(), StatusCode::OK);
    let acts: Value = look("/v1/acts?scope=stage:ehr-writer").await.unwrap().json().await.unwrap();
    let told = |n: usize| (acts["acts"][n]["what"].as_str(), acts["acts"][n]["reason"].as_str());
    assert_eq!([told(0), told(1)], [(Some("resumed"), Some("done")), (Some("paused"), Some("upgrade"))]);

    boot.shutdown().soft().cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn over_tls_only_clients_with_a_certificate_are_answered() {
    let database = TestDatabase::create().await.unwrap();
    ledger::migrate(&Config::with_url(database.url())).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new("ours").unwrap(), Authority::new("theirs").unwrap());
    let ca = ours.write(folder.path(), "ca").unwrap();
    ours.issue(folder.path(), "ops", &["localhost"]).unwrap();
    let known = ours.issue(folder.path(), "known", &[]).unwrap();
    let stranger = theirs.issue(folder.path(), "stranger", &[]).unwrap();
    std::fs::write(folder.path().join("tokens.toml"), TOKENS).unwrap();
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = format!(
        "[postgres]\nurl = {:?}\n[ops]\nlisten = \"{address}\"\ntokens_file = \"tokens.toml\"\n\
         cert_file = \"ops.pem\"\nkey_file = \"ops.key\"\nclient_ca_file = \"ca.pem\"\n",
        database.url()
    );
    let settings = Settings::from_toml(&settings, folder.path()).unwrap();
    let boot = Boot::new("ops", settings, Arc::new(SystemClock)).unwrap();
    let running = tokio::spawn(ops::run(boot.clone()));
    let client = |own: Option<&Identity>| {
        let files = tls::Files {
            ca: Some(ca.clone()),
            cert: own.map(|one| one.cert.clone()),
            key: own.map(|one| one.key.clone()),
        };
        let tls = tls::Client::new("asker", files).unwrap().config().unwrap();
        Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap()
    };
    let look = async |client: Client, scheme: &str| {
        let url = format!("{scheme}://localhost:{}/v1/switches", address.port());
        client.get(url).bearer_auth("operator-token").send().await
    };
    let good = client(Some(&known));
    let up =
        || async { look(good.clone(), "https").await.is_ok_and(|answer| answer.status() == StatusCode::OK) };
    wait::until(Duration::from_secs(20), up).await.unwrap();
    // One that never says anything holds nobody up.
    let _silent = tokio::net::TcpStream::connect(address).await.unwrap();
    assert!(look(client(None), "https").await.is_err());
    assert!(look(client(Some(&stranger)), "https").await.is_err());
    assert!(look(client(Some(&known)), "http").await.is_err());
    assert!(up().await);
    boot.shutdown().soft().cancel();
    running.await.unwrap().unwrap();
}
