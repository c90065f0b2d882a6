//! Reading an interchange into segments, whatever its separators. Never panics: the bytes come from outside.

use super::separators::{ISA_LENGTH, Separators};

/// An interchange as text, with its separators. PHI: no `Debug`.
pub(super) struct Interchange {
    text: String,
    separators: Separators,
}

/// A segment. Elements are counted from 1, as in the guides; an absent one is empty.
pub(super) struct Segment<'a> {
    elements: Vec<&'a str>,
    separators: Separators,
}

impl Interchange {
    /// `None` if it does not begin with a well-formed ISA.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let start = bytes.windows(3).position(|window| window == b"ISA")?;
        // Only what editors and transports put before: a mark of byte order, blanks, line ends.
        if !bytes[..start].iter().all(|b| b.is_ascii_whitespace() || [0xef, 0xbb, 0xbf].contains(b)) {
            return None;
        }
        let bytes = &bytes[start..];
        let separators = Separators::of_isa(bytes.first_chunk::<ISA_LENGTH>()?)?;
        Some(Self { text: String::from_utf8_lossy(bytes).into_owned(), separators })
    }

    /// All segments, the ISA first. Line ends after a terminator do not count.
    pub(super) fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        let separators = self.separators;
        self.text
            .split(separators.segment)
            .map(|segment| segment.trim_matches(['\r', '\n']))
            .filter(|segment| !segment.is_empty())
            .map(move |segment| Segment { elements: segment.split(separators.element).collect(), separators })
    }
}

impl<'a> Segment<'a> {
    /// The segment's name.
    pub(super) fn id(&self) -> &'a str {
        self.get(0).trim()
    }

    /// An element.
    pub(super) fn get(&self, at: usize) -> &'a str {
        self.elements.get(at).copied().unwrap_or_default().trim()
    }

    /// The repetitions of an element that are not empty.
    pub(super) fn repeated(&self, at: usize) -> impl Iterator<Item = &'a str> {
        self.get(at).split(self.separators.repetition).map(str::trim).filter(|part| !part.is_empty())
    }
}
