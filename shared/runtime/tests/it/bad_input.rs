//! Anything that is not a message of the stage ends in the dead letters with a code; the messages behind it go on.

use domain::{Code, envelope::CONTENT_TYPE, hop::Event, seal::Keyring};
use runtime::{amqp::header, stage::RAW_SCHEMA};

use crate::support::{Act, CANARY, Fixture, fixture, message};

async fn dies_of(f: &Fixture, code: Code, body: Vec<u8>) -> crate::support::Got {
    f.publish_raw("clinic-n", f.properties("application/json"), body).await;
    let got = f.take("eligibility.north.dlq").await;
    assert_eq!(got.header(header::CODE).as_deref(), Some(code.as_str()));
    assert!(!got.has_clear(CANARY), "{code}: in clear");
    got
}

#[tokio::test]
async fn bodies_that_are_no_message() {
    let f = fixture().await;
    let running = f.run();
    let deep = format!("{}{}{}", "[".repeat(10_000), CANARY, "]".repeat(10_000));
    let big = CANARY.repeat(1024 * 1024 / CANARY.len());
    let disguised = format!("{{\"schema\":\"{CANARY}\",\"meta\":{{}},\"sealed\":{{}}}}");
    let cases: [(Code, Vec<u8>); 7] = [
        (Code::Malformed, CANARY.as_bytes().to_vec()),
        (Code::Malformed, Vec::new()),
        (Code::Malformed, vec![0xff, 0xfe, 0x00]),
        (Code::Malformed, format!("{{\"patient\":\"{CANARY}\"}}").into_bytes()),
        (Code::Malformed, deep.into_bytes()),
        (Code::Malformed, disguised.into_bytes()),
        (Code::TooLarge, big.into_bytes()),
    ];
    let count = cases.len();
    for (code, body) in cases {
        let got = dies_of(&f, code, body.clone()).await;
        assert_eq!(got.properties.kind().as_ref().unwrap().as_str(), RAW_SCHEMA);
        let plain = got.envelope().open_bytes(&f.keys()).unwrap();
        assert_eq!(plain.expose(), &body, "kept as it came");
    }
    let rows = f.rows.all();
    assert_eq!(rows.len(), count);
    assert!(
        rows.iter()
            .all(|row| row.event == Event::Died && row.admission.is_none() && row.submission.is_none())
    );
    f.publish("clinic-n", "behind", Act::Emit).await;
    assert_eq!(f.open(&f.take("ehr-writer.north").await).secret.expose().text, "behind");
    f.stop(running).await;
}

#[tokio::test]
async fn envelopes_that_do_not_open() {
    let f = fixture().await;
    let running = f.run();
    let sealed = || message("clinic-n", CANARY, Act::Emit).seal(&f.keys()).unwrap();

    let mut other = sealed();
    other.schema = "test.note.v2".to_owned();
    let got = dies_of(&f, Code::UnknownSchema, other.to_vec().unwrap()).await;
    assert_eq!(got.envelope(), other, "already sealed: kept as it is");

    let mut moved = sealed();
    moved.meta.clinic = "clinic-y".parse().unwrap();
    dies_of(&f, Code::SealBroken, moved.to_vec().unwrap()).await;

    let foreign = Keyring::new([("2099-01".to_owned(), vec![9; 32])]).unwrap();
    let envelope = message("clinic-n", CANARY, Act::Emit).seal(&foreign).unwrap();
    dies_of(&f, Code::UnknownKey, envelope.to_vec().unwrap()).await;

    // Clear text beside the sealed part is not part of an envelope and does not survive.
    let mut padded = serde_json::to_value(sealed()).unwrap();
    padded["schema"] = "test.note.v2".into();
    padded["patient"] = CANARY.into();
    dies_of(&f, Code::UnknownSchema, serde_json::to_vec(&padded).unwrap()).await;
    f.stop(running).await;
}

#[tokio::test]
async fn properties_of_a_foreign_publisher_do_no_harm() {
    let f = fixture().await;
    let running = f.run();
    let envelope = message("clinic-n", "foreign", Act::Emit).seal(&f.keys()).unwrap();
    let properties = f
        .properties(CONTENT_TYPE)
        .schema("x".repeat(200))
        .header(header::ATTEMPT, Some("minus one"))
        .header(header::FIRST_FAILED_AT, Some("yesterday"))
        .header(header::TRACEPARENT, Some("no"));
    f.publish_raw("clinic-n", properties, envelope.to_vec().unwrap()).await;
    assert_eq!(f.open(&f.take("ehr-writer.north").await).secret.expose().attempt, 1);
    f.stop(running).await;
}
