//! Writes interchanges with the separators of the question.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::interchange::{Interchange, Segment, Separators};

/// What goes back: the question's envelope with sender and receiver changed over.
pub(super) struct Writer {
    separators: Separators,
    text: String,
    /// Segments since ST, ST included.
    count: usize,
}

/// The parts of the envelope.
pub(super) struct Envelope<'a> {
    /// GS01: `HB` or `FA`.
    pub(super) function: &'a str,
    /// GS08.
    pub(super) guide: &'a str,
    /// ST01.
    pub(super) set: &'a str,
}

impl Writer {
    /// Begins with ISA alone.
    pub(super) fn interchange(separators: Separators, isa: &Segment<'_>, now: Timestamp) -> Self {
        let mut writer = Self { separators, text: String::new(), count: 0 };
        let zoned = now.to_zoned(TimeZone::UTC);
        let (date, time) = (zoned.strftime("%y%m%d").to_string(), zoned.strftime("%H%M").to_string());
        let (component, repetition) = (separators.component.to_string(), separators.repetition.to_string());
        let fields = [
            "ISA",
            "00",
            "          ",
            "00",
            "          ",
            isa.element(7),
            isa.element(8),
            isa.element(5),
            isa.element(6),
            &date,
            &time,
            &repetition,
            "00501",
            isa.element(13),
            "0",
            isa.element(15),
            &component,
        ];
        // Of fixed width: written as it is, its own separators included.
        writer.text = fields.join(&separators.element.to_string());
        writer.text.push(separators.segment);
        writer
    }

    /// Begins with ISA, GS and ST.
    pub(super) fn transaction(question: &Interchange<'_>, envelope: &Envelope<'_>, now: Timestamp) -> Self {
        let empty = Segment::default();
        let isa = question.segments.first().unwrap_or(&empty);
        let mut writer = Self::interchange(question.separators, isa, now);
        let zoned = now.to_zoned(TimeZone::UTC);
        let (date, time) = (zoned.strftime("%Y%m%d").to_string(), zoned.strftime("%H%M").to_string());
        let gs = [
            "GS",
            envelope.function,
            question.gs(3),
            question.gs(2),
            &date,
            &time,
            question.gs(6),
            "X",
            envelope.guide,
        ];
        writer.segment(&gs);
        writer.count = 0;
        writer.segment(&["ST", envelope.set, "0001", envelope.guide]);
        writer
    }

    /// Writes a segment without the empty elements at its end. What would be read as a separator becomes a space.
    pub(super) fn segment(&mut self, elements: &[&str]) {
        let last = elements.iter().rposition(|element| !element.is_empty()).map_or(0, |last| last + 1);
        let Separators { element: between, component, repetition, segment } = self.separators;
        for (place, element) in elements.iter().take(last).enumerate() {
            if place > 0 {
                self.text.push(between);
            }
            let reserved = [between, component, repetition, segment, '\r', '\n'];
            self.text
                .extend(element.chars().map(|letter| if reserved.contains(&letter) { ' ' } else { letter }));
        }
        self.text.push(segment);
        self.count += 1;
    }

    /// Writes a segment of the question again, its composites as they were.
    pub(super) fn repeat(&mut self, segment: &Segment<'_>, change: &[(usize, &str)]) {
        let mut elements = segment.elements().to_vec();
        for (place, value) in change {
            if let Some(element) = elements.get_mut(*place) {
                *element = value;
            }
        }
        self.text.push_str(
            elements.join(&self.separators.element.to_string()).trim_end_matches(self.separators.element),
        );
        self.text.push(self.separators.segment);
        self.count += 1;
    }

    /// Ends with SE, GE and IEA.
    pub(super) fn finish(mut self, question: &Interchange<'_>) -> String {
        let count = (self.count + 1).to_string();
        self.segment(&["SE", &count, "0001"]);
        self.segment(&["GE", "1", question.gs(6)]);
        self.close("1", question.isa(13))
    }

    /// Ends with IEA alone.
    pub(super) fn close(mut self, groups: &str, control: &str) -> String {
        self.segment(&["IEA", groups, control]);
        self.text
    }
}
