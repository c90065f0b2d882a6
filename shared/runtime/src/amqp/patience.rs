//! A watchdog that rests while the broker holds publishers back.
//!
//! A broker short of memory or disk stops reading from connections that publish (`connection.blocked`) until the alarm is over. No confirm
//! comes meanwhile, and that says nothing about the connection: to give it up would requeue every delivery in hand, again and again,
//! until the broker's delivery limit throws them out of their queue.

use std::time::Duration;

use tokio::sync::watch;

/// The work's result, or `None` once it has taken longer than `patience` while the broker was not blocking. When the broker stops
/// blocking, the time starts anew.
pub(super) async fn within<T>(
    patience: Duration,
    mut blocked: watch::Receiver<bool>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Some(done),
            () = turned(&mut blocked, false) => {}
        }
        tokio::select! {
            biased;
            done = &mut work => return Some(done),
            () = turned(&mut blocked, true) => {}
            () = tokio::time::sleep(patience) => return None,
        }
    }
}

/// Resolves when the flag is so. Once nobody sets it any more the connection is gone, and no longer blocked.
async fn turned(blocked: &mut watch::Receiver<bool>, to: bool) {
    // The last value stays there to be read: that nobody sets it any more must be asked first.
    let abandoned = blocked.has_changed().is_err() || blocked.wait_for(|is| *is == to).await.is_err();
    if abandoned && to {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        sync::{oneshot, watch},
        time::timeout,
    };

    use super::within;

    const SHORT: Duration = Duration::from_millis(5);
    /// Many times the patience.
    const LONG: Duration = Duration::from_millis(100);
    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_confirm_that_does_not_come_is_given_up() {
        let (_flag, blocked) = watch::channel(false);
        assert_eq!(timeout(LIMIT, within(SHORT, blocked, std::future::pending::<()>())).await, Ok(None));
    }

    #[tokio::test]
    async fn nothing_is_given_up_while_the_broker_blocks() {
        let (flag, blocked) = watch::channel(true);
        let (confirm, confirmed) = oneshot::channel();
        let mut publish = std::pin::pin!(within(SHORT, blocked.clone(), confirmed));
        assert!(timeout(LONG, &mut publish).await.is_err(), "still waiting");
        confirm.send(7).unwrap();
        assert_eq!(timeout(LIMIT, publish).await, Ok(Some(Ok(7))));

        let mut lost = std::pin::pin!(within(SHORT, blocked, std::future::pending::<()>()));
        assert!(timeout(LONG, &mut lost).await.is_err(), "still waiting");
        flag.send_replace(false);
        assert_eq!(timeout(LIMIT, lost).await, Ok(None), "the time runs again");
    }

    #[tokio::test]
    async fn a_publish_that_was_sent_before_the_broker_blocked_waits_too() {
        let (flag, blocked) = watch::channel(false);
        let mut publish = std::pin::pin!(within(LONG, blocked, std::future::pending::<()>()));
        assert!(timeout(Duration::ZERO, &mut publish).await.is_err());
        flag.send_replace(true);
        assert!(timeout(LONG * 3, &mut publish).await.is_err(), "still waiting");
        drop(flag);
        assert_eq!(timeout(LIMIT, publish).await, Ok(None), "a connection that is gone blocks nobody");
    }
}
