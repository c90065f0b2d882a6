//! Reads the 270: who is asked, who asks, and about whom.

use super::Malformed;
use super::interchange::{Interchange, Segment};
use super::person::{Entity, Person};

/// One 270.
pub(super) struct Inquiry<'a> {
    /// BHT03, which the answer repeats.
    pub(super) reference: &'a str,
    pub(super) payer: Entity<'a>,
    pub(super) provider: Entity<'a>,
    /// The subscriber, and the dependent whom the question is about, if it is one.
    pub(super) subscriber: Person<'a>,
    pub(super) dependent: Option<Person<'a>>,
    /// Service type codes asked for (EQ01).
    pub(super) services: Vec<&'a str>,
}

/// IK304: a segment that should not be here, one that is missing, one with wrong elements.
const UNEXPECTED: &str = "2";
const MISSING: &str = "3";
const WRONG: &str = "8";

impl<'a> Inquiry<'a> {
    /// Reads the one transaction set that a real-time request has.
    pub(super) fn read(interchange: &Interchange<'a>) -> Result<Self, Malformed> {
        let segments = interchange.transactions();
        envelope(interchange, segments)?;
        let [_, bht, rest @ .., _] = segments else { return Err(flaw("BHT", 2, MISSING)) };
        let date = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
        let head =
            (bht.id(), bht.element(1)) == ("BHT", "0022") && matches!(bht.element(2), "01" | "13" | "36");
        if !head || bht.element(3).is_empty() || !date(bht.element(4)) {
            return Err(flaw("BHT", 2, WRONG));
        }
        let mut loops = loops(rest)?;
        let after = segments.len();
        let mut next = |level: &'static str| {
            let found = loops.first().is_some_and(|one| one.level == level);
            if found { Some(loops.remove(0)) } else { None }
        };
        let payer = next("20").ok_or_else(|| flaw("HL", after, MISSING))?;
        let provider = next("21").ok_or_else(|| flaw("HL", after, MISSING))?;
        let subscriber = next("22").ok_or_else(|| flaw("HL", after, MISSING))?;
        let dependent = next("23");
        if let Some(extra) = loops.first() {
            return Err(flaw("HL", extra.position, UNEXPECTED));
        }
        let about = dependent.as_ref().unwrap_or(&subscriber);
        let asked = about.segments.iter().filter(|segment| segment.id() == "EQ");
        // EQ01 repeats within the element.
        let services: Vec<&str> =
            asked.flat_map(|eq| eq.element(1).split(interchange.separators.repetition)).collect();
        if services.is_empty() {
            return Err(flaw("EQ", subscriber.position + subscriber.segments.len(), MISSING));
        }
        Ok(Self {
            reference: bht.element(3),
            payer: Entity::read(&payer, &["PR", "2B", "36", "GP", "P5"])?,
            provider: Entity::read(&provider, &["1P", "2B", "36", "80", "FA", "GP", "P5", "PR"])?,
            subscriber: Person::read(&subscriber, "IL")?,
            dependent: dependent.map(|one| Person::read(&one, "03")).transpose()?,
            services,
        })
    }
}

/// One HL loop.
pub(super) struct Loop<'s, 'a> {
    level: &'a str,
    /// Place of its HL within the set, from 1.
    pub(super) position: usize,
    /// What follows the HL.
    pub(super) segments: &'s [Segment<'a>],
}

pub(super) fn flaw(segment: &str, position: usize, code: &'static str) -> Malformed {
    Malformed::Transaction { segment: segment.to_owned(), position, code }
}

/// The group is for 270s of the right guide, and ST and SE agree.
fn envelope(interchange: &Interchange<'_>, segments: &[Segment<'_>]) -> Result<(), Malformed> {
    if (interchange.gs(1), interchange.gs(8)) != ("HS", "005010X279A1") {
        return Err(Malformed::Envelope("024"));
    }
    let (Some(st), Some(se)) = (segments.first(), segments.last()) else {
        return Err(flaw("ST", 1, MISSING));
    };
    if (st.id(), st.element(1), st.element(3)) != ("ST", "270", "005010X279A1") {
        return Err(flaw("ST", 1, WRONG));
    }
    let sets = segments.iter().filter(|segment| segment.id() == "ST").count();
    let counted = se.element(1).parse() == Ok(segments.len());
    if se.id() != "SE" || sets != 1 || !counted || se.element(2) != st.element(2) {
        return Err(flaw("SE", segments.len(), WRONG));
    }
    Ok(())
}

/// Splits at HL, and checks that HL01 counts up and HL02 names the loop above.
fn loops<'s, 'a>(segments: &'s [Segment<'a>]) -> Result<Vec<Loop<'s, 'a>>, Malformed> {
    let starts: Vec<usize> = segments
        .iter()
        .enumerate()
        .filter(|(_, segment)| segment.id() == "HL")
        .map(|(place, _)| place)
        .collect();
    let mut found = Vec::new();
    for (number, start) in starts.iter().enumerate() {
        let end = starts.get(number + 1).copied().unwrap_or(segments.len());
        let position = start + 3;
        let (Some(hl), Some(inner)) = (segments.get(*start), segments.get(start + 1..end)) else { continue };
        let parent = if number == 0 { String::new() } else { number.to_string() };
        if hl.element(1).parse() != Ok(number + 1) || hl.element(2) != parent {
            return Err(flaw("HL", position, WRONG));
        }
        found.push(Loop { level: hl.element(3), position, segments: inner });
    }
    Ok(found)
}
