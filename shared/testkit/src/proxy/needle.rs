//! Finding a few bytes in a stream that comes in chunks.

/// No needle is longer.
const LONGEST: usize = 256;

/// The latest chunk of one direction, and the end of what came before it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    bytes: Vec<u8>,
    /// How many of the bytes came before the latest chunk.
    before: usize,
}

impl Seen {
    /// Nobody looks: what was seen is forgotten.
    pub(super) fn forget(&mut self) {
        self.bytes.clear();
        self.before = 0;
    }

    /// The next chunk.
    pub(super) fn next(&mut self, chunk: &[u8]) {
        let past = self.bytes.len().saturating_sub(LONGEST - 1);
        self.bytes.drain(..past);
        self.before = self.bytes.len();
        self.bytes.extend_from_slice(chunk);
    }

    /// Whether the needle ends in the latest chunk.
    pub(super) fn ends(&self, needle: &[u8]) -> bool {
        if needle.is_empty() || needle.len() > LONGEST {
            return false;
        }
        let begin = self.before.saturating_sub(needle.len() - 1);
        self.bytes
            .get(begin..)
            .is_some_and(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn a_needle_is_found_once_wherever_the_chunks_are_cut() {
        let text = b"BEGIN\0xxCOMMIT\0yy";
        for first in 0..text.len() {
            for second in first..text.len() {
                let mut seen = Seen::default();
                let mut found = 0;
                for chunk in [&text[..first], &text[first..second], &text[second..]] {
                    seen.next(chunk);
                    found += u32::from(seen.ends(b"COMMIT\0"));
                }
                assert_eq!(found, 1, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let mut seen = Seen::default();
        seen.next(b"COMM");
        seen.forget();
        seen.next(b"IT\0");
        assert!(!seen.ends(b"COMMIT\0") && !seen.ends(b""));
        assert!(seen.ends(b"IT\0"));
    }
}
