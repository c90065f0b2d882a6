//! Files that are followed as they change, by everybody in a process who uses them.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use crate::files::{Contents, Files, Keys, TlsError};

/// Everything of this process that follows files. One list for the process, as for its logs: who uses a certificate deep down in an
/// adapter need not know who looks after it.
static FOLLOWED: Mutex<Vec<Weak<dyn Follow>>> = Mutex::new(Vec::new());

/// How one user of files stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The section of the settings that names the files, such as `amqp` or `ehrs.main`.
    pub section: String,
    /// Until when each of its files is good, seconds since 1970, by the setting that names it.
    pub not_after: Vec<(&'static str, i64)>,
    /// Why what is in the files now is not used, if it cannot be: then what was there before still is.
    pub refused: Option<TlsError>,
}

/// Looks at all files again. New content is used from the next handshake on; content that cannot be used is told, once, and what was there
/// before stays. Reads some small files, and blocks for that.
pub fn look() -> Vec<Standing> {
    let alive: Vec<Arc<dyn Follow>> = {
        let mut all = lock(&FOLLOWED);
        all.retain(|one| one.strong_count() > 0);
        all.iter().filter_map(Weak::upgrade).collect()
    };
    // Several may use the same files, such as the stores of one process.
    let mut standings: BTreeMap<String, Standing> = BTreeMap::new();
    for one in alive {
        let standing = one.look();
        let entry = standings.entry(standing.section.clone()).or_insert_with(|| standing.clone());
        entry.refused = entry.refused.take().or(standing.refused);
    }
    standings.into_values().collect()
}

trait Follow: Send + Sync {
    fn look(&self) -> Standing;
}

/// Files, and what is made of them.
pub(crate) struct Followed<T> {
    section: String,
    keys: Keys,
    files: Files,
    make: fn(&Contents) -> Result<T, TlsError>,
    state: Mutex<State<T>>,
}

struct State<T> {
    print: [u8; 32],
    made: Arc<T>,
    not_after: Vec<(&'static str, i64)>,
    refused: Option<TlsError>,
}

impl<T: Send + Sync + 'static> Followed<T> {
    /// Reads the files. A first time they must be usable.
    pub(crate) fn new(
        section: &str,
        keys: Keys,
        files: Files,
        make: fn(&Contents) -> Result<T, TlsError>,
    ) -> Result<Arc<Self>, TlsError> {
        let contents = files.read(keys)?;
        let made = Arc::new(make(&contents)?);
        let (print, not_after) = (contents.print(), contents.not_after());
        let state = Mutex::new(State { print, made, not_after, refused: None });
        let followed = Arc::new(Self { section: section.to_owned(), keys, files, make, state });
        if !followed.files.is_empty() {
            let weak: Weak<Self> = Arc::downgrade(&followed);
            lock(&FOLLOWED).push(weak);
        }
        Ok(followed)
    }

    /// What is in use now.
    pub(crate) fn current(&self) -> Arc<T> {
        Arc::clone(&lock(&self.state).made)
    }

    /// The new content, if there is any and it can be used.
    fn changed(&self) -> Result<Option<(Contents, T)>, TlsError> {
        let contents = self.files.read(self.keys)?;
        if contents.print() == lock(&self.state).print {
            return Ok(None);
        }
        (self.make)(&contents).map(|made| Some((contents, made)))
    }
}

impl<T: Send + Sync + 'static> Follow for Followed<T> {
    fn look(&self) -> Standing {
        // Files are replaced together but read one after the other: what does not fit together is read again before it is believed.
        let changed = self.changed().or_else(|_| self.changed());
        let mut state = lock(&self.state);
        match changed {
            Ok(None) => state.refused = None,
            Ok(Some((contents, made))) => {
                tracing::info!(tls.section = self.section, "tls.taken_up");
                let (print, not_after) = (contents.print(), contents.not_after());
                *state = State { print, made: Arc::new(made), not_after, refused: None };
            }
            Err(error) => {
                if state.refused.as_ref() != Some(&error) {
                    tracing::error!(tls.section = self.section, %error, "tls.not_usable");
                }
                state.refused = Some(error);
            }
        }
        Standing {
            section: self.section.clone(),
            not_after: state.not_after.clone(),
            refused: state.refused.clone(),
        }
    }
}

impl<T> fmt::Debug for Followed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed").field("section", &self.section).finish_non_exhaustive()
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is half done under it when something panics.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
