//! Finding all canaries at once, in bytes or in files of any size, and in what is packed in them.

use std::{
    collections::{BTreeSet, HashMap},
    fs::File,
    io::{self, Read, Seek as _, SeekFrom},
    path::Path,
};

use aho_corasick::{AhoCorasick, BuildError};
use flate2::read::GzDecoder;

use super::{canary::Canary, encode::patterns};

/// How a gzip member begins.
const GZIP: &[u8] = &[0x1f, 0x8b, 0x08];
/// Bytes that one member may unpack to.
const UNPACKED: u64 = 64 << 20;
/// Members that are looked into, in one place. By chance alone three bytes occur in every sixteen million.
const MEMBERS: usize = 10_000;
/// Gzip in gzip in gzip.
const DEPTH: u8 = 3;

/// A canary that was found. It does not hold the value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Its name.
    pub canary: String,
    /// How it was written.
    pub how: &'static str,
    /// Whether it was packed.
    pub packed: bool,
}

/// All canaries as one machine for what ignores capitals, and one for what does not.
pub struct Search {
    folded: Engine,
    exact: Engine,
}

struct Engine {
    automaton: AhoCorasick,
    /// By pattern; none is the beginning of something packed.
    found: Vec<Option<(String, &'static str)>>,
}

/// A place that can be read from any offset, more than once.
type Open<'a> = dyn Fn(u64) -> io::Result<Box<dyn Read + 'a>> + 'a;

impl Search {
    /// A search for these.
    ///
    /// # Errors
    /// If there are too many.
    pub fn of<'a>(canaries: impl IntoIterator<Item = &'a Canary>) -> Result<Self, BuildError> {
        let (mut folded, mut exact) = (HashMap::new(), HashMap::new());
        for canary in canaries {
            for pattern in canary.spellings.iter().flat_map(|spelling| patterns(spelling)) {
                let (map, bytes) = if pattern.folded {
                    (&mut folded, pattern.bytes.to_ascii_lowercase())
                } else {
                    (&mut exact, pattern.bytes)
                };
                map.entry(bytes).or_insert_with(|| (canary.name(), pattern.how));
            }
        }
        let mut exact = Engine::of(exact, false, &[GZIP])?;
        exact.found.push(None);
        Ok(Self { folded: Engine::of(folded, true, &[])?, exact })
    }

    /// Searches bytes.
    ///
    /// # Errors
    /// Never in fact: bytes can be read.
    pub fn bytes(&self, bytes: &[u8]) -> io::Result<BTreeSet<Hit>> {
        self.place(&|at| {
            Ok(Box::new(bytes.get(usize::try_from(at).unwrap_or(usize::MAX)..).unwrap_or_default()))
        })
    }

    /// Searches a file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn file(&self, path: &Path) -> io::Result<BTreeSet<Hit>> {
        self.place(&|at| {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(at))?;
            Ok(Box::new(file))
        })
    }

    fn place(&self, open: &Open<'_>) -> io::Result<BTreeSet<Hit>> {
        let mut hits = BTreeSet::new();
        self.folded.scan(open(0)?, false, &mut hits)?;
        let members = self.exact.scan(open(0)?, false, &mut hits)?;
        for at in members {
            self.member(open(at)?, &mut hits, 1);
        }
        Ok(hits)
    }

    /// Searches what is packed. What looked like a member and is none, or is cut off, ends where it cannot be read.
    fn member<'a>(&self, packed: Box<dyn Read + 'a>, hits: &mut BTreeSet<Hit>, depth: u8) {
        let mut plain = Vec::new();
        let _ = GzDecoder::new(packed).take(UNPACKED).read_to_end(&mut plain);
        if plain.is_empty() {
            return;
        }
        let _ = self.folded.scan(plain.as_slice(), true, hits);
        let within = self.exact.scan(plain.as_slice(), true, hits).unwrap_or_default();
        if depth < DEPTH {
            for at in within {
                let from = plain.get(usize::try_from(at).unwrap_or(usize::MAX)..).unwrap_or_default();
                self.member(Box::new(from), hits, depth + 1);
            }
        }
    }
}

impl Engine {
    fn of(
        patterns: HashMap<Vec<u8>, (String, &'static str)>,
        folded: bool,
        more: &[&[u8]],
    ) -> Result<Self, BuildError> {
        let (mut bytes, found): (Vec<_>, Vec<_>) =
            patterns.into_iter().map(|(one, two)| (one, Some(two))).unzip();
        bytes.extend(more.iter().map(|one| one.to_vec()));
        Ok(Self { automaton: AhoCorasick::builder().ascii_case_insensitive(folded).build(bytes)?, found })
    }

    /// Adds what is found, and gives where something packed begins.
    fn scan(&self, reader: impl Read, packed: bool, hits: &mut BTreeSet<Hit>) -> io::Result<Vec<u64>> {
        let mut members = Vec::new();
        for found in self.automaton.stream_find_iter(reader) {
            let found = found?;
            match self.found.get(found.pattern().as_usize()) {
                Some(Some((canary, how))) => {
                    hits.insert(Hit { canary: canary.clone(), how, packed });
                }
                _ if members.len() < MEMBERS => members.push(found.start() as u64),
                _ => {}
            }
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, io::Write as _};

    use base64::{
        Engine as _,
        engine::general_purpose::{STANDARD, URL_SAFE},
    };
    use flate2::{Compression, write::GzEncoder};

    use super::{super::canary::Canary, Search};

    const WORD: &str = "Zuvirobadé";

    fn search() -> Search {
        let other = Canary::phone("held", "patient.phone", "7955550142");
        Search::of(&[Canary::word("happy", "patient.family", WORD), other]).unwrap()
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn found(bytes: &[u8]) -> BTreeSet<(String, &'static str, bool)> {
        let hits = search().bytes(bytes).unwrap();
        hits.into_iter().map(|hit| (hit.canary, hit.how, hit.packed)).collect()
    }

    fn family(how: &'static str, packed: bool) -> (String, &'static str, bool) {
        ("patient.family of happy".to_owned(), how, packed)
    }

    #[test]
    fn every_writing_is_found_wherever_it_stands() {
        for before in ["", "a", "ab", "abc", "abcd"] {
            for word in [WORD, "ZUVIROBADE", "zuvirobadé", "Zuvirobade"] {
                let text = format!("{before}{word}, and more");
                let bytes = text.as_bytes();
                let json: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
                let url: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
                for (how, written) in [
                    ("as it is", bytes.to_vec()),
                    ("base64", STANDARD.encode(bytes).into_bytes()),
                    ("base64", URL_SAFE.encode(bytes).into_bytes()),
                    ("hex", hex::encode_upper(bytes).into_bytes()),
                    ("JSON-escaped", json.into_bytes()),
                    ("URL-escaped", url.into_bytes()),
                    ("decimal", format!("{bytes:?}").into_bytes()),
                ] {
                    assert!(found(&written).contains(&family(how, false)), "{how} behind {before:?}: {word}");
                }
            }
        }
    }

    #[test]
    fn what_is_packed_is_found_also_twice_and_also_cut_off() {
        let once = packed(format!("x{WORD}").as_bytes());
        let within = [b"some\x1f\x8b\x08bytes".as_slice(), &once, b"and more"].concat();
        assert_eq!(found(&within), BTreeSet::from([family("as it is", true)]));
        assert_eq!(found(&packed(&once)), BTreeSet::from([family("as it is", true)]));
        let long = packed(&[WORD.as_bytes(), &rand::random::<[u8; 512]>()].concat());
        assert!(found(&long[..long.len() - 40]).contains(&family("as it is", true)));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert!(found(b"").is_empty());
        assert!(found("Zuvirobad, 795-555-0143, 1795555014".as_bytes()).is_empty());
    }

    #[test]
    fn files_of_any_size_are_searched_to_their_end() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![b'z'; 3 << 20]).unwrap();
        file.write_all(b"call (795) 555-0142").unwrap();
        let hits = search().file(file.path()).unwrap();
        assert_eq!(hits.iter().map(|hit| hit.canary.as_str()).collect::<Vec<_>>(), ["patient.phone of held"]);
    }
}
