//! Writes the 271.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::inquiry::Inquiry;
use super::interchange::Interchange;
use super::person::Person;
use super::writer::{Envelope, Writer};
use crate::sandbox::payer::Answer;

/// How the payer is asked: member id and the names under which it may be known.
pub(super) type Ask<'f> = dyn Fn(&str, &[&str]) -> Answer + 'f;

/// The 271 to a 270; `aaa` rejects whatever the member's standing.
pub(super) fn answer(
    question: &Interchange<'_>,
    inquiry: &Inquiry<'_>,
    now: Timestamp,
    aaa: Option<&str>,
    ask: &Ask<'_>,
) -> String {
    let head = Envelope { function: "HB", guide: "005010X279A1", set: "271" };
    let mut writer = Writer::transaction(question, &head, now);
    let zoned = now.to_zoned(TimeZone::UTC);
    let (date, time) = (zoned.strftime("%Y%m%d").to_string(), zoned.strftime("%H%M").to_string());
    writer.segment(&["BHT", "0022", "11", inquiry.reference, &date, &time]);
    let payer = &inquiry.payer.0;
    let standing = ask(inquiry.subscriber.member_id(), &[payer.element(3), payer.element(9)]);
    let reject = aaa.or(match standing {
        Answer::Down => Some("42"),
        Answer::NotFound => Some("75"),
        Answer::Active | Answer::Inactive => None,
    });
    let at_payer = reject.filter(|code| of_payer(code));
    writer.segment(&["HL", "1", "", "20", if at_payer.is_some() { "0" } else { "1" }]);
    writer.repeat(payer, &[]);
    if let Some(code) = at_payer {
        writer.segment(&["AAA", "Y", "", code, "R"]);
        return writer.finish(question);
    }
    writer.segment(&["HL", "2", "1", "21", "1"]);
    writer.repeat(&inquiry.provider.0, &[]);
    let dependent = inquiry.dependent.as_ref();
    writer.segment(&["HL", "3", "2", "22", if dependent.is_some() { "1" } else { "0" }]);
    person(&mut writer, &inquiry.subscriber, reject.filter(|_| dependent.is_none()));
    if let Some(dependent) = dependent {
        writer.segment(&["HL", "4", "3", "23", "0"]);
        person(&mut writer, dependent, reject);
    }
    if reject.is_none() {
        benefits(&mut writer, inquiry, standing == Answer::Active, zoned.year());
    }
    writer.finish(question)
}

/// Whether an AAA code speaks of the payer's own state.
fn of_payer(code: &str) -> bool {
    matches!(code, "04" | "41" | "42" | "79" | "80" | "T4")
}

/// TRN, NM1, AAA and DMG of a subscriber or dependent.
fn person(writer: &mut Writer, person: &Person<'_>, reject: Option<&str>) {
    for trace in &person.traces {
        // 2: a trace number that refers to somebody else's.
        writer.repeat(trace, &[(1, "2")]);
    }
    writer.repeat(&person.name, &[]);
    if let Some(code) = reject {
        writer.segment(&["AAA", "N", "", code, "C"]);
    }
    if let Some(demographics) = &person.demographics {
        writer.repeat(demographics, &[]);
    }
}

/// Plan dates (DTP) and benefits (EB).
fn benefits(writer: &mut Writer, inquiry: &Inquiry<'_>, active: bool, year: i16) {
    let day = |year: i16, day: &str| format!("{year:04}{day}");
    let begins = if active { year } else { year - 2 };
    writer.segment(&["DTP", "346", "D8", &day(begins, "0101")]);
    if !active {
        writer.segment(&["DTP", "347", "D8", &day(year - 1, "1231")]);
    }
    let code = if active { "1" } else { "6" };
    for service in &inquiry.services {
        writer.segment(&["EB", code, "IND", service, "", "SANDBOX PPO"]);
    }
    if active {
        writer.segment(&["EB", "C", "IND", "30", "", "", "23", "1500", "", "", "", "", "Y"]);
        writer.segment(&["EB", "C", "IND", "30", "", "", "29", "600", "", "", "", "", "Y"]);
        writer.segment(&["EB", "B", "IND", "98", "", "", "27", "25", "", "", "", "", "Y"]);
        writer.segment(&["EB", "A", "IND", "30", "", "", "", "", ".2", "", "", "", "Y"]);
    }
}
