//! The visit as a calendar entry: when, and at which clinic. Nothing about the person or the reason.

use icalendar::{Calendar, Class, Component, Event, EventLike};
use jiff::{SignedDuration, Timestamp};

/// A visit.
#[derive(Clone)]
pub struct Invite {
    /// Opaque: a later entry of the same visit replaces this one.
    pub uid: String,
    /// The clinic's name: summary and location.
    pub clinic: String,
    /// Start.
    pub start: Timestamp,
    /// Length.
    pub minutes: u16,
}

impl Invite {
    /// As iCalendar (RFC 5545), published rather than requested: a request would name the patient as attendee (RFC 5546).
    pub(crate) fn to_ics(&self, organizer: &str, now: Timestamp) -> String {
        let end = self.start.checked_add(SignedDuration::from_mins(self.minutes.into()));
        let event = Event::with_uid(&self.uid)
            .add_property("DTSTAMP", stamp(now))
            .add_property("DTSTART", stamp(self.start))
            .add_property("DTEND", stamp(end.unwrap_or(self.start)))
            .add_property("ORGANIZER", format!("mailto:{organizer}"))
            .summary(&self.clinic)
            .location(&self.clinic)
            .class(Class::Private)
            .done();
        let mut calendar = Calendar::empty();
        for property in [("VERSION", "2.0"), ("PRODID", "-//Frontdesk//EN"), ("METHOD", "PUBLISH")] {
            calendar.append_property(property);
        }
        calendar.push(event).done().to_string()
    }
}

fn stamp(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::Invite;

    #[test]
    fn says_when_and_where_only() {
        let invite = Invite {
            uid: "ab12".to_owned(),
            clinic: "Pine, Oak; Family Medicine".to_owned(),
            start: "2027-02-14T16:40:00Z".parse().unwrap(),
            minutes: 20,
        };
        let text = invite.to_ics("desk@clinic.example", "2026-11-22T10:00:00Z".parse().unwrap());
        for line in [
            "VERSION:2.0",
            "PRODID:-//Frontdesk//EN",
            "METHOD:PUBLISH",
            "UID:ab12",
            "DTSTAMP:20261122T100000Z",
            "DTSTART:20270214T164000Z",
            "DTEND:20270214T170000Z",
            "ORGANIZER:mailto:desk@clinic.example",
            "SUMMARY:Pine\\, Oak\\; Family Medicine",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("ATTENDEE") && !text.contains("DESCRIPTION"));
    }
}
