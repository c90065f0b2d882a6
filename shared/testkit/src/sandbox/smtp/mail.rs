//! Reads a mail as far as tests look at it.

use jiff::Timestamp;
use mailparse::{MailHeaderMap, ParsedMail};

use crate::sandbox::messages::{Channel, Message};

/// Most characters kept of a body.
const MAX_BODY: usize = 4_096;
/// How deep parts are looked into.
const MAX_DEPTH: usize = 8;

/// The message in a mail. What cannot be read stays empty: the sink takes everything.
pub(super) fn read(raw: &[u8], from: String, to: Vec<String>, at: Timestamp) -> Message {
    let parsed = mailparse::parse_mail(raw).ok();
    let header = |name| parsed.as_ref().and_then(|mail| mail.headers.get_first_value(name));
    let text =
        parsed.as_ref().and_then(|mail| part(mail, &|one| one.ctype.mimetype == "text/plain", MAX_DEPTH));
    let calendar = parsed.as_ref().and_then(|mail| part(mail, &is_calendar, MAX_DEPTH));
    Message {
        channel: Channel::Email,
        at,
        id: String::new(),
        to,
        from: Some(from),
        idempotency_key: None,
        subject: header("Subject"),
        message_id: header("Message-ID"),
        body: text.unwrap_or_default(),
        has_calendar: calendar.is_some(),
        calendar,
        size: raw.len(),
    }
}

fn is_calendar(part: &ParsedMail<'_>) -> bool {
    let name = part.get_content_disposition().params.remove("filename").unwrap_or_default();
    part.ctype.mimetype == "text/calendar" || name.ends_with(".ics")
}

/// The body of the first part of a sort.
fn part(mail: &ParsedMail<'_>, wanted: &dyn Fn(&ParsedMail<'_>) -> bool, depth: usize) -> Option<String> {
    if mail.subparts.is_empty() && wanted(mail) {
        let body = mail.get_body().unwrap_or_default();
        return Some(body.chars().take(MAX_BODY).collect());
    }
    let depth = depth.checked_sub(1)?;
    mail.subparts.iter().find_map(|inner| part(inner, wanted, depth))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::read;

    const MAIL: &str = "Subject: =?utf-8?Q?Your_visit?=\r\nMessage-ID: <x@clinic.test>\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee you\r\n\
        --b\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n--b--\r\n";

    #[test]
    fn finds_subject_id_text_and_calendar() {
        let mail = read(MAIL.as_bytes(), "a@b.test".to_owned(), vec![], Timestamp::UNIX_EPOCH);
        assert_eq!(mail.subject.as_deref(), Some("Your visit"));
        assert_eq!(mail.message_id.as_deref(), Some("<x@clinic.test>"));
        assert_eq!(mail.body.trim(), "See you");
        assert!(mail.has_calendar);
        assert!(mail.calendar.is_some_and(|text| text.starts_with("BEGIN:VCALENDAR")));
    }

    #[test]
    fn takes_anything() {
        for raw in [&b""[..], b"\xFF\xFE\r\n\r\n\x00", b"no colon here", b"A: \r\n"] {
            let mail = read(raw, String::new(), vec![], Timestamp::UNIX_EPOCH);
            assert!(!mail.has_calendar);
        }
    }
}
