//! What operators ask, and is told about all that.

use domain::clock::{Clock as _, SystemClock};
use serde_json::Value;

use super::Walk;

impl Walk<'_, '_> {
    pub(super) async fn told(&self) -> anyhow::Result<()> {
        let today = SystemClock.now().strftime("%Y-%m-%d").to_string();
        for args in [
            &["status"][..],
            &["outcomes"],
            &["acts"],
            &["holds", "list"],
            &["dlq", "groups"],
            &["dlq", "list"],
            &["dlq", "plans"],
            &["reconcile", "--date", &today],
            &["recover", "--dry-run"],
        ] {
            self.world.frontdesk(args).await?;
        }
        let of = |list: Value, member: &str| -> Vec<String> {
            let rows = list.as_array().cloned().unwrap_or_default();
            rows.iter().filter_map(|row| row[member].as_str().map(str::to_owned)).collect()
        };
        for id in of(self.world.json(&["dlq", "list", "--state", "all"]).await.unwrap_or_default(), "id") {
            self.world.frontdesk(&["dlq", "show", &id]).await?;
        }
        let outcomes = self.world.ops.outcomes().await?;
        for outcome in outcomes.iter().step_by(5) {
            self.world.frontdesk(&["trace", &outcome.submission_id, "--format", "json"]).await?;
        }
        Ok(())
    }
}
