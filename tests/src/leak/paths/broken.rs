//! What is under way while the database refuses it, while the database is down, and while the broker is.

use anyhow::{Context as _, ensure};
use testkit::wait;

use super::{Door, Walk, by, refused::letters};
use crate::{PATIENCE, chaos::look, leak::sinks::refused};

/// Of another shape than the other clinics of these paths.
const CLINIC: &str = "clinic-13";
/// Who takes what the broker has.
const STAGES: [&str; 4] = ["validation", "eligibility", "ehr-writer", "notification"];
const ADD: &str =
    "ALTER TABLE submission ADD CONSTRAINT leak_refused CHECK (clinic <> 'clinic-13') NOT VALID";
const DROP: &str = "ALTER TABLE submission DROP CONSTRAINT leak_refused";

impl Walk<'_, '_> {
    pub(super) async fn broken(&mut self) -> anyhow::Result<()> {
        self.constraint().await?;
        self.down("postgres").await?;
        self.down("broker").await
    }

    /// The database refuses the row of an admission, and says to its client what it refused; then a value itself, and says it in full.
    async fn constraint(&mut self) -> anyhow::Result<()> {
        let world = self.world;
        let path = by(Door::Gateway, "a value that the database refuses");
        self.id(&path);
        let person = world.stranger(&path, Door::Gateway);
        refused(&world.database, &format!("{} {} {}", person.family, person.phone, person.born)).await?;

        let before = letters(world).await?;
        look::rows(&world.database, ADD, &[]).await?;
        let mut ids = Vec::new();
        for door in [Door::Gateway, Door::Amqp] {
            ids.push(self.send(door, ("a row that the database refuses", CLINIC), |_, _| {}).await?);
        }
        const TRIED: &str = "SELECT count(DISTINCT submission_id) FROM journal WHERE clinic = 'clinic-13' AND event IN ('retried', 'dead')";
        let tried = || async {
            let retried = look::counts(&world.database, TRIED).await.is_ok_and(|[count]| count >= 2);
            retried || letters(world).await.is_ok_and(|now| now >= before + 2)
        };
        wait::until(PATIENCE, tried).await.context("the database refuses nothing")?;
        look::rows(&world.database, DROP, &[]).await?;
        let died = letters(world).await? - before;
        if died > 0 {
            let (_, groups) = world.frontdesk(&["dlq", "groups"]).await?;
            ensure!(groups.contains("store_unavailable"), "they died of something else: {groups}");
            self.replay("store_unavailable").await?;
        }
        let expected: Vec<_> = ids.into_iter().map(|id| (id, "completed")).collect();
        world.ends(&expected).await
    }

    /// A server is killed with submissions in flight, more come while it is away, and all of them come through.
    async fn down(&mut self, server: &str) -> anyhow::Result<()> {
        let world = self.world;
        let mut expected = Vec::new();
        for door in [Door::Gateway, Door::Amqp] {
            for nth in ["one", "two", "three"] {
                let path = format!("{server} killed, {nth}");
                expected.push((self.send(door, (&path, "clinic-16"), |_, _| {}).await?, "completed"));
            }
        }
        let path = by(Door::Gateway, &format!("{server} down"));
        let (id, person) = (self.id(&path), world.person(&path, Door::Gateway).await?);
        let late = self.submission(&id, "clinic-16", &person, &world.slot("clinic-16").await?)?;
        self.tap.take().await?;
        world.supervisor.hold(server);
        world.supervisor.process(server).context("no such server")?.signal(nix::sys::signal::Signal::SIGKILL);
        // While it is away: refused with a problem document if it is the broker that is missed, taken if it is the database.
        let status = world.post(&path, "clinic-16", serde_json::to_vec(&late)?, |request| request).await?;
        ensure!(
            status.is_server_error() == (server == "broker"),
            "without {server} the gateway answers {status}"
        );
        let deaf = server == "broker";
        if deaf {
            // A broker that comes back does not trace: nobody takes a message from it before it does.
            for stage in STAGES {
                world.hold(stage).await?;
            }
        }
        world.supervisor.release(server);
        let heard = self.tap.heard();
        if deaf {
            world.stack.restore_broker().await?;
            self.tap.listen().await?;
            for stage in STAGES {
                world.supervisor.release(stage);
            }
        }
        let again = async || {
            let posted =
                world.post(&path, "clinic-16", serde_json::to_vec(&late).ok()?, |request| request).await;
            posted.is_ok_and(|status| status.is_success()).then_some(())
        };
        wait::until_some(PATIENCE, again).await.with_context(|| format!("{server} does not come back"))?;
        expected.push((id, "completed"));
        world.ends(&expected).await.with_context(|| format!("after {server} was killed"))?;
        self.tap.take().await?;
        for stage in STAGES {
            let deliver = format!("deliver.{stage}.");
            ensure!(
                self.tap.heard_since(heard, &deliver),
                "the tap heard no {deliver} after {server} was killed"
            );
        }
        Ok(())
    }
}
