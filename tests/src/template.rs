//! A clinic's template goes wrong, and is mended; and a process is killed, such as for it to read its templates again.

use std::path::Path;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use testkit::wait;

use crate::{Line, PATIENCE};

impl Line {
    /// Lays the clinic's template over the checkout's, with a field's rule set otherwise. The stages read it when they start.
    ///
    /// # Errors
    /// If the clinic has no template, or it cannot be written.
    pub fn template(&self, clinic: &str, rule: Option<&str>) -> anyhow::Result<()> {
        let more = rule.map(|rule| format!("\n[fields]\n{rule}\n")).unwrap_or_default();
        self.template_and(clinic, &more)
    }

    /// The same, with lines of TOML behind it.
    ///
    /// # Errors
    /// As [`Line::template`].
    pub fn template_and(&self, clinic: &str, more: &str) -> anyhow::Result<()> {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clinics").join(clinic);
        let text = std::fs::read_to_string(checkout.join("template.toml"))?;
        let folder = self.folder().join("clinics").join(clinic);
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join("template.toml"), text + more)?)
    }

    /// Kills a service, and waits until it was started again.
    ///
    /// # Errors
    /// If it does not run, or is not started again within [`PATIENCE`].
    pub async fn kill_9(&self, service: &str) -> anyhow::Result<()> {
        let before = self.pid(service)?;
        kill(Pid::from_raw(before), Signal::SIGKILL)?;
        let again = || async { self.pid(service).is_ok_and(|pid| pid != before) };
        Ok(wait::until(PATIENCE, again).await?)
    }
}
