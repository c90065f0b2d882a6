//! What people look at in a dead letter, and correct of it.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use testkit::wait;

use super::{Door, Walk, by};
use crate::PATIENCE;

/// The path's name, and that of whoever is made of the corrections.
const PATH: &str = "revealed and corrected, then replayed";
const CORRECTED: &str = "as corrected, of one sent";

/// The mail address that takes the place of the one that was sent: it is to arrive.
pub(in crate::leak) fn correction(door: Door) -> String {
    by(door, CORRECTED)
}

impl Walk<'_, '_> {
    /// A submission to a clinic whose template fails: looked into, corrected in what one person may correct, and nearly in who the patient is.
    pub(super) async fn corrected(&mut self, door: Door, clinic: &str) -> anyhow::Result<String> {
        let before = self.open_letters().await?;
        let path = by(door, PATH);
        let id = self.id(&path);
        let person = self.world.person(&path, door).await?;
        let slot = self.world.slot(clinic).await?;
        self.world.send(door, &self.submission(&id, clinic, &person, &slot)?).await?;
        let new = async || self.open_letters().await.ok()?.difference(&before).next().cloned();
        let letter = wait::until_some(PATIENCE, new).await.context("a bad template kills nothing")?;

        // Whoever corrects gives the values in a terminal: they may be nowhere, by whichever door the submission came.
        let other = self.world.stranger(&correction(door), Door::Gateway);
        self.looked(&letter, "patient.email", &[], &person.email).await?;
        self.edits(&letter, "patient.birth_date", &other.given, 1).await?;
        self.edits(&letter, "patient.family", &other.family, 6).await?;
        self.says(&["dlq", "show", &letter], "", 0).await?;
        self.says(&["dlq", "approvals"], "", 0).await?;
        self.looked(&letter, "patient.family", &["--edited"], &other.family).await?;
        let withdraw = ["dlq", "edit", &letter, "--withdraw", "--reason", "it was right after all"];
        self.says(&withdraw, "", 0).await?;
        self.edits(&letter, "patient.email", &other.email, 0).await?;
        Ok(id)
    }

    /// Shown to one person, and nowhere else.
    async fn looked(&self, letter: &str, field: &str, which: &[&str], value: &str) -> anyhow::Result<()> {
        let look = ["dlq", "show", letter, "--reveal", field];
        self.says(&[&look, which].concat(), "", 1).await?;
        let purpose = ["--purpose", "to call the patient"];
        let shown = self.world.revealed(&[&look, which, &purpose].concat()).await?;
        ensure!(shown.contains(value), "{field} is not shown: nothing was tried");
        Ok(())
    }

    async fn edits(&self, letter: &str, field: &str, value: &str, code: i32) -> anyhow::Result<()> {
        let edit = ["dlq", "edit", letter, "--field", field, "--reason", "the patient spelt it"];
        self.says(&edit, &format!("{value}\n"), code).await
    }

    /// A command that ends so.
    async fn says(&self, args: &[&str], input: &str, code: i32) -> anyhow::Result<()> {
        let (ended, _) = self.world.frontdesk_reading(args, input).await?;
        ensure!(ended == Some(code), "frontdesk {} ends with {ended:?} instead of {code}", args.join(" "));
        Ok(())
    }

    async fn open_letters(&self) -> anyhow::Result<BTreeSet<String>> {
        let list = self.world.json(&["dlq", "list", "--code", "template_failed"]).await?;
        let ids = list.as_array().context("no list")?.iter().filter_map(|row| row["id"].as_str());
        Ok(ids.map(str::to_owned).collect())
    }
}
