//! Where the sealing keys come from, and how a running process takes up new ones.
//!
//! A key has an id that sorts by age. One that carries the time of its making, such as `2026-11-22T203500Z`, seals only
//! once it is `[keys] settle_s` old: until then every process only learns to open with it. Keys are looked for again every
//! `[keys] reload_s`; nothing has to be restarted.

mod files;
mod follow;
mod vault;

use std::{sync::Arc, time::Duration};

use domain::seal::Keyring;
use futures_util::future::BoxFuture;
use jiff::{Timestamp, fmt::strtime};

pub use files::KeyFiles;
pub(crate) use files::{open_to_all, read_key};
pub(crate) use follow::Follower;
pub use vault::Vault;

use crate::{
    ConfigError, Settings,
    config::{KeysSection, Secret},
    telemetry::Metrics,
};

/// How an id tells when its key was made, UTC.
const MADE: &str = "%Y-%m-%dT%H%M%SZ";

/// Somewhere that keys are kept.
pub trait KeySource: Send + Sync {
    /// All keys that are there now, in no order.
    ///
    /// # Errors
    /// [`KeysError`], if even one cannot be read: half of the keys are none.
    fn load(&self) -> BoxFuture<'_, Result<Vec<Key>, KeysError>>;
}

/// One sealing key. No `Debug`.
pub struct Key {
    /// Its id, as it stands in what it seals.
    pub id: String,
    /// When it was made, where that is known.
    pub made: Option<Timestamp>,
    bytes: Vec<u8>,
}

impl Key {
    /// A key whose id may tell when it was made.
    pub fn new(id: String, bytes: Vec<u8>) -> Self {
        Self { made: made(&id), id, bytes }
    }

    fn parts(self) -> (String, Vec<u8>) {
        (self.id, self.bytes)
    }
}

/// Why there are no keys. It quotes none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeysError(String);

/// The id of a key that is made now.
pub fn fresh_id(now: Timestamp) -> String {
    now.strftime(MADE).to_string()
}

/// When a key of this id was made, if the id tells.
pub fn made(id: &str) -> Option<Timestamp> {
    let parsed = strtime::parse(MADE, id).ok()?.to_datetime().ok()?;
    Some(parsed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

/// Which of these keys seals: the last one that has settled. Where none has, the first, which everybody had the most time to learn.
pub fn sealing<'a>(
    keys: impl IntoIterator<Item = (&'a str, Option<Timestamp>)>,
    now: Timestamp,
    settle: Duration,
) -> Option<&'a str> {
    let mut keys: Vec<_> = keys.into_iter().collect();
    keys.sort_unstable();
    let settled = |made: &Option<Timestamp>| {
        made.is_none_or(|made| now.duration_since(made).unsigned_abs() >= settle && made <= now)
    };
    let last = keys.iter().rev().find(|(_, made)| settled(made));
    last.or(keys.first()).map(|(id, _)| *id)
}

/// The ring of this process, and what keeps it up to date.
pub(crate) struct Keys {
    pub(crate) ring: Arc<Keyring>,
    pub(crate) follower: Follower,
}

/// The keys that the settings name, if they name any. Files are read at once; a vault is asked by [`Follower::first`].
pub(crate) fn of(
    settings: &Settings,
    now: Timestamp,
    metrics: &Arc<Metrics>,
) -> Result<Option<Keys>, ConfigError> {
    let section = KeysSection::read(settings)?;
    let (reload, settle) = (section.reload(), section.settle());
    let (ring, source): (_, Arc<dyn KeySource>) = match (&section.sealing_dir, section.vault) {
        (Some(_), Some(_)) => {
            return Err(ConfigError::key("keys.vault", "give it or sealing_dir, not both"));
        }
        (None, None) => return Ok(None),
        (Some(folder), None) => {
            let files = KeyFiles::new(settings.resolve(folder));
            let bad = |reason: String| ConfigError::key("keys.sealing_dir", reason);
            let ring = Keyring::empty();
            take(&ring, files.read().map_err(|error| bad(error.to_string()))?, now, settle)
                .map_err(|error| bad(error.to_string()))?;
            metrics.keys_were_read(now);
            (ring, Arc::new(files))
        }
        (None, Some(vault)) => (Keyring::empty(), Arc::new(Vault::new(&vault)?)),
    };
    let ring = Arc::new(ring);
    let follower = Follower {
        ring: ring.clone(),
        source,
        reload,
        settle,
        index: section.index_file.as_ref().map(|file| settings.resolve(file)),
        metrics: metrics.clone(),
        looks: Arc::default(),
    };
    Ok(Some(Keys { follower, ring }))
}

/// Puts what was loaded into the ring. Gives whether anything is different.
fn take(ring: &Keyring, keys: Vec<Key>, now: Timestamp, settle: Duration) -> Result<bool, KeysError> {
    let ids = keys.iter().map(|key| (key.id.as_str(), key.made));
    let sealing = sealing(ids, now, settle).map(str::to_owned);
    let sealing = sealing.ok_or_else(|| KeysError("there is no key".to_owned()))?;
    let before = (ring.sealing(), ring.ids());
    ring.exchange(keys.into_iter().map(Key::parts), &sealing)
        .map_err(|error| KeysError(error.to_string()))?;
    Ok(before != (ring.sealing(), ring.ids()))
}

/// Refuses keys of which one is the index key too.
pub(crate) fn apart(keys: &[Key], index: &[u8]) -> Result<(), ConfigError> {
    match keys.iter().any(|key| key.bytes == index) {
        true => Err(ConfigError::key(
            "keys.index_file",
            "is one of the sealing keys: it must be a key of its own",
        )),
        false => Ok(()),
    }
}

/// Warns of key files that every user of the machine may read.
pub(crate) fn warn_of_open_files(settings: &Settings) -> Result<(), ConfigError> {
    let section = KeysSection::read(settings)?;
    let folder = section.sealing_dir.map(|folder| settings.resolve(&folder));
    // What is wrong with a folder that cannot be read is said by who reads its keys.
    let files = folder.and_then(|folder| KeyFiles::new(folder).paths().ok()).unwrap_or_default();
    for file in files.into_iter().chain(section.index_file.map(|file| settings.resolve(&file))) {
        if open_to_all(&file) {
            tracing::warn!(keys.file = %file.display(), "keys.readable_by_all");
        }
    }
    Ok(())
}

/// A secret in a file, read each time that it is needed: it may be renewed.
fn read(secret: &std::path::Path) -> Result<Secret, KeysError> {
    let text = std::fs::read_to_string(secret);
    let text = text.map_err(|error| KeysError(format!("{}: {error}", secret.display())))?;
    Ok(Secret::new(text.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::seal::Keyring;
    use jiff::Timestamp;

    use super::{Key, fresh_id, made, sealing, take};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_id_tells_when_its_key_was_made() {
        let now = at("2026-11-22T20:35:07Z");
        assert_eq!(fresh_id(now), "2026-11-22T203507Z");
        assert_eq!(made(&fresh_id(now)), Some(now));
        assert!(["2026-11", "local-1", "", "2026-11-22T203507"].iter().all(|id| made(id).is_none()));
    }

    #[test]
    fn a_new_key_seals_once_everybody_had_the_time_to_learn_it() {
        let (old, new) = (("2026-01", None), ("2026-11-22T200000Z", made("2026-11-22T200000Z")));
        let of = |keys: &[(&'static str, Option<Timestamp>)], now| {
            sealing(keys.iter().copied(), at(now), Duration::from_secs(120))
        };
        assert_eq!(of(&[new, old], "2026-11-22T20:01:59Z"), Some("2026-01"));
        assert_eq!(of(&[new, old], "2026-11-22T20:02:00Z"), Some("2026-11-22T200000Z"));
        // A clock that is behind: it was made in what is the future here.
        assert_eq!(of(&[new, old], "2026-11-22T19:00:00Z"), Some("2026-01"));
        assert_eq!(of(&[new], "2026-11-22T20:00:01Z"), Some("2026-11-22T200000Z"), "there is no other");
        assert_eq!(of(&[], "2026-11-22T20:00:00Z"), None);
    }

    #[test]
    fn what_cannot_be_used_leaves_the_ring_as_it_is() {
        let (ring, now) = (Keyring::empty(), at("2026-11-22T20:00:00Z"));
        let key = |id: &str, length| Key::new(id.to_owned(), vec![1; length]);
        let all = |keys| take(&ring, keys, now, Duration::ZERO);
        assert_eq!(all(vec![key("a", 32)]), Ok(true));
        assert_eq!(all(vec![key("a", 32)]), Ok(false));
        assert!(all(vec![key("a", 32), key("b", 31)]).is_err() && all(Vec::new()).is_err());
        assert_eq!((ring.sealing(), ring.ids()), ("a".to_owned(), vec!["a".to_owned()]));
    }
}
