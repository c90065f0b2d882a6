//! A clinic is paused and resumed from the command line: its submissions wait, the others' do not, and both acts are on record.

use anyhow::Context as _;
use e2e::{Forms, Line, PATIENCE};
use serde_json::Value;
use testkit::wait;

const PAUSED: &str = "clinic-01";

/// Messages that were put off, as the broker counts them.
async fn put_off(line: &Line) -> anyhow::Result<u64> {
    let queues = line.ops.status().await?.queues.unwrap_or_default();
    Ok(queues.iter().filter(|queue| queue.queue.starts_with("wait.")).map(|queue| queue.ready).sum())
}

async fn stands(line: &Line, id: &str) -> anyhow::Result<bool> {
    Ok(line.ops.outcomes().await?.iter().any(|row| row.submission_id == id && row.state != "in_flight"))
}

/// Runs a command and gives its exit code, what it printed and what it complained of.
async fn run(line: &Line, args: &[&str]) -> anyhow::Result<(Option<i32>, String, String)> {
    let output = line.frontdesk(args).await?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((output.status.code(), text(&output.stdout), text(&output.stderr)))
}

#[tokio::test]
async fn a_paused_clinic_waits_the_others_go_on_and_the_acts_are_on_record() -> anyhow::Result<()> {
    let line = Line::up(&[]).await?;
    let (code, _, error) = run(&line, &["pause", "--clinic", "clinic-99", "--reason", "a typo"]).await?;
    assert_eq!(code, Some(4), "{error}");
    assert!(error.contains("no clinic clinic-99") && error.contains("clinic-01, clinic-02"), "{error}");

    let (code, said, error) = run(&line, &["pause", "--ehr", "sandbox", "--reason", "upgrade"]).await?;
    assert_eq!(code, Some(0), "{error}");
    assert!(said.contains("paused ehr:sandbox, by local, until it is resumed: upgrade"), "{said}");
    let resume = ["resume", "--ehr", "sandbox", "--lane", "default", "--reason", "upgraded"];
    let (code, said, error) = run(&line, &resume).await?;
    assert_eq!(code, Some(3), "{error}");
    assert!(
        said.contains("resumed ehr:sandbox") && error.contains("lane:default is not paused"),
        "{said}{error}"
    );

    let pause = ["pause", "--clinic", PAUSED, "--for", "2h", "--reason", "moving house"];
    let (code, said, error) = run(&line, &pause).await?;
    assert_eq!(code, Some(0), "{error}");
    assert!(
        said.contains("paused clinic:clinic-01, by local, until") && said.contains("moving house"),
        "{said}"
    );
    assert!(said.contains("backlog: 0 now, 0.0 a minute more: about 0 when it ends"), "{said}");

    // Validation obeys soon, not at once: what slipped through in between completes, and the next one is tried.
    let forms = Forms::read()?;
    let mut waits = None;
    for form in forms.of(PAUSED, 4)? {
        line.broker.submit(&form).await?;
        let id = Forms::ids(std::slice::from_ref(&form)).remove(0);
        let seen = async || {
            let (off, through) =
                (put_off(&line).await.unwrap_or(0), stands(&line, &id).await.unwrap_or(false));
            (off > 0 || through).then_some(off > 0)
        };
        if wait::until_some(PATIENCE, seen).await? {
            waits = Some(id);
            break;
        }
    }
    let waits = waits.context("the pause is not obeyed")?;

    // Those of another clinic come to their end meanwhile.
    let others = forms.of("clinic-02", 3)?;
    for form in &others {
        line.broker.submit(form).await?;
    }
    let rows = line.settled(&Forms::ids(&others)).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "{rows:?}");
    assert!(!stands(&line, &waits).await?, "it waits");

    let (code, said, error) = run(&line, &["status"]).await?;
    assert_eq!(code, Some(0), "{error}");
    assert!(said.contains("clinic:clinic-01, by local, for 2 h more: moving house"), "{said}");
    assert!(!said.contains('\x1b') && said.lines().all(|line| line.chars().count() <= 100), "{said}");
    let (_, said, _) = run(&line, &["status", "--format", "json"]).await?;
    let status: Value = serde_json::from_str(&said)?;
    assert_eq!(status["paused"][0]["scope"], "clinic:clinic-01", "{said}");
    let busy =
        status["lanes"].as_array().unwrap().iter().any(|place| place["per_minute"].as_f64() > Some(0.0));
    assert!(busy, "what passed is in the journal: {said}");

    let resume = ["resume", "--clinic", PAUSED, "--reason", "there now"];
    let (code, said, error) = run(&line, &resume).await?;
    assert_eq!(code, Some(0), "{error}");
    assert!(said.contains("resumed clinic:clinic-01, which local had paused: moving house"), "{said}");
    let rows = line.settled(std::slice::from_ref(&waits)).await?;
    assert_eq!(rows[0].state, "completed", "{rows:?}");
    let (code, _, error) = run(&line, &resume).await?;
    assert_eq!(code, Some(4), "{error}");
    assert!(error.contains("clinic:clinic-01 is not paused"), "{error}");

    let acts: Value = line.operators("acts").await?;
    let told: Vec<_> = acts["acts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|act| {
            ["what", "actor", "role", "scope", "reason", "outcome"].map(|name| act[name].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            ["resumed", "local", "operator", "clinic:clinic-01", "there now", "nothing"],
            ["resumed", "local", "operator", "clinic:clinic-01", "there now", "done"],
            ["paused", "local", "operator", "clinic:clinic-01", "moving house", "done"],
            ["resumed", "local", "operator", "ehr:sandbox", "upgraded", "done"],
            ["resumed", "local", "operator", "lane:default", "upgraded", "nothing"],
            ["paused", "local", "operator", "ehr:sandbox", "upgrade", "done"],
        ]
    );
    line.broker.close().await;
    Ok(())
}
