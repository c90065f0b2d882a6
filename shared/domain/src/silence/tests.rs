use jiff::{SignedDuration, Timestamp, civil::date, tz::TimeZone};
use proptest::prelude::*;

use super::{Arrivals, ENOUGH, Rhythm};

fn zone() -> TimeZone {
    TimeZone::get("America/Chicago").unwrap()
}

/// Monday, nine in the morning, at the clinic.
fn monday() -> Timestamp {
    date(2026, 9, 7).at(9, 0, 0, 0).to_zoned(zone()).unwrap().timestamp()
}

fn hours(n: i64) -> SignedDuration {
    SignedDuration::from_hours(n)
}

fn opens(at: Timestamp) -> bool {
    let local = at.to_zoned(zone());
    local.weekday().to_monday_zero_offset() < 5 && (9..17).contains(&local.hour())
}

/// So many in each opening hour (Monday to Friday, 9 to 17), from the first Monday until a moment.
fn office(each: u64, until: Timestamp) -> Vec<Arrivals> {
    let mut all = Vec::new();
    let mut hour = monday();
    while hour < until {
        if opens(hour) {
            all.push(Arrivals { hour, count: each, last: hour + SignedDuration::from_mins(30) });
        }
        hour += hours(1);
    }
    all
}

/// The first moment after which nothing more comes, as the hours go by, at which the source is called silent.
fn found_after(arrivals: &[Arrivals]) -> Option<(SignedDuration, f64)> {
    let rhythm = Rhythm::learn(arrivals, &zone())?;
    (0..24 * 21).find_map(|n| {
        let silent = rhythm.silence(rhythm.last, rhythm.last + hours(n), &zone())?;
        assert_eq!(silent.since, rhythm.last);
        Some((hours(n), silent.per_hour))
    })
}

#[test]
fn a_source_that_stops_in_the_middle_of_a_day_is_found_the_same_day() {
    // Thursday of the fifth week, after the hour from ten.
    let arrivals = office(4, monday() + hours(4 * 168 + 3 * 24 + 2));
    let (after, usual) = found_after(&arrivals).unwrap();
    assert_eq!((after, usual), (hours(3), 4.0), "two whole hours without any");
}

#[test]
fn nights_and_weekends_are_no_silence() {
    // Friday evening: the last opening hour has brought its submissions.
    let arrivals = office(4, monday() + hours(4 * 168 + 4 * 24 + 8));
    let (after, _) = found_after(&arrivals).unwrap();
    let back = arrivals.last().unwrap().last + after;
    assert_eq!(back.to_zoned(zone()).weekday(), jiff::civil::Weekday::Monday);
}

#[test]
fn one_odd_week_changes_nothing() {
    let until = monday() + hours(4 * 168 + 3 * 24 + 2);
    let whole = found_after(&office(4, until));
    for week in 0..4 {
        let (from, to) = (monday() + hours(168 * week), monday() + hours(168 * (week + 1)));
        let odd = |one: &Arrivals| one.hour >= from && one.hour < to;
        let mut flood = office(4, until);
        flood.iter_mut().filter(|one| odd(one)).for_each(|one| one.count = 500);
        assert_eq!(found_after(&flood), whole, "a flood in week {week}");
        let mut holiday = office(4, until);
        holiday.retain(|one| !odd(one));
        // The first week is history that is not there; the others are an outage.
        assert_eq!(found_after(&holiday), whole, "an outage in week {week}");
    }
}

#[test]
fn little_history_says_nothing() {
    assert!(Rhythm::learn(&[], &zone()).is_none());
    assert!(Rhythm::learn(&office(40, monday() + hours(3 * 168 - 24)), &zone()).is_none());
    assert!(Rhythm::learn(&office(40, monday() + hours(3 * 168 + 24)), &zone()).is_some());
}

#[test]
fn a_source_that_has_been_gone_for_weeks_is_told_of_and_then_forgotten() {
    let arrivals = office(4, monday() + hours(5 * 168));
    let rhythm = Rhythm::learn(&arrivals, &zone()).unwrap();
    let silent = |days: i64| rhythm.silence(rhythm.last, rhythm.last + hours(24 * days), &zone()).is_some();
    assert!(silent(5) && silent(12) && silent(27));
    assert!(!silent(29) && !silent(300));
}

proptest! {
    #[test]
    fn a_source_that_goes_on_as_usual_is_never_silent(each in 1_u64..200, after in 0_i64..168) {
        let now = monday() + hours(5 * 168 + after);
        let arrivals = office(each, now);
        let rhythm = Rhythm::learn(&arrivals, &zone()).unwrap();
        prop_assert_eq!(rhythm.silence(rhythm.last, now, &zone()), None);
    }
}

proptest! {
    // Each case looks at every hour of some weeks.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn silence_begins_once_and_lasts(each in 1_u64..50, stop in 0_i64..168) {
        let arrivals = office(each, monday() + hours(4 * 168 + stop));
        let rhythm = Rhythm::learn(&arrivals, &zone()).unwrap();
        let told: Vec<bool> = (0..24 * 27).map(|n| rhythm.silence(rhythm.last, rhythm.last + hours(n), &zone()).is_some()).collect();
        let first = told.iter().position(|silent| *silent).unwrap();
        prop_assert!(told[first..].iter().all(|silent| *silent));
        // It takes as many opening hours as would have brought enough, and no more than a weekend on top.
        let needed = usize::try_from(ENOUGH.div_ceil(each)).unwrap();
        let open = (0..first).filter(|n| opens(rhythm.last + hours(i64::try_from(*n).unwrap()))).count();
        prop_assert!((needed..=needed + 2).contains(&open), "{open} opening hours for {needed}");
    }

    #[test]
    fn a_trickle_has_no_rhythm(odd in prop::collection::vec(0_i64..4 * 168, 1..20)) {
        // Each hour of the week at most once in the four weeks.
        let mut taken = std::collections::BTreeSet::new();
        let mut arrivals: Vec<Arrivals> = odd.into_iter().filter(|n| taken.insert(n % 168)).map(|n| {
            let hour = monday() + hours(n);
            Arrivals { hour, count: 30, last: hour }
        }).collect();
        arrivals.push(Arrivals { hour: monday(), count: 1, last: monday() });
        arrivals.push(Arrivals { hour: monday() + hours(4 * 168 - 1), count: 1, last: monday() + hours(4 * 168 - 1) });
        prop_assert_eq!(found_after(&arrivals), None);
    }
}
