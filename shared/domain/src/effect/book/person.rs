//! What a person says about an effect that nobody else can clear up.
//!
//! The round that was in doubt stays as it is, for the record, and is no longer in force. What the person says opens the next one: DONE
//! with what they found, or none at all, so that the effect is begun anew. Only a person's "it is not there" lets anything be
//! written after a write in doubt without a search. Should what they found turn out to be somebody else's, that opens a round too: in
//! doubt again.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    super::{BeginEffect, Kind, Resource, Role, State},
    Book, Mark,
};
use crate::AdmissionId;

/// What a person says, who has looked into the EHR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is there.
    There {
        /// The EHR's id.
        id: String,
    },
    /// It is not there.
    NotThere,
}

/// Why it changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unheard {
    /// None of the submission's effects is in doubt.
    #[error("nothing of it is in doubt")]
    NothingInDoubt,
    /// The line is at it: a write or a search came after the person was asked.
    #[error("the line is at it again")]
    UnderWay,
    /// It is a change of something else.
    #[error("that is not the resource that was to be changed")]
    Another,
}

impl Book {
    /// Takes a person's word on the submission's effect in doubt, of which it has one at most: a writer goes no further than that. `asked`:
    /// when it was given to the person. If none of its own is, it is a word on that of another submission for which it waits:
    /// on what they share. Gives the kind of the effect. The book needs the submission's effects that are in force, their slots, and
    /// those owners of the slots of whom the word may be.
    ///
    /// # Errors
    /// [`Unheard`]: nothing changes.
    pub fn hear(
        &mut self,
        admission: AdmissionId,
        said: &Said,
        asked: Timestamp,
        fresh: &mut dyn FnMut() -> Uuid,
    ) -> Result<Kind, Unheard> {
        let (kind, id) = match self.in_doubt(admission, asked) {
            Err(Unheard::NothingInDoubt) => {
                self.waited_for(admission, asked).ok_or(Unheard::NothingInDoubt)?
            }
            own => own?,
        };
        let Some(op) = self.ops.get(&id) else { return Err(Unheard::NothingInDoubt) };
        let of = op.admission;
        match said {
            Said::There { id: there } => {
                // Of a change it is known what it changes.
                let other = op.before.as_ref().is_some_and(|before| before.id != *there);
                if op.role == Role::Update && other {
                    return Err(Unheard::Another);
                }
                let resource = Resource { id: there.clone(), version: None };
                self.confirm(id, resource, fresh());
            }
            Said::NotThere => {
                self.note(id, "denied");
                self.retire(of, kind);
            }
        }
        Ok(kind)
    }

    /// The first of the submission's effects, in a writer's order, that is in doubt.
    fn in_doubt(&self, admission: AdmissionId, asked: Timestamp) -> Result<(Kind, Uuid), Unheard> {
        for kind in Kind::ALL {
            let Some(op) = self.in_force.get(&(admission, kind)).and_then(|id| self.ops.get(id)) else {
                continue;
            };
            match op.state {
                State::Parked | State::Conflict => return Ok((kind, op.op)),
                // Who was asked before the write was given up was asked about something else.
                State::Unknown { since, .. } if since <= asked => return Ok((kind, op.op)),
                State::Unknown { .. } | State::Intent { .. } => return Err(Unheard::UnderWay),
                State::Ready | State::Done(_) | State::Rejected { .. } => {}
            }
        }
        Err(Unheard::NothingInDoubt)
    }

    /// Another submission's effect in doubt on what this one shares with it, if that is what keeps this one from writing.
    fn waited_for(&self, admission: AdmissionId, asked: Timestamp) -> Option<(Kind, Uuid)> {
        Kind::ALL.iter().find_map(|kind| {
            let own = self.ops.get(self.in_force.get(&(admission, *kind))?)?;
            let slot = own.slot.and_then(|slot| self.slots.get(&slot))?;
            let owner =
                self.ops.get(&slot.owner).filter(|owner| owner.in_force && owner.admission != admission)?;
            let doubtful = match owner.state {
                State::Parked | State::Conflict => slot.resource.is_none(),
                State::Unknown { since, .. } => since <= asked,
                _ => false,
            };
            (own.state == State::Ready && doubtful).then_some((*kind, owner.op))
        })
    }

    /// What is there under that id is somebody else's: a person named it by mistake, and it is in doubt again. Nothing may have been written
    /// on it. `false`: this is known already, or another one is named by now; begin again to learn. The book needs what beginning needs.
    pub fn refute(&mut self, wish: &BeginEffect, id: &str, fresh: &mut dyn FnMut() -> Uuid) -> bool {
        let (admission, kind) = (wish.admission, wish.target.kind());
        let Some(slot) = wish.slot_key().and_then(|key| self.keys.get(&key)).copied() else { return false };
        let Some(own) = self.in_force.get(&(admission, kind)).and_then(|own| self.ops.get(own)) else {
            return false;
        };
        let named = |resource: &Resource| resource.id == id;
        let settled = match &own.state {
            State::Done(resource) => named(resource),
            State::Ready => true,
            _ => false,
        };
        if !settled {
            return false;
        }
        let (own, seq) = (own.op, own.seq);
        let known = self.slots.get_mut(&slot).filter(|slot| slot.resource.as_ref().is_some_and(named));
        let next = known.map(|known| {
            let next = fresh();
            (known.resource, known.owner) = (None, next);
            known.mark.touch();
            next
        });
        self.note(own, "refuted");
        self.retire(admission, kind);
        let Some(next) = next else { return false };
        self.add(wish, Some(slot), seq, next);
        if let Some(op) = self.ops.get_mut(&next) {
            op.state = State::Conflict;
        }
        self.note(next, "found_conflict");
        true
    }

    /// The next round: done, by a person's word.
    fn confirm(&mut self, id: Uuid, resource: Resource, next: Uuid) {
        let Some(mut op) = self.ops.get(&id).cloned() else { return };
        self.retire(op.admission, op.kind);
        if let Some(slot) = op.slot.and_then(|slot| self.slots.get_mut(&slot)) {
            slot.owner = next;
            slot.resource = Some(resource.clone());
            slot.written = slot.written.max(op.seq);
            slot.mark.touch();
        }
        op.op = next;
        op.state = State::Done(resource);
        (op.attempts, op.searches, op.mark) = (0, 0, Mark::Fresh);
        self.in_force.insert((op.admission, op.kind), next);
        self.ops.insert(next, op);
        self.note(next, "confirmed");
    }
}

#[cfg(test)]
mod tests;
