//! What a clinic tells its patients: texts with the minimum of PHI, and hours in which it keeps silent.

use jiff::{Timestamp, ToSpan, civil::Time, tz::TimeZone};
use serde::Deserialize;

/// The names that a text may use. There is no reason, diagnosis, practitioner or name among them, so that none can leak.
pub const VARIABLES: [&str; 5] = ["clinic_name", "clinic_phone", "starts_local", "minutes", "link"];

/// A clinic's texts and hours. Texts are in minijinja's syntax and may use [`VARIABLES`] only, which is checked at load.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// The clinic's phone, for the patient's questions.
    pub phone: Option<String>,
    /// The clinic's page with instructions.
    pub link: Option<String>,
    /// When no message goes out.
    pub quiet_hours: Option<QuietHours>,
    /// The e-mail.
    pub email: EmailText,
    /// The text message.
    pub sms: SmsText,
}

/// An e-mail's texts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailText {
    /// Subject: one line.
    pub subject: String,
    /// Plain-text body.
    pub body: String,
}

/// A text message's text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsText {
    /// The text.
    pub body: String,
}

/// A part of the day, local to the clinic, that may pass midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// Its first moment.
    pub from: Time,
    /// The first moment after it.
    pub until: Time,
}

impl QuietHours {
    /// When the quiet hours in which a moment falls end, or none if it falls in none.
    pub fn end(&self, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = moment.to_zoned(zone.clone()).datetime();
        let time = local.time();
        let (late, early) = (time >= self.from, time < self.until);
        let day = match (self.from <= self.until, late, early) {
            (true, true, true) | (false, false, true) => local.date(),
            (false, true, _) => local.date().checked_add(1.day()).ok()?,
            _ => return None,
        };
        zone.to_ambiguous_timestamp(day.to_datetime(self.until)).compatible().ok()
    }
}

impl Notification {
    /// Every name in `{{ … }}` must be one of [`VARIABLES`].
    pub(super) fn check(&self) -> Result<(), String> {
        for (name, text) in [
            ("email.subject", &self.email.subject),
            ("email.body", &self.email.body),
            ("sms.body", &self.sms.body),
        ] {
            for inner in text.split("{{").skip(1) {
                let inner = inner.split("}}").next().unwrap_or_default();
                let used =
                    inner.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
                if !VARIABLES.contains(&used) {
                    return Err(format!(
                        "notification.{name}: `{used}` is not one of {}",
                        VARIABLES.join(", ")
                    ));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, civil::time, tz::TimeZone};

    use super::QuietHours;

    fn end(from: i8, until: i8, at: &str) -> Option<String> {
        let zone = TimeZone::get("America/New_York").unwrap();
        let hours = QuietHours { from: time(from, 0, 0, 0), until: time(until, 0, 0, 0) };
        hours.end(at.parse::<Timestamp>().unwrap(), &zone).map(|end| end.to_string())
    }

    #[test]
    fn quiet_hours_may_pass_midnight() {
        // 21:00 to 08:00 in New York, UTC−5 in January.
        assert_eq!(end(21, 8, "2027-01-07T17:00:00Z"), None);
        assert_eq!(end(21, 8, "2027-01-08T02:00:00Z").as_deref(), Some("2027-01-08T13:00:00Z"));
        assert_eq!(end(21, 8, "2027-01-08T12:59:59Z").as_deref(), Some("2027-01-08T13:00:00Z"));
        assert_eq!(end(21, 8, "2027-01-08T13:00:00Z"), None);
        // 12:00 to 14:00.
        assert_eq!(end(12, 14, "2027-01-08T18:00:00Z").as_deref(), Some("2027-01-08T19:00:00Z"));
        assert_eq!(end(12, 14, "2027-01-08T19:00:00Z"), None);
        // None at all.
        assert_eq!(end(8, 8, "2027-01-08T13:00:00Z"), None);
    }

    #[test]
    fn the_night_in_which_clocks_change_ends_at_eight_local() {
        assert_eq!(end(21, 8, "2027-03-14T04:00:00Z").as_deref(), Some("2027-03-14T12:00:00Z"));
    }
}
