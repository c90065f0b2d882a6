//! Deciding, in memory, on rows that are locked. No IO.

use std::collections::HashMap;

use domain::{
    AdmissionId,
    effect::{Command, Event, Kind, LeaseToken, Policy, Resource, State, step},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Begin, BeginEffect, OpRef, Permit, Role, Target, Ticket,
    rows::{Op, Slot, SlotKey, Trail},
};

/// The locked rows of one batch, and what was decided on them.
pub(super) struct Book {
    pub(super) slots: HashMap<SlotKey, Slot>,
    pub(super) ops: HashMap<Uuid, Op>,
    /// The round in force.
    pub(super) in_force: HashMap<(AdmissionId, Kind), Uuid>,
    /// Order of admission.
    pub(super) seqs: HashMap<AdmissionId, i64>,
    pub(super) trail: Vec<Trail>,
    pub(super) now: Timestamp,
}

impl Book {
    pub(super) fn new(slots: Vec<Slot>, ops: Vec<Op>, now: Timestamp) -> Self {
        let in_force =
            ops.iter().filter(|op| op.in_force).map(|op| ((op.admission, op.kind), op.op)).collect();
        Self {
            slots: slots.into_iter().map(|slot| (slot.key.clone(), slot)).collect(),
            ops: ops.into_iter().map(|op| (op.op, op)).collect(),
            in_force,
            seqs: HashMap::new(),
            trail: Vec::new(),
            now,
        }
    }

    /// The effect in force, or a new one.
    pub(super) fn own(
        &mut self,
        wish: &BeginEffect,
        slot: Option<Uuid>,
        fresh: &mut dyn FnMut() -> Uuid,
    ) -> Uuid {
        let kind = wish.target.kind();
        if let Some(op) = self.in_force.get(&(wish.admission, kind)) {
            return *op;
        }
        let seq = self.seqs.get(&wish.admission).copied().unwrap_or(0);
        self.add(wish, slot, seq, fresh())
    }

    pub(super) fn add(&mut self, wish: &BeginEffect, slot: Option<Uuid>, seq: i64, op: Uuid) -> Uuid {
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
            fresh: true,
            changed: false,
        };
        self.ops.insert(op, row);
        self.in_force.insert((admission, kind), op);
        op
    }

    pub(super) fn begin(&mut self, wish: &BeginEffect, fresh: &mut dyn FnMut() -> Uuid) -> Begin {
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

    /// One writer at a time, creation once, updates in the order of admission.
    fn shared(&mut self, wish: &BeginEffect, fresh: &mut dyn FnMut() -> Uuid) -> Begin {
        let key = slot_key(wish);
        let slot = match self.slots.get(&key) {
            Some(slot) => slot.clone(),
            None => {
                let slot = fresh();
                let owner = self.own(wish, Some(slot), fresh);
                let row = Slot {
                    slot,
                    key: key.clone(),
                    owner,
                    resource: None,
                    written: 0,
                    fresh: true,
                    changed: false,
                };
                self.slots.insert(key.clone(), row.clone());
                row
            }
        };
        let own = self.own(wish, Some(slot.slot), fresh);
        if self.ops.get(&own).is_some_and(|op| op.state.is_final()) {
            return self.drive(own, &wish.policy);
        }
        if slot.owner != own
            && let Some(answer) = self.others(&slot, &wish.policy)
        {
            return answer;
        }
        self.take(&key, own, wish)
    }

    /// What the slot's present owner, another submission, leaves to be done first.
    fn others(&mut self, slot: &Slot, policy: &Policy) -> Option<Begin> {
        let owner = self.ops.get(&slot.owner)?;
        match owner.state {
            State::Intent { .. } | State::Unknown { .. } => match self.drive(slot.owner, policy) {
                // Its lease had ended and nobody can search. What is there may still be changed; nothing may be created.
                Begin::Parked if slot.resource.is_some() => None,
                answer => Some(answer),
            },
            State::Conflict if slot.resource.is_none() => Some(Begin::Conflict),
            State::Parked if slot.resource.is_none() => Some(Begin::Parked),
            State::Ready | State::Done(_) | State::Rejected { .. } | State::Conflict | State::Parked => None,
        }
    }

    /// Nobody else writes: the right to write goes to this effect, if there is something to write.
    fn take(&mut self, key: &SlotKey, own: Uuid, wish: &BeginEffect) -> Begin {
        let Some(slot) = self.slots.get_mut(key) else { return Begin::Nothing };
        let Some(op) = self.ops.get_mut(&own) else { return Begin::Nothing };
        let busy = op.state != State::Ready;
        let known = slot.resource.clone();
        if !busy {
            if slot.owner != own {
                slot.owner = own;
                slot.changed = true;
            }
            match (&known, op.kind) {
                (Some(there), Kind::Patient) if op.seq > slot.written => {
                    self.aim(own, Role::Update, Some(there.clone()));
                }
                (Some(there), kind) => {
                    let event = if kind == Kind::Patient { "skipped" } else { "reused" };
                    return self.end_without_writing(own, there.clone(), event);
                }
                (None, _) => self.aim(own, Role::Create, None),
            }
        }
        self.drive(own, &wish.policy)
    }

    fn end_without_writing(&mut self, op: Uuid, resource: Resource, event: &'static str) -> Begin {
        if let Some(op) = self.ops.get_mut(&op) {
            op.state = State::Done(resource.clone());
            op.changed = true;
            self.trail.push(trail(op, event));
        }
        Begin::Done(resource)
    }

    pub(super) fn aim(&mut self, op: Uuid, role: Role, before: Option<Resource>) {
        if let Some(op) = self.ops.get_mut(&op)
            && op.state == State::Ready
        {
            op.role = role;
            op.before = before;
            op.changed = true;
        }
    }

    pub(super) fn drive_kind(&mut self, wish: &BeginEffect, kind: Kind) -> Begin {
        match self.in_force.get(&(wish.admission, kind)) {
            Some(op) => self.drive(*op, &wish.policy),
            None => Begin::Nothing,
        }
    }

    /// Begins an effect, as the state machine has it.
    pub(super) fn drive(&mut self, op: Uuid, policy: &Policy) -> Begin {
        let now = self.now;
        let Some(op) = self.ops.get_mut(&op) else { return Begin::Nothing };
        let event = Event::Begin { token: LeaseToken(op.attempts.saturating_add(1)), at: now };
        let Ok((state, command)) = step(&op.state, &event, policy) else { return Begin::Wait { until: now } };
        let lapsed = state != op.state && matches!(op.state, State::Intent { .. } | State::Unknown { .. });
        if state != op.state {
            op.state = state;
            op.changed = true;
        }
        if lapsed {
            self.trail.push(trail(op, "lapsed"));
        }
        match command {
            Command::Write { token, until } => {
                op.attempts = token.0;
                self.trail.push(trail(op, "intent"));
                let (role, resource) = (op.role, op.before.clone());
                Begin::Go(Permit { of: reference(op, *policy), token, until, role, resource })
            }
            Command::Wait { until } => Begin::Wait { until },
            Command::Search { token, not_before } => Begin::Resolve(ticket(op, *policy, token, not_before)),
            Command::Again => Begin::Wait { until: now },
            Command::Finish => ended(op),
        }
    }

    pub(super) fn state(&self, admission: AdmissionId, kind: Kind) -> Option<&State> {
        self.in_force.get(&(admission, kind)).and_then(|op| self.ops.get(op)).map(|op| &op.state)
    }

    pub(super) fn retire(&mut self, admission: AdmissionId, kind: Kind) {
        if let Some(op) = self.in_force.remove(&(admission, kind)).and_then(|op| self.ops.get_mut(&op)) {
            op.in_force = false;
            op.changed = true;
        }
    }
}

/// How the slot of a shared effect is found.
pub(super) fn slot_key(wish: &BeginEffect) -> SlotKey {
    let key = match wish.target {
        Target::Coverage { key } => key.as_bytes().to_vec(),
        _ => Vec::new(),
    };
    (wish.clinic.to_string(), wish.person.as_uuid(), wish.target.kind(), key)
}

pub(super) fn trail(op: &Op, event: &'static str) -> Trail {
    let code = match op.state {
        State::Rejected { code } => Some(code),
        _ => None,
    };
    Trail {
        op: op.op,
        admission: op.admission,
        kind: op.kind,
        attempt: op.attempts,
        event,
        state: op.state.as_str(),
        code,
    }
}

const fn reference(op: &Op, policy: Policy) -> OpRef {
    OpRef { op: op.op, slot: op.slot, admission: op.admission, kind: op.kind, policy }
}

pub(super) fn ticket(op: &Op, policy: Policy, token: LeaseToken, not_before: Timestamp) -> Ticket {
    Ticket { of: reference(op, policy), token, not_before, role: op.role, resource: op.before.clone() }
}

fn ended(op: &Op) -> Begin {
    match &op.state {
        State::Done(resource) => Begin::Done(resource.clone()),
        State::Rejected { code } => Begin::Rejected { code: *code },
        State::Conflict => Begin::Conflict,
        State::Parked | State::Ready | State::Intent { .. } | State::Unknown { .. } => Begin::Parked,
    }
}
