//! A rollout: each process is asked to stop while messages flow, finishes what it has in hand, and the next one goes on. What was finished
//! is not done again.

use anyhow::Context as _;
use e2e::{Forms, Line, PATIENCE};
use frontdesk::local::Layout;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use testkit::wait;

const STAGES: [&str; 4] = ["validation", "eligibility", "ehr-writer", "notification"];

#[tokio::test]
async fn what_is_in_hand_is_finished_before_a_process_ends_and_nothing_is_done_again() -> anyhow::Result<()> {
    let line = Line::up(&[]).await?;
    let submissions = Forms::read()?.any(240)?;
    for (number, form) in submissions.iter().enumerate() {
        line.broker.submit(form).await?;
        if number % 40 == 20 {
            let stage = STAGES[number / 40 % STAGES.len()];
            // Wherever the messages are by now: each stage is met while it has some in hand.
            let before = line.pid(stage)?;
            kill(Pid::from_raw(before), Signal::SIGTERM)?;
            let again = || async { line.pid(stage).is_ok_and(|pid| pid != before) };
            wait::until(PATIENCE, again).await.with_context(|| format!("{stage} is not started again"))?;
        }
    }
    let rows = line.settled(&Forms::ids(&submissions)).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "{rows:?}");
    line.dead_letters(0).await?;

    let twice = line
        .rows(
            "SELECT stage, count(*) FROM (SELECT stage, submission_id FROM journal WHERE event IN ('emitted', 'settled')
            GROUP BY 1, 2 HAVING count(*) > 1) AS again GROUP BY 1",
        )
        .await?;
    let twice: Vec<(String, i64)> = twice.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert!(twice.is_empty(), "finished, and done again: {twice:?}");
    let runner = std::fs::read_to_string(
        Layout::find(
            Some(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))),
            Some(line.folder()),
        )?
        .runner_log(),
    )?;
    for stage in STAGES {
        let said = format!("{stage} ended (exit status: 0)");
        assert!(runner.contains(&said), "{stage} ends in order: {runner}");
    }
    line.broker.close().await;
    Ok(())
}
