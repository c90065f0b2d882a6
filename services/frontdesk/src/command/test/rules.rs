//! The alerting rules' checks, by `promtool`: the one on the machine, or Debian's.

use testkit::backends::{in_path, install};

use super::step::{Outcome, Step, Steps};
use crate::{local::Layout, output};

/// Checks the rules, and runs their unit tests. Where promtool cannot be had that is said, and is no failure.
pub(super) async fn check(layout: &Layout, steps: &mut Steps) -> anyhow::Result<()> {
    if in_path("promtool").is_none() {
        let log = layout.logs().join("apt-prometheus.log");
        let instead = "the alerting rules are not checked without promtool";
        if let Err(why) = install(&["prometheus"], &log, instead, &|text| output::line(&text)).await {
            steps.note("alerting rules", Outcome::Skipped(why.to_string()));
            return Ok(());
        }
    }
    let folder = layout.checkout().join("k8s/monitoring");
    let promtool = |name, args: &[&str]| Step::new(name, "promtool").args(args).folder(&folder);
    steps.run(promtool("alerting rules", &["check", "rules", "recording.yaml", "alerts.yaml"])).await?;
    steps.run(promtool("alerting rules' tests", &["test", "rules", "tests.yaml"])).await?;
    Ok(())
}
