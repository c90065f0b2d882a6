//! The difference between the topology and what the broker holds.

use std::fmt;

use serde::Serialize;

use super::{BindingSpec, ExchangeSpec, LeftOver, QueueSpec, Topology, compare, compare::Found};

/// One thing to do, or to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Create an exchange.
    Exchange(ExchangeSpec),
    /// Create a queue.
    Queue(QueueSpec),
    /// Create a binding.
    Bind(BindingSpec),
    /// Lead what is routed so to another queue: a clinic changes its lane.
    Move {
        /// The binding as it is to be.
        #[serde(flatten)]
        binding: BindingSpec,
        /// The queue that it leads to now.
        from: String,
        /// The broker's key for the binding as it is now.
        #[serde(skip)]
        properties_key: String,
        /// How many consumers the queue has that it is to lead to, as the broker last counted, some seconds ago.
        consumers: u64,
    },
    /// Remove a binding between an exchange and a queue of ours that the topology does not have.
    Unbind {
        /// Which.
        #[serde(flatten)]
        binding: BindingSpec,
        /// The broker's key for it.
        #[serde(skip)]
        properties_key: String,
    },
    /// Remove the queues of a stage in a lane that is no more: nothing is in them, nobody reads them, and nothing can come.
    Remove(LeftOver),
    /// The same, but not yet: something is in them, or may come, or somebody reads them.
    Keep(LeftOver),
    /// Something is there with other properties. It must be emptied and deleted by a person: this never deletes messages.
    Conflict {
        /// What is there.
        name: String,
        /// How it differs.
        difference: String,
    },
}

/// All steps, in the order in which they are taken: what is new is made first, then clinics are moved, then what is left over is removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

/// What a plan amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The broker holds what it must, and no more of ours.
    Same,
    /// There is something to do.
    Differs,
    /// There is nothing to do now: what is left over is not empty.
    Waits,
    /// Something is in the way, and a person must see to it first.
    InTheWay,
}

impl Plan {
    pub(super) fn against(topology: &Topology, found: &Found) -> Self {
        Self { steps: compare::steps(topology, found) }
    }

    /// Whether the broker holds what it must, and no more of ours.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What it amounts to.
    pub fn standing(&self) -> Standing {
        if self.conflicts().next().is_some() {
            Standing::InTheWay
        } else if self.steps.is_empty() {
            Standing::Same
        } else if self.steps.iter().all(|step| matches!(step, Step::Keep(_))) {
            Standing::Waits
        } else {
            Standing::Differs
        }
    }

    /// Whether something is missing, or is otherwise than it must be. What is left over of lanes that are no more does not count.
    pub fn lacks(&self) -> bool {
        self.steps.iter().any(|step| !matches!(step, Step::Keep(_) | Step::Remove(_)))
    }

    /// The steps that a person must take first.
    pub fn conflicts(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| matches!(step, Step::Conflict { .. }))
    }

    /// What is left over and stays for now.
    pub fn kept(&self) -> impl Iterator<Item = &LeftOver> {
        self.steps.iter().filter_map(|step| if let Step::Keep(left) = step { Some(left) } else { None })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange(exchange) => write!(f, "+ {exchange}"),
            Self::Queue(queue) => write!(f, "+ {queue}"),
            Self::Bind(binding) => write!(f, "+ {binding}"),
            Self::Move { binding, from, consumers, .. } => {
                let BindingSpec { exchange, queue, routing_key } = binding;
                write!(f, "> {exchange}: {routing_key} from {from} to {queue}")?;
                if *consumers == 0 { write!(f, ", where no consumer is seen yet") } else { Ok(()) }
            }
            Self::Unbind { binding, .. } => write!(f, "- {binding}"),
            Self::Remove(left) => write!(f, "- {left}"),
            Self::Keep(left) => write!(f, "? {left}: {}", left.why()),
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
