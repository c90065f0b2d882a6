//! Waiting for a condition with a deadline, instead of sleeping and hoping.

use std::time::{Duration, Instant};

/// The first pause between two looks; each following one is half as long again, up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_millis(5);
/// The longest pause between two looks.
const LONGEST: Duration = Duration::from_millis(250);

/// The condition did not come true in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the condition did not hold within {0:?}")]
pub struct TimedOut(pub Duration);

/// Looks until `condition` holds.
///
/// # Errors
/// [`TimedOut`] if it does not hold within `deadline`; it is always looked at once.
pub async fn until<F, Fut>(deadline: Duration, mut condition: F) -> Result<(), TimedOut>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    until_some(deadline, || {
        let holds = condition();
        async { holds.await.then_some(()) }
    })
    .await
}

/// Looks until `find` gives something, and gives that.
///
/// # Errors
/// [`TimedOut`] if it gives nothing within `deadline`; it is always asked once.
pub async fn until_some<T, F, Fut>(deadline: Duration, mut find: F) -> Result<T, TimedOut>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let begin = Instant::now();
    let mut pause = SHORTEST;
    loop {
        if let Some(found) = find().await {
            return Ok(found);
        }
        let Some(left) = deadline.checked_sub(begin.elapsed()) else {
            return Err(TimedOut(deadline));
        };
        tokio::time::sleep(pause.min(left).max(Duration::from_millis(1))).await;
        pause = (pause * 3 / 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::{until, until_some};
    use std::{cell::Cell, time::Duration};

    #[tokio::test]
    async fn gives_what_was_found_after_some_looks() {
        let looks = Cell::new(0);
        let found = until_some(Duration::from_secs(10), || {
            looks.set(looks.get() + 1);
            async { (looks.get() == 3).then(|| looks.get()) }
        })
        .await;
        assert_eq!(found, Ok(3));
    }

    #[tokio::test]
    async fn gives_up_at_the_deadline_but_looks_once() {
        assert!(until(Duration::ZERO, || async { true }).await.is_ok());
        assert!(until(Duration::from_millis(5), || async { false }).await.is_err());
    }
}
