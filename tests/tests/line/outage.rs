//! The EHR refuses everything for a minute: the lanes pause themselves and come back, no attempt is burnt, and nothing dies.

use std::time::Duration;

use e2e::{Forms, Line, PATIENCE};
use serde_json::{Value, json};
use testkit::wait;
use tokio::time::{Instant, sleep_until};
use tokio_postgres::NoTls;

const MINUTE: Duration = Duration::from_secs(60);
/// The sandbox's name in the configuration, as an endpoint.
const EHR: &str = "ehr:sandbox";

/// How the breaker stands in the places of the EHR-writer, as the operators' status has it.
async fn breakers(line: &Line) -> anyhow::Result<Vec<(String, Option<String>)>> {
    let status: Value = line.operators("status").await?;
    let places = status["lanes"].as_array().unwrap().iter().filter(|place| place["stage"] == "ehr-writer");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Ok(places.map(|place| (text(&place["lane"]).unwrap(), text(&place["breaker"]))).collect())
}

/// Whether a lane with clinics is stopped by an open breaker.
async fn open(line: &Line) -> bool {
    breakers(line).await.unwrap().iter().any(|(_, state)| state.as_deref() == Some("open"))
}

/// What the journal says of the EHR-writer: events, each with its attempt and how often.
async fn journal(line: &Line) -> anyhow::Result<Vec<(String, i32, i64)>> {
    const SQL: &str =
        "SELECT event, attempt, count(*) FROM journal WHERE stage = 'ehr-writer' GROUP BY 1, 2 ORDER BY 1, 2";
    let url = std::fs::read_to_string(&line.endpoints.postgres.url_file)?;
    let (client, connection) = tokio_postgres::connect(url.trim(), NoTls).await?;
    let connection = tokio::spawn(connection);
    let rows = client.query(SQL, &[]).await?;
    drop(client);
    connection.await??;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

#[tokio::test]
async fn an_outage_of_a_minute_burns_no_attempt_and_dead_letters_nothing() -> anyhow::Result<()> {
    let line = Line::up(&[]).await?;
    let submissions = Forms::read()?.any(36)?;
    let (before, during) = submissions.split_at(4);
    let (at_its_begin, in_the_middle) = during.split_at(24);
    for form in before {
        line.broker.submit(form).await?;
    }
    let rows = line.settled(&Forms::ids(before)).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "{rows:?}");
    assert!(breakers(&line).await?.iter().all(|(_, state)| state.is_none()));

    line.faults(json!([{"class": "ehr", "fault": {"kind": "error", "status": 503, "commit": "before"}}]))
        .await?;
    let healed_at = Instant::now() + MINUTE;
    for form in at_its_begin {
        line.broker.submit(form).await?;
    }
    wait::until(PATIENCE, || open(&line)).await?;
    let said = line.frontdesk(&["status"]).await?;
    let said = String::from_utf8(said.stdout)?;
    assert!(said.contains(&format!("{EHR} open in ehr-writer")) && said.contains("down"), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 100), "{said}");
    for form in in_the_middle {
        line.broker.submit(form).await?;
    }
    // A minute is a minute: nothing is waited for.
    sleep_until(healed_at).await;
    let standing = line.ops.outcomes().await?;
    let ids = Forms::ids(during);
    let left: Vec<_> = standing.iter().filter(|row| ids.contains(&row.submission_id)).collect();
    assert!(
        left.iter().all(|row| row.state == "in_flight"),
        "nothing went through and nothing died: {left:?}"
    );
    // The lanes did not press the EHR: those that found out, then a probe at a time.
    let struck = line.sandbox("faults").await?["injected"]["ehr.error_before_commit"].as_u64().unwrap_or(0);
    assert!((10..100).contains(&struck), "{struck} calls in a minute");
    line.faults(json!([])).await?;

    let rows = line.settled(&ids).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "{rows:?}");
    line.dead_letters(0).await?;
    let closed = async || breakers(&line).await.unwrap().iter().all(|(_, state)| state.is_none());
    wait::until(PATIENCE, closed).await?;
    let journal = journal(&line).await?;
    assert!(journal.iter().any(|(event, ..)| event == "retried"), "some met the outage: {journal:?}");
    let emitted: Vec<_> = journal.iter().filter(|(event, ..)| event == "emitted").collect();
    assert_eq!(emitted, [&("emitted".to_owned(), 1, 36)], "at the first attempt, all of them: {journal:?}");
    line.broker.close().await;
    Ok(())
}
