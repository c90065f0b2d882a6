//! What is open, told as metrics: how much, since when, and what is paused. One look tells all of it, so that none of it is older than the rest.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{clock::Clock, ports::StoreDown};
use jiff::Timestamp;
use ledger::{
    Store,
    read::{Class, Open, State},
};
use runtime::{
    telemetry::{
        Metrics, Sample,
        catalogue::{self, Metric},
    },
    topology::Lanes,
};
use tokio_util::sync::CancellationToken;

use crate::{
    names::Names,
    ports::Queues,
    views::Queue,
    waiting::{OVERDUE, Pauses},
};

/// How often it is looked: more often than a collector asks.
const EVERY: Duration = Duration::from_secs(15);
/// Where nothing says why.
const NO_CODE: &str = "none";

/// Looks and tells.
pub struct Gauges {
    store: Store,
    queues: Arc<dyn Queues>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    lanes: Lanes,
    names: Names,
    pauses: Mutex<Pauses>,
}

impl Gauges {
    /// Looks at a ledger and a broker with these lanes and names, and tells it to these metrics.
    pub fn new(
        (store, queues): (Store, Arc<dyn Queues>),
        (lanes, names): (Lanes, Names),
        (clock, metrics): (Arc<dyn Clock>, Arc<Metrics>),
    ) -> Self {
        Self { store, queues, clock, metrics, lanes, names, pauses: Mutex::default() }
    }

    /// Tells until it is to stop. What a database that does not answer told last stands; its age is told too.
    pub async fn tell_until(&self, stop: &CancellationToken) {
        loop {
            let look = async {
                if self.tell().await.is_err() {
                    tracing::warn!("ops.not_told");
                }
                tokio::time::sleep(EVERY).await;
            };
            tokio::select! {
                () = look => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Looks once.
    ///
    /// # Errors
    /// [`StoreDown`]: nothing new is told.
    pub async fn tell(&self) -> Result<(), StoreDown> {
        let (open, pauses) = (self.store.open_work().await?, self.store.pauses().await?);
        let now = self.clock.now();
        let by_stage = {
            let mut seen = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
            seen.see(pauses.iter().map(|pause| pause.scope.clone()), now);
            seen.by_stage()
        };
        let late = now.checked_sub(OVERDUE).unwrap_or(Timestamp::MIN);
        let ways = self.store.on_the_way(late, by_stage).await?;
        let depths = self.queues.depths().await;
        let waiting = {
            let seen = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
            seen.waiting(&ways, now, (&self.lanes, &self.names))
        };
        let of = |lane: &domain::LaneName, value| one([("lane", lane.to_string())], value);
        let oldest = waiting.iter().map(|(lane, one)| of(lane, one.oldest_s));
        self.metrics.families.set(&catalogue::OLDEST, oldest.collect());
        let overdue = waiting.iter().map(|(lane, one)| of(lane, one.overdue as f64));
        self.metrics.families.set(&catalogue::OVERDUE, overdue.collect());
        for (metric, samples) in of_open(&open, now) {
            self.metrics.families.set(&metric, samples);
        }
        let paused = pauses.iter().map(|pause| one([("scope", pause.scope.to_string())], 1.0));
        self.metrics.families.set(&catalogue::SWITCHES, paused.collect());
        let looked = || Sample::alone(now.as_second() as f64);
        // A broker that cannot be asked has queues all the same: what was told last stands, and its time with it.
        if let Some(depths) = depths {
            let depth =
                |queue: Queue| one([("queue", queue.queue)], (queue.ready + queue.unacknowledged) as f64);
            self.metrics.families.set(&catalogue::QUEUES, depths.into_iter().map(depth).collect());
            self.metrics.families.set(&catalogue::QUEUES_LOOKED, looked());
        }
        self.metrics.families.set(&catalogue::LOOKED, looked());
        Ok(())
    }
}

fn one<const N: usize>(labels: [(&'static str, String); N], value: f64) -> Sample {
    Sample { labels: labels.into(), value }
}

/// States that nothing is in are told too: a line that ends says less than one that falls to zero.
fn of_open(open: &Open, now: Timestamp) -> Vec<(Metric, Vec<Sample>)> {
    let mut states = BTreeMap::from([State::InFlight, State::Held, State::Dead].map(|state| (state, 0)));
    for class in &open.submissions {
        states.insert(class.class, class.count);
    }
    let effects = open.effects.iter().map(|Class { class: (kind, state), count, .. }| {
        one([("kind", kind.to_string()), ("state", state.clone())], *count as f64)
    });
    let letters = open.letters.iter().map(|Class { class: (stage, lane, code), count, .. }| {
        let code = code.map_or_else(|| NO_CODE.to_owned(), |code| code.to_string());
        one([("stage", stage.to_string()), ("lane", lane.to_string()), ("code", code)], *count as f64)
    });
    let holds = open.holds.iter().map(|Class { class: (stage, code), count, .. }| {
        one([("stage", stage.to_string()), ("code", code.to_string())], *count as f64)
    });
    vec![
        (
            catalogue::SUBMISSIONS,
            states.into_iter().map(|(state, n)| one([("state", state.to_string())], n as f64)).collect(),
        ),
        (catalogue::EFFECTS, effects.collect()),
        (catalogue::UNKNOWN, oldest(open.effects.iter().filter(|one| one.class.1 == "unknown"), now)),
        (catalogue::DEAD_LETTERS, letters.collect()),
        (catalogue::DEAD_OLDEST, oldest(open.letters.iter(), now)),
        (catalogue::HOLDS, holds.collect()),
        (catalogue::HOLDS_OLDEST, oldest(open.holds.iter(), now)),
    ]
}

/// The age of the oldest of some classes, seconds; 0 if there is none.
fn oldest<'a, C: 'a>(classes: impl Iterator<Item = &'a Class<C>>, now: Timestamp) -> Vec<Sample> {
    let oldest = classes.filter_map(|one| one.oldest).min();
    Sample::alone(oldest.map_or(0.0, |since| now.duration_since(since).as_secs_f64().max(0.0)))
}

#[cfg(test)]
mod tests {
    use domain::{Code, Stage, effect::Kind};
    use ledger::read::{Class, Open, State};
    use runtime::telemetry::Metrics;

    use super::of_open;

    #[test]
    fn counts_and_ages_of_what_is_open() {
        let at = |text: &str| text.parse().unwrap();
        let open = Open {
            submissions: vec![Class {
                class: State::InFlight,
                count: 3,
                oldest: Some(at("2026-11-22T09:58:00Z")),
            }],
            effects: vec![
                Class {
                    class: (Kind::Patient, "unknown".to_owned()),
                    count: 1,
                    oldest: Some(at("2026-11-22T09:59:30Z")),
                },
                Class { class: (Kind::Patient, "ready".to_owned()), count: 2, oldest: None },
            ],
            letters: vec![Class {
                class: (Stage::EhrWriter, "north".parse().unwrap(), Some(Code::EhrUnavailable)),
                count: 4,
                oldest: Some(at("2026-11-22T09:00:00Z")),
            }],
            holds: Vec::new(),
        };
        let metrics = Metrics::default();
        for (metric, samples) in of_open(&open, at("2026-11-22T10:00:00Z")) {
            metrics.families.set(&metric, samples);
        }
        let text = metrics.render();
        for line in [
            "frontdesk_submissions_open{state=\"in_flight\",service=\"detached\"} 3",
            "frontdesk_submissions_open{state=\"held\",service=\"detached\"} 0",
            "frontdesk_ehr_operations_open{kind=\"patient\",state=\"unknown\",service=\"detached\"} 1",
            "frontdesk_ehr_unknown_oldest_seconds{service=\"detached\"} 30",
            "frontdesk_dead_letters_open{code=\"ehr_unavailable\",lane=\"north\",stage=\"ehr-writer\",service=\"detached\"} 4",
            "frontdesk_dead_letters_oldest_seconds{service=\"detached\"} 3600",
            "frontdesk_holds_oldest_seconds{service=\"detached\"} 0",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} in {text}");
        }
    }
}
