//! The sandbox and the adapters were written from the same standards, each without the other: here they meet.
//! Every adapter passes its conformance suite against the sandbox.
#![allow(clippy::expect_used, reason = "a test's helpers fail the test")]

use std::fs;
use std::sync::Arc;

use adapters::ehr::EhrConfig;
use adapters::messenger::{SmsConfig, SmtpConfig};
use adapters::payer::PayerConfig;
use adapters::{ehr, messenger, payer};
use domain::clock::{Clock, SystemClock};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use testkit::certificates::{Authority, Front, Identity};
use testkit::sandbox::{KeyAlgorithm, Member, Sandbox, SandboxConfig, SlotRow};

const SLOTS: &str = "clinic_id,provider,start,minutes\n\
    c1,c1-p1,2027-02-19T14:20:00Z,20\n\
    c1,c1-p1,2027-02-19T14:40:00Z,20\n";
const MEMBERS: &str = "member_id,payer,status,first,last,birth_date\n\
    A100,Aetna,active,Ann,Example,1980-01-02\n\
    I100,Aetna,inactive,Ian,Example,1981-01-02\n\
    D100,Humana,payer_down,Dot,Example,1983-01-02\n";

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

async fn sandbox(change: impl FnOnce(&mut SandboxConfig)) -> Sandbox {
    let mut config = SandboxConfig {
        slots: SlotRow::read_csv(SLOTS.as_bytes()).expect("slots"),
        members: Member::read_csv(MEMBERS.as_bytes()).expect("members"),
        ..SandboxConfig::default()
    };
    change(&mut config);
    Sandbox::start(config).await.expect("starts")
}

fn configured<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a configuration")
}

async fn run_ehr(config: Value) {
    let starts = ["2027-02-19T14:20:00Z", "2027-02-19T14:40:00Z"].map(|text| text.parse().expect("a time"));
    let adapter = configured::<EhrConfig>(config).connect("sandbox", clock()).expect("connects");
    ehr::conformance::run(
        adapter.as_ref(),
        &ehr::conformance::World { seed: "s1", provider: "c1-p1", starts },
    )
    .await;
}

#[tokio::test]
async fn ehr_without_tokens() {
    for profile in ["fhir", "fhir-unconditional", "fhir-no-booking"] {
        let sandbox = sandbox(|_| {}).await;
        run_ehr(json!({"profile": profile, "url": sandbox.addresses().fhir_url})).await;
        assert!(sandbox.counts().patients > 0);
    }
}

#[tokio::test]
async fn ehr_with_tokens_of_both_algorithms() {
    for algorithm in [KeyAlgorithm::Es384, KeyAlgorithm::Rs384] {
        let sandbox = sandbox(|config| {
            config.auth.enabled = true;
            config.auth.algorithm = algorithm;
        })
        .await;
        let key = sandbox.client_key().expect("a client");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("client.pem");
        fs::write(&file, &key.private_pem).expect("a key file");
        run_ehr(json!({
            "profile": "fhir",
            "url": sandbox.addresses().fhir_url,
            "token_url": sandbox.addresses().token_url,
            "client_id": key.client_id,
            "key_id": key.key_id,
            "key_file": file,
            "algorithm": algorithm.as_str(),
        }))
        .await;
    }
}

#[tokio::test]
async fn payers_by_json_and_by_x12() {
    let sandbox = sandbox(|_| {}).await;
    let addresses = sandbox.addresses();
    let whole = |protocol: &str, url: &str| json!({"protocol": protocol, "url": url, "organisation": "Example Clinic", "npi": "1234567893"});
    let mut other = whole("x12", &addresses.payer_x12_url);
    other["separators"] = json!("|>!'");
    for config in [whole("json", &addresses.payer_json_url), whole("x12", &addresses.payer_x12_url), other] {
        let adapter = configured::<PayerConfig>(config).connect("sandbox", clock()).expect("connects");
        let world = payer::conformance::World {
            active: payer::conformance::inquiry("Aetna", "A100"),
            inactive: payer::conformance::inquiry("Aetna", "I100"),
            unknown: payer::conformance::inquiry("Aetna", "Z999"),
            down: Some(payer::conformance::inquiry("Humana", "D100")),
        };
        payer::conformance::run(adapter.as_ref(), &world).await;
    }
}

#[tokio::test]
async fn messengers_by_mail_and_by_text() {
    let sandbox = sandbox(|config| config.sms_token = Some("secret".to_owned())).await;
    let addresses = sandbox.addresses();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    fs::write(&file, "secret").expect("a token file");
    let sms: SmsConfig = configured(json!({"url": addresses.sms_url, "token_file": file}));
    let sms = sms.connect(clock()).expect("connects");
    messenger::conformance::run(sms.as_ref(), "s1", "+12125550143").await;
    let (host, port) = (addresses.smtp_addr.ip().to_string(), addresses.smtp_addr.port());
    let smtp: SmtpConfig = configured(
        json!({"host": host, "port": port, "security": "none", "from": "Clinic <desk@clinic.example>"}),
    );
    let smtp = smtp.connect(clock()).expect("connects");
    messenger::conformance::run(smtp.as_ref(), "s1", "zelda@example.com").await;
    let messages = sandbox.messages();
    assert!(messages.iter().any(|message| message.has_calendar && message.subject.is_some()));
    assert_eq!(sandbox.counts().sms, 1, "the key makes one text of two sends");
}

/// Who asks shows a certificate, and is refused without; and new files count for the next connection.
#[tokio::test]
async fn over_tls_with_certificates_on_both_sides() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let authority = Authority::new("ours").expect("an authority");
    let ca = authority.write(here, "ca").expect("a file");
    let shown = authority.issue(here, "server", &["localhost"]).expect("a certificate");
    let own = authority.issue(here, "own", &[]).expect("a certificate");
    let files = tls::Files { ca: Some(ca.clone()), cert: Some(shown.cert), key: Some(shown.key) };
    let acceptor = tls::Acceptor::new("front", files).expect("an acceptor");
    let sandbox = sandbox(|config| config.smtp_starttls = true).await;
    let addresses = sandbox.addresses();
    let plain =
        addresses.fhir_url.strip_prefix("http://").and_then(|url| url.strip_suffix("/fhir")).expect("a base");
    let front = Front::start(acceptor, plain.parse().expect("an address")).await.expect("starts");
    let over_tls = |url: &str| {
        url.replace(&format!("http://{plain}"), &format!("https://localhost:{}", front.address().port()))
    };
    let with = |mut config: Value, own: Option<&Identity>| {
        config["ca_file"] = json!(ca);
        if let Some(own) = own {
            config["client_cert_file"] = json!(own.cert);
            config["client_key_file"] = json!(own.key);
        }
        config
    };
    let ehr = json!({"profile": "fhir", "url": over_tls(&addresses.fhir_url)});
    assert!(ehr["url"].as_str().is_some_and(|url| url.starts_with("https://")));
    run_ehr(with(ehr, Some(&own))).await;

    let payer = json!({"protocol": "json", "url": over_tls(&addresses.payer_json_url), "organisation": "Example Clinic", "npi": "1234567893"});
    let inquiry = payer::conformance::inquiry("Aetna", "A100");
    let ask = async |config: Value| {
        configured::<PayerConfig>(config)
            .connect("sandbox", clock())
            .expect("connects")
            .eligibility(&inquiry)
            .await
            .is_ok()
    };
    assert!(ask(with(payer.clone(), Some(&own))).await);
    assert!(!ask(with(payer.clone(), None)).await, "no certificate of ours");
    let mut by_address = payer.clone();
    by_address["url"] = json!(by_address["url"].as_str().expect("a URL").replace("localhost", "127.0.0.1"));
    assert!(!ask(with(by_address, Some(&own))).await, "another host name");
    let stranger = Authority::new("theirs").expect("an authority");
    let turning = stranger.issue(here, "turning", &[]).expect("a certificate");
    let adapter =
        configured::<PayerConfig>(with(payer, Some(&turning))).connect("turning", clock()).expect("connects");
    assert!(adapter.eligibility(&inquiry).await.is_err(), "one of another authority");
    authority.issue(here, "turning", &[]).expect("a certificate");
    tls::look();
    assert!(adapter.eligibility(&inquiry).await.is_ok(), "its files are others now");

    // The mail relay: an authority that is not the relay's, then the right one, in the same file.
    let relay = here.join("relay.pem");
    fs::write(&relay, authority.pem()).expect("a file");
    let port = addresses.smtp_addr.port();
    let smtp: SmtpConfig = configured(
        json!({"host": "localhost", "port": port, "from": "Clinic <desk@clinic.example>", "ca_file": relay}),
    );
    let smtp = smtp.connect(clock()).expect("connects");
    let notice = messenger::conformance::notice("s2", "zelda@example.com");
    assert_eq!(smtp.send(&notice).await, messenger::SendOutcome::NotSent);
    fs::write(&relay, sandbox.smtp_ca_pem().expect("a certificate")).expect("a file");
    tls::look();
    assert!(matches!(smtp.send(&notice).await, messenger::SendOutcome::Sent { .. }));
}
