//! One effect, moved on as the state machine has it.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    super::{
        Begin, Command, Event, LeaseToken, OpRef, Permit, Policy, Protections, Refused, State, Ticket, step,
    },
    Book, Op,
};
use crate::drill::Protection;

impl Book {
    /// Begins an effect.
    pub(super) fn drive(&mut self, id: Uuid, policy: &Policy) -> Begin {
        let now = self.now;
        let Some(op) = self.ops.get_mut(&id) else { return Begin::Nothing };
        let event = Event::Begin { token: LeaseToken(op.attempts.saturating_add(1)), at: now };
        let Ok((state, command)) = judge(op, &event, policy, self.protections) else {
            return Begin::Wait { until: now };
        };
        let lapsed = state != op.state && matches!(op.state, State::Intent { .. } | State::Unknown { .. });
        if state != op.state {
            op.state = state;
            op.mark.touch();
        }
        let answer = match command {
            Command::Write { token, until } => {
                op.attempts = token.0;
                let (of, role, resource) = (reference(op, *policy), op.role, op.before.clone());
                Begin::Go(Permit { of, token, until, role, resource })
            }
            Command::Wait { until } => Begin::Wait { until },
            Command::Search { token, not_before } => Begin::Resolve(ticket(op, *policy, token, not_before)),
            Command::Again => Begin::Wait { until: now },
            Command::Finish => ended(op),
        };
        if lapsed {
            self.respect(id);
            self.note(id, "lapsed");
        }
        if matches!(answer, Begin::Go(_)) {
            self.note(id, "intent");
        }
        answer
    }
}

/// [`step`], unless a drill takes away what it keeps.
pub(super) fn judge(
    op: &Op,
    event: &Event,
    policy: &Policy,
    protections: Protections,
) -> Result<(State, Command), Refused> {
    let unfenced = if protections.lack(Protection::Fencing) { endless(event) } else { None };
    let state = unfenced.as_ref().unwrap_or(&op.state);
    let (mut next, command) = step(state, event, policy)?;
    let given_up =
        matches!(state, State::Intent { .. }) && matches!(next, State::Unknown { .. } | State::Parked);
    if given_up && protections.lack(Protection::SearchBeforeRewrite) {
        return Ok((State::Ready, Command::Again));
    }
    if unfenced.is_some()
        && let State::Unknown { token, .. } = &mut next
    {
        *token = LeaseToken(op.attempts);
    }
    Ok((next, command))
}

/// Without fencing: the state in which whoever tells of a write is believed.
const fn endless(event: &Event) -> Option<State> {
    match event {
        Event::Succeeded { token, .. }
        | Event::WithoutEffect { token, .. }
        | Event::Refused { token, .. }
        | Event::Ambiguous { token, .. } => Some(State::Intent { token: *token, until: Timestamp::MAX }),
        _ => None,
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
