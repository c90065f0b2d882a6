//! The difference between the topology and what the broker holds.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Arguments, BindingSpec, ExchangeSpec, QueueSpec, Topology};

/// An exchange as the broker tells it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct FoundExchange {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) arguments: Map<String, Value>,
}

/// A queue as the broker tells it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct FoundQueue {
    pub(super) name: String,
    pub(super) arguments: Map<String, Value>,
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

/// One thing to do, or to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Create an exchange.
    Exchange(ExchangeSpec),
    /// Create a queue.
    Queue(QueueSpec),
    /// Create a binding.
    Bind(BindingSpec),
    /// Remove a binding between an exchange and a queue of ours that the topology does not have (a clinic changed its lane).
    Unbind {
        /// Which.
        binding: BindingSpec,
        /// The broker's key for it.
        properties_key: String,
    },
    /// Something is there with other properties. It must be emptied and deleted by a person: this never deletes messages.
    Conflict {
        /// What is there.
        name: String,
        /// How it differs.
        difference: String,
    },
}

/// All steps, in the order in which they are safe to take: what is new is bound before what is old is unbound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

impl Plan {
    pub(super) fn against(topology: &Topology, found: &Found) -> Self {
        let mut steps = Vec::new();
        exchanges(topology, found, &mut steps);
        queues(topology, found, &mut steps);
        bindings(topology, found, &mut steps);
        Self { steps }
    }

    /// Whether the broker holds what it must.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps that a person must take first.
    pub fn conflicts(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| matches!(step, Step::Conflict { .. }))
    }
}

fn exchanges(topology: &Topology, found: &Found, steps: &mut Vec<Step>) {
    let there: BTreeMap<&str, &FoundExchange> =
        found.exchanges.iter().map(|x| (x.name.as_str(), x)).collect();
    for exchange in &topology.exchanges {
        match there.get(exchange.name.as_str()) {
            None => steps.push(Step::Exchange(exchange.clone())),
            Some(one) if one.kind != exchange.kind => steps.push(Step::Conflict {
                name: format!("exchange {}", exchange.name),
                difference: format!("is {}, must be {}", one.kind, exchange.kind),
            }),
            Some(one) => {
                differ(&format!("exchange {}", exchange.name), &exchange.arguments, &one.arguments, steps)
            }
        }
    }
}

fn queues(topology: &Topology, found: &Found, steps: &mut Vec<Step>) {
    let there: BTreeMap<&str, &FoundQueue> = found.queues.iter().map(|q| (q.name.as_str(), q)).collect();
    for queue in &topology.queues {
        match there.get(queue.name.as_str()) {
            None => steps.push(Step::Queue(queue.clone())),
            Some(one) => differ(&format!("queue {}", queue.name), &queue.arguments, &one.arguments, steps),
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

fn bindings(topology: &Topology, found: &Found, steps: &mut Vec<Step>) {
    let there: BTreeMap<BindingSpec, &str> = found
        .bindings
        .iter()
        .filter(|binding| binding.destination_type == "queue")
        .map(|binding| (binding.spec(), binding.properties_key.as_str()))
        .collect();
    let missing = topology.bindings.iter().filter(|binding| !there.contains_key(binding));
    steps.extend(missing.cloned().map(Step::Bind));
    let ours = |binding: &BindingSpec| {
        topology.exchanges.iter().any(|exchange| exchange.name == binding.exchange)
            && topology.queues.iter().any(|queue| queue.name == binding.queue)
            && !topology.bindings.contains(binding)
    };
    let stale = there.into_iter().filter(|(binding, _)| ours(binding));
    steps.extend(stale.map(|(binding, key)| Step::Unbind { binding, properties_key: key.to_owned() }));
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

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange(exchange) => write!(f, "+ {exchange}"),
            Self::Queue(queue) => write!(f, "+ {queue}"),
            Self::Bind(binding) => write!(f, "+ {binding}"),
            Self::Unbind { binding, .. } => write!(f, "- {binding}"),
            Self::Conflict { name, difference } => write!(f, "! {name}: {difference}"),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return writeln!(f, "nothing to do");
        }
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}
