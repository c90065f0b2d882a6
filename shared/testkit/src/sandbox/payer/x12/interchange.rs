//! Takes an X12 interchange apart. The separators are whatever ISA says: nothing is assumed of them.

use super::Malformed;

/// The separators that ISA declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Separators {
    pub(super) element: char,
    pub(super) component: char,
    pub(super) repetition: char,
    pub(super) segment: char,
}

/// One segment: its id and its elements, counted from 1. It may hold PHI: no `Debug`.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Segment<'a>(Vec<&'a str>);

impl<'a> Segment<'a> {
    pub(super) fn split(text: &'a str, element: char) -> Self {
        Self(text.split(element).collect())
    }

    /// The id and the elements.
    pub(super) fn elements(&self) -> &[&'a str] {
        &self.0
    }

    pub(super) fn id(&self) -> &'a str {
        self.0.first().copied().unwrap_or_default()
    }

    /// Element `number` (NM109 is 9), empty if it is absent.
    pub(super) fn element(&self, number: usize) -> &'a str {
        self.0.get(number).copied().unwrap_or_default()
    }
}

/// One interchange.
pub(super) struct Interchange<'a> {
    pub(super) separators: Separators,
    /// All segments, ISA and IEA included.
    pub(super) segments: Vec<Segment<'a>>,
}

/// Length of ISA, its terminator included: the one segment of fixed width.
const ISA: usize = 106;
/// Where its element separators stand.
const ISA_SEPARATORS: [usize; 16] = [3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103];

impl<'a> Interchange<'a> {
    /// Reads segments, and checks the envelope: ISA and IEA, one GS and GE, their numbers and counts.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(body).map_err(|_| Malformed::NotX12)?.trim_start();
        let separators = separators(text).ok_or(Malformed::NotX12)?;
        let segments: Vec<Segment<'a>> = text
            .split(separators.segment)
            .map(|segment| segment.trim_matches(['\r', '\n', ' ']))
            .filter(|segment| !segment.is_empty())
            .map(|segment| Segment::split(segment, separators.element))
            .collect();
        let interchange = Self { separators, segments };
        interchange.check()?;
        Ok(interchange)
    }

    fn check(&self) -> Result<(), Malformed> {
        let (Some(isa), Some(iea)) = (self.segments.first(), self.segments.last()) else {
            return Err(Malformed::NotX12);
        };
        // TA1 note codes: 022 control structure, 001 control numbers differ, 021 number of groups, 017 version, 024 group.
        if iea.id() != "IEA" {
            return Err(Malformed::Envelope("022"));
        }
        if isa.element(13).trim() != iea.element(2).trim() {
            return Err(Malformed::Envelope("001"));
        }
        if isa.element(12) != "00501" {
            return Err(Malformed::Envelope("017"));
        }
        let groups = self.segments.iter().filter(|segment| segment.id() == "GS").count();
        if iea.element(1).parse() != Ok(groups) || groups != 1 {
            return Err(Malformed::Envelope("021"));
        }
        let group =
            self.segments.get(1).zip(self.segments.len().checked_sub(2).and_then(|at| self.segments.get(at)));
        match group {
            Some((gs, ge)) if gs.id() == "GS" && ge.id() == "GE" && gs.element(6) == ge.element(2) => Ok(()),
            _ => Err(Malformed::Envelope("024")),
        }
    }

    pub(super) fn isa(&self, number: usize) -> &'a str {
        self.segments.first().map(|isa| isa.element(number)).unwrap_or_default()
    }

    pub(super) fn gs(&self, number: usize) -> &'a str {
        self.segments.get(1).map(|gs| gs.element(number)).unwrap_or_default()
    }

    /// The segments within the group.
    pub(super) fn transactions(&self) -> &[Segment<'a>] {
        let end = self.segments.len().saturating_sub(2);
        self.segments.get(2..end).unwrap_or_default()
    }
}

/// The separators, if the text begins with an ISA.
pub(super) fn separators(text: &str) -> Option<Separators> {
    let bytes = text.as_bytes().get(..ISA)?;
    if !bytes.starts_with(b"ISA") || !bytes.is_ascii() {
        return None;
    }
    let at = |place: usize| bytes.get(place).map(|byte| char::from(*byte));
    let separators =
        Separators { element: at(3)?, component: at(104)?, repetition: at(82)?, segment: at(105)? };
    let all = [separators.element, separators.component, separators.repetition, separators.segment];
    let distinct = all.iter().enumerate().all(|(place, one)| !all[..place].contains(one));
    let signs = all.iter().all(|one| !one.is_ascii_alphanumeric() && *one != ' ');
    let fixed = ISA_SEPARATORS.into_iter().all(|place| at(place) == Some(separators.element));
    (distinct && signs && fixed).then_some(separators)
}
