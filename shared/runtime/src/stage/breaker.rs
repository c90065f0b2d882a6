//! Circuit breakers, one per endpoint.
//!
//! Closed: calls pass. Ten failures in a row, or four of five of at least twenty recent calls, open it: nothing passes for a while.
//! Then a single probe passes; each success doubles how many may pass at once, until it is closed again. A failure opens it for twice as long.

mod outages;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    Endpoint, LaneName,
    breaker::{BreakerNote, BreakerState},
};
use jiff::Timestamp;

use self::outages::Outages;
use crate::telemetry::Metrics;

/// Failures in a row that open a breaker.
const CONSECUTIVE: u32 = 10;
/// Recent calls that the share of failures is taken of.
const WINDOW: usize = 50;
/// Fewer calls than this say nothing about a share.
const ENOUGH: usize = 20;
/// Failures in ten that open a breaker.
const TENTHS: usize = 8;
const FIRST_OPEN: Duration = Duration::from_secs(5);
const LONGEST_OPEN: Duration = Duration::from_secs(60);
/// Calls at once from which on a recovering endpoint is trusted.
const TRUSTED: u32 = 16;
/// A probe that was not heard of for this long was lost.
const PROBE_LOST: Duration = Duration::from_secs(60);
/// How breakers stand, in metrics.
const CLOSED: u64 = 0;
const RECOVERING: u64 = 1;
const OPEN: u64 = 2;
/// How long to wait for one's turn while an endpoint recovers.
const TURN: Duration = Duration::from_secs(1);

/// All breakers of a process.
pub(crate) struct Breakers {
    by_endpoint: Mutex<BTreeMap<Endpoint, Watched>>,
    metrics: Arc<Metrics>,
}

/// What is known of one endpoint.
#[derive(Default)]
struct Watched {
    breaker: Breaker,
    outages: Outages,
    /// The lanes whose messages the breaker has put off since it opened.
    lanes: BTreeSet<LaneName>,
}

enum Breaker {
    Closed { failures: u32, recent: VecDeque<bool> },
    Open { until: Timestamp, lasts: Duration },
    Recovering { may: u32, out: u32, lasts: Duration, moved: Timestamp },
}

/// A place among the calls that a recovering endpoint gets; given back when dropped.
pub(crate) struct Pass {
    breakers: Arc<Breakers>,
    endpoint: Endpoint,
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(Watched { breaker: Breaker::Recovering { out, .. }, .. }) =
            self.breakers.lock().get_mut(&self.endpoint)
        {
            *out = out.saturating_sub(1);
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0, recent: VecDeque::new() }
    }
}

impl Breakers {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self { by_endpoint: Mutex::default(), metrics }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Endpoint, Watched>> {
        self.by_endpoint.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells how the breaker of an endpoint stands.
    fn told(&self, endpoint: &Endpoint, state: u64) {
        self.metrics.breaker_state.set(state, &[("endpoint", endpoint.as_str())]);
    }

    /// Whether a call may be made now.
    ///
    /// # Errors
    /// How long to wait, if not.
    pub(crate) fn admit(self: &Arc<Self>, endpoint: &Endpoint, now: Timestamp) -> Result<Pass, Duration> {
        let mut all = self.lock();
        if !all.contains_key(endpoint) {
            self.metrics.breaker_opened.appear(&[("endpoint", endpoint.as_str())]);
            self.told(endpoint, CLOSED);
        }
        let Watched { breaker, .. } = all.entry(endpoint.clone()).or_default();
        if let Breaker::Open { until, lasts } = *breaker {
            if now < until {
                return Err(between(now, until));
            }
            *breaker = Breaker::Recovering { may: 1, out: 0, lasts, moved: now };
            self.told(endpoint, RECOVERING);
        }
        if let Breaker::Recovering { may, out, moved, .. } = breaker {
            if between(*moved, now) > PROBE_LOST {
                (*out, *moved) = (0, now);
            }
            if *out >= *may {
                return Err(TURN);
            }
            *out += 1;
        }
        Ok(Pass { breakers: self.clone(), endpoint: endpoint.clone() })
    }

    /// The endpoint answered.
    pub(crate) fn success(&self, endpoint: &Endpoint, now: Timestamp) {
        let mut all = self.lock();
        let Watched { breaker, outages, lanes } = all.entry(endpoint.clone()).or_default();
        match breaker {
            Breaker::Closed { failures, recent } => {
                *failures = 0;
                push(recent, true);
                outages.answered();
            }
            // An answer to a call that was made before it opened proves nothing about now.
            Breaker::Open { .. } => {}
            Breaker::Recovering { may, moved, .. } => {
                *may *= 2;
                *moved = now;
                if *may >= TRUSTED {
                    *breaker = Breaker::default();
                    outages.end(now);
                    lanes.clear();
                    self.told(endpoint, CLOSED);
                    tracing::info!(frontdesk.endpoint = endpoint.as_str(), "breaker.closed");
                }
            }
        }
    }

    /// The endpoint failed.
    pub(crate) fn failure(&self, endpoint: &Endpoint, now: Timestamp) {
        let mut all = self.lock();
        let Watched { breaker, outages, .. } = all.entry(endpoint.clone()).or_default();
        outages.failed(now);
        let lasts = match breaker {
            Breaker::Closed { failures, recent } => {
                *failures += 1;
                push(recent, false);
                let failed = recent.iter().filter(|ok| !**ok).count();
                let mostly = recent.len() >= ENOUGH && failed * 10 >= recent.len() * TENTHS;
                if *failures < CONSECUTIVE && !mostly {
                    return;
                }
                FIRST_OPEN
            }
            Breaker::Open { .. } => return,
            Breaker::Recovering { lasts, .. } => (*lasts * 2).min(LONGEST_OPEN),
        };
        self.metrics.breaker_opened.add(&[("endpoint", endpoint.as_str())]);
        self.told(endpoint, OPEN);
        tracing::warn!(
            frontdesk.endpoint = endpoint.as_str(),
            frontdesk.open_s = lasts.as_secs(),
            "breaker.opened"
        );
        let until =
            now.saturating_add(jiff::SignedDuration::try_from(lasts).unwrap_or_default()).unwrap_or(now);
        *breaker = Breaker::Open { until, lasts };
        outages.begin(now);
    }

    /// Whether the endpoint was down at that time, as far as this process saw it.
    pub(crate) fn was_down(&self, endpoint: &Endpoint, at: Timestamp) -> bool {
        self.lock().get(endpoint).is_some_and(|watched| watched.outages.cover(at))
    }

    /// Whether the endpoint has answered nobody since it failed at that time.
    pub(crate) fn silent_since(&self, endpoint: &Endpoint, at: Timestamp) -> bool {
        self.lock().get(endpoint).is_some_and(|watched| watched.outages.silent_since(at))
    }

    /// A message of the lane was put off because of the endpoint.
    pub(crate) fn stops(&self, endpoint: &Endpoint, lane: &LaneName) {
        if let Some(watched) = self.lock().get_mut(endpoint)
            && !matches!(watched.breaker, Breaker::Closed { .. })
            && !watched.lanes.contains(lane)
        {
            watched.lanes.insert(lane.clone());
        }
    }

    /// Tells of those whose time is over that the next call may pass: where nothing calls, nobody else would.
    pub(crate) fn tell(&self, now: Timestamp) {
        for (endpoint, watched) in self.lock().iter() {
            if matches!(watched.breaker, Breaker::Open { until, .. } if until <= now) {
                self.told(endpoint, RECOVERING);
            }
        }
    }

    /// Those that are not closed.
    pub(crate) fn standing(&self, now: Timestamp) -> Vec<BreakerNote> {
        let all = self.lock();
        let note = |(endpoint, watched): (&Endpoint, &Watched)| {
            let (state, probe_at) = match watched.breaker {
                Breaker::Closed { .. } => return None,
                Breaker::Open { until, .. } => (BreakerState::Open, Some(until)),
                Breaker::Recovering { .. } => (BreakerState::Recovering, None),
            };
            let (endpoint, since) = (endpoint.clone(), watched.outages.since().unwrap_or(now));
            Some(BreakerNote { endpoint, state, since, probe_at, lanes: watched.lanes.clone() })
        };
        all.iter().filter_map(note).collect()
    }
}

fn push(recent: &mut VecDeque<bool>, ok: bool) {
    if recent.len() == WINDOW {
        recent.pop_front();
    }
    recent.push_back(ok);
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
