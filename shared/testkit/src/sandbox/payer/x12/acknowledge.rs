//! What is answered to a question that cannot be read: TA1 for the envelope, 999 for the transaction.

use jiff::Timestamp;

use super::interchange::{Interchange, Segment, separators};
use super::writer::{Envelope, Writer};

/// An interchange with a TA1 that rejects; none if there is not even an ISA.
pub(super) fn envelope(body: &[u8], code: &str, now: Timestamp) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?.trim_start();
    let separators = separators(text)?;
    let isa = Segment::split(text.split(separators.segment).next()?, separators.element);
    let mut writer = Writer::interchange(separators, &isa, now);
    writer.segment(&["TA1", isa.element(13), isa.element(9), isa.element(10), "R", code]);
    Some(writer.close("0", isa.element(13)))
}

/// A 999 that rejects the one transaction because of one segment.
pub(super) fn transaction(
    question: &Interchange<'_>,
    segment: &str,
    position: usize,
    code: &str,
    now: Timestamp,
) -> String {
    let head = Envelope { function: "FA", guide: "005010X231A1", set: "999" };
    let mut writer = Writer::transaction(question, &head, now);
    let control = question.transactions().first().map(|st| st.element(2)).unwrap_or_default();
    let control = if control.is_empty() { "0001" } else { control };
    writer.segment(&["AK1", "HS", question.gs(6), "005010X279A1"]);
    writer.segment(&["AK2", "270", control, "005010X279A1"]);
    writer.segment(&["IK3", segment, &position.to_string(), "", code]);
    writer.segment(&["IK5", "R", "5"]);
    writer.segment(&["AK9", "R", "1", "1", "0"]);
    writer.finish(question)
}
