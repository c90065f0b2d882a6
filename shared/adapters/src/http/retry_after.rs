//! `Retry-After`: seconds, or an HTTP date (RFC 9110 section 10.2.3).

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// What a server that names no time is given.
const DEFAULT: Duration = Duration::from_secs(5);
/// No server may silence us for longer; it can ask again.
const LONGEST: Duration = Duration::from_secs(3600);

/// How long the server asks to wait.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Duration {
    headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| parse(value.trim(), now))
        .unwrap_or(DEFAULT)
        .min(LONGEST)
}

fn parse(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTimeParser::new().parse_timestamp(value).ok()?;
    // A moment that has passed means "now".
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

    use super::retry_after;

    #[test]
    fn seconds_dates_and_nonsense() {
        let now: Timestamp = "2026-11-22T08:49:37Z".parse().unwrap();
        for (value, seconds) in [
            (Some("7"), 7),
            (Some(" 0 "), 0),
            (Some("Sun, 22 Nov 2026 08:50:07 GMT"), 30),
            (Some("Sun, 22 Nov 2026 08:40:00 GMT"), 0),
            (Some("99999999"), 3600),
            (Some("soon"), 5),
            (Some("-1"), 5),
            (None, 5),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
            }
            assert_eq!(retry_after(&headers, now), Duration::from_secs(seconds), "{value:?}");
        }
    }
}
