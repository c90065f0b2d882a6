//! The parties of a 270.

use super::Malformed;
use super::inquiry::{Loop, flaw};
use super::interchange::Segment;

/// A payer or provider: NM1 as it stands.
pub(super) struct Entity<'a>(pub(super) Segment<'a>);

impl<'a> Entity<'a> {
    pub(super) fn read(one: &Loop<'_, 'a>, codes: &[&str]) -> Result<Self, Malformed> {
        let found = one.segments.iter().find(|segment| segment.id() == "NM1");
        let nm1 = found.ok_or_else(|| flaw("NM1", one.position + 1, "3"))?;
        if !codes.contains(&nm1.element(1)) || nm1.element(8).is_empty() || nm1.element(9).is_empty() {
            return Err(flaw("NM1", one.position + 1, "8"));
        }
        Ok(Self(nm1.clone()))
    }
}

/// A subscriber or dependent.
pub(super) struct Person<'a> {
    /// TRN segments, which the answer repeats.
    pub(super) traces: Vec<Segment<'a>>,
    pub(super) name: Segment<'a>,
    pub(super) demographics: Option<Segment<'a>>,
}

impl<'a> Person<'a> {
    pub(super) fn read(one: &Loop<'_, 'a>, code: &str) -> Result<Self, Malformed> {
        let of = |id: &'static str| one.segments.iter().filter(move |segment| segment.id() == id);
        let place = one.position + 1;
        let name = of("NM1").next().ok_or_else(|| flaw("NM1", place, "3"))?;
        if name.element(1) != code || name.element(2) != "1" {
            return Err(flaw("NM1", place, "8"));
        }
        let demographics = of("DMG").next().cloned();
        let dated = |dmg: &Segment<'_>| {
            let date = dmg.element(2);
            date.is_empty()
                || (dmg.element(1) == "D8" && date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()))
        };
        if demographics.as_ref().is_some_and(|dmg| !dated(dmg)) {
            return Err(flaw("DMG", place, "8"));
        }
        let traces: Vec<Segment<'a>> = of("TRN").cloned().collect();
        // TRN03, where given, is ten characters.
        if traces.iter().any(|trn| trn.element(1) != "1" || !matches!(trn.element(3).len(), 0 | 10)) {
            return Err(flaw("TRN", place, "8"));
        }
        Ok(Self { traces, name: name.clone(), demographics })
    }

    /// NM109 under qualifier MI.
    pub(super) fn member_id(&self) -> &'a str {
        if self.name.element(8) == "MI" { self.name.element(9) } else { "" }
    }
}
