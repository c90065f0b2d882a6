//! A messenger that keeps what it is given, with mishaps to order.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use domain::messages::Channel;

use super::{Messenger, Notice, SendOutcome};

/// A messenger in memory.
pub struct FakeMessenger {
    channel: Channel,
    sent: Mutex<Vec<Notice>>,
    mishaps: Mutex<VecDeque<SendOutcome>>,
}

impl FakeMessenger {
    /// A messenger of that channel.
    pub fn new(channel: Channel) -> Self {
        Self { channel, sent: Mutex::default(), mishaps: Mutex::default() }
    }

    /// Orders what comes of a coming send instead of its being sent.
    pub fn mishap(&self, outcome: SendOutcome) {
        lock(&self.mishaps).push_back(outcome);
    }

    /// What was sent.
    pub fn sent(&self) -> Vec<Notice> {
        lock(&self.sent).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Messenger for FakeMessenger {
    fn channel(&self) -> Channel {
        self.channel
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn send(&self, notice: &Notice) -> SendOutcome {
        if let Some(outcome) = lock(&self.mishaps).pop_front() {
            return outcome;
        }
        lock(&self.sent).push(notice.clone());
        SendOutcome::Sent { id: notice.key.clone() }
    }
}

#[cfg(test)]
mod tests {
    use domain::messages::Channel;

    use super::{FakeMessenger, SendOutcome};
    use crate::messenger::{
        Messenger,
        conformance::{notice, run},
    };

    #[tokio::test]
    async fn conforms() {
        let messenger = FakeMessenger::new(Channel::Sms);
        run(&messenger, "fake", "+12125550143").await;
        assert_eq!(messenger.sent().len(), 2);
        messenger.mishap(SendOutcome::Unknown);
        assert_eq!(messenger.send(&notice("k", "+12125550143")).await, SendOutcome::Unknown);
        assert_eq!(messenger.sent().len(), 2);
    }
}
