//! The broker's virtual host, users and permissions, as objects of the Messaging Topology Operator.

use runtime::topology::{Permission, permissions};
use serde_json::{Value, json};

use super::VHOST;

/// Users beside the services', with their tags and permissions.
const PEOPLE: [(&str, &[&str], [&str; 3]); 3] = [
    // The job that makes exchanges, queues and bindings.
    ("topology", &["policymaker"], [".*", ".*", ".*"]),
    // Ops shows how deep the queues are; the scalers ask the same. Neither sees a message.
    ("monitor", &["monitoring"], ["^$", "^$", "^$"]),
    ("scaler", &["monitoring"], ["^$", "^$", "^$"]),
];

/// A user of the broker.
#[derive(Debug, Clone)]
pub struct BrokerUser {
    /// Its name.
    pub name: String,
    /// Its tags; with one, it may ask the management API.
    pub tags: &'static [&'static str],
    /// What it may configure, write and read, as RabbitMQ's regular expressions.
    pub may: [String; 3],
}

/// All users: the services', with what the topology lets them do, and those of the machinery around them.
pub fn broker_users() -> Vec<BrokerUser> {
    let services = permissions().into_iter().map(|permission| {
        let Permission { service, configure, write, read } = permission;
        BrokerUser { name: service, tags: &[], may: [configure, write, read] }
    });
    let people = PEOPLE.into_iter().map(|(name, tags, may)| BrokerUser {
        name: name.to_owned(),
        tags,
        may: may.map(str::to_owned),
    });
    services.chain(people).collect()
}

pub(super) fn users() -> Vec<Value> {
    let cluster = json!({ "name": "broker" });
    let vhost = json!({
        "apiVersion": "rabbitmq.com/v1beta1", "kind": "Vhost",
        "metadata": { "name": VHOST },
        "spec": { "name": VHOST, "defaultQueueType": "quorum", "deletionPolicy": "retain", "rabbitmqClusterReference": cluster },
    });
    let user = |name: &str, tags: &[&str]| {
        let mut spec = json!({
            "importCredentialsSecret": { "name": format!("broker-{name}") }, "rabbitmqClusterReference": cluster,
        });
        if !tags.is_empty() {
            spec["tags"] = json!(tags);
        }
        json!({ "apiVersion": "rabbitmq.com/v1beta1", "kind": "User", "metadata": { "name": name }, "spec": spec })
    };
    let permission = |name: &str, [configure, write, read]: &[String; 3]| {
        json!({
            "apiVersion": "rabbitmq.com/v1beta1", "kind": "Permission",
            "metadata": { "name": name },
            "spec": {
                "vhost": VHOST, "userReference": { "name": name }, "rabbitmqClusterReference": cluster,
                "permissions": { "configure": configure, "write": write, "read": read },
            },
        })
    };
    let mut all = vec![vhost];
    for BrokerUser { name, tags, may } in broker_users() {
        all.push(user(&name, tags));
        all.push(permission(&name, &may));
    }
    all
}
