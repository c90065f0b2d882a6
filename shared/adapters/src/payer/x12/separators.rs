//! The four separators, which every interchange chooses for itself.

/// The separators of one interchange. All ASCII, all different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Separators {
    pub(super) element: char,
    pub(super) component: char,
    pub(super) repetition: char,
    pub(super) segment: char,
}

/// The ones that nearly everybody uses.
const USUAL: Separators = Separators { element: '*', component: ':', repetition: '^', segment: '~' };

/// Where the element separators of an ISA stand: its elements have fixed widths.
const ISA_ELEMENTS: [usize; 16] = [3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103];
const ISA_REPETITION: usize = 82;
const ISA_COMPONENT: usize = 104;
const ISA_SEGMENT: usize = 105;
/// The length of an ISA with its terminator.
pub(super) const ISA_LENGTH: usize = 106;

impl Separators {
    /// As configured: element, component, repetition, segment; the usual ones if nothing is configured.
    pub(super) fn configured(text: Option<&str>) -> Option<Self> {
        let Some(text) = text else { return Some(USUAL) };
        let mut chars = text.chars();
        let mut next = || chars.next().filter(|c| usable(*c));
        let separators = Self { element: next()?, component: next()?, repetition: next()?, segment: next()? };
        (chars.next().is_none() && separators.distinct()).then_some(separators)
    }

    /// As an ISA at the beginning of these bytes declares them.
    pub(super) fn of_isa(isa: &[u8; ISA_LENGTH]) -> Option<Self> {
        let element = isa[ISA_ELEMENTS[0]];
        if !isa.is_ascii() || !isa.starts_with(b"ISA") || ISA_ELEMENTS.iter().any(|at| isa[*at] != element) {
            return None;
        }
        let mut separators = Self {
            element: element.into(),
            component: isa[ISA_COMPONENT].into(),
            repetition: isa[ISA_REPETITION].into(),
            segment: isa[ISA_SEGMENT].into(),
        };
        // Before 00402 this was the standard's identifier (`U`): then nothing repeats.
        if separators.repetition.is_ascii_alphanumeric() {
            separators.repetition = '\0';
        }
        separators.distinct().then_some(separators)
    }

    pub(super) fn all(&self) -> [char; 4] {
        [self.element, self.component, self.repetition, self.segment]
    }

    fn distinct(&self) -> bool {
        let all = self.all();
        (0..all.len()).all(|i| !all[..i].contains(&all[i])) && !all.iter().any(char::is_ascii_alphanumeric)
    }
}

fn usable(c: char) -> bool {
    c.is_ascii_punctuation() || ('\u{1c}'..='\u{1f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::{Separators, USUAL};

    #[test]
    fn configured_separators_are_four_different_marks() {
        assert_eq!(Separators::configured(None), Some(USUAL));
        assert_eq!(Separators::configured(Some("*:^~")), Some(USUAL));
        assert!(Separators::configured(Some("|>!\u{1c}")).is_some());
        for bad in ["", "*:^", "*:^~~", "**^~", "A:^~", "* ^~", "*:^é"] {
            assert_eq!(Separators::configured(Some(bad)), None, "{bad}");
        }
    }
}
