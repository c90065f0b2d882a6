//! An EHR that fails in every way that the design names: each thing is there once all the same.

use std::collections::HashMap;

use e2e::{Forms, Line};
use serde_json::{Value, json};

#[tokio::test]
async fn a_failing_ehr_gets_each_thing_once() -> anyhow::Result<()> {
    let line = Line::up(&[]).await?;
    // Each strikes some times and then no more: what is tested is that everything comes to its end by itself.
    let ehr = |fault: Value| json!({"class": "ehr", "fault": fault, "probability": 0.2, "count": 5});
    line.faults(json!([
        ehr(json!({"kind": "error", "status": 503, "commit": "after"})),
        ehr(json!({"kind": "error", "status": 500, "commit": "before"})),
        ehr(json!({"kind": "cut", "commit": "after"})),
        ehr(json!({"kind": "cut", "commit": "before"})),
        ehr(json!({"kind": "throttle", "retry_after_s": 1})),
        ehr(json!({"kind": "garbage"})),
        ehr(json!({"kind": "late_commit", "after_ms": 2000})),
        {"class": "ehr", "fault": {"kind": "stale_search", "lag_ms": 1000}, "probability": 0.3},
        {"class": "ehr", "fault": {"kind": "non_atomic", "window_ms": 50}, "probability": 0.3},
    ]))
    .await?;
    let submissions = Forms::read()?.any(60)?;
    for submission in &submissions {
        line.broker.submit(submission).await?;
    }
    let rows = line.settled(&Forms::ids(&submissions)).await?;
    let odd: Vec<_> = rows.iter().filter(|row| row.state != "completed").collect();
    assert!(odd.is_empty(), "{odd:?}");
    let struck = line.sandbox("faults").await?;
    assert!(
        struck["injected"].as_object().is_some_and(|kinds| kinds.len() >= 6),
        "too few faults struck: {struck}"
    );

    for (kind, system) in [
        ("Patient", "urn:frontdesk:patient"),
        ("Coverage", "urn:frontdesk:coverage"),
        ("Appointment", "urn:frontdesk:appointment"),
    ] {
        let resources = line.list(&format!("contents?type={kind}")).await?;
        assert_eq!(resources.len(), submissions.len(), "{kind}");
        let mut seen: HashMap<String, usize> = HashMap::new();
        for resource in &resources {
            let ours = resource["identifier"]
                .as_array()
                .unwrap()
                .iter()
                .find(|one| one["system"] == system)
                .unwrap();
            *seen.entry(ours["value"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        assert!(seen.values().all(|count| *count == 1), "a {kind} is there twice");
    }
    line.broker.close().await;
    Ok(())
}
