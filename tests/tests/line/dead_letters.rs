//! Poison is collected, grouped, listed and shown to a person, and nothing of it lies anywhere in clear.

use std::process::Output;

use e2e::Line;
use serde_json::Value;

/// Stands in every poisonous body.
const CANARY: &str = "Wvutsrq-Canary";

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn poison_is_found_by_its_group_and_shown_without_a_word_of_it() -> anyhow::Result<()> {
    let line = Line::up(&["--lanes", "1"]).await?;
    let run = async |args: &[&str]| line.frontdesk(args).await.unwrap();
    let none = run(&["dlq", "groups", "--format", "json"]).await;
    assert_eq!((none.status.code(), json(&none)), (Some(4), Value::Array(Vec::new())));

    for _ in 0..3 {
        let body = format!("{{\"name\": \"{CANARY}\"").into_bytes();
        line.broker.raw("clinic-01", domain::submission::SCHEMA, "application/json", body).await?;
    }
    let body = format!("{{\"name\": \"{CANARY}\"}}").into_bytes();
    line.broker.raw("clinic-01", "intake.submission.v9", "application/json", body).await?;
    let dead = line.dead_letters(4).await?;
    assert!(dead.iter().all(|letter| !letter.row.contains(CANARY)));

    let groups = run(&["dlq", "groups", "--format", "json", "--since", "1h"]).await;
    assert!(groups.status.success());
    let groups = json(&groups);
    let counts: Vec<_> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (group["fingerprint"].as_str().unwrap(), group["count"].as_u64().unwrap()))
        .collect();
    assert_eq!(counts, [("validation/malformed/-/-", 3), ("validation/unknown_schema/-/-", 1)]);
    assert_eq!(groups[0]["last_hour"], 3);
    for (limit, cut) in [("3", true), ("4", false)] {
        let listed = run(&["dlq", "list", "--limit", limit]).await;
        let said = String::from_utf8(listed.stderr)?;
        assert_eq!(
            (listed.status.code(), said.contains("there are more: --limit N")),
            (Some(0), cut),
            "{said}"
        );
    }
    let table = run(&["dlq", "groups"]).await;
    assert!(String::from_utf8(table.stdout)?.contains("validation/malformed/-/-"));

    let listed = run(&["dlq", "list", "--format", "json", "--code", "unknown_schema"]).await;
    let listed = json(&listed);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let shown = run(&["dlq", "show", listed[0]["id"].as_str().unwrap(), "--format", "json"]).await;
    assert!(shown.status.success() && !String::from_utf8_lossy(&shown.stdout).contains(CANARY));
    let shown = json(&shown);
    assert_eq!((&shown["stage"], &shown["attempts"]), (&"validation".into(), &1.into()));
    assert!(shown["message_id"].is_string() && shown.get("admission").is_none(), "{shown}");
    for nothing in [
        &["dlq", "list", "--clinic", "clinic-02"][..],
        &["dlq", "list", "--stage", "ehr-writer", "--format", "json"],
        &["dlq", "show", "00000000-0000-0000-0000-000000000000"],
    ] {
        assert_eq!(run(nothing).await.status.code(), Some(4), "{nothing:?}");
    }
    line.nowhere_in_logs(CANARY)?;
    line.broker.close().await;
    Ok(())
}
