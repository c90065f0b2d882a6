//! What waits for a person's decision, and what comes of it.

use anyhow::Context as _;
use jiff::ToSpan as _;
use serde_json::Value;
use testkit::wait;

use super::{Door, Walk, by};
use crate::{PATIENCE, leak::canary::Canary};

const CLINIC: &str = "clinic-06";

impl Walk<'_, '_> {
    pub(super) async fn held(&mut self) -> anyhow::Result<()> {
        for door in [Door::Gateway, Door::Amqp] {
            let consent = self
                .send(door, ("no consent", CLINIC), |one, _| {
                    one["form"]["q20_consentTreatment"] = "No".into()
                })
                .await?;
            let doubtful = self.doubtful(door).await?;
            let taken = self.taken_slot(door).await?;
            self.world
                .ends(&[
                    (consent.clone(), "held consent_missing"),
                    (doubtful.clone(), "held doubtful_match"),
                    (taken.clone(), "held slot_taken"),
                ])
                .await?;
            self.decide(&doubtful, &["different-person"]).await?;
            self.decide(&consent, &["consent-given", "form-17"]).await?;
            self.decide(&taken, &["close"]).await?;
            self.world.ends(&[(doubtful, "completed"), (consent, "completed")]).await?;
        }
        Ok(())
    }

    /// Somebody who is known, born ten years later: in a year in which nobody else was.
    async fn doubtful(&mut self, door: Door) -> anyhow::Result<String> {
        let path = by(door, "perhaps the same person");
        let (first, second) = (self.id(&format!("{path}, once")), self.id(&path));
        let mut person = self.world.person(&path, door).await?;
        let slot = self.world.slot(CLINIC).await?;
        self.world.send(door, &self.submission(&first, CLINIC, &person, &slot)?).await?;
        self.world.ends(&[(first, "completed")]).await?;
        person.born = person.born.checked_add(10.years())?;
        self.world.plant(door, vec![Canary::birth_date(&path, "patient.birth_date", person.born)]);
        let slot = self.world.slot(CLINIC).await?;
        self.world.send(door, &self.submission(&second, CLINIC, &person, &slot)?).await?;
        Ok(second)
    }

    /// Somebody who wants another's time.
    async fn taken_slot(&mut self, door: Door) -> anyhow::Result<String> {
        let path = by(door, "a taken time");
        let (first, second) = (self.id(&format!("{path}, first")), self.id(&path));
        let slot = self.world.slot(CLINIC).await?;
        for id in [&first, &second] {
            let person = self.world.person(&path, door).await?;
            self.world.send(door, &self.submission(id, CLINIC, &person, &slot)?).await?;
            if *id == first {
                self.world.ends(&[(first.clone(), "completed")]).await?;
            }
        }
        Ok(second)
    }

    async fn decide(&self, submission: &str, decision: &[&str]) -> anyhow::Result<()> {
        // Its state is known a moment before the rest of it.
        let find = async || {
            let holds = self.world.json(&["holds", "list"]).await.ok()?;
            let hold = holds.as_array()?.iter().find(|hold| hold["submission_id"] == submission)?;
            Some(hold["admission_id"].as_str()?.to_owned())
        };
        let id = wait::until_some(PATIENCE, find).await.context("what is held is not listed")?;
        let _: Value = self.world.json(&["holds", "show", &id]).await?;
        let args = [&["holds", "decide", &id], decision, &["--reason", "asked by phone"]].concat();
        let (code, said) = self.world.frontdesk(&args).await?;
        anyhow::ensure!(code == Some(0), "{submission} cannot be decided: {said}");
        Ok(())
    }
}
