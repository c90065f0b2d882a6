//! What a gateway answered with 202 and the broker lost is found by name, though the gateway died right after its answer.

use e2e::{Forms, Line, PATIENCE, post};
use frontdesk::ops::Place;
use serde_json::Value;
use testkit::wait;

use crate::reconciling::{CLINIC, counts, found, reconcile, today, until};

#[tokio::test]
async fn what_was_accepted_and_lost_is_named_until_it_is_sent_again() -> anyhow::Result<()> {
    let sla = [("FRONTDESK__RECONCILIATION__SLA_S", "5")];
    let line = Line::up_with(&["--lanes", "1"], &sla).await?;
    let (lost, accepted) = lose(&line, &Forms::read()?.of(CLINIC, 8)?).await?;
    let row = ("lost".to_owned(), lost["submission_id"].as_str().map(str::to_owned));
    let (code, run) = until(&line, &[], |run| found(run).contains(&row)).await?;
    assert_eq!((code, &run["gaps"]), (Some(3), &Value::Array(Vec::new())), "{run}");
    assert_eq!((found(&run), &counts(&run)["accepted"]), (vec![row], &accepted.into()), "{run}");
    assert_eq!(counts(&run)["admitted"], accepted - 1, "{run}");
    let advice = run["differences"][0]["advice"].as_str().unwrap();
    assert!(advice.contains("under the same submission id"), "{advice}");

    // Its sender sends it again, and it is the same one.
    let answers =
        async || post(&line.endpoints.gateway, &lost).await.is_ok_and(|answer| answer.status() == 202);
    wait::until(PATIENCE, answers).await?;
    let rows = line.settled(&Forms::ids(&[lost])).await?;
    assert_eq!(rows[0].state, "completed", "{rows:?}");
    let (code, run) = until(&line, &[], |run| run["differences"] == Value::Array(Vec::new())).await?;
    assert_eq!((code, &counts(&run)["accepted"]), (Some(0), &accepted.into()), "{run}");
    assert_eq!(counts(&run)["admitted"], accepted, "{run}");
    let plain = line.frontdesk(&["reconcile", "--date", &today()]).await?;
    assert!(String::from_utf8_lossy(&plain.stdout).lines().all(|line| line.chars().count() <= 100));
    assert_eq!(reconcile(&line, &["--clinic", "clinic-02"]).await?.0, Some(0));
    line.broker.close().await;
    Ok(())
}

/// Has the gateway accept a submission, kills it, and loses the message. Gives the submission, and how many were accepted.
async fn lose(line: &Line, forms: &[Value]) -> anyhow::Result<(Value, u64)> {
    let pause = line.frontdesk(&["pause", "--stage", "validation", "--reason", "a drill"]).await?;
    assert!(pause.status.success(), "{}", String::from_utf8_lossy(&pause.stderr));
    // The stage obeys soon, not at once: what slips through in between completes, and the next one is tried.
    for (form, accepted) in forms.iter().zip(1..) {
        assert_eq!(post(&line.endpoints.gateway, form).await?.status().as_u16(), 202);
        let id = form["submission_id"].as_str().unwrap_or_default();
        let seen = async || {
            let places = line.ops.status().await.map(|status| status.lanes).unwrap_or_default();
            let waits = |place: &&Place| {
                place.stage == "validation" && place.ready == Some(1) && place.unacknowledged == Some(0)
            };
            let waits = places.iter().find(waits).map(|place| format!("validation.{}", place.lane));
            let rows = line.ops.outcomes().await.unwrap_or_default();
            let through = rows.iter().any(|row| row.submission_id == id && row.state == "completed");
            (waits.is_some() || through).then_some(waits)
        };
        let Some(queue) = wait::until_some(PATIENCE, seen).await? else { continue };
        line.kill_9("gateway").await?;
        line.purge(&queue).await?;
        let resume =
            line.frontdesk(&["resume", "--stage", "validation", "--reason", "the drill is over"]).await?;
        assert!(resume.status.success(), "{}", String::from_utf8_lossy(&resume.stderr));
        return Ok((form.clone(), accepted));
    }
    anyhow::bail!("the pause is not obeyed")
}
