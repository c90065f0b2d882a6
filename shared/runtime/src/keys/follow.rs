//! Looking for new keys for as long as the process lives.

use std::{convert::Infallible, sync::Arc, time::Duration};

use domain::{clock::Clock, seal::Keyring};

use super::{KeySource, KeysError, take};

/// What keeps a ring up to date.
#[derive(Clone)]
pub(crate) struct Follower {
    pub(super) ring: Arc<Keyring>,
    pub(super) source: Arc<dyn KeySource>,
    pub(super) reload: Duration,
    pub(super) settle: Duration,
}

impl Follower {
    /// Sees that there are keys before anything needs one.
    ///
    /// # Errors
    /// [`KeysError`], if there are none in the ring and none can be had.
    pub(crate) async fn first(&self, clock: &dyn Clock) -> Result<(), KeysError> {
        if self.ring.ids().is_empty() {
            self.look(clock).await?;
        }
        Ok(())
    }

    /// Takes up what is new, and lets a settled key seal. What cannot be read leaves the ring as it is, and is told once.
    pub(crate) async fn run(self, clock: Arc<dyn Clock>) -> Infallible {
        let mut failing = None;
        loop {
            tokio::time::sleep(self.reload).await;
            failing = match self.look(&*clock).await {
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

    async fn look(&self, clock: &dyn Clock) -> Result<bool, KeysError> {
        take(&self.ring, self.source.load().await?, clock.now(), self.settle)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use domain::{Phi, clock::SystemClock, seal::Binding};
    use testkit::{vault, wait};

    use super::super::{Vault, of};
    use crate::{Settings, config::KeysSection};

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
        let keys = of(&settings, "2026-11-22T20:00:00Z".parse().unwrap()).unwrap().unwrap();
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
}
