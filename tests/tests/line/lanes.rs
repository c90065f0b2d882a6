//! A clinic changes its lane while its messages flow: none is lost, none is handled twice, and nobody is restarted.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use e2e::{Forms, Line, PATIENCE};
use serde_json::{Value, json};
use testkit::wait;

const CLINIC: &str = "clinic-01";

/// The line's configuration with the clinic in another of its lanes, in a file of its own.
fn moved(line: &Line, to: &str) -> anyhow::Result<PathBuf> {
    let mut settings: toml::Table = std::fs::read_to_string(&line.endpoints.config)?.parse()?;
    let lanes = settings["lanes"].as_table_mut().context("lanes")?;
    for (name, lane) in lanes.iter_mut() {
        let clinics = lane["clinics"].as_array_mut().context("clinics")?;
        clinics.retain(|clinic| clinic.as_str() != Some(CLINIC));
        if name == to {
            clinics.push(CLINIC.into());
        }
    }
    let path = line.endpoints.config.with_file_name(format!("in-{to}.toml"));
    std::fs::write(&path, toml::to_string(&settings)?)?;
    Ok(path)
}

/// Runs `frontdesk topology` with that configuration, and gives its exit code and what it printed.
async fn topology(line: &Line, args: &[&str], config: &Path) -> anyhow::Result<(Option<i32>, String)> {
    let config = config.to_str().context("a path that is no text")?;
    let output = line.frontdesk(&[&["topology", "--config", config], args].concat()).await?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() != Some(1), "{complaint}");
    Ok((output.status.code(), String::from_utf8(output.stdout)?))
}

/// Of a clinic: how many submissions a stage finished, how often it finished one, and in how many lanes.
async fn handled(line: &Line, clinic: &str) -> anyhow::Result<Vec<(String, i64, i64, i64)>> {
    let rows = line
        .rows(&format!(
            "SELECT stage, count(DISTINCT submission_id), count(*), count(DISTINCT lane) FROM journal
            WHERE clinic = '{clinic}' AND event IN ('emitted', 'settled') GROUP BY stage ORDER BY stage"
        ))
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect())
}

#[tokio::test]
async fn a_clinic_changes_its_lane_under_load_and_nothing_is_lost_or_done_twice() -> anyhow::Result<()> {
    const MOVES: usize = 6;
    let line = Line::up(&[]).await?;
    let places = [moved(&line, "lane-1")?, moved(&line, "lane-2")?];
    assert_eq!(topology(&line, &["plan"], &places[0]).await?, (Some(0), "nothing to do\n".to_owned()));
    // The broker tells of consumers a few seconds late.
    let told = async || {
        let (code, said) = topology(&line, &["plan"], &places[1]).await.ok()?;
        (!said.contains("no consumer is seen")).then_some((code, said))
    };
    let (code, said) = wait::until_some(PATIENCE, told).await?;
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("> intake.ingest: clinic.clinic-01 from validation.lane-1 to validation.lane-2\n"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 4, "one for each stage: {said}");
    let (_, said) = topology(&line, &["plan", "--format", "json"], &places[1]).await?;
    let plan: Value = serde_json::from_str(&said)?;
    assert_eq!(
        (&plan["steps"][0]["step"], &plan["steps"][0]["from"]),
        (&json!("move"), &json!("validation.lane-1"))
    );

    let forms = Forms::read()?.of(CLINIC, 180)?;
    let others = Forms::read()?.of("clinic-02", 20)?;
    let sending = async {
        for (form, other) in forms.iter().zip(others.iter().map(Some).chain(std::iter::repeat(None))) {
            line.broker.submit(form).await?;
            if let Some(other) = other {
                line.broker.submit(other).await?;
            }
        }
        anyhow::Ok(())
    };
    let moving = async {
        for to in places.iter().cycle().skip(1).take(MOVES) {
            let (code, said) = topology(&line, &["apply"], to).await?;
            ensure!(code == Some(0), "{said}");
            ensure!(topology(&line, &["plan"], to).await?.0 == Some(0), "it is done");
        }
        anyhow::Ok(())
    };
    tokio::try_join!(sending, moving)?;
    let sent = [forms, others].concat();
    let rows = line.settled(&Forms::ids(&sent)).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "{rows:?}");
    line.dead_letters(0).await?;

    let found = handled(&line, CLINIC).await?;
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found.iter().all(|(_, submissions, hops, _)| (*submissions, *hops) == (180, 180)), "{found:?}");
    assert!(found.iter().any(|(.., lanes)| *lanes >= 2), "it was moved while its messages flowed: {found:?}");
    let still = handled(&line, "clinic-02").await?;
    assert!(still.iter().all(|(.., lanes)| *lanes == 1), "the others stay where they are: {still:?}");
    let counts = line.sandbox("counts").await?;
    assert_eq!((&counts["patients"], &counts["appointments"]), (&200.into(), &200.into()), "{counts}");
    line.broker.close().await;
    Ok(())
}

/// The order shows it, not the clock: what came last, in the quiet lane, is done while the flood that came first still waits.
#[tokio::test]
async fn a_flood_of_one_clinic_keeps_no_other_lane_waiting() -> anyhow::Result<()> {
    // One at a time in the flooded lane, so that the flood lasts; as any lane may be set.
    let variables =
        [("FRONTDESK__LANES__LANE-1__CONCURRENCY", "1"), ("FRONTDESK__LANES__LANE-1__PREFETCH", "2")];
    let line = Line::up_with(&[], &variables).await?;
    line.faults(json!([{"class": "ehr", "fault": {"kind": "slow", "ms": 50}}])).await?;
    let (flood, quiet) = (Forms::read()?.of(CLINIC, 200)?, Forms::read()?.of("clinic-02", 4)?);
    for form in flood.iter().chain(&quiet) {
        line.broker.submit(form).await?;
    }
    let rows = line.settled(&Forms::ids(&quiet)).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "{rows:?}");
    let waiting = async || {
        let ids = Forms::ids(&flood);
        let rows = line.ops.outcomes().await?;
        let settled = rows.iter().filter(|row| ids.contains(&row.submission_id) && row.state != "in_flight");
        anyhow::Ok(flood.len() - settled.count())
    };
    let left = waiting().await?;
    assert!(left >= 50, "only {left} of the flood still waited");
    line.faults(json!([])).await?;
    let rows = line.settled(&Forms::ids(&flood)).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "the flood is done too: {rows:?}");
    line.broker.close().await;
    Ok(())
}
