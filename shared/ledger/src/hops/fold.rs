//! What a batch of hops changes, one change for each submission.

use std::collections::BTreeMap;

use domain::{
    AdmissionId, Code, FieldPath, Stage,
    hop::{Event, Facts, Hop, Transition},
    outcome::Settled,
};
use jiff::Timestamp;

/// What a batch of hops changes about one submission. `None` leaves what is there.
pub(super) struct Change<'a> {
    pub(super) admission: AdmissionId,
    /// The state that it moves to, if the one that it is in may be left.
    pub(super) state: Option<&'static str>,
    /// The stage that moves it there.
    pub(super) stage: Stage,
    /// The latest stage that had a say in this: what a later one has stopped is not moved.
    pub(super) reach: Stage,
    pub(super) code: Option<Code>,
    pub(super) field: Option<&'a FieldPath>,
    pub(super) duplicate_of: Option<&'a str>,
    pub(super) at: Timestamp,
    pub(super) facts: Facts,
    /// For a hold: the hop that holds.
    pub(super) held: Option<&'a Hop>,
}

/// The state that a transition leads to; `None` for a repeat, which changes nothing.
pub(super) const fn state_name(transition: &Transition) -> Option<&'static str> {
    match transition {
        Transition::Settle(Settled::Completed) => Some("completed"),
        Transition::Settle(Settled::Duplicate { .. }) => Some("duplicate"),
        Transition::Settle(Settled::Rejected { .. }) => Some("rejected"),
        Transition::Settle(Settled::Repeat) => None,
        Transition::Hold { .. } => Some("held"),
        Transition::Die { .. } => Some("dead"),
    }
}

/// Why, and where in the intake.
pub(super) const fn reason(transition: &Transition) -> (Option<Code>, Option<&FieldPath>) {
    match transition {
        Transition::Settle(Settled::Rejected { code, field })
        | Transition::Hold { code, field }
        | Transition::Die { code, field } => (Some(*code), field.as_ref()),
        Transition::Settle(_) => (None, None),
    }
}

/// Whether a state may be left. The database holds the same against what it has: see `state.rs`.
fn is_final(state: &str) -> bool {
    matches!(state, "completed" | "duplicate" | "rejected")
}

/// Whether a stage may move what another one has brought into a state. Rows of one submission may come late: the one that says that
/// a stage handed it on, after those of the stages that it was handed on to. So an earlier stage does not lift what a later one holds
/// or has killed, nor take from a person what a later one holds.
pub(super) fn may_move(from: &str, by: Stage, to: &str, reach: Stage) -> bool {
    match from {
        "held" => reach >= by,
        "dead" => reach >= by || to != "in_flight",
        _ => !is_final(from),
    }
}

/// Folds the hops, in their order, into one change for each submission that they concern.
pub(super) fn changes(hops: &[Hop]) -> Vec<Change<'_>> {
    let mut changes: BTreeMap<AdmissionId, Change<'_>> = BTreeMap::new();
    for hop in hops {
        let Some(admission) = hop.admission else { continue };
        let change = changes.entry(admission).or_insert_with(|| Change {
            admission,
            state: None,
            stage: hop.stage,
            reach: hop.stage,
            code: None,
            field: None,
            duplicate_of: None,
            at: hop.finished_at,
            facts: Facts::default(),
            held: None,
        });
        merge(&mut change.facts, &hop.facts);
        let state = match &hop.transition {
            Some(transition) => state_name(transition),
            // It is on its way again, should it have been held or dead.
            None if matches!(hop.event, Event::Emitted | Event::Retried | Event::Snoozed) => {
                Some("in_flight")
            }
            None => None,
        };
        let before = change.state.map(|state| (state, change.stage));
        if let Some(to) = state
            && before.is_none_or(|(from, by)| may_move(from, by, to, hop.stage))
        {
            let reach = if before.is_some() { change.reach.max(hop.stage) } else { hop.stage };
            let (code, field) = hop.transition.as_ref().map_or((None, None), reason);
            let duplicate_of = match &hop.transition {
                Some(Transition::Settle(Settled::Duplicate { of })) => Some(of.as_str()),
                _ => None,
            };
            let held = (to == "held").then_some(hop);
            *change = Change {
                admission,
                state,
                stage: hop.stage,
                reach,
                code,
                field,
                duplicate_of,
                at: hop.finished_at,
                facts: std::mem::take(&mut change.facts),
                held,
            };
        }
    }
    changes.into_values().collect()
}

fn merge(into: &mut Facts, from: &Facts) {
    let Facts { eligibility, patient, appointment, notified } = from;
    into.eligibility = eligibility.or(into.eligibility);
    if patient.is_some() {
        into.patient.clone_from(patient);
    }
    if appointment.is_some() {
        into.appointment.clone_from(appointment);
    }
    if notified.is_some() {
        into.notified.clone_from(notified);
    }
}
