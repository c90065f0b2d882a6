//! Sources that normally send and have stopped.
//!
//! A source's rhythm is what usually came in each hour of the week, by the clinic's clock, in the last four weeks before its last submission:
//! the lower median of the weeks, so that one odd week (a holiday, an outage, a flood) changes nothing, and an hour in which something
//! comes only now and then counts as closed. A source is silent when the whole hours since its last submission would usually have
//! brought [`ENOUGH`] submissions and brought none. Hours that are closed add nothing, so a night or a weekend is no silence. A source with
//! less than three weeks of history has no rhythm, and nothing is said about it.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// So many submissions that did not come are no chance: where six are usual, none comes by chance once in four hundred times.
pub const ENOUGH: u64 = 6;

/// The rhythm is learnt from so many weeks at most.
const WEEKS: usize = 4;
/// And from so many at least.
const FEWEST: usize = 3;
/// Hours of a week.
const HOURS: usize = 168;
/// So far back must arrivals be known: the silence that is still told of, and the weeks before it.
pub const LOOK_BACK: SignedDuration = SignedDuration::from_hours(2 * (WEEKS * HOURS) as i64);

/// What arrived within one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrivals {
    /// A moment of that hour; each hour of UTC is one.
    pub hour: Timestamp,
    /// How many.
    pub count: u64,
    /// When the last of them came.
    pub last: Timestamp,
}

/// What usually comes in each hour of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rhythm {
    usual: Vec<u64>,
    /// When the last one came that it was learnt from.
    pub last: Timestamp,
}

/// A source that stopped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Silent {
    /// When its last submission came.
    pub since: Timestamp,
    /// What usually comes in an hour in which it sends.
    pub per_hour: f64,
}

impl Rhythm {
    /// Learns the rhythm from arrivals, in any order. `None`: too little history.
    pub fn learn(arrivals: &[Arrivals], zone: &TimeZone) -> Option<Self> {
        let last = arrivals.iter().map(|one| one.last).max()?;
        let first = arrivals.iter().map(|one| one.hour).min()?;
        let weeks = weeks_before(hour_of(first), last)?.min(WEEKS);
        if weeks < FEWEST {
            return None;
        }
        let mut by_week = vec![[0_u64; WEEKS]; HOURS];
        for one in arrivals {
            let Some(week) = weeks_before(hour_of(one.hour), last) else { continue };
            let cell = by_week.get_mut(of_week(one.hour, zone)).and_then(|weeks| weeks.get_mut(week));
            if let Some(cell) = cell {
                *cell = cell.saturating_add(one.count);
            }
        }
        let usual = by_week.into_iter().map(|mut counts| {
            let counts = counts.get_mut(..weeks).unwrap_or_default();
            counts.sort_unstable();
            counts.get((weeks - 1) / 2).copied().unwrap_or(0)
        });
        Some(Self { usual: usual.collect(), last })
    }

    /// Whether the source has stopped, if its last submission came at `last`. `None`: it has not, or so long ago that it has given up.
    pub fn silence(&self, last: Timestamp, now: Timestamp, zone: &TimeZone) -> Option<Silent> {
        let (mut due, mut open) = (0_u64, 0_u64);
        for nth in 1..=WEEKS * HOURS {
            let hour = later(hour_of(last), nth)?;
            if later(hour, 1)? > now {
                let per_hour = due as f64 / open.max(1) as f64;
                return (due >= ENOUGH).then_some(Silent { since: last, per_hour });
            }
            let usual = self.usual.get(of_week(hour, zone)).copied().unwrap_or(0);
            due = due.saturating_add(usual);
            open += u64::from(usual > 0);
        }
        None
    }
}

/// The first second of the hour.
fn hour_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3600) * 3600
}

/// The hour that comes so many after one.
fn later(hour: impl Into<Hour>, nth: usize) -> Option<Timestamp> {
    let Hour(second) = hour.into();
    Timestamp::from_second(second.checked_add(i64::try_from(nth).ok()?.checked_mul(3600)?)?).ok()
}

struct Hour(i64);

impl From<i64> for Hour {
    fn from(second: i64) -> Self {
        Self(second)
    }
}

impl From<Timestamp> for Hour {
    fn from(at: Timestamp) -> Self {
        Self(hour_of(at))
    }
}

/// Whole weeks from an hour to the hour of the last arrival; `None`: it is later.
fn weeks_before(hour: i64, last: Timestamp) -> Option<usize> {
    usize::try_from(hour_of(last) - hour).ok().map(|seconds| seconds / (HOURS * 3600))
}

/// The hour of the week by the clinic's clock, from Monday's first.
fn of_week(at: Timestamp, zone: &TimeZone) -> usize {
    let local = at.to_zoned(zone.clone());
    let (day, hour) = (local.weekday().to_monday_zero_offset(), local.hour());
    usize::try_from(day).unwrap_or(0) * 24 + usize::try_from(hour).unwrap_or(0)
}

#[cfg(test)]
mod tests;
