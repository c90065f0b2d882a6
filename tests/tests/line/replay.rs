//! A bad template fills one group. The plan shows what would become of it, the guard stops a replay that does not help, and when the
//! template is mended everything is drained, once, though the operators' service is killed on the way.

use anyhow::{Context as _, ensure};
use e2e::{Forms, Line, PATIENCE};
use serde_json::Value;
use testkit::wait;

pub(crate) const CLINIC: &str = "clinic-01";
pub(crate) const BAD: &str = "reason = { expr = \"form * 2\" }";

/// Runs `frontdesk dlq …` and gives its exit code and what it printed, which is JSON if it is asked for.
pub(crate) async fn dlq(line: &Line, args: &[&str]) -> anyhow::Result<(Option<i32>, String, String)> {
    let output = line.frontdesk(&[&["dlq"], args].concat()).await?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((output.status.code(), text(&output.stdout), text(&output.stderr)))
}

/// Makes a plan of all that is open, and gives its id and its forecasts.
pub(crate) async fn plan(line: &Line) -> anyhow::Result<(String, Value)> {
    let (code, said, error) =
        dlq(line, &["plan", "--code", "template_failed", "--reason", "mended", "--format", "json"]).await?;
    ensure!(code == Some(0), "{said}{error}");
    let plan: Value = serde_json::from_str(&said)?;
    Ok((plan["id"].as_str().context("no id")?.to_owned(), plan["tally"]["forecast"].clone()))
}

#[tokio::test]
async fn a_bad_template_is_mended_and_its_letters_are_drained_once() -> anyhow::Result<()> {
    let line = Line::up(&["--lanes", "1"]).await?;
    line.template(CLINIC, Some(BAD))?;
    line.kill_9("validation").await?;
    let submissions = Forms::read()?.of(CLINIC, 12)?;
    for submission in &submissions {
        line.broker.submit(submission).await?;
    }
    line.dead_letters(12).await?;
    let (code, said, _) = dlq(&line, &["groups", "--format", "json"]).await?;
    let groups: Value = serde_json::from_str(&said)?;
    assert_eq!((code, groups.as_array().map(Vec::len), &groups[0]["count"]), (Some(0), Some(1), &12.into()));
    let (first, forecast) = plan(&line).await?;
    assert_eq!(forecast, serde_json::json!({ "still_fails": 12 }));
    let (code, _, error) = dlq(&line, &["replay", &first, "--reason", "try"]).await?;
    assert_eq!(code, Some(4), "{error}");

    // Mended on disk, where the dry run reads it; the stage has still the other.
    line.template(CLINIC, None)?;
    let (early, forecast) = plan(&line).await?;
    assert_eq!(forecast, serde_json::json!({ "would_create": 12 }));
    let watched = ["replay", &early, "--canary", "2", "--stop-on", "10%", "--watch", "--reason", "mended"];
    let (code, said, error) = dlq(&line, &watched).await?;
    assert_eq!(code, Some(5), "{said}{error}");
    assert!(
        said.contains("is stopped: published 2 of 12") && error.contains("10 were not published"),
        "{said}{error}"
    );
    line.dead_letters(14).await?;

    line.kill_9("validation").await?;
    let (mended, forecast) = plan(&line).await?;
    assert_eq!(forecast, serde_json::json!({ "would_create": 12 }), "the two that died again are open anew");
    let slow =
        ["replay", &mended, "--canary", "3", "--rate", "2/s", "--stop-on", "10%", "--reason", "mended"];
    let (code, said, error) = dlq(&line, &slow).await?;
    assert_eq!(code, Some(0), "{said}{error}");
    let published = async || Some(line.ops.plan(&mended).await.ok()?["tally"]["published"].as_u64()?);
    wait::until(PATIENCE, || async { published().await.is_some_and(|count| count >= 4) }).await?;
    line.kill_9("ops").await?;
    let ended = || async { line.ops.plan(&mended).await.is_ok_and(|plan| plan["state"] == "done") };
    wait::until(PATIENCE, ended).await?;
    let (_, said, _) = dlq(&line, &["plan", "show", &mended]).await?;
    assert!(said.contains("is done: published 12 of 12: 12 completed, 0 held, 0 failed"), "{said}");

    let rows = line.settled(&Forms::ids(&submissions)).await?;
    assert!(rows.len() == 12 && rows.iter().all(|row| row.state == "completed"), "{rows:?}");
    for kind in ["Patient", "Appointment"] {
        assert_eq!(line.list(&format!("contents?type={kind}")).await?.len(), 12, "{kind}");
    }
    // Nothing is left to be done twice.
    let (code, _, error) = dlq(&line, &["plan", "--code", "template_failed", "--reason", "the rest"]).await?;
    assert_eq!(code, Some(4), "{error}");
    let (code, _, error) = dlq(&line, &["replay", &mended, "--reason", "again"]).await?;
    assert!(code == Some(1) && error.contains("plan_state"), "{error}");
    let (_, said, _) = dlq(&line, &["list", "--state", "replayed", "--format", "json"]).await?;
    assert_eq!(serde_json::from_str::<Value>(&said)?.as_array().map(Vec::len), Some(14));
    line.dead_letters(14).await?;
    line.broker.close().await;
    Ok(())
}
