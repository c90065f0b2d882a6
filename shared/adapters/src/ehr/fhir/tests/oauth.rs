//! Tokens: how they are asked for, kept, refreshed, and what it means when there is none.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKey, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::clock::SystemClock;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

use crate::{
    SetupError,
    ehr::{Ehr, EhrConfig, ReadFault, WriteOutcome, conformance::patient},
    testserver::{Reply, Seen, TestServer},
};

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}

/// A private key as PEM, and the public one.
fn ec_key() -> (String, DecodingKey) {
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der.as_ref()).unwrap();
    (pem(der.as_ref()), DecodingKey::from_ec_der(pair.public_key().as_ref()))
}

fn rsa_key() -> (String, DecodingKey) {
    let pair = RsaKey::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
    (pem(der.as_ref()), DecodingKey::from_rsa_der(pair.public_key().as_ref()))
}

fn connect(server: &TestServer, pem: &str, algorithm: &str) -> Result<Arc<dyn Ehr>, SetupError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pem.as_bytes()).unwrap();
    let config: EhrConfig = toml::from_str(&format!(
        "profile = \"fhir\"\nurl = \"{}\"\ntoken_url = \"{}\"\nclient_id = \"desk\"\nkey_file = {:?}\nkey_id = \"k1\"\nalgorithm = \"{algorithm}\"",
        server.url("/fhir"),
        server.url("/token"),
        file.path(),
    ))
    .unwrap();
    config.connect("main", Arc::new(SystemClock))
}

/// The token endpoint gives `t1`, `t2`, …; the EHR takes those that `good` says.
async fn smart(expires_in: i64, good: fn(&str) -> bool) -> TestServer {
    let given = AtomicUsize::new(0);
    TestServer::start(move |seen| match seen.target.as_str() {
        "/token" => {
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            Reply::json(200, &json!({ "access_token": format!("t{number}"), "token_type": "bearer", "expires_in": expires_in }))
        }
        _ => match seen.header("authorization").and_then(|value| value.strip_prefix("Bearer ")) {
            Some(token) if good(token) => Reply::json(201, &json!({ "resourceType": "Patient", "id": "1" })),
            _ => Reply::status(401),
        },
    })
    .await
}

fn targets(server: &TestServer) -> Vec<String> {
    server.seen().into_iter().map(|seen| seen.target).collect()
}

fn form(seen: &Seen, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(&format!("http://x/?{}", seen.body)).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn the_assertion_is_as_smart_wants_it() {
    for (name, algorithm, (pem, public)) in
        [("ES384", Algorithm::ES384, ec_key()), ("RS384", Algorithm::RS384, rsa_key())]
    {
        let server = smart(300, |_| true).await;
        let ehr = connect(&server, &pem, name).unwrap();
        assert!(matches!(ehr.create_patient(&patient("p1")).await, WriteOutcome::Done { .. }));
        let asked = &server.seen()[0];
        assert_eq!(form(asked, "grant_type").as_deref(), Some("client_credentials"));
        assert_eq!(
            form(asked, "client_assertion_type").as_deref(),
            Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        );
        let scopes = form(asked, "scope").unwrap();
        assert!(scopes.contains("system/Patient.crus") && !scopes.contains('*'), "{scopes}");
        let assertion = form(asked, "client_assertion").unwrap();
        let header = decode_header(&assertion).unwrap();
        assert_eq!((header.alg, header.kid.as_deref()), (algorithm, Some("k1")));
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[server.url("/token")]);
        validation.set_issuer(&["desk"]);
        let claims = decode::<Value>(&assertion, &public, &validation).unwrap().claims;
        assert_eq!(claims["sub"], "desk");
        assert!(claims["jti"].as_str().is_some_and(|id| id.len() == 36));
        let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert!((60..=300).contains(&life), "{life}");
    }
}

#[tokio::test]
async fn a_token_is_kept_and_fetched_by_one_at_a_time() {
    let server = smart(300, |_| true).await;
    let ehr = connect(&server, &ec_key().0, "ES384").unwrap();
    let (a, b, c) = (patient("a"), patient("b"), patient("c"));
    let all = tokio::join!(ehr.create_patient(&a), ehr.create_patient(&b), ehr.create_patient(&c));
    for outcome in [all.0, all.1, all.2] {
        assert!(matches!(outcome, WriteOutcome::Done { .. }));
    }
    assert_eq!(targets(&server).iter().filter(|target| *target == "/token").count(), 1);
    // One that is good for no time at all is asked for anew.
    let server = smart(0, |_| true).await;
    let ehr = connect(&server, &ec_key().0, "ES384").unwrap();
    ehr.create_patient(&a).await;
    ehr.create_patient(&b).await;
    assert_eq!(targets(&server), ["/token", "/fhir/Patient", "/token", "/fhir/Patient"]);
}

#[tokio::test]
async fn a_refused_token_is_refreshed_once() {
    let server = smart(300, |token| token == "t2").await;
    let ehr = connect(&server, &ec_key().0, "ES384").unwrap();
    assert!(matches!(ehr.create_patient(&patient("p1")).await, WriteOutcome::Done { .. }));
    assert_eq!(targets(&server), ["/token", "/fhir/Patient", "/token", "/fhir/Patient"]);

    let server = smart(300, |_| false).await;
    let ehr = connect(&server, &ec_key().0, "ES384").unwrap();
    assert_eq!(ehr.create_patient(&patient("p1")).await, WriteOutcome::Unauthorized);
    assert_eq!(targets(&server), ["/token", "/fhir/Patient", "/token", "/fhir/Patient"]);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    for (status, expected) in [
        (500, WriteOutcome::NotSent),
        (503, WriteOutcome::NotSent),
        (404, WriteOutcome::NotSent),
        (200, WriteOutcome::NotSent),
        (400, WriteOutcome::Unauthorized),
        (401, WriteOutcome::Unauthorized),
        (429, WriteOutcome::Throttled { after: Duration::from_secs(5) }),
    ] {
        let server = TestServer::answering(move || Reply::status(status)).await;
        let ehr = connect(&server, &ec_key().0, "ES384").unwrap();
        assert_eq!(ehr.create_patient(&patient("p1")).await, expected, "{status}");
        assert_eq!(targets(&server), ["/token"]);
    }
    let server = TestServer::answering(|| Reply::Cut).await;
    let ehr = connect(&server, &ec_key().0, "ES384").unwrap();
    assert_eq!(ehr.create_patient(&patient("p1")).await, WriteOutcome::NotSent);
    assert_eq!(ehr.read_patient("1").await.err(), Some(ReadFault::Unavailable));
}

#[tokio::test]
async fn a_key_that_cannot_sign_is_found_at_start() {
    let server = TestServer::answering(|| Reply::status(500)).await;
    let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    for (pem, algorithm) in [
        ("nonsense".to_owned(), "ES384"),
        (ec_key().0, "RS384"),
        (rsa_key().0, "ES384"),
        (pem(p256.as_ref()), "ES384"),
    ] {
        let error = connect(&server, &pem, algorithm).err().unwrap();
        assert_eq!(error.key(), "ehrs.main.key_file");
    }
    assert!(server.seen().is_empty());
}
