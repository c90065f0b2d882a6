//! What several submissions share: one writer at a time, creation once, updates in the order of admission.

use uuid::Uuid;

use super::{
    super::{Begin, BeginEffect, Kind, Policy, Resource, Role, SlotKey, State},
    Book, Mark, Slot,
};
use crate::drill::Protection;

impl Book {
    pub(super) fn shared(&mut self, wish: &BeginEffect, fresh: &mut dyn FnMut() -> Uuid) -> Begin {
        let Some(key) = wish.slot_key() else { return Begin::Nothing };
        let id = self.slot(key, wish, fresh);
        let own = self.own(wish, Some(id), fresh);
        if self.protections.lack(Protection::PatientSlot) {
            self.aim(own, Role::Create, None);
            return self.drive(own, &wish.policy);
        }
        if self.ops.get(&own).is_some_and(|op| op.state.is_final()) {
            return self.drive(own, &wish.policy);
        }
        if let Some(slot) = self.slots.get(&id).filter(|slot| slot.owner != own)
            && let (owner, known) = (slot.owner, slot.resource.is_some())
            && let Some(answer) = self.others(owner, known, &wish.policy)
        {
            return answer;
        }
        self.take(id, own, wish)
    }

    /// The slot of that key, or a new one, which this wish's effect owns.
    fn slot(&mut self, key: SlotKey, wish: &BeginEffect, fresh: &mut dyn FnMut() -> Uuid) -> Uuid {
        if let Some(slot) = self.keys.get(&key) {
            return *slot;
        }
        let slot = fresh();
        let owner = self.own(wish, Some(slot), fresh);
        self.keys.insert(key.clone(), slot);
        let row = Slot { slot, key, owner, resource: None, written: 0, mark: Mark::Fresh };
        self.slots.insert(slot, row);
        slot
    }

    /// What the slot's present owner, another submission, leaves to be done first. `known`: something is there.
    fn others(&mut self, owner: Uuid, known: bool, policy: &Policy) -> Option<Begin> {
        // A round that a person has brought to its end leaves nothing.
        match self.ops.get(&owner).filter(|op| op.in_force)?.state {
            State::Intent { .. } | State::Unknown { .. } => match self.drive(owner, policy) {
                // Its lease had ended and nobody can search. What is there may still be changed; nothing may be created.
                Begin::Parked if known => None,
                answer => Some(answer),
            },
            State::Conflict if !known => Some(Begin::Conflict),
            State::Parked if !known => Some(Begin::Parked),
            State::Ready | State::Done(_) | State::Rejected { .. } | State::Conflict | State::Parked => None,
        }
    }

    /// An update in doubt may have landed, and may still be thought not to have: whoever searches for another submission's
    /// update cannot tell it from their own. So nothing older is written over it, whatever comes of the search.
    pub(super) fn respect(&mut self, op: Uuid) {
        let Some(op) = self.ops.get(&op) else { return };
        let doubtful = matches!(op.state, State::Unknown { .. } | State::Parked | State::Conflict);
        if doubtful
            && op.role == Role::Update
            && let Some(slot) = op.slot.and_then(|id| self.slots.get_mut(&id))
            && slot.written < op.seq - 1
        {
            slot.written = op.seq - 1;
            slot.mark.touch();
        }
    }

    /// Nobody else writes: the right to write goes to this effect, if there is something to write.
    fn take(&mut self, id: Uuid, own: Uuid, wish: &BeginEffect) -> Begin {
        let Some(slot) = self.slots.get_mut(&id) else { return Begin::Nothing };
        let Some(op) = self.ops.get(&own) else { return Begin::Nothing };
        if op.state == State::Ready {
            if slot.owner != own {
                slot.owner = own;
                slot.mark.touch();
            }
            match (slot.resource.clone(), op.kind) {
                (Some(there), Kind::Patient) if op.seq > slot.written => {
                    self.aim(own, Role::Update, Some(there));
                }
                (Some(there), kind) => {
                    let event = if kind == Kind::Patient { "skipped" } else { "reused" };
                    return self.end_without_writing(own, there, event);
                }
                (None, _) => self.aim(own, Role::Create, None),
            }
        }
        self.drive(own, &wish.policy)
    }

    fn end_without_writing(&mut self, id: Uuid, resource: Resource, event: &'static str) -> Begin {
        if let Some(op) = self.ops.get_mut(&id) {
            op.state = State::Done(resource.clone());
            op.mark.touch();
            self.note(id, event);
        }
        Begin::Done(resource)
    }
}
