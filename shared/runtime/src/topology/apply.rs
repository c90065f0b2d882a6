//! Making the broker hold what it must, while the line runs.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Method;
use serde_json::json;

use super::{BindingSpec, LeftOver, Management, ManagementError, Plan, Step, Topology};

/// Requests at once: a quorum queue takes the broker some time to make.
const AT_ONCE: usize = 4;
/// The broker counts messages and consumers every five seconds: only what was counted after the last binding was removed is believed.
const COUNTED_ANEW: Duration = Duration::from_secs(7);

impl Management {
    /// Does what is to be done, and returns what was done and what waits. Safe to repeat, while messages flow. If anything is in the way
    /// nothing is done.
    ///
    /// # Errors
    /// [`ManagementError::Conflict`] lists what is in the way.
    pub async fn apply(&self, topology: &Topology) -> Result<Plan, ManagementError> {
        let mut plan = self.plan(topology).await?;
        let conflicts: Vec<String> = plan.conflicts().map(ToString::to_string).collect();
        if !conflicts.is_empty() {
            return Err(ManagementError::Conflict(conflicts.join("\n")));
        }
        // In phases: what a binding is between must be there, and a clinic moves to what is complete.
        for phase in 0..=2 {
            let steps = plan.steps.iter().filter(|step| order(step) == Some(phase));
            stream::iter(steps.map(|step| self.take(step)))
                .buffer_unordered(AT_ONCE)
                .try_collect::<()>()
                .await?;
        }
        if plan.steps.iter().any(|step| matches!(step, Step::Remove(_))) {
            tokio::time::sleep(COUNTED_ANEW).await;
            let now = self.plan(topology).await?;
            plan.steps.retain(|step| order(step).is_some());
            let left = now.steps.into_iter().filter(|step| matches!(step, Step::Remove(_) | Step::Keep(_)));
            for step in left {
                if let Step::Remove(left) = &step {
                    self.remove(left).await?;
                }
                plan.steps.push(step);
            }
        }
        Ok(plan)
    }

    async fn take(&self, step: &Step) -> Result<(), ManagementError> {
        match step {
            Step::Exchange(exchange) => {
                let body = json!({ "type": exchange.kind, "durable": true, "arguments": exchange.arguments });
                self.send(Method::PUT, &["exchanges", self.vhost(), &exchange.name], Some(body)).await
            }
            Step::Queue(queue) => {
                let body = json!({ "durable": true, "arguments": queue.arguments });
                self.send(Method::PUT, &["queues", self.vhost(), &queue.name], Some(body)).await
            }
            Step::Bind(binding) => self.bind(binding).await,
            // Unbound first: in between the messages go by the alternate exchange to the lane `default`, each to one queue. Bound first,
            // each would go to two.
            Step::Move { binding, from, properties_key, .. } => {
                let old = BindingSpec { queue: from.clone(), ..binding.clone() };
                self.unbind(&old, properties_key).await?;
                self.bind(binding).await
            }
            Step::Unbind { binding, properties_key } => self.unbind(binding, properties_key).await,
            Step::Remove(_) | Step::Keep(_) | Step::Conflict { .. } => Ok(()),
        }
    }

    async fn bind(
        &self,
        BindingSpec { exchange, queue, routing_key }: &BindingSpec,
    ) -> Result<(), ManagementError> {
        let body = json!({ "routing_key": routing_key, "arguments": {} });
        self.send(Method::POST, &["bindings", self.vhost(), "e", exchange, "q", queue], Some(body)).await
    }

    async fn unbind(&self, binding: &BindingSpec, properties_key: &str) -> Result<(), ManagementError> {
        let path = ["bindings", self.vhost(), "e", &binding.exchange, "q", &binding.queue, properties_key];
        self.delete(&path).await
    }

    /// The queue first: while it is there its dead letters have somewhere to go.
    async fn remove(&self, LeftOver { stage, lane, .. }: &LeftOver) -> Result<(), ManagementError> {
        self.delete(&["queues", self.vhost(), &stage.queue(lane)]).await?;
        self.delete(&["exchanges", self.vhost(), &stage.dead_letter_exchange(lane)]).await?;
        self.delete(&["queues", self.vhost(), &stage.dead_letter_queue(lane)]).await
    }
}

/// What is not left over, by phase.
const fn order(step: &Step) -> Option<u8> {
    match step {
        Step::Exchange(_) | Step::Queue(_) => Some(0),
        Step::Bind(_) => Some(1),
        Step::Move { .. } | Step::Unbind { .. } => Some(2),
        Step::Remove(_) | Step::Keep(_) | Step::Conflict { .. } => None,
    }
}
