//! The topology as data: one value with everything that the broker must hold, and a client that puts it there.

mod apply;
mod compare;
mod definitions;
mod lanes;
mod left;
mod management;
mod permissions;
mod plan;

use std::{collections::BTreeMap, fmt};

use domain::{Exchange, LaneName, Stage};
use serde::Serialize;
use serde_json::{Value, json};

pub use lanes::{ConsumedLane, Lanes};
pub use left::LeftOver;
pub use management::{Depth, Management, ManagementError};
pub use permissions::{Permission, permissions};
pub use plan::{Plan, Standing, Step};

use crate::stage::Wait;

/// Arguments of a queue or an exchange.
pub type Arguments = BTreeMap<&'static str, Value>;

/// Deliveries after which the broker itself dead-letters a message: only one that keeps killing its consumer gets there.
/// Reconnects, shutdowns and pauses count as deliveries too, so it is high. Set on every queue that is read,
/// because its default differs between RabbitMQ 3 (none) and 4 (20, and then the message is dropped if there is no exchange for it).
const DELIVERY_LIMIT: u32 = 100;
/// For queues that people look into again and again.
const NO_LIMIT: u32 = 1_000_000;

/// An exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExchangeSpec {
    /// Its name.
    pub name: String,
    /// `topic` or `fanout`.
    pub kind: &'static str,
    /// Its arguments.
    pub arguments: Arguments,
}

/// A quorum queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueSpec {
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub arguments: Arguments,
}

/// A binding of a queue to an exchange.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct BindingSpec {
    /// The exchange.
    pub exchange: String,
    /// The queue.
    pub queue: String,
    /// The routing key.
    pub routing_key: String,
}

/// Everything that the broker must hold. Everything is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Topology {
    /// Exchanges.
    pub exchanges: Vec<ExchangeSpec>,
    /// Queues.
    pub queues: Vec<QueueSpec>,
    /// Bindings.
    pub bindings: Vec<BindingSpec>,
}

impl Topology {
    /// Derives the topology from the lanes.
    pub fn derive(lanes: &Lanes) -> Self {
        let mut topology = Self { exchanges: Vec::new(), queues: Vec::new(), bindings: Vec::new() };
        for exchange in Exchange::ALL {
            topology.announce(exchange);
        }
        for stage in Stage::ALL {
            topology.bind("", &stage.queue(&Lanes::default_lane()), &unrouted(stage.reads()));
            for lane in lanes.names() {
                topology.lane(stage, lane);
                for clinic in lanes.clinics(lane) {
                    topology.bind(&Exchange::routing_key(clinic), &stage.queue(lane), stage.reads().as_str());
                }
            }
        }
        for wait in Wait::ALL {
            topology.wait(wait);
        }
        topology
    }

    /// An exchange of the line. What it cannot route goes, by its alternate exchange, to the lane `default` of the stage that reads it.
    /// Nothing reads `intake.notified` here: it is there for subscribers to come.
    fn announce(&mut self, exchange: Exchange) {
        let name = exchange.as_str().to_owned();
        if Stage::ALL.iter().any(|stage| stage.reads() == exchange) {
            let alternate = unrouted(exchange);
            let arguments = Arguments::from([("alternate-exchange", json!(alternate))]);
            self.exchanges.push(ExchangeSpec { name, kind: "topic", arguments });
            self.exchanges.push(ExchangeSpec {
                name: alternate,
                kind: "fanout",
                arguments: Arguments::new(),
            });
        } else {
            self.exchanges.push(ExchangeSpec { name, kind: "topic", arguments: Arguments::new() });
        }
    }

    /// A stage's queue in a lane, with its dead-letter exchange and queue.
    fn lane(&mut self, stage: Stage, lane: &LaneName) {
        let (dlx, dlq) = (stage.dead_letter_exchange(lane), stage.dead_letter_queue(lane));
        let mut arguments = dead_letters_to(&dlx);
        arguments.insert("x-delivery-limit", json!(DELIVERY_LIMIT));
        self.queues.push(QueueSpec { name: stage.queue(lane), arguments });
        self.exchanges.push(ExchangeSpec { name: dlx.clone(), kind: "fanout", arguments: Arguments::new() });
        let arguments = Arguments::from([
            ("x-queue-type", json!("quorum")),
            ("x-overflow", json!("reject-publish")),
            ("x-delivery-limit", json!(NO_LIMIT)),
        ]);
        self.queues.push(QueueSpec { name: dlq.clone(), arguments });
        self.bind("", &dlq, &dlx);
    }

    /// A wait queue behind a fanout exchange. Without a dead-letter routing key of its own the message keeps the one it was published
    /// with, the name of the queue where it belongs, and the default exchange takes it there.
    fn wait(&mut self, wait: Wait) {
        let name = wait.name().to_owned();
        let mut arguments = dead_letters_to("");
        let ttl = u64::try_from(wait.time().as_millis()).unwrap_or(u64::MAX);
        arguments.insert("x-message-ttl", json!(ttl));
        self.exchanges.push(ExchangeSpec { name: name.clone(), kind: "fanout", arguments: Arguments::new() });
        self.bind("", &name, &name);
        self.queues.push(QueueSpec { name, arguments });
    }

    fn bind(&mut self, routing_key: &str, queue: &str, exchange: &str) {
        self.bindings.push(BindingSpec {
            exchange: exchange.to_owned(),
            queue: queue.to_owned(),
            routing_key: routing_key.to_owned(),
        });
    }
}

fn unrouted(exchange: Exchange) -> String {
    format!("{}.unrouted", exchange.as_str())
}

/// At least once: the message leaves the queue only when the queues behind the exchange have it. That needs `reject-publish`.
fn dead_letters_to(exchange: &str) -> Arguments {
    Arguments::from([
        ("x-queue-type", json!("quorum")),
        ("x-dead-letter-exchange", json!(exchange)),
        ("x-dead-letter-strategy", json!("at-least-once")),
        ("x-overflow", json!("reject-publish")),
    ])
}

impl fmt::Display for ExchangeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exchange {} ({}){}", self.name, self.kind, Listed(&self.arguments))
    }
}

impl fmt::Display for QueueSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "queue {}{}", self.name, Listed(&self.arguments))
    }
}

impl fmt::Display for BindingSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "binding {} → {}", self.exchange, self.queue)?;
        if self.routing_key.is_empty() { Ok(()) } else { write!(f, " by {}", self.routing_key) }
    }
}

struct Listed<'a>(&'a Arguments);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

#[cfg(test)]
mod tests;
