//! What operators ask, and is told about all that.

use anyhow::ensure;
use domain::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::{Door, Walk, by};

const CLINIC: &str = "clinic-01";

impl Walk<'_, '_> {
    /// Somebody is looked up by what nobody may see: on the command line, and over HTTP.
    async fn looked_up(&mut self, door: Door) -> anyhow::Result<()> {
        let path = by(door, "looked up");
        let id = self.id(&path);
        let world = self.world;
        let (person, slot) = (world.person(&path, door).await?, world.slot(CLINIC).await?);
        world.send(door, &self.submission(&id, CLINIC, &person, &slot)?).await?;
        world.ends(&[(id.clone(), "completed")]).await?;
        let ops = &world.stack.endpoints.ops;
        let token = std::fs::read_to_string(&ops.token_file)?;
        for (member, value) in [("phone", &person.phone), ("email", &person.email)] {
            let args = ["trace", &format!("--{member}"), "-", "--purpose", "the patient calls"];
            let (code, said) = world.frontdesk_reading(&args, &format!("{value}\n")).await?;
            ensure!(code == Some(0) && said.contains(&id), "{path}: not found by {member}");
            let request = world.http.post(format!("{}/v1/look-ups", ops.url)).bearer_auth(token.trim());
            let request = request.json(&json!({ member: value, "purpose": "the patient calls" }));
            let status = world.exchange(&format!("{path} by {member}"), request).await?;
            ensure!(status.is_success(), "{path}: the look-up by {member} answers {status}");
        }
        Ok(())
    }

    pub(super) async fn told(&mut self) -> anyhow::Result<()> {
        for door in [Door::Gateway, Door::Amqp] {
            self.looked_up(door).await?;
        }
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
