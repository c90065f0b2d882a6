//! Looking for new keys for as long as the process lives.

use std::{
    convert::Infallible,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::{clock::Clock, seal::Keyring};
use jiff::Timestamp;
use tokio::{sync::Mutex, time::Instant};

use super::{KeySource, KeysError, apart, read_key, take};
use crate::telemetry::Metrics;

/// For keys that are missed it is looked once in so long, however many messages miss one.
const ONCE: Duration = Duration::from_secs(1);

/// What keeps a ring up to date.
#[derive(Clone)]
pub(crate) struct Follower {
    pub(super) ring: Arc<Keyring>,
    pub(super) source: Arc<dyn KeySource>,
    pub(super) reload: Duration,
    pub(super) settle: Duration,
    /// The index key's file: it must be no sealing key.
    pub(super) index: Option<PathBuf>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) looks: Arc<Looks>,
}

/// What all who look know of it.
#[derive(Default)]
pub(super) struct Looks {
    changes: AtomicU64,
    /// The last look for a key that was missed, and whether the keys could be read.
    last: Mutex<Option<(Instant, bool)>>,
}

impl Follower {
    /// Sees that there are keys before anything needs one.
    ///
    /// # Errors
    /// [`KeysError`], if there are none in the ring and none can be had.
    pub(crate) async fn first(&self, clock: &dyn Clock) -> Result<(), KeysError> {
        if self.ring.ids().is_empty() {
            self.look(clock.now()).await?;
        }
        Ok(())
    }

    /// Takes up what is new, and lets a settled key seal. What cannot be read leaves the ring as it is, and is told once.
    pub(crate) async fn run(self, clock: Arc<dyn Clock>) -> Infallible {
        let mut failing = None;
        loop {
            tokio::time::sleep(self.reload).await;
            failing = match self.look(clock.now()).await {
                Ok(changed) => {
                    if changed || failing.is_some() {
                        let (sealing, count) = (self.ring.sealing(), self.ring.ids().len());
                        tracing::info!(keys.sealing = sealing, keys.count = count, "keys.taken_up");
                    }
                    None
                }
                Err(error) => {
                    if failing.as_ref() != Some(&error) {
                        tracing::error!(%error, "keys.not_readable");
                    }
                    Some(error)
                }
            };
        }
    }

    /// How often the ring has changed since the start.
    pub(crate) fn changes(&self) -> u64 {
        self.looks.changes.load(Ordering::Relaxed)
    }

    /// A key was missed in the ring as it stood after `changes`: looks for it, if nobody has just done so, and says whether to try again
    /// makes sense. Not where the keys could be read and it is not among them.
    pub(crate) async fn may_come(&self, changes: u64, clock: &dyn Clock) -> bool {
        let mut last = self.looks.last.lock().await;
        let good = match *last {
            Some((at, good)) if at.elapsed() < ONCE => good,
            _ => {
                let good = self.look(clock.now()).await.is_ok();
                *last = Some((Instant::now(), good));
                good
            }
        };
        !good || self.changes() != changes
    }

    async fn look(&self, now: Timestamp) -> Result<bool, KeysError> {
        let keys = self.source.load().await?;
        // As far as it can be read here: not every process needs it.
        if let Some(index) = self.index.as_deref().and_then(|file| read_key(file).ok()) {
            apart(&keys, &index).map_err(|error| KeysError(error.to_string()))?;
        }
        let changed = take(&self.ring, keys, now, self.settle)?;
        self.metrics.keys_were_read(now);
        self.looks.changes.fetch_add(u64::from(changed), Ordering::Relaxed);
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use domain::{
        Phi,
        clock::{Clock, SystemClock},
        seal::Binding,
    };
    use jiff::SignedDuration;
    use testkit::{vault, wait};

    use super::super::{Vault, of};
    use crate::{Settings, config::KeysSection, telemetry::Metrics};

    const PATIENCE: Duration = Duration::from_secs(30);
    const HERE: Binding<'_> = Binding { submission: "s1", clinic: "c1", schema: "intake.validated.v1" };

    #[tokio::test]
    async fn keys_of_a_vault_are_there_before_the_first_message_and_rotate_under_way() {
        let folder = tempfile::tempdir().unwrap();
        let token = folder.path().join("token");
        let server = vault::Vault::start("t", "frontdesk", true).await.unwrap();
        let text = format!(
            "[keys]\nreload_s = 1\nsettle_s = 1\n[keys.vault]\nurl = \"{}\"\nkey = \"frontdesk\"\ntoken_file = \"token\"\n",
            server.url()
        );
        let settings = Settings::from_toml(&text, folder.path()).unwrap();
        let clock = Arc::new(SystemClock);
        let keys = of(&settings, clock.now(), &Arc::default()).unwrap().unwrap();
        assert!(keys.ring.ids().is_empty(), "nobody was asked yet");
        assert!(keys.follower.first(&*clock).await.is_err(), "there is no token");
        std::fs::write(&token, "t").unwrap();
        keys.follower.first(&*clock).await.unwrap();
        let before = keys.ring.seal(Phi::new(b"Zebedee".to_vec()), HERE).unwrap();
        assert_eq!(before.key, "frontdesk-v000001");

        let following = tokio::spawn(keys.follower.clone().run(clock));
        Vault::new(&KeysSection::read(&settings).unwrap().vault.unwrap()).unwrap().rotate().await.unwrap();
        let anew = || async { keys.ring.sealing() == "frontdesk-v000002" };
        wait::until(PATIENCE, anew).await.unwrap();
        assert_eq!(keys.ring.open(&before, HERE).unwrap().expose(), b"Zebedee");

        // A vault that refuses leaves everybody with the keys that they have, until it gives them again.
        std::fs::write(&token, "expired").unwrap();
        server.retire_before(2);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(keys.ring.ids().len(), 2);
        std::fs::write(&token, "t").unwrap();
        let retired = || async { keys.ring.ids() == ["frontdesk-v000002"] };
        wait::until(PATIENCE, retired).await.unwrap();
        following.abort();
    }

    fn settings(url: &str, folder: &std::path::Path) -> Settings {
        std::fs::write(folder.join("token"), "t").unwrap();
        let text = format!(
            "[keys]\nindex_file = \"index\"\n[keys.vault]\nurl = \"{url}\"\nkey = \"k\"\ntoken_file = \"token\"\n"
        );
        Settings::from_toml(&text, folder).unwrap()
    }

    #[tokio::test]
    async fn a_version_of_a_vault_settles_before_it_seals_even_if_it_is_made_during_the_look() {
        let folder = tempfile::tempdir().unwrap();
        let server = vault::Vault::start("t", "k", true).await.unwrap();
        let settings = settings(server.url(), folder.path());
        let now = SystemClock.now();
        let keys = of(&settings, now, &Arc::default()).unwrap().unwrap();
        // 300 seconds are the default.
        let later = |seconds| now + SignedDuration::from_secs(seconds);
        keys.follower.first(&SystemClock).await.unwrap();
        server.rotate_after_the_next_answer();
        assert!(!keys.follower.look(later(1)).await.unwrap(), "exported before it was made");
        assert!(keys.follower.look(later(11)).await.unwrap(), "there is a version more");
        assert_eq!((keys.ring.ids().len(), keys.ring.sealing().as_str()), (2, "k-v000001"));
        server.forget_times();
        keys.follower.look(later(1000)).await.unwrap();
        assert_eq!(keys.ring.sealing(), "k-v000001", "nobody knows how old the second is");
        server.remember_times();
        keys.follower.look(later(290)).await.unwrap();
        assert_eq!(keys.ring.sealing(), "k-v000001");
        keys.follower.look(later(310)).await.unwrap();
        assert_eq!(keys.ring.sealing(), "k-v000002");
    }

    #[tokio::test]
    async fn a_vaults_key_is_not_the_index_key() {
        let folder = tempfile::tempdir().unwrap();
        let server = vault::Vault::start("t", "k", true).await.unwrap();
        let keys = of(&settings(server.url(), folder.path()), SystemClock.now(), &Arc::default());
        let keys = keys.unwrap().unwrap();
        // The first version's bytes are ones.
        std::fs::write(folder.path().join("index"), "01".repeat(32)).unwrap();
        let error = keys.follower.first(&SystemClock).await.unwrap_err().to_string();
        assert!(error.contains("keys.index_file"), "{error}");
        std::fs::write(folder.path().join("index"), "07".repeat(32)).unwrap();
        keys.follower.first(&SystemClock).await.unwrap();
    }

    #[tokio::test]
    async fn a_key_that_is_missed_may_come_while_nobody_can_look() {
        let folder = tempfile::tempdir().unwrap();
        let server = vault::Vault::start("t", "k", true).await.unwrap();
        let metrics: Arc<Metrics> = Arc::default();
        let settings = settings(server.url(), folder.path());
        let keys = of(&settings, SystemClock.now(), &metrics).unwrap().unwrap();
        keys.follower.first(&SystemClock).await.unwrap();
        assert!(metrics.render().contains("frontdesk_keys_read_timestamp_seconds{service=\"detached\"} 1"));
        let missed = async || {
            *keys.follower.looks.last.lock().await = None;
            let changes = keys.follower.changes();
            keys.follower.may_come(changes, &SystemClock).await
        };
        assert!(!missed().await, "the vault has no other");
        std::fs::write(folder.path().join("token"), "expired").unwrap();
        assert!(missed().await, "nobody knows");
        std::fs::write(folder.path().join("token"), "t").unwrap();
        let asked = keys.follower.changes();
        assert!(keys.follower.may_come(asked, &SystemClock).await, "it was looked just now, in vain");
        server.rotate_after_the_next_answer();
        assert!(!missed().await);
        assert!(missed().await, "one more has come: it may be that");
    }
}
