//! Keys are rotated while the line works: what was sealed before opens, what comes after is sealed anew, nobody is restarted and nothing dies.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context as _;
use e2e::{Forms, Line, PATIENCE};
use serde_json::Value;
use testkit::wait;

/// Held until a person decides, for a doubt about the first.
const DOUBTFUL: (&str, &str) =
    ("3b51d375-f933-4f74-ab29-35f2c02823ec", "b06e1d51-34c5-4125-bdab-0850b8160826");

/// The keys by age: what each does, and how many rows are sealed with it.
async fn keys(line: &Line) -> anyhow::Result<Vec<(String, String, u64)>> {
    let output = line.frontdesk(&["keys", "list", "--used", "--format", "json"]).await?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    rows.iter()
        .map(|row| {
            let used: BTreeMap<String, u64> = serde_json::from_value(row["used"].clone())?;
            let text = |member: &str| row[member].as_str().map(str::to_owned).context("no text");
            Ok((text("id")?, text("does")?, used.values().sum()))
        })
        .collect()
}

#[tokio::test]
async fn keys_are_rotated_under_load_and_nothing_that_was_sealed_is_lost() -> anyhow::Result<()> {
    let line = Line::up(&[]).await?;
    let first = keys(&line).await?;
    assert!(matches!(&first[..], [(_, does, 0)] if does == "seals"), "{first:?}");

    // Under the old key: one that waits for a person, and some that wait at the end of the line.
    for id in [DOUBTFUL.0, DOUBTFUL.1] {
        line.broker.submit(&Forms::named(id)?).await?;
        line.settled(&[id.to_owned()]).await?;
    }
    let paused = line.frontdesk(&["pause", "--stage", "notification", "--reason", "rotation"]).await?;
    assert!(paused.status.success(), "{}", String::from_utf8_lossy(&paused.stderr));
    // Every process obeys within two seconds; the first ones could be through by then.
    let obeyed = || async {
        let told = line.metrics("notification").await.unwrap_or_default();
        let mut lanes = told.lines().filter(|line| line.starts_with("frontdesk_lane_paused{")).peekable();
        lanes.peek().is_some() && lanes.all(|lane| lane.ends_with(" 1"))
    };
    wait::until(PATIENCE, obeyed).await.context("the pause is not obeyed")?;
    let mut submissions = Forms::read()?.any(60)?;
    submissions.retain(|one| one["submission_id"] != DOUBTFUL.0);
    let (before, during) = submissions.split_at(20);
    for form in before {
        line.broker.submit(form).await?;
    }
    let waiting = || async {
        let queues = line.ops.status().await.ok().and_then(|status| status.queues).unwrap_or_default();
        let of_last = queues
            .iter()
            .filter(|queue| queue.queue.starts_with("notification.") && !queue.queue.ends_with(".dlq"));
        of_last.map(|queue| queue.ready + queue.unacknowledged).sum::<u64>() >= 20
    };
    wait::until(PATIENCE, waiting).await.context("nothing waits at the end of the line")?;

    let rotated = line.frontdesk(&["keys", "rotate"]).await?;
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    let two = keys(&line).await?;
    assert!(two.len() == 2 && two[0].0 == first[0].0 && two[1].1 == "settles", "{two:?}");
    let pids = |service: &str| line.pid(service);
    let processes: Vec<_> = ["validation", "ehr-writer"].iter().filter_map(|one| pids(one).ok()).collect();
    // All the while more come, until the new key is seen to seal.
    let mut sent = before.to_vec();
    for (nth, form) in during.iter().enumerate() {
        line.broker.submit(form).await?;
        sent.push(form.clone());
        if nth >= 20 {
            let log = &line.endpoints.services["validation"].log;
            let said = format!("\"keys.sealing\":\"{}\"", two[1].0);
            let seals = || async { std::fs::read_to_string(log).is_ok_and(|log| log.contains(&said)) };
            wait::until(PATIENCE, seals).await.context("the new key does not settle")?;
        } else {
            // So that they come before, while and after it settles: nothing can be waited for but time.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let resumed = line.frontdesk(&["resume", "--stage", "notification", "--reason", "rotated"]).await?;
    assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
    let rows = line.settled(&Forms::ids(&sent)).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "{rows:?}");
    line.dead_letters(0).await?;

    // What was held under the old key goes on.
    let holds = line.frontdesk(&["holds", "list", "--format", "json"]).await?;
    let holds: Vec<Value> = serde_json::from_slice(&holds.stdout)?;
    let held = holds[0]["admission_id"].as_str().context("nothing is held")?;
    let decided =
        line.frontdesk(&["holds", "decide", held, "different-person", "--reason", "by phone"]).await?;
    assert!(decided.status.success(), "{}", String::from_utf8_lossy(&decided.stderr));
    let ended = || async {
        let found = line.ops.submission(DOUBTFUL.1).await.unwrap_or_default();
        found.iter().any(|one| one.outcome.state == "completed")
    };
    wait::until(PATIENCE, ended).await.context("what was held does not go on")?;

    let both = keys(&line).await?;
    assert!(both.len() == 2 && both.iter().all(|(_, _, rows)| *rows > 0), "{both:?}");
    assert_eq!((both[0].1.as_str(), both[1].1.as_str()), ("opens", "seals"));
    let again: Vec<_> = ["validation", "ehr-writer"].iter().filter_map(|one| pids(one).ok()).collect();
    assert_eq!(processes, again, "nobody was restarted");
    line.broker.close().await;
    Ok(())
}
