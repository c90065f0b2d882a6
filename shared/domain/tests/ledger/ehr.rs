//! The EHR, which is late and forgets to answer, but does not lie.

use domain::effect::{Class, EffectResult, Resource, Role};

use crate::laws::Broken;

/// A resource with one idempotency value, if it is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Thing {
    /// The id that it has, or will have.
    pub(crate) id: String,
    /// What was done to it. The first made it; their number is its version.
    pub(crate) writes: Vec<Write>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Write {
    /// By which submission. Their numbers are in the order of admission.
    pub(crate) submission: usize,
    /// How many ticks more searches may not show it; 0: they do.
    pub(crate) hidden: u8,
}

/// A request that is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Flight {
    pub(crate) thing: usize,
    pub(crate) submission: usize,
    pub(crate) role: Role,
    /// For an update: the version that it changes.
    pub(crate) version: usize,
    /// How many ticks more it may take.
    pub(crate) left: u8,
}

impl Thing {
    /// Does what the request asks for, and says what it answers.
    pub(crate) fn land(&mut self, flight: &Flight, class: Class, lag: u8) -> Result<EffectResult, Broken> {
        let write = Write { submission: flight.submission, hidden: lag };
        match (flight.role, self.writes.last()) {
            (Role::Create, None) => {}
            // It keeps the identifier unique by itself, and answers with what it has.
            (Role::Create, Some(_)) if class == Class::A => {
                return Ok(EffectResult::Done(self.named(self.writes.len())));
            }
            (Role::Create, Some(_)) => return Err(Broken::MadeTwice),
            (Role::Update, None) => return Err(Broken::ChangedNothing),
            (Role::Update, Some(_)) if flight.version != self.writes.len() => {
                return Ok(EffectResult::Stale { version: self.named(self.writes.len()).version });
            }
            (Role::Update, Some(last)) if flight.submission < last.submission => {
                return Err(Broken::OutOfOrder);
            }
            (Role::Update, Some(_)) => {}
        }
        self.writes.push(write);
        Ok(EffectResult::Done(self.named(self.writes.len())))
    }

    /// The newest that a search shows: by whom it was written, and the resource.
    pub(crate) fn shown(&self) -> Option<(usize, Resource)> {
        let version = self.writes.iter().rposition(|write| write.hidden == 0)? + 1;
        Some((self.writes[version - 1].submission, self.named(version)))
    }

    /// The index catches up.
    pub(crate) fn show(&mut self) {
        for write in &mut self.writes {
            write.hidden = 0;
        }
    }

    pub(crate) fn hides(&self) -> bool {
        self.writes.iter().any(|write| write.hidden > 0)
    }

    fn named(&self, version: usize) -> Resource {
        Resource { id: self.id.clone(), version: Some(version.to_string()) }
    }
}
