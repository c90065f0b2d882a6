//! Who may talk to whom. `k8s/base` denies everything; each of these allows one service what it needs.

use serde_json::{Value, json};

use super::{Environment, GATEWAY_PORT, HEALTH_PORT, Need, SERVICES, labels};

/// The label of namespaces that Kubernetes itself sets.
const NAME: &str = "kubernetes.io/metadata.name";
/// Where Prometheus runs, and the collector of traces.
const MONITORING: &str = "monitoring";
const AMQPS: u16 = 5671;
const MANAGEMENT: u16 = 15671;
const POSTGRES: u16 = 5432;
const OTLP: u16 = 4318;

pub(super) fn of_the_line(env: &Environment) -> Vec<Value> {
    let policy_of = |service: &super::Service| {
        let mut egress = vec![dns(), to_broker(AMQPS)];
        if service.has(Need::Management) {
            egress.push(to_broker(MANAGEMENT));
        }
        if service.has(Need::Database) {
            egress.push(to_database());
        }
        let outside = service.outside();
        if !outside.is_empty() {
            let ports: Vec<Value> = outside.iter().map(|port| tcp(*port)).collect();
            egress.push(json!({ "to": [{ "ipBlock": { "cidr": "0.0.0.0/0" } }], "ports": ports }));
        }
        if env.traced() {
            egress.push(json!({ "to": [namespace(MONITORING)], "ports": [tcp(OTLP)] }));
        }
        let mut ingress = vec![json!({ "from": [namespace(MONITORING)], "ports": [tcp(HEALTH_PORT)] })];
        match (service.name, service.port) {
            ("gateway", _) => {
                ingress.push(json!({ "from": [namespace("ingress-nginx")], "ports": [tcp(GATEWAY_PORT)] }));
            }
            (_, Some(port)) => {
                let clients = json!({ "podSelector": { "matchLabels": { "frontdesk/asks": service.name } } });
                ingress.push(json!({ "from": [clients], "ports": [tcp(port)] }));
            }
            _ => {}
        }
        policy(service.name, &ingress, &egress)
    };
    SERVICES.iter().map(policy_of).collect()
}

pub(super) fn of_the_jobs() -> Vec<Value> {
    vec![
        policy("migrate", &[], &[dns(), to_database()]),
        policy("topology", &[], &[dns(), to_broker(MANAGEMENT)]),
    ]
}

fn policy(name: &str, ingress: &[Value], egress: &[Value]) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": { "name": name, "labels": labels(name, None) },
        "spec": {
            "podSelector": { "matchLabels": labels(name, None) },
            "policyTypes": ["Ingress", "Egress"], "ingress": ingress, "egress": egress,
        },
    })
}

fn tcp(port: u16) -> Value {
    json!({ "protocol": "TCP", "port": port })
}

fn namespace(name: &str) -> Value {
    json!({ "namespaceSelector": { "matchLabels": { NAME: name } } })
}

fn dns() -> Value {
    let mut resolver = namespace("kube-system");
    resolver["podSelector"] = json!({ "matchLabels": { "k8s-app": "kube-dns" } });
    json!({ "to": [resolver], "ports": [{ "protocol": "UDP", "port": 53 }, tcp(53)] })
}

fn to_broker(port: u16) -> Value {
    json!({ "to": [{ "podSelector": { "matchLabels": { "app.kubernetes.io/name": "broker" } } }], "ports": [tcp(port)] })
}

fn to_database() -> Value {
    json!({ "to": [{ "podSelector": { "matchLabels": { "cnpg.io/cluster": "database" } } }], "ports": [tcp(POSTGRES)] })
}
