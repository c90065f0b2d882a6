//! Carries one request through what was decided for it. Every endpoint, HTTP or SMTP, goes this way.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Commit, Fault, Injection, LateAnswer};

/// How a request ended.
pub(crate) enum Served<T> {
    /// The honest answer.
    Answer(T),
    /// An error; no status means the protocol's usual one for "try later".
    Refused { status: Option<u16>, retry_after_s: Option<u64> },
    /// 2xx that cannot be read.
    Garbage,
    /// 401.
    Unauthorized,
    /// Reset the connection.
    Cut,
    /// The payer's rejection.
    Aaa(String),
}

/// Waits, unless the sandbox stops first; tells whether the whole time passed.
pub(crate) async fn pause(stop: &CancellationToken, duration: Duration) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = tokio::time::sleep(duration) => true,
    }
}

/// Runs `commit`, the one step that has an effect, where and when the injection says.
pub(crate) async fn serve<T: Send + 'static>(
    injection: Injection,
    stop: &CancellationToken,
    commit: impl FnOnce() -> T + Send + 'static,
) -> Served<T> {
    if !injection.delay.is_zero() && !pause(stop, injection.delay).await {
        return Served::Cut;
    }
    if injection.generation.is_cancelled() {
        // Decided before a reset: what it was about is gone.
        return Served::Cut;
    }
    let Some(fault) = injection.act else { return Served::Answer(commit()) };
    match fault {
        Fault::Throttle { retry_after_s } => Served::Refused { status: Some(429), retry_after_s },
        Fault::Unauthorized => Served::Unauthorized,
        Fault::Aaa { code } => Served::Aaa(code),
        Fault::Error { status, commit: when } => {
            maybe(when, commit);
            Served::Refused { status, retry_after_s: None }
        }
        Fault::Garbage { commit: when } => {
            maybe(when, commit);
            Served::Garbage
        }
        Fault::Cut { commit: when } => {
            maybe(when, commit);
            Served::Cut
        }
        Fault::Hang { commit: when, ms } => {
            maybe(when, commit);
            pause(stop, Duration::from_millis(ms)).await;
            Served::Cut
        }
        Fault::LateCommit { after_ms, answer } => {
            let (stop_later, generation) = (stop.clone(), injection.generation);
            tokio::spawn(async move {
                tokio::select! {
                    () = generation.cancelled() => {}
                    passed = pause(&stop_later, Duration::from_millis(after_ms)) => {
                        if passed {
                            drop(commit());
                        }
                    }
                }
            });
            late_answer(answer, stop).await
        }
        // These change how the honest answer comes about; the handlers have seen to them.
        Fault::Slow { .. }
        | Fault::StaleSearch { .. }
        | Fault::NonAtomic { .. }
        | Fault::IgnoreParameters { .. } => Served::Answer(commit()),
    }
}

fn maybe<T>(when: Commit, commit: impl FnOnce() -> T) {
    if when == Commit::After {
        drop(commit());
    }
}

async fn late_answer<T>(answer: LateAnswer, stop: &CancellationToken) -> Served<T> {
    match answer {
        LateAnswer::Error => Served::Refused { status: None, retry_after_s: None },
        LateAnswer::Cut => Served::Cut,
        LateAnswer::Hang => {
            pause(stop, Duration::from_secs(600)).await;
            Served::Cut
        }
    }
}
