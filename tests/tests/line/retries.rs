//! How often what failed is tried again is the clinic's to say.

use std::collections::BTreeMap;

use e2e::{Forms, Line};
use serde_json::{Value, json};

/// The attempts that each clinic's template asks for. Together fewer than open a breaker.
const ATTEMPTS: [(&str, u64); 2] = [("clinic-01", 3), ("clinic-02", 5)];
/// Fewer than that: while an endpoint answers nobody, the larger number counts.
const CONFIGURED: (&str, &str) = ("FRONTDESK__RETRY__ATTEMPTS", "2");

#[tokio::test]
async fn two_clinics_give_up_after_the_attempts_that_each_asks_for() -> anyhow::Result<()> {
    let line = Line::up_with(&["--lanes", "1"], &[CONFIGURED]).await?;
    for (clinic, attempts) in ATTEMPTS {
        line.template_and(clinic, &format!("\n[retry]\nattempts = {attempts}\n"))?;
    }
    line.kill_9("ehr-writer").await?;
    line.faults(json!([{"class": "ehr", "fault": {"kind": "error", "status": 503, "commit": "before"}}]))
        .await?;
    for (clinic, _) in ATTEMPTS {
        line.broker.submit(&Forms::read()?.of(clinic, 1)?[0]).await?;
    }
    let dead = line.dead_letters(2).await?;
    assert!(dead.iter().all(|one| one.stage == "ehr-writer" && one.code == "ehr_unavailable"));
    let listed = line.frontdesk(&["dlq", "list", "--format", "json"]).await?;
    let listed: Vec<Value> = serde_json::from_slice(&listed.stdout)?;
    let mut found = BTreeMap::new();
    for letter in &listed {
        let shown =
            line.frontdesk(&["dlq", "show", letter["id"].as_str().unwrap(), "--format", "json"]).await?;
        let shown: Value = serde_json::from_slice(&shown.stdout)?;
        found.insert(shown["clinic_id"].as_str().unwrap().to_owned(), shown["attempts"].as_u64().unwrap());
    }
    assert_eq!(found, ATTEMPTS.map(|(clinic, attempts)| (clinic.to_owned(), attempts)).into());
    line.broker.close().await;
    Ok(())
}
