//! The topology as a definitions file, which RabbitMQ can import at its start.

use serde_json::{Value, json};

use super::Topology;

impl Topology {
    /// A definitions file for one vhost. It has no users: those, and so the permissions, are the operator's.
    pub fn definitions(&self, vhost: &str) -> Value {
        let exchanges = self.exchanges.iter().map(|exchange| {
            json!({
                "name": exchange.name, "vhost": vhost, "type": exchange.kind, "durable": true,
                "auto_delete": false, "internal": false, "arguments": exchange.arguments,
            })
        });
        let queues = self.queues.iter().map(|queue| {
            json!({
                "name": queue.name, "vhost": vhost, "durable": true, "auto_delete": false, "arguments": queue.arguments,
            })
        });
        let bindings = self.bindings.iter().map(|binding| {
            json!({
                "source": binding.exchange, "vhost": vhost, "destination": binding.queue,
                "destination_type": "queue", "routing_key": binding.routing_key, "arguments": {},
            })
        });
        json!({
            "vhosts": [{ "name": vhost }],
            "exchanges": exchanges.collect::<Vec<_>>(),
            "queues": queues.collect::<Vec<_>>(),
            "bindings": bindings.collect::<Vec<_>>(),
        })
    }
}
