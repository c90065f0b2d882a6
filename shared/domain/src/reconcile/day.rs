//! A clinic's day, in its own time zone; and the day whose daily run is due.

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

/// From its first moment to the first moment of the next day: 23, 24 or 25 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment of the next day.
    pub until: Timestamp,
}

impl Day {
    /// The day at a place; `None` at the ends of the calendar.
    pub fn of(date: Date, zone: &TimeZone) -> Option<Self> {
        let begins = |date: Date| Some(date.to_zoned(zone.clone()).ok()?.start_of_day().ok()?.timestamp());
        Some(Self { from: begins(date)?, until: begins(date.tomorrow().ok()?)? })
    }
}

/// The newest day whose daily run is due: each is due at `hour` o'clock (UTC, 0 to 23) of the day after it. Who was away at that hour finds it
/// due when it is back. `None` at the ends of the calendar.
pub fn due(now: Timestamp, hour: u8) -> Option<Date> {
    let past = now.checked_sub(i64::from(hour).hours()).ok()?;
    past.to_zoned(TimeZone::UTC).date().yesterday().ok()
}

#[cfg(test)]
mod tests {
    use jiff::{
        Timestamp,
        civil::{Date, date},
        tz::TimeZone,
    };
    use proptest::prelude::*;

    use super::{Day, due};

    #[test]
    fn a_day_is_the_places_own() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let day = Day::of(date(2026, 11, 22), &zone).unwrap();
        assert_eq!(
            (day.from.to_string(), day.until.to_string()),
            ("2026-11-22T05:00:00Z".into(), "2026-11-23T05:00:00Z".into())
        );
        for (date, hours) in [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 7, 1), 24)] {
            let day = Day::of(date, &zone).unwrap();
            assert_eq!(day.until.duration_since(day.from).as_hours(), hours, "{date}");
        }
        assert!(Day::of(Date::MAX, &zone).is_none());
    }

    #[test]
    fn a_day_is_due_at_the_hour_of_the_next() {
        let at = |text: &str| due(text.parse().unwrap(), 12).unwrap();
        assert_eq!(at("2026-11-22T11:59:59Z"), date(2026, 11, 20));
        assert_eq!(at("2026-11-22T12:00:00Z"), date(2026, 11, 21));
        assert_eq!(due(Timestamp::MIN, 12), None);
    }

    proptest! {
        #[test]
        fn every_moment_is_in_exactly_one_day(second in 1_500_000_000_i64..2_500_000_000, zone in prop::sample::select(vec!["America/New_York", "Pacific/Honolulu", "America/Phoenix", "UTC"])) {
            let (at, zone) = (Timestamp::from_second(second).unwrap(), TimeZone::get(zone).unwrap());
            let date = at.to_zoned(zone.clone()).date();
            let inside = |date: Date| Day::of(date, &zone).is_some_and(|day| day.from <= at && at < day.until);
            prop_assert!(inside(date) && !inside(date.yesterday().unwrap()) && !inside(date.tomorrow().unwrap()));
        }

        #[test]
        fn when_a_day_is_due_at_noon_it_is_over_everywhere_in_the_country(second in 1_500_000_000_i64..2_500_000_000) {
            let now = Timestamp::from_second(second).unwrap();
            let date = due(now, 12).unwrap();
            for zone in ["America/New_York", "Pacific/Honolulu", "Pacific/Pago_Pago", "Pacific/Guam"] {
                prop_assert!(Day::of(date, &TimeZone::get(zone).unwrap()).unwrap().until <= now, "{zone}");
            }
        }
    }
}
