//! `frontdesk down`.

use clap::Args;

use crate::{
    local::{Layout, run},
    output,
};

/// Stop what `up` started, from another shell; also what a killed `up` left behind.
#[derive(Debug, Args)]
pub struct Down {}

impl Down {
    /// Stops it.
    ///
    /// # Errors
    /// If something does not end.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let stopped = run::stop(layout).await?;
        output::line(&if stopped.is_empty() {
            "nothing was running".to_owned()
        } else {
            format!("stopped: {}", stopped.join(", "))
        });
        Ok(())
    }
}
