//! Whatever is no submission ends with a code; what comes behind it goes on.

use e2e::{Forms, Line};
use serde_json::{Value, json};

/// Stands in every bad body: it may be found nowhere in clear.
const CANARY: &str = "Zyxwvut-Canary";

fn numbered(number: usize) -> String {
    format!("bad-input-{number:02}")
}

/// Bodies that have no name to be rejected under, with the code that each dies of.
fn nameless() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let (schema, kind) = (domain::submission::SCHEMA, "application/json");
    let envelope = domain::envelope::CONTENT_TYPE;
    let sealed = json!({
        "schema": schema,
        "meta": {
            "submission": "sealed-01", "clinic": "clinic-01", "source": "kiosk",
            "submitted_at": "2027-01-07T09:00:00Z", "received_at": "2027-01-07T09:00:00Z",
            "correlation": "0197f0c0-0000-7000-8000-000000000000",
        },
        "sealed": {"key": "1999-01", "nonce": "AAAAAAAAAAAAAAAA", "data": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    });
    let mut huge = format!("{{\"form\": \"{CANARY}").into_bytes();
    huge.resize(1024 * 1024, b'x');
    vec![
        (schema, kind, format!("name={CANARY}").into_bytes(), "malformed"),
        (schema, kind, format!("[\"{CANARY}\"]").into_bytes(), "malformed"),
        (schema, kind, [CANARY.as_bytes(), b"\xff\xfe\xe9"].concat(), "malformed"),
        (schema, kind, format!("{}\"{CANARY}\"", "[".repeat(10_000)).into_bytes(), "malformed"),
        (schema, kind, Vec::new(), "malformed"),
        (
            schema,
            kind,
            json!({"submission_id": CANARY.repeat(9), "clinic_id": "clinic-01"}).to_string().into(),
            "malformed",
        ),
        (schema, kind, json!({"form": {"name": CANARY}}).to_string().into(), "malformed"),
        (schema, kind, huge, "too_large"),
        ("intake.submission.v9", kind, json!({"name": CANARY}).to_string().into(), "unknown_schema"),
        (schema, envelope, sealed.to_string().into(), "unknown_key"),
        (schema, envelope, json!({"name": CANARY}).to_string().into(), "malformed"),
    ]
}

/// Submissions that can be named, with the code and the field that each is rejected with.
fn named(good: &Value) -> Vec<(Value, &'static str, Option<&'static str>)> {
    let change = |member: &str, value: Value| {
        let mut bad = good.clone();
        bad[member] = value;
        bad
    };
    let mut without = good.clone();
    if let Some(map) = without.as_object_mut() {
        map.remove("form");
    }
    vec![
        (change("clinic_id", json!("no-such-clinic")), "unknown_clinic", None),
        (change("source", json!(7)), "invalid_field", Some("source")),
        (change("source", json!("somebody")), "invalid_field", Some("source")),
        (change("submitted_at", json!("yesterday")), "invalid_field", Some("submitted_at")),
        (change("form_version", json!("77")), "invalid_field", Some("form_version")),
        (change("form", json!([CANARY])), "missing_field", Some("patient.given")),
        (change("note", json!(CANARY)), "invalid_field", Some("submission")),
        (without, "missing_field", Some("form")),
    ]
}

#[tokio::test]
async fn bad_input_ends_with_a_code_and_what_is_behind_it_goes_on() -> anyhow::Result<()> {
    let line = Line::up(&["--lanes", "1"]).await?;
    let good = Forms::read()?.any(1)?.remove(0);
    let clinic = good["clinic_id"].as_str().unwrap();
    let nameless = nameless();
    for (schema, content_type, body, _) in &nameless {
        line.broker.raw(clinic, schema, content_type, body.clone()).await?;
    }
    let named = named(&good);
    for (number, (bad, ..)) in named.iter().enumerate() {
        let mut bad = bad.clone();
        bad["submission_id"] = json!(numbered(number));
        line.broker.submit(&bad).await?;
    }
    line.broker.submit(&good).await?;

    let ids: Vec<_> = (0..named.len()).map(numbered).chain(Forms::ids(&[good])).collect();
    let rows = line.settled(&ids).await?;
    assert_eq!(rows.len(), ids.len(), "{rows:?}");
    for (number, (_, code, field)) in named.iter().enumerate() {
        let row = rows.iter().find(|row| row.submission_id == numbered(number)).unwrap();
        assert_eq!((row.state.as_str(), row.code.as_deref()), ("rejected", Some(*code)), "{row:?}");
        assert_eq!(row.field.as_deref(), *field, "{row:?}");
    }
    let last = rows.iter().find(|row| !row.submission_id.starts_with("bad-input")).unwrap();
    assert_eq!(last.state, "completed", "{last:?}");

    let dead = line.dead_letters(nameless.len()).await?;
    let mut codes: Vec<_> = dead.iter().map(|letter| letter.code.clone()).collect();
    let mut expected: Vec<_> = nameless.iter().map(|(.., code)| (*code).to_owned()).collect();
    codes.sort();
    expected.sort();
    assert_eq!(codes, expected);
    for letter in &dead {
        assert_eq!(letter.stage, "validation");
        assert!(!letter.row.contains(CANARY), "{}", letter.code);
    }
    line.nowhere_in_logs(CANARY)?;
    line.broker.close().await;
    Ok(())
}
