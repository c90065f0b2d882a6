//! `frontdesk manifests`.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args;

use crate::{exit::Differs, kubernetes::Environment, output};

/// Make the manifests of an environment from its config/frontdesk.toml and config/sizes.toml: what each stage of each lane runs as, by
/// what it is scaled, whom it may talk to, and the broker's users.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes:\n  0  made, or in step\n  1  failed\n  2  the command line\n  3  with --check: not in step"
)]
pub struct Manifests {
    /// The environment's folder, such as k8s/overlays/production.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Change nothing, and say what would change.
    #[arg(long)]
    check: bool,
}

impl Manifests {
    /// Does it.
    ///
    /// # Errors
    /// If the configuration is wrong, a file cannot be written, or with `--check` something is not in step.
    pub fn run(&self) -> anyhow::Result<()> {
        let environment = Environment::read(&self.folder.join("config"))?;
        if self.check {
            let differs = environment.differs(&self.folder)?;
            for file in &differs {
                output::result(&file.display().to_string())?;
            }
            if !differs.is_empty() {
                let text = format!("not in step: run frontdesk manifests {}", self.folder.display());
                bail!(Differs(text));
            }
            return Ok(());
        }
        let files = environment.write(&self.folder)?;
        output::line(&format!("{} files made in {}", files.len(), self.folder.display()));
        Ok(())
    }
}
