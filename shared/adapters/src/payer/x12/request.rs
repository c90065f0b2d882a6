//! The 270 that asks about one person.

use domain::{clock::Clock, intake::Sex};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use unicode_normalization::UnicodeNormalization;

use super::{partners::Partners, separators::Separators};
use crate::payer::{
    Inquiry,
    request::{Asker, SERVICE_TYPE, control_number},
};

const VERSION: &str = "005010X279A1";
/// One transaction set an interchange: its control number says nothing.
const SET: &str = "0001";

/// What makes one request different from all others.
pub(super) struct Stamp {
    pub(super) now: Timestamp,
    /// ISA13 and GS06.
    pub(super) control: u32,
    /// TRN02 and BHT03: by it the answer is known as ours.
    pub(super) trace: String,
}

impl Stamp {
    pub(super) fn fresh(clock: &dyn Clock) -> Self {
        Self {
            now: clock.now(),
            control: control_number(clock),
            trace: clock.fresh_id().simple().to_string().to_uppercase(),
        }
    }
}

/// The whole interchange.
pub(super) fn write(inquiry: &Inquiry, asker: &Asker, partners: &Partners, stamp: &Stamp) -> String {
    let mut out = Writer::new(partners.separators);
    let group = stamp.control.to_string();
    out.isa(partners, stamp);
    let at = stamp.now.to_zoned(TimeZone::UTC);
    let (day, time) = (at.strftime("%Y%m%d").to_string(), at.strftime("%H%M%S").to_string());
    out.segment(&["GS", "HS", &partners.sender, &partners.receiver, &day, &time[..4], &group, "X", VERSION]);
    transaction(&mut out, inquiry, asker, partners, stamp, &day, &time);
    out.segment(&["GE", "1", &group]);
    out.segment(&["IEA", "1", &format!("{:09}", stamp.control)]);
    out.text
}

fn transaction(
    out: &mut Writer,
    inquiry: &Inquiry,
    asker: &Asker,
    partners: &Partners,
    stamp: &Stamp,
    day: &str,
    time: &str,
) {
    let before = out.segments;
    out.segment(&["ST", "270", SET, VERSION]);
    out.segment(&["BHT", "0022", "13", &stamp.trace, day, time]);
    let (payer, payer_id) = (out.data(&inquiry.payer, 60), out.data(asker.payer_id(inquiry), 80));
    out.segment(&["HL", "1", "", "20", "1"]);
    out.segment(&["NM1", "PR", "2", &payer, "", "", "", "", "PI", &payer_id]);
    let (organisation, npi) = (out.data(asker.organisation(inquiry), 60), out.data(asker.npi(inquiry), 80));
    out.segment(&["HL", "2", "1", "21", "1"]);
    out.segment(&["NM1", "1P", "2", &organisation, "", "", "", "", "XX", &npi]);
    let member_id = out.data(&inquiry.member_id, 80);
    match &inquiry.holder {
        None => {
            out.segment(&["HL", "3", "2", "22", "0"]);
            out.trace(partners, stamp);
            out.patient(inquiry, &["IL", "1"], &["MI", &member_id]);
        }
        Some(holder) => {
            out.segment(&["HL", "3", "2", "22", "1"]);
            let (family, given) = (out.data(&holder.family, 60), out.data(&holder.given, 35));
            out.segment(&["NM1", "IL", "1", &family, &given, "", "", "", "MI", &member_id]);
            if let Some(birth_date) = holder.birth_date {
                out.segment(&["DMG", "D8", &compact(birth_date)]);
            }
            out.segment(&["HL", "4", "3", "23", "0"]);
            out.trace(partners, stamp);
            out.patient(inquiry, &["03", "1"], &[]);
        }
    }
    let count = out.segments - before + 1;
    out.segment(&["SE", &count.to_string(), SET]);
}

struct Writer {
    separators: Separators,
    text: String,
    segments: usize,
}

impl Writer {
    const fn new(separators: Separators) -> Self {
        Self { separators, text: String::new(), segments: 0 }
    }

    /// Writes a segment without the empty elements at its end.
    fn segment(&mut self, elements: &[&str]) {
        let filled = elements.iter().rposition(|element| !element.is_empty()).map_or(0, |last| last + 1);
        for (at, element) in elements[..filled].iter().enumerate() {
            if at > 0 {
                self.text.push(self.separators.element);
            }
            self.text.push_str(element);
        }
        self.text.push(self.separators.segment);
        self.segments += 1;
    }

    /// The one segment whose elements have fixed widths: readers take the separators from their places.
    fn isa(&mut self, partners: &Partners, stamp: &Stamp) {
        let at = stamp.now.to_zoned(TimeZone::UTC);
        let blank = " ".repeat(10);
        self.segment(&[
            "ISA",
            "00",
            &blank,
            "00",
            &blank,
            "ZZ",
            &format!("{:<15}", partners.sender),
            "ZZ",
            &format!("{:<15}", partners.receiver),
            &at.strftime("%y%m%d").to_string(),
            &at.strftime("%H%M").to_string(),
            &self.separators.repetition.to_string(),
            "00501",
            &format!("{:09}", stamp.control),
            "0",
            if partners.test { "T" } else { "P" },
            &self.separators.component.to_string(),
        ]);
    }

    fn trace(&mut self, partners: &Partners, stamp: &Stamp) {
        self.segment(&["TRN", "1", &stamp.trace, &partners.originator]);
    }

    /// The patient's own loop, as subscriber or as dependent, and the question.
    fn patient(&mut self, inquiry: &Inquiry, entity: &[&str; 2], id: &[&str]) {
        let (family, given) = (self.data(&inquiry.family, 60), self.data(&inquiry.given, 35));
        let middle = inquiry.middle.as_deref().map(|middle| self.data(middle, 25)).unwrap_or_default();
        let name = ["NM1", entity[0], entity[1], &family, &given, &middle, "", ""];
        self.segment(&[&name[..], id].concat());
        // The guide takes F and M only.
        let sex = match inquiry.sex {
            Sex::Female => "F",
            Sex::Male => "M",
            Sex::Other | Sex::Unknown => "",
        };
        self.segment(&["DMG", "D8", &compact(inquiry.birth_date), sex]);
        self.segment(&["DTP", "291", "D8", &compact(inquiry.service_date)]);
        self.segment(&["EQ", SERVICE_TYPE]);
    }

    /// A value as data: upper case in X12's basic character set, without anything that separates, at most so long.
    /// Payers know `JOSE`, not `José`.
    fn data(&self, text: &str, longest: usize) -> String {
        let separators = self.separators.all();
        let basic: String = text
            .nfd()
            .flat_map(char::to_uppercase)
            .map(|c| match c {
                '\u{2018}' | '\u{2019}' => '\'',
                '\u{2010}'..='\u{2015}' => '-',
                'Ø' => 'O',
                'Ł' => 'L',
                'Đ' | 'Ð' => 'D',
                other => other,
            })
            .filter(|c| !('\u{300}'..='\u{36f}').contains(c))
            .map(|c| if c.is_ascii_graphic() && !separators.contains(&c) { c } else { ' ' })
            .collect();
        let mut words = basic.split_whitespace().collect::<Vec<_>>().join(" ");
        words.truncate(longest);
        words.truncate(words.trim_end().len());
        words
    }
}

fn compact(day: Date) -> String {
    day.strftime("%Y%m%d").to_string()
}
