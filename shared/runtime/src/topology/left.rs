//! What is left over on the broker of lanes that the configuration has no more.

use std::{collections::BTreeSet, fmt};

use domain::{LaneName, Stage};
use serde::Serialize;

use super::{Topology, compare::Found};
use crate::stage::Wait;

/// A stage's queues in a lane that is no more, with what keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOver {
    /// The stage.
    pub stage: Stage,
    /// The lane.
    pub lane: LaneName,
    /// Messages in its queue, waiting or in hand.
    pub messages: u64,
    /// Consumers of its queue.
    pub consumers: u64,
    /// Dead letters that are not collected.
    pub dead_letters: u64,
    /// Collectors of its dead letters.
    pub collectors: u64,
    /// Messages of any lane that wait to be tried again: the queue that each goes back to is not seen from outside.
    pub may_come: u64,
}

impl LeftOver {
    /// Whether nothing is in it, nobody reads it, and nothing can come back to it.
    pub(super) const fn is_idle(&self) -> bool {
        self.messages + self.consumers + self.dead_letters + self.collectors + self.may_come == 0
    }

    /// Why it stays, and what is to be done.
    pub(super) fn why(&self) -> String {
        let Self { lane, messages, consumers, dead_letters, collectors, may_come, .. } = self;
        let some = |count: &u64, what: &str| format!("{count} {what}{}", if *count == 1 { "" } else { "s" });
        let mut why = Vec::new();
        let waiting = some(messages, "message");
        let dead = some(dead_letters, "dead letter");
        let back = format!("put [lanes.{lane}] back, without clinics, until that is done");
        if *messages > 0 && *consumers > 0 {
            why.push(format!("{waiting}, taken by {}: wait", some(consumers, "consumer")));
        } else if *messages > 0 {
            why.push(format!("{waiting}, and nobody takes them: {back}"));
        } else if *consumers > 0 {
            let consumers = some(consumers, "consumer");
            why.push(format!("empty, with {consumers}: restart the processes that read it"));
        }
        if *dead_letters > 0 && *collectors == 0 {
            why.push(format!("{dead}, and nobody collects them: {back}"));
        } else if *dead_letters > 0 {
            why.push(format!("{dead}, being collected: wait"));
        } else if *collectors > 0 {
            why.push("ops collects its dead letters: restart ops".to_owned());
        }
        if why.is_empty() && *may_come > 0 {
            why.push(format!(
                "empty, but of {} on the wait queues some may come back to it: wait until there are none",
                some(may_come, "message")
            ));
        }
        why.join("; ")
    }
}

impl fmt::Display for LeftOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, lane, .. } = self;
        write!(f, "queue {} with its dead letters: there is no [lanes.{lane}]", stage.queue(lane))
    }
}

/// The stage and lane of a queue's name, if it is named as ours are.
pub(super) fn place(queue: &str) -> Option<(Stage, LaneName)> {
    let (stage, lane) = queue.split_once('.')?;
    let stage = Stage::ALL.into_iter().find(|one| one.as_str() == stage)?;
    Some((stage, LaneName::parse(lane).ok()?))
}

/// All that is there of lanes that the topology does not have.
pub(super) fn over(topology: &Topology, found: &Found) -> Vec<LeftOver> {
    let ours = |name: &str| topology.queues.iter().any(|queue| queue.name == name);
    let named =
        found.queues.iter().map(|queue| &queue.name).chain(found.exchanges.iter().map(|one| &one.name));
    let stem = |name: &String| {
        let stem = name.strip_suffix(".dlq").or_else(|| name.strip_suffix(".dlx"));
        place(stem.unwrap_or(name))
    };
    let places: BTreeSet<(Stage, LaneName)> =
        named.filter_map(stem).filter(|(stage, lane)| !ours(&stage.queue(lane))).collect();
    let messages = |name: &str| found.queue(name).and_then(|queue| queue.messages).unwrap_or(0);
    let consumers = |name: &str| found.queue(name).and_then(|queue| queue.consumers).unwrap_or(0);
    let may_come = Wait::ALL.into_iter().map(|wait| messages(wait.name())).sum();
    let left = |(stage, lane): (Stage, LaneName)| {
        let (queue, dead) = (stage.queue(&lane), stage.dead_letter_queue(&lane));
        LeftOver {
            stage,
            messages: messages(&queue),
            consumers: consumers(&queue),
            dead_letters: messages(&dead),
            collectors: consumers(&dead),
            may_come,
            lane,
        }
    };
    places.into_iter().map(left).collect()
}
