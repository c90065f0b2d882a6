//! One ServiceAccount for each service and job. None may ask the cluster anything.

use serde_json::{Value, json};

use super::{SERVICES, jobs, labels};

pub(super) fn of_the_line() -> Vec<Value> {
    SERVICES.iter().map(|service| account(service.name)).collect()
}

pub(super) fn of_the_jobs() -> Vec<Value> {
    jobs::NAMES.iter().map(|name| account(name)).collect()
}

fn account(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": { "name": name, "labels": labels(name, None) },
        "automountServiceAccountToken": false,
    })
}
