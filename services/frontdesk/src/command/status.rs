//! `frontdesk status`.

mod screen;

use std::{
    io::{IsTerminal as _, stdout},
    time::Duration,
};

use clap::Args;
use serde_json::Value;

use super::how::{Format, How};
use crate::{local::Layout, ops::Ops, output};

/// With `--watch` it is looked so often.
const EVERY: Duration = Duration::from_secs(2);

/// The whole line on one screen: what waits, passes, died, is held and is paused, by stage and lane.
///
/// "waiting" and "in hand" are the broker's counts of the stage's queue, "dead" those of its dead letters that are not collected yet, and
/// "held" are submissions that wait for a person. "a minute" is what the stage was done with, by the journal. "oldest" is the age of the oldest submission that is on
/// its way there, by its last hop; validation has seen nothing yet of what waits for it. "?" is what the broker does not tell. What was put
/// off (retries, and what a pause of a clinic or an endpoint stopped) waits in queues that all stages share. At the end of a line stands what
/// stops it: "paused" by a person, "down" by the open circuit breaker of an endpoint, "ramps" while that recovers, "?" if its process is silent.
/// "letters" are the dead letters that are collected and about which somebody has to do something.
/// "silent" are sources that normally send at this time of the week and have stopped, as of the last minute.
#[derive(Debug, Args)]
#[command(
    after_help = "With --format json it is the ops API's Status, as schemas/openapi.ops.json describes it; with --watch one \
    object a line.\n\nExit codes:\n  0  told\n  1  the ops API did not answer\n  2  the command line"
)]
pub struct Status {
    /// Look again every two seconds, until interrupted.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    how: How,
}

impl Status {
    /// Prints it, again and again if it is to be watched.
    ///
    /// # Errors
    /// If the API does not answer; once it has, watching goes on.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let ops = self.how.api.connect(layout)?;
        output::result(&self.look(&ops).await?)?;
        if !self.watch {
            return Ok(());
        }
        loop {
            tokio::time::sleep(EVERY).await;
            match self.look(&ops).await {
                Ok(text) => output::result(&text)?,
                Err(error) => output::line(&format!("{error:#}; looking again")),
            }
        }
    }

    async fn look(&self, ops: &Ops) -> anyhow::Result<String> {
        let value: Value = ops.status_value().await?;
        Ok(match (self.how.format, self.watch) {
            (Format::Json, false) => serde_json::to_string_pretty(&value)?,
            (Format::Json, true) => value.to_string(),
            (Format::Table, watch) => {
                let terminal = stdout().is_terminal();
                let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
                // One that does not tell of the dead letters tells of the line all the same.
                let open = vec![("state", "open".to_owned())];
                let letters = ops.letter_groups(&open).await.ok().map(|groups| screen::Letters::of(&groups));
                let text = screen::screen(&serde_json::from_value(value)?, letters, colour);
                if watch { screen::again(&text, terminal) } else { text }
            }
        })
    }
}
