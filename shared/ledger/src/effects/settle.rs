//! Committing what came of writes and searches.

use std::collections::HashMap;

use domain::effect::{Command, Event, LeaseToken, Refused, Resource, State, step};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    After, EffectResult, OpRef, SearchResult,
    decide::{ticket, trail},
    rows::{self, Op, Slot, Trail},
    store,
};
use crate::{batch::Work, failure::Failure, store::Worker};

/// What a worker says.
pub(crate) struct Told {
    pub(super) of: OpRef,
    pub(super) token: LeaseToken,
    pub(super) what: What,
}

/// About a write, or about a search.
pub(crate) enum What {
    Wrote(EffectResult),
    Searched(SearchResult),
}

/// Commits outcomes.
pub(crate) struct Settling(pub(crate) Worker);

impl Work for Settling {
    type Item = Told;
    type Reply = After;

    async fn commit(&self, items: &[Told]) -> Result<Vec<After>, Failure> {
        let Worker { db, clock } = &self.0;
        let mut connection = db.open().await?;
        let settle = async {
            let transaction = connection.transaction().await?;
            let slot_ids: Vec<Uuid> = items.iter().filter_map(|told| told.of.slot).collect();
            let op_ids: Vec<Uuid> = items.iter().map(|told| told.of.op).collect();
            let slots =
                if slot_ids.is_empty() { Vec::new() } else { rows::slots(&transaction, &slot_ids).await? };
            let ops = rows::ops(&transaction, &op_ids, &[]).await?;
            let now = clock.now();
            let mut ledger = Ledger {
                slots: slots.into_iter().map(|slot| (slot.slot, slot)).collect(),
                ops: ops.into_iter().map(|op| (op.op, op)).collect(),
                trail: Vec::new(),
                now,
            };
            let replies = items.iter().map(|told| ledger.settle(told)).collect();
            let (slots, ops) = (ledger.slots.into_values().collect(), ledger.ops.into_values().collect());
            store::save(&transaction, slots, ops, &ledger.trail, now).await?;
            transaction.commit().await?;
            Ok(replies)
        };
        let done = db.within(settle).await;
        db.close(connection, done)
    }
}

struct Ledger {
    slots: HashMap<Uuid, Slot>,
    ops: HashMap<Uuid, Op>,
    trail: Vec<Trail>,
    now: Timestamp,
}

impl Ledger {
    fn settle(&mut self, told: &Told) -> After {
        let Some(op) = self.ops.get_mut(&told.of.op) else { return After::Fenced };
        let (event, name) = event(told, self.now);
        let (state, command) = match step(&op.state, &event, &told.of.policy) {
            Ok(next) => next,
            Err(refused) => return fenced(&op.state, refused, told),
        };
        op.state = state;
        op.changed = true;
        if matches!(told.what, What::Searched(_)) {
            op.searches = op.searches.saturating_add(1);
        }
        self.trail.push(trail(op, name));
        if let Some(slot) = op.slot.and_then(|id| self.slots.get_mut(&id)) {
            match (&op.state, &told.what) {
                (State::Done(resource), _) => {
                    slot.resource = Some(resource.clone());
                    slot.written = slot.written.max(op.seq);
                    slot.changed = true;
                }
                (State::Ready, What::Wrote(EffectResult::Stale { version })) => {
                    if let Some(there) = slot.resource.as_mut() {
                        there.version.clone_from(version);
                        slot.changed = true;
                    }
                }
                _ => {}
            }
        }
        match command {
            Command::Search { token, not_before } => {
                After::Resolve(ticket(op, told.of.policy, token, not_before))
            }
            _ => stands(&op.state),
        }
    }
}

fn event(told: &Told, at: Timestamp) -> (Event, &'static str) {
    let token = told.token;
    match &told.what {
        What::Wrote(EffectResult::Done(resource)) => {
            (Event::Succeeded { token, resource: resource.clone(), at }, "done")
        }
        What::Wrote(EffectResult::NotSent) => (Event::WithoutEffect { token, at }, "not_sent"),
        What::Wrote(EffectResult::Stale { .. }) => (Event::WithoutEffect { token, at }, "stale"),
        What::Wrote(EffectResult::Rejected { code }) => {
            (Event::Refused { token, code: *code, at }, "rejected")
        }
        What::Wrote(EffectResult::Unknown) => (Event::Ambiguous { token, at }, "ambiguous"),
        What::Searched(SearchResult::Found(resource)) => {
            (Event::Found { token, resource: resource.clone() }, "found")
        }
        What::Searched(SearchResult::Conflict) => (Event::FoundConflict { token }, "found_conflict"),
        What::Searched(SearchResult::Nothing { began }) => {
            (Event::FoundNone { token, began: *began }, "found_none")
        }
    }
}

/// Saying again what is recorded is no news; everything else that is refused must look anew.
fn fenced(state: &State, refused: Refused, told: &Told) -> After {
    let same = |said: &Resource| matches!(state, State::Done(there) if there == said);
    match &told.what {
        What::Wrote(EffectResult::Done(said)) | What::Searched(SearchResult::Found(said))
            if refused == Refused::Final && same(said) =>
        {
            After::Done(said.clone())
        }
        _ => After::Fenced,
    }
}

fn stands(state: &State) -> After {
    match state {
        State::Done(resource) => After::Done(resource.clone()),
        State::Ready => After::Again,
        State::Rejected { code } => After::Rejected { code: *code },
        State::Conflict => After::Conflict,
        State::Parked => After::Parked,
        State::Intent { .. } | State::Unknown { .. } => After::Fenced,
    }
}
