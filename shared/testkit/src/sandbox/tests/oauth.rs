use std::time::Duration;

use domain::clock::{Clock, SystemClock};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Test, body, header, patient, send};
use crate::sandbox::{ClientConfig, ClientKey, KeyAlgorithm, PublicKeys, Sandbox, SandboxConfig};

fn claims(test: &Test, jti: &str) -> Value {
    let now = SystemClock.now().as_second();
    json!({
        "iss": "frontdesk", "sub": "frontdesk", "aud": test.sandbox.addresses().token_url,
        "jti": jti, "iat": now, "exp": now + 240,
    })
}

fn sign(key: &ClientKey, claims: &Value) -> String {
    let (algorithm, encoding) = match key.algorithm {
        KeyAlgorithm::Es384 => (Algorithm::ES384, EncodingKey::from_ec_pem(key.private_pem.as_bytes())),
        KeyAlgorithm::Rs384 => (Algorithm::RS384, EncodingKey::from_rsa_pem(key.private_pem.as_bytes())),
    };
    let header = Header { kid: Some(key.key_id.clone()), ..Header::new(algorithm) };
    encode(&header, claims, &encoding.expect("a key")).expect("a signature")
}

async fn ask(test: &Test, assertion: &str, scope: &str, status: StatusCode) -> Value {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
        ("scope", scope),
    ];
    body(test.http.post(&test.sandbox.addresses().token_url).form(&form), status).await
}

fn key(test: &Test) -> ClientKey {
    test.sandbox.client_key().expect("a client").clone()
}

#[tokio::test]
async fn a_signed_assertion_buys_a_token_with_its_scopes() {
    for algorithm in [KeyAlgorithm::Es384, KeyAlgorithm::Rs384] {
        let test = Test::with(|config| {
            config.auth.enabled = true;
            config.auth.algorithm = algorithm;
        })
        .await;
        let refused = send(test.create("Patient", &patient("p1"))).await;
        assert_eq!(
            (refused.status(), header(&refused, "www-authenticate")),
            (StatusCode::UNAUTHORIZED, "Bearer")
        );
        body(test.get("metadata"), StatusCode::OK).await;

        let assertion = sign(&key(&test), &claims(&test, "1"));
        let granted =
            ask(&test, &assertion, "system/Patient.crus system/Slot.read openid", StatusCode::OK).await;
        assert_eq!((&granted["token_type"], &granted["expires_in"]), (&json!("bearer"), &json!(300)));
        assert_eq!(granted["scope"], "system/Patient.crus system/Slot.rs");
        let token = granted["access_token"].as_str().expect("a token");
        body(test.create("Patient", &patient("p1")).bearer_auth(token), StatusCode::CREATED).await;
        body(test.get("Coverage").bearer_auth(token), StatusCode::FORBIDDEN).await;
        body(test.get("Slot").bearer_auth(token), StatusCode::OK).await;
        body(test.get("Slot").bearer_auth("made-up"), StatusCode::UNAUTHORIZED).await;
        assert_eq!(test.sandbox.addresses().client_key_algorithm.as_deref(), Some(algorithm.as_str()));
    }
}

#[tokio::test]
async fn wrong_assertions_buy_nothing() {
    let test = Test::with(|config| config.auth.enabled = true).await;
    let own = key(&test);
    let good = claims(&test, "1");
    let changed = |name: &str, value: Value| {
        let mut claims = claims(&test, "2");
        claims[name] = value;
        sign(&own, &claims)
    };
    let now = SystemClock.now().as_second();
    let stranger = ClientKey::generate("frontdesk", KeyAlgorithm::Es384).expect("a key");
    let scope = "system/Patient.rs";
    for (what, assertion) in [
        ("another key", sign(&stranger, &good)),
        ("another client", changed("iss", json!("somebody"))),
        ("iss and sub differ", changed("sub", json!("somebody"))),
        ("another audience", changed("aud", json!("http://127.0.0.1:1/oauth/token"))),
        ("expired", changed("exp", json!(now - 60))),
        ("too long", changed("exp", json!(now + 3_600))),
        ("no jti", changed("jti", json!(""))),
        ("no JWT", "x.y".to_owned()),
        ("nothing", String::new()),
    ] {
        let denied = ask(&test, &assertion, scope, StatusCode::UNAUTHORIZED).await;
        assert_eq!(denied["error"], "invalid_client", "{what}");
    }
    let assertion = sign(&own, &good);
    ask(&test, &assertion, scope, StatusCode::OK).await;
    let again = ask(&test, &assertion, scope, StatusCode::UNAUTHORIZED).await;
    assert_eq!(again["error_description"], "jti was used before");
    let none =
        ask(&test, &sign(&own, &claims(&test, "3")), "system/Practitioner.r", StatusCode::BAD_REQUEST).await;
    assert_eq!(none["error"], "invalid_scope");
    let form = [("grant_type", "password")];
    body(test.http.post(&test.sandbox.addresses().token_url).form(&form), StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn tokens_expire() {
    let test = Test::with(|config| {
        config.auth.enabled = true;
        config.auth.token_ttl = Duration::ZERO;
    })
    .await;
    let granted = ask(&test, &sign(&key(&test), &claims(&test, "1")), "system/*.crus", StatusCode::OK).await;
    let token = granted["access_token"].as_str().expect("a token");
    body(test.get("Slot").bearer_auth(token), StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn clients_register_by_key_set_and_bad_keys_are_named() {
    let own = ClientKey::generate("mine", KeyAlgorithm::Es384).expect("a key");
    let test = Test::with(|config| {
        config.auth.enabled = true;
        config.auth.clients = vec![ClientConfig {
            client_id: "mine".to_owned(),
            keys: PublicKeys::Jwks(own.jwks.clone()),
            scopes: "system/Patient.rs".to_owned(),
        }];
        config.auth.audiences = vec!["http://127.0.0.1:9/oauth/token".to_owned()];
    })
    .await;
    assert!(test.sandbox.client_key().is_none());
    let mut asked = claims(&test, "1");
    for name in ["iss", "sub"] {
        asked[name] = json!("mine");
    }
    asked["aud"] = json!(["http://127.0.0.1:9/oauth/token"]);
    let granted = ask(&test, &sign(&own, &asked), "system/*.crus", StatusCode::OK).await;
    assert_eq!(granted["scope"], "system/Patient.rs");

    for keys in [PublicKeys::Pem("nothing".to_owned()), PublicKeys::Jwks("{\"keys\": []}".to_owned())] {
        let mut config = SandboxConfig::default();
        config.auth.clients =
            vec![ClientConfig { client_id: "theirs".to_owned(), keys, scopes: String::new() }];
        let error = Sandbox::start(config).await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("theirs"), "{error}");
    }
}
