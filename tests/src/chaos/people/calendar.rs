//! Appointments, each for another slot.

use jiff::{SignedDuration, Timestamp};

/// Minutes of a slot.
pub(super) const MINUTES: u32 = 20;
/// Providers of a clinic.
const PROVIDERS: u32 = 6;
/// Slots of one provider a day.
const A_DAY: u32 = 24;
/// The first day is so many days from the beginning.
const AHEAD: i64 = 7;
/// When the day begins, hours UTC.
const OPENS: i64 = 14;

/// What is not given away yet, clinic by clinic.
pub(super) struct Calendar {
    first: Timestamp,
    given: Vec<u32>,
}

impl Calendar {
    /// All free, from a week after `begin` on.
    pub(super) fn new(begin: Timestamp, clinics: usize) -> Self {
        let midnight = begin.as_second() - begin.as_second().rem_euclid(86_400);
        let opens = midnight + AHEAD * 86_400 + OPENS * 3_600;
        Self { first: Timestamp::from_second(opens).unwrap_or(begin), given: vec![0; clinics] }
    }

    /// The next free slot of a clinic: the provider's number, from 1, and the start.
    pub(super) fn next(&mut self, clinic: usize) -> (u32, Timestamp) {
        let Some(given) = self.given.get_mut(clinic) else { return (1, self.first) };
        let (provider, place) = (*given % PROVIDERS + 1, *given / PROVIDERS);
        *given += 1;
        let minutes = i64::from(place / A_DAY) * 24 * 60 + i64::from(place % A_DAY * MINUTES);
        let start = self.first.checked_add(SignedDuration::from_mins(minutes));
        (provider, start.unwrap_or(Timestamp::MAX))
    }
}
