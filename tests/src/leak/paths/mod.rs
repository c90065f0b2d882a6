//! Every path that a submission can take, each with people of its own.

mod broken;
mod corrected;
mod dead;
mod form;
mod held;
mod plain;
mod refused;
mod told;

use anyhow::Context as _;
use frontdesk::output::Doing;
use serde_json::{Value, json};

pub(super) use corrected::correction;

use super::{
    person::Person,
    sinks::Tap,
    world::{Door, Slot, World},
};
use crate::chaos::people::Clinic;

/// Takes every path, one after the other. Gives their names.
///
/// # Errors
/// If a submission does not take the path that it was sent on.
pub async fn walk(world: &World<'_>, tap: &Tap) -> anyhow::Result<Vec<String>> {
    let doing = Doing::begin("sending");
    let mut walk = Walk { world, tap, clinics: Clinic::read(&world.layout.samples())?, taken: Vec::new() };
    walk.plain().await.context("the plain paths")?;
    doing.goes("sending: what is refused");
    walk.refused().await.context("what is refused")?;
    doing.goes("sending: what is held");
    walk.held().await.context("what is held")?;
    doing.goes("sending: what dies, and is replayed");
    walk.dead().await.context("what dies")?;
    doing.goes("sending: while everything breaks");
    walk.broken().await.context("while everything breaks")?;
    doing.goes("asking what operators ask");
    walk.told().await.context("what operators ask")?;
    doing.done(&format!("took {} paths", walk.taken.len()));
    Ok(walk.taken)
}

/// Who walks.
struct Walk<'w, 'a> {
    world: &'w World<'a>,
    tap: &'w Tap,
    clinics: Vec<Clinic>,
    taken: Vec<String>,
}

/// The name of a path by a door.
fn by(door: Door, path: &str) -> String {
    match door {
        Door::Gateway => format!("{path} by the gateway"),
        Door::Amqp => format!("{path} by AMQP"),
    }
}

impl Walk<'_, '_> {
    /// Notes that a path is taken, and makes a submission's id of it.
    fn id(&mut self, path: &str) -> String {
        self.taken.push(path.to_owned());
        format!("leak-{}", path.replace([' ', '.', ','], "-"))
    }

    fn clinic(&self, id: &str) -> anyhow::Result<&Clinic> {
        self.clinics.iter().find(|clinic| clinic.clinic_id == id).context("no such clinic")
    }

    /// A whole submission of a person for a time of a clinic.
    fn submission(&self, id: &str, clinic: &str, person: &Person, slot: &Slot) -> anyhow::Result<Value> {
        let clinic = self.clinic(clinic)?;
        Ok(json!({
            "submission_id": id,
            "clinic_id": clinic.clinic_id,
            "source": clinic.source,
            "submitted_at": "2026-01-05T09:00:00Z",
            "form_version": "1",
            "form": form::of(clinic, person, slot),
        }))
    }

    /// Somebody new, their time, and their submission, changed as the path needs it. Gives the id.
    async fn send(
        &mut self,
        door: Door,
        (path, clinic): (&str, &str),
        change: impl FnOnce(&mut Value, &Person),
    ) -> anyhow::Result<String> {
        let path = by(door, path);
        let id = self.id(&path);
        let person = self.world.person(&path, door).await?;
        let slot = self.world.slot(clinic).await?;
        let mut submission = self.submission(&id, clinic, &person, &slot)?;
        change(&mut submission, &person);
        self.world.send(door, &submission).await?;
        Ok(id)
    }
}
