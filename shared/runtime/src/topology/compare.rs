//! What the broker holds beside what it must hold.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Arguments, BindingSpec, ExchangeSpec, QueueSpec, Step, Topology, left};

/// An exchange as the broker tells it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct FoundExchange {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) arguments: Map<String, Value>,
}

/// A queue as the broker tells it. Its counts are a few seconds old, and are missing where the queue is younger than that.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct FoundQueue {
    pub(super) name: String,
    pub(super) arguments: Map<String, Value>,
    /// Waiting or in hand.
    #[serde(default)]
    pub(super) messages: Option<u64>,
    #[serde(default)]
    pub(super) consumers: Option<u64>,
}

/// A binding as the broker tells it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct FoundBinding {
    pub(super) source: String,
    pub(super) destination: String,
    pub(super) destination_type: String,
    pub(super) routing_key: String,
    pub(super) properties_key: String,
}

/// What the broker holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) exchanges: Vec<FoundExchange>,
    pub(super) queues: Vec<FoundQueue>,
    pub(super) bindings: Vec<FoundBinding>,
}

impl Found {
    pub(super) fn queue(&self, name: &str) -> Option<&FoundQueue> {
        self.queues.iter().find(|queue| queue.name == name)
    }
}

/// All steps from what is found to what must be.
pub(super) fn steps(topology: &Topology, found: &Found) -> Vec<Step> {
    let mut steps = Vec::new();
    exchanges(topology, found, &mut steps);
    queues(topology, found, &mut steps);
    bindings(topology, found, &mut steps);
    steps.extend(
        left::over(topology, found)
            .into_iter()
            .map(|left| if left.is_idle() { Step::Remove(left) } else { Step::Keep(left) }),
    );
    steps
}

fn exchanges(topology: &Topology, found: &Found, steps: &mut Vec<Step>) {
    let there: BTreeMap<&str, &FoundExchange> =
        found.exchanges.iter().map(|x| (x.name.as_str(), x)).collect();
    for exchange in &topology.exchanges {
        let ExchangeSpec { name, kind, arguments } = exchange;
        match there.get(name.as_str()) {
            None => steps.push(Step::Exchange(exchange.clone())),
            Some(one) if one.kind != *kind => steps.push(Step::Conflict {
                name: format!("exchange {name}"),
                difference: format!("is {}, must be {kind}", one.kind),
            }),
            Some(one) => differ(&format!("exchange {name}"), arguments, &one.arguments, steps),
        }
    }
}

fn queues(topology: &Topology, found: &Found, steps: &mut Vec<Step>) {
    for queue in &topology.queues {
        let QueueSpec { name, arguments } = queue;
        match found.queue(name) {
            None => steps.push(Step::Queue(queue.clone())),
            Some(one) => differ(&format!("queue {name}"), arguments, &one.arguments, steps),
        }
    }
}

fn differ(name: &str, wanted: &Arguments, there: &Map<String, Value>, steps: &mut Vec<Step>) {
    let changed = wanted
        .iter()
        .filter(|(key, value)| there.get(**key) != Some(value))
        .map(|(key, value)| format!("{key} is {}, must be {value}", there.get(*key).unwrap_or(&Value::Null)));
    let extra = there
        .iter()
        .filter(|(key, _)| !wanted.contains_key(key.as_str()))
        .map(|(key, value)| format!("{key} is {value}, must be absent"));
    let difference = changed.chain(extra).collect::<Vec<_>>().join("; ");
    if !difference.is_empty() {
        steps.push(Step::Conflict { name: name.to_owned(), difference });
    }
}

/// What is missing is bound, unless the same routing key leads to another queue of ours now: then it is moved.
fn bindings(topology: &Topology, found: &Found, steps: &mut Vec<Step>) {
    let there: BTreeMap<BindingSpec, &str> = found
        .bindings
        .iter()
        .filter(|binding| binding.destination_type == "queue")
        .map(|binding| (binding.spec(), binding.properties_key.as_str()))
        .collect();
    let exchanges: BTreeSet<&str> = topology.exchanges.iter().map(|one| one.name.as_str()).collect();
    let queues: BTreeSet<&str> = topology.queues.iter().map(|one| one.name.as_str()).collect();
    let ours = |queue: &str| queues.contains(queue) || left::place(queue).is_some();
    let is_stale = |binding: &BindingSpec| {
        exchanges.contains(binding.exchange.as_str())
            && ours(&binding.queue)
            && !topology.bindings.contains(binding)
    };
    let mut stale: Vec<(BindingSpec, &str)> =
        there.iter().filter(|(one, _)| is_stale(one)).map(|(one, key)| (one.clone(), *key)).collect();
    let mut moves = Vec::new();
    for binding in topology.bindings.iter().filter(|binding| !there.contains_key(binding)) {
        let same = |(old, _): &(BindingSpec, &str)| {
            (&old.exchange, &old.routing_key) == (&binding.exchange, &binding.routing_key)
        };
        let Some(at) = stale.iter().position(same) else {
            steps.push(Step::Bind(binding.clone()));
            continue;
        };
        let (old, key) = stale.swap_remove(at);
        moves.push(Step::Move {
            binding: binding.clone(),
            from: old.queue,
            properties_key: key.to_owned(),
            consumers: found.queue(&binding.queue).and_then(|queue| queue.consumers).unwrap_or(0),
        });
    }
    stale.sort();
    steps.extend(moves);
    let unbind =
        |(binding, key): (BindingSpec, &str)| Step::Unbind { binding, properties_key: key.to_owned() };
    steps.extend(stale.into_iter().map(unbind));
}

impl FoundBinding {
    fn spec(&self) -> BindingSpec {
        BindingSpec {
            exchange: self.source.clone(),
            queue: self.destination.clone(),
            routing_key: self.routing_key.clone(),
        }
    }
}
