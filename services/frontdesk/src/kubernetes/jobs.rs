//! What is done before the line runs: the schema, and the exchanges, queues and bindings.

use serde_json::{Value, json};

use super::{Environment, labels, pod::Pod};

/// The jobs.
pub(super) const NAMES: [&str; 2] = ["migrate", "topology"];

/// Brings the schema up to date, as the database's owner.
pub(super) fn migrate(env: &Environment) -> Value {
    job(env, "migrate", &["migrate"], &[("database-owner", "postgres_url")])
}

/// Makes the broker's exchanges, queues and bindings what the lanes say, in the order that loses nothing.
pub(super) fn topology(env: &Environment) -> Value {
    let files = [("broker-topology", "management_url"), ("broker-topology", "amqp_url")];
    job(env, "topology", &["topology", "apply"], &files)
}

fn job(env: &Environment, name: &str, args: &[&str], files: &[(&str, &str)]) -> Value {
    let mut command = vec!["/usr/local/bin/frontdesk"];
    command.extend(args);
    let pod = Pod {
        name,
        lane: None,
        command,
        env: Vec::new(),
        files: files.iter().map(|(secret, key)| ((*secret).to_owned(), (*key).to_owned())).collect(),
        trust: Vec::new(),
        folders: Vec::new(),
        cpu_m: 100,
        memory_mi: 128,
    };
    let mut template = pod.template(env);
    template["spec"]["restartPolicy"] = json!("OnFailure");
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": { "name": name, "labels": labels(name, None) },
        "spec": { "backoffLimit": 10, "activeDeadlineSeconds": 900, "template": template },
    })
}
