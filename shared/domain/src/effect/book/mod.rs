//! The ledger of effects as a function: rows and a wish or an outcome in, changed rows and an answer out. No IO, no clock, no
//! random numbers.
//!
//! Whoever stores rows loads them under lock, makes a [`Book`] of them, asks it, stores what [`Book::close`] gives, commits,
//! and only then passes the answers on. Every change of a state is [`step`](super::step)'s.

mod claim;
mod drive;
mod person;
mod rows;
mod settle;
mod shared;

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

pub use self::{
    person::{Said, Unheard},
    rows::{Mark, Op, Slot, Trail},
};
use super::{Begin, BeginEffect, Kind, Protections, Resource, Role, SlotKey, State, Target};
use crate::AdmissionId;

/// The rows of one transaction, and what was decided on them.
#[derive(Debug)]
pub struct Book {
    slots: BTreeMap<Uuid, Slot>,
    keys: BTreeMap<SlotKey, Uuid>,
    ops: BTreeMap<Uuid, Op>,
    in_force: BTreeMap<(AdmissionId, Kind), Uuid>,
    seqs: BTreeMap<AdmissionId, i64>,
    trail: Vec<Trail>,
    now: Timestamp,
    protections: Protections,
}

/// What is to be stored: rows that are new or have changed, and what to add to the record.
#[derive(Debug)]
pub struct Decided {
    /// Slots.
    pub slots: Vec<Slot>,
    /// Effects.
    pub ops: Vec<Op>,
    /// Lines, in order.
    pub trail: Vec<Trail>,
}

impl Book {
    /// Opens it on rows that nobody else changes until what is decided on them is stored. `now`: taken after they were locked.
    ///
    /// To begin, it needs for each wish the slot of [`BeginEffect::slot_key`], that slot's owner, and the submission's effects
    /// of the kinds of [`BeginEffect::looks_at`] that are in force; to settle, the effect and its slot.
    pub fn new(slots: Vec<Slot>, ops: Vec<Op>, now: Timestamp, protections: Protections) -> Self {
        Self {
            keys: slots.iter().map(|slot| (slot.key.clone(), slot.slot)).collect(),
            slots: slots.into_iter().map(|slot| (slot.slot, slot)).collect(),
            in_force: ops
                .iter()
                .filter(|op| op.in_force)
                .map(|op| ((op.admission, op.kind), op.op))
                .collect(),
            ops: ops.into_iter().map(|op| (op.op, op)).collect(),
            seqs: BTreeMap::new(),
            trail: Vec::new(),
            now,
            protections,
        }
    }

    /// Whether the submission has an effect of that kind already. One that has none needs its place in the order of
    /// admission: see [`Book::order`].
    pub fn knows(&self, admission: AdmissionId, kind: Kind) -> bool {
        self.in_force.contains_key(&(admission, kind))
    }

    /// Adds submissions' places in the order of admission. A submission without one has the place 0.
    pub fn order(&mut self, seqs: impl IntoIterator<Item = (AdmissionId, i64)>) {
        self.seqs.extend(seqs);
    }

    /// Decides on a wish to write. `fresh` makes ids of new rows.
    pub fn begin(&mut self, wish: &BeginEffect, fresh: &mut dyn FnMut() -> Uuid) -> Begin {
        match wish.target {
            Target::Patient | Target::Coverage { .. } => self.shared(wish, fresh),
            Target::Slot => self.claim(wish, fresh),
            Target::Appointment => {
                let op = self.own(wish, None, fresh);
                self.drive(op, &wish.policy)
            }
            Target::SlotRelease => self.release(wish, fresh),
        }
    }

    /// What is to be stored.
    pub fn close(self) -> Decided {
        Decided {
            slots: self.slots.into_values().filter(|slot| slot.mark != Mark::Stored).collect(),
            ops: self.ops.into_values().filter(|op| op.mark != Mark::Stored).collect(),
            trail: self.trail,
        }
    }

    /// The effect in force, or a new one.
    fn own(&mut self, wish: &BeginEffect, slot: Option<Uuid>, fresh: &mut dyn FnMut() -> Uuid) -> Uuid {
        if let Some(op) = self.in_force.get(&(wish.admission, wish.target.kind())) {
            return *op;
        }
        let seq = self.seqs.get(&wish.admission).copied().unwrap_or(0);
        self.add(wish, slot, seq, fresh())
    }

    fn add(&mut self, wish: &BeginEffect, slot: Option<Uuid>, seq: i64, op: Uuid) -> Uuid {
        let (admission, kind) = (wish.admission, wish.target.kind());
        let row = Op {
            op,
            admission,
            kind,
            in_force: true,
            slot,
            role: Role::Create,
            idempotency: wish.idempotency.as_bytes().to_vec(),
            seq,
            state: State::Ready,
            attempts: 0,
            searches: 0,
            before: None,
            mark: Mark::Fresh,
        };
        self.ops.insert(op, row);
        self.in_force.insert((admission, kind), op);
        op
    }

    /// Says what a write that has not begun is to do.
    fn aim(&mut self, op: Uuid, role: Role, before: Option<Resource>) {
        if let Some(op) = self.ops.get_mut(&op)
            && op.state == State::Ready
        {
            op.role = role;
            op.before = before;
            op.mark.touch();
        }
    }

    fn state(&self, admission: AdmissionId, kind: Kind) -> Option<&State> {
        self.in_force.get(&(admission, kind)).and_then(|op| self.ops.get(op)).map(|op| &op.state)
    }

    fn retire(&mut self, admission: AdmissionId, kind: Kind) {
        if let Some(op) = self.in_force.remove(&(admission, kind)).and_then(|op| self.ops.get_mut(&op)) {
            op.in_force = false;
            op.mark.touch();
        }
    }

    /// Adds a line to the record: what happened to the effect, which stands as it does now.
    fn note(&mut self, op: Uuid, event: &'static str) {
        let Some(op) = self.ops.get(&op) else { return };
        let code = match op.state {
            State::Rejected { code } => Some(code),
            _ => None,
        };
        self.trail.push(Trail {
            op: op.op,
            admission: op.admission,
            kind: op.kind,
            attempt: op.attempts,
            event,
            state: op.state.as_str(),
            code,
        });
    }
}
