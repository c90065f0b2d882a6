//! FHIR dates of any precision as spans of time.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// From `low` (included) to `high` (excluded), in milliseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

/// How a search compares (FHIR search prefixes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Span {
    /// Reads `2027`, `2027-02`, `2027-02-19` or an instant. A date without an offset is UTC.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // A `+` that was not percent-encoded arrives as a space.
        let text = text.trim().replace(' ', "+");
        let day = |text: String| text.parse::<Date>().ok();
        match text.len() {
            4 => {
                let first = day(format!("{text}-01-01"))?;
                Self::days(first, first.checked_add(1.year()).ok()?)
            }
            7 => {
                let first = day(format!("{text}-01"))?;
                Self::days(first, first.checked_add(1.month()).ok()?)
            }
            10 => {
                let first = day(text)?;
                Self::days(first, first.checked_add(1.day()).ok()?)
            }
            _ => Self::instant(&text),
        }
    }

    fn days(first: Date, next: Date) -> Option<Self> {
        let midnight =
            |date: Date| Some(TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?.as_millisecond());
        Some(Self { low: midnight(first)?, high: midnight(next)? })
    }

    fn instant(text: &str) -> Option<Self> {
        let exact = text.parse::<Timestamp>().ok();
        let local = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
        let low = exact.or_else(local)?.as_millisecond();
        let seconds = text.split('T').nth(1).is_some_and(|time| time.get(5..6) == Some(":"));
        let width = match (text.contains('.'), seconds) {
            (true, _) => 1,
            (false, true) => 1_000,
            (false, false) => 60_000,
        };
        Some(Self { low, high: low.checked_add(width)? })
    }

    /// Whether a resource's span (`self`) satisfies the comparison with what was asked for.
    pub(crate) const fn satisfies(self, comparison: Comparison, asked: Self) -> bool {
        let within = self.low >= asked.low && self.high <= asked.high;
        match comparison {
            Comparison::Equal => within,
            Comparison::NotEqual => !within,
            Comparison::Less => self.low < asked.low,
            Comparison::LessOrEqual => self.low < asked.high,
            Comparison::Greater => self.low >= asked.high,
            Comparison::GreaterOrEqual => self.low >= asked.low,
        }
    }
}

/// Splits `ge2027-01-01` into comparison and date.
pub(crate) fn comparison(text: &str) -> (Comparison, &str) {
    let comparison = match text.get(..2) {
        Some("eq" | "ap") => Comparison::Equal,
        Some("ne") => Comparison::NotEqual,
        Some("lt" | "eb") => Comparison::Less,
        Some("le") => Comparison::LessOrEqual,
        Some("gt" | "sa") => Comparison::Greater,
        Some("ge") => Comparison::GreaterOrEqual,
        _ => return (Comparison::Equal, text),
    };
    (comparison, &text[2..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Comparison, Span, comparison};

    fn holds(resource: &str, asked: &str) -> bool {
        let (comparison, rest) = comparison(asked);
        match (Span::parse(resource), Span::parse(rest)) {
            (Some(resource), Some(asked)) => resource.satisfies(comparison, asked),
            _ => panic!("{resource} or {asked} is not a date"),
        }
    }

    #[test]
    fn compares_instants_over_offsets() {
        let slot = "2027-02-19T14:20:00Z";
        for yes in [
            "2027-02-19T14:20:00Z",
            "eq2027-02-19T08:20:00-06:00",
            "2027-02-19T15:20:00 01:00",
            "2027-02-19",
            "2027",
            "ge2027-02-19T14:20:00Z",
            "le2027-02-19T14:20:00Z",
            "lt2027-02-19T14:20:01Z",
            "gt2027-02-18",
            "ne2027-02-20",
        ] {
            assert!(holds(slot, yes), "{yes}");
        }
        for no in
            ["2027-02-19T14:20:01Z", "gt2027-02-19", "lt2027-02-19T14:20:00Z", "ge2027-02-20", "ne2027-02-19"]
        {
            assert!(!holds(slot, no), "{no}");
        }
    }

    #[test]
    fn refuses_what_is_no_date() {
        for bad in ["", "2027-13", "2027-02-30", "today", "ge", "2027-02-19Tnoon"] {
            assert_eq!(Span::parse(bad), None, "{bad}");
        }
        assert_eq!(comparison("ge2027").0, Comparison::GreaterOrEqual);
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,40}") {
            let (_, rest) = comparison(&text);
            let _ = Span::parse(rest);
        }
    }
}
