//! The version before on the schema of this one: as it is during a rollout, and after one that was taken back.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use e2e::{Forms, Line, PATIENCE};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use testkit::wait;

const STAGES: [&str; 4] = ["validation", "eligibility", "ehr-writer", "notification"];

/// Where its programs are is told by `FRONTDESK_PREVIOUS`; `docs/operations.md` says how they are built. `./dev test` says when they are not there.
#[tokio::test]
async fn the_version_before_works_on_this_ones_schema() -> anyhow::Result<()> {
    let Some(programs) = std::env::var_os("FRONTDESK_PREVIOUS") else { return Ok(()) };
    let line = Line::up_by(PathBuf::from(programs).join("frontdesk"), &[], &[]).await?;
    let config = line.endpoints.config.display().to_string();
    let migrated = line.frontdesk(&["migrate", "--config", &config]).await?;
    ensure!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));

    let submissions = Forms::read()?.any(60)?;
    for (number, form) in submissions.iter().enumerate() {
        line.broker.submit(form).await?;
        // Each begins anew once, on that schema.
        if number % 15 == 7 {
            let stage = STAGES[number / 15 % STAGES.len()];
            let before = line.pid(stage)?;
            kill(Pid::from_raw(before), Signal::SIGTERM)?;
            let again = || async { line.pid(stage).is_ok_and(|pid| pid != before) };
            wait::until(PATIENCE, again).await.with_context(|| format!("{stage} is not started again"))?;
        }
    }
    let rows = line.settled(&Forms::ids(&submissions)).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "{rows:?}");
    line.dead_letters(0).await?;
    line.broker.close().await;
    Ok(())
}
