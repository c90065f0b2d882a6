//! What dies at each stage, of a panic that quotes what was in hand and of what the outside world and the templates do; and what is replayed.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};
use domain::drill::Point;
use serde_json::Value;
use testkit::{
    sandbox::{Class, Fault, Interaction, Rule},
    wait,
};

use super::{Door, Walk, by, refused::letters};
use crate::{
    PATIENCE,
    chaos::{look, routes::request_file},
};

const CLINIC: &str = "clinic-01";
/// Its template is spoilt for a while.
const SPOILT: &str = "clinic-11";
const BAD: &str = "\n[fields]\nreason = { expr = \"form * 2\" }\n";

impl Walk<'_, '_> {
    pub(super) async fn dead(&mut self) -> anyhow::Result<()> {
        let mut replayed = Vec::new();
        for stage in ["validation", "eligibility", "ehr-writer", "notification"] {
            replayed.push(self.panics(Door::Gateway, stage).await?);
        }
        replayed.push(self.panics(Door::Amqp, "validation").await?);
        self.replay("handler_panic").await?;
        let expected: Vec<_> = replayed.into_iter().map(|id| (id, "completed")).collect();
        self.world.ends(&expected).await?;
        for door in [Door::Gateway, Door::Amqp] {
            self.outside(door).await?;
        }
        self.spoilt_template().await
    }

    /// A handler panics with what a person's fields hold, as a failed `expect` on them would.
    async fn panics(&mut self, door: Door, stage: &str) -> anyhow::Result<String> {
        let before = letters(self.world).await?;
        let file = request_file(self.world.layout, stage);
        let path = by(door, &format!("a panic in {stage}"));
        let id = self.id(&path);
        let person = self.world.person(&path, door).await?;
        let slot = self.world.slot(CLINIC).await?;
        let words =
            format!("{} {} {} {} {}", person.given, person.family, person.phone, person.email, person.born);
        fs::write(beside(&file, "words"), words)?;
        // In one step, so that it is never read half written.
        fs::write(beside(&file, "draft"), format!("{} 1 panic", Point::BeforeHandling))?;
        fs::rename(beside(&file, "draft"), &file)?;
        wait::until(PATIENCE, || async { !file.exists() })
            .await
            .context("nobody takes the request to panic")?;
        self.world.send(door, &self.submission(&id, CLINIC, &person, &slot)?).await?;
        let died = || async { letters(self.world).await.is_ok_and(|now| now > before) };
        wait::until(PATIENCE, died).await.with_context(|| format!("{stage} does not panic"))?;
        ensure!(!beside(&file, "words").exists(), "{stage} did not panic with what it was given");
        Ok(id)
    }

    /// The EHR, the payer and those who tell patients refuse, each in another way; some at first, some for good.
    async fn outside(&mut self, door: Door) -> anyhow::Result<()> {
        let error = |status| Fault::Error { status: Some(status), commit: testkit::sandbox::Commit::Before };
        let refused = [
            (
                "an EHR that refuses",
                vec![Rule::new(Class::Ehr, error(422)).at(Interaction::Create).on("Patient").times(1)],
            ),
            (
                "an EHR that fails at first",
                vec![Rule::new(Class::Ehr, error(503)).at(Interaction::Create).times(2)],
            ),
            (
                "an EHR whose answers are lost",
                vec![
                    Rule::new(Class::Ehr, Fault::Cut { commit: testkit::sandbox::Commit::After })
                        .at(Interaction::Create)
                        .times(1),
                    Rule::new(Class::Ehr, Fault::Garbage { commit: testkit::sandbox::Commit::After })
                        .at(Interaction::Create)
                        .times(1),
                ],
            ),
            ("a payer that refuses", vec![Rule::new(Class::Payer, error(400)).times(1)]),
            ("a payer that fails at first", vec![Rule::new(Class::Payer, error(503)).times(2)]),
            (
                "a payer whose answer nobody can read",
                vec![
                    Rule::new(Class::Payer, Fault::Garbage { commit: testkit::sandbox::Commit::Before })
                        .times(1),
                ],
            ),
            (
                "messengers that refuse",
                vec![Rule::new(Class::Sms, error(400)).times(1), Rule::new(Class::Smtp, error(550)).times(1)],
            ),
            (
                "messengers that fail at first",
                vec![Rule::new(Class::Sms, error(503)).times(2), Rule::new(Class::Smtp, error(451)).times(2)],
            ),
        ];
        for (path, rules) in refused {
            self.world.control.set_faults(&rules).await?;
            let id = self.send(door, (path, CLINIC), |_, _| {}).await?;
            // Where it ends is the business of other tests; that it ends is ours.
            self.world.settled(&[id]).await.context(path)?;
            self.world.control.clear_faults().await?;
        }
        Ok(())
    }

    /// A template that cannot be applied, mended, and what died of it replayed by a plan.
    async fn spoilt_template(&mut self) -> anyhow::Result<()> {
        let before = letters(self.world).await?;
        self.template(Some(BAD)).await?;
        let mut ids = Vec::new();
        for door in [Door::Gateway, Door::Amqp] {
            ids.push((
                self.send(door, ("a bad template, then replayed", SPOILT), |_, _| {}).await?,
                "completed",
            ));
        }
        let died = || async { letters(self.world).await.is_ok_and(|now| now >= before + 2) };
        wait::until(PATIENCE, died).await.context("a bad template kills nothing")?;
        for door in [Door::Gateway, Door::Amqp] {
            ids.push((self.corrected(door, SPOILT).await?, "completed"));
        }
        self.template(None).await?;
        self.replay("template_failed").await?;
        self.world.ends(&ids).await
    }

    /// Lays a clinic's template over the checkout's, with more at its end, and has it read.
    async fn template(&self, more: Option<&str>) -> anyhow::Result<()> {
        let from = self.world.layout.clinics().join(SPOILT).join("template.toml");
        let folder = self.world.layout.root().join("clinics").join(SPOILT);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("template.toml"), fs::read_to_string(from)? + more.unwrap_or_default())?;
        self.world.restart("validation").await
    }

    /// Replays all that died of a code, by a plan.
    pub(super) async fn replay(&self, code: &str) -> anyhow::Result<()> {
        let plan = self.world.json(&["dlq", "plan", "--code", code, "--reason", "mended"]).await?;
        let id = plan["id"].as_str().with_context(|| format!("no plan for {code}"))?.to_owned();
        let _: Value = self.world.json(&["dlq", "plan", "show", &id]).await?;
        let (done, said) =
            self.world.frontdesk(&["dlq", "replay", &id, "--watch", "--reason", "mended"]).await?;
        ensure!(done == Some(0), "{code} cannot be replayed: {said}");
        let [open] = look::counts(
            &self.world.database,
            &format!("SELECT count(*) FROM dead_letter WHERE code = '{code}' AND state = 'open'"),
        )
        .await?;
        ensure!(open == 0, "{open} of {code} were not replayed");
        Ok(())
    }
}

fn beside(file: &Path, ending: &str) -> std::path::PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    path.into()
}
