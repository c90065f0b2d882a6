//! What came of writes and searches.

use jiff::Timestamp;

use super::{
    super::{After, Command, EffectResult, Event, Refused, Resource, SearchResult, State, Told, What},
    Book, Op, Slot,
    drive::{judge, ticket},
};

impl Book {
    /// Decides on what a worker tells. An effect that is not here is answered as one of another lease.
    pub fn settle(&mut self, told: &Told) -> After {
        let of = &told.of;
        let Some(op) = self.ops.get_mut(&of.op) else { return After::Fenced };
        // A person has ended this round in doubt: what a search still finds is no news for the next one.
        if !op.in_force && !op.state.is_final() {
            return After::Fenced;
        }
        let (event, name) = event(told, self.now);
        let (state, command) = match judge(op, &event, &of.policy, self.protections) {
            Ok(next) => next,
            Err(refused) => return fenced(&op.state, refused, told),
        };
        op.state = state;
        op.mark.touch();
        if matches!(told.what, What::Searched(_)) {
            op.searches = op.searches.saturating_add(1);
        }
        if let Some(slot) = op.slot.and_then(|id| self.slots.get_mut(&id)) {
            learn(slot, op, &told.what);
        }
        let after = match command {
            Command::Search { token, not_before } => After::Resolve(ticket(op, of.policy, token, not_before)),
            _ => stands(&op.state),
        };
        self.respect(of.op);
        self.note(of.op, name);
        after
    }
}

/// What the slot learns from the outcome of an effect on it.
fn learn(slot: &mut Slot, op: &Op, what: &What) {
    match (&op.state, what) {
        (State::Done(resource), _) => {
            slot.resource = Some(resource.clone());
            slot.written = slot.written.max(op.seq);
            slot.mark.touch();
        }
        // Where the EHR did not say, what was known stays: it is no longer right, but without any nothing would tell that somebody wrote.
        (State::Ready, What::Wrote(EffectResult::Stale { version: Some(version) })) => {
            if let Some(there) = slot.resource.as_mut() {
                there.version = Some(version.clone());
                slot.mark.touch();
            }
        }
        _ => {}
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
