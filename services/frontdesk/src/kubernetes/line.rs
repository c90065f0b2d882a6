//! The line: a Deployment, a scaler and a disruption budget for each stage and lane; the gateway and ops.

use std::collections::BTreeMap;

use domain::{LaneName, Stage};
use serde_json::{Value, json};

use super::{
    Environment, HEALTH_PORT, SERVICES, Service, VHOST, certificates, labels,
    pod::{Pod, serve},
    sizes::Stages,
};

/// Where the disk of a pod is that has one.
const KEPT: &str = "/var/lib/frontdesk";
/// How the scalers ask the broker.
const AUTHENTICATION: &str = "broker-scaler";

pub(super) fn documents(env: &Environment) -> BTreeMap<String, Vec<Value>> {
    let mut all = BTreeMap::new();
    for service in &SERVICES {
        if let Some(stage) = Stage::ALL.into_iter().find(|stage| stage.as_str() == service.name) {
            for lane in env.lanes.names() {
                all.insert(format!("line/{}-{lane}", service.name), in_lane(env, service, stage, lane));
            }
        } else {
            all.insert(format!("line/{}", service.name), called(env, service));
        }
    }
    all
}

/// A stage in a lane: it has as many pods as its queue asks for.
fn in_lane(env: &Environment, service: &Service, stage: Stage, lane: &LaneName) -> Vec<Value> {
    let (name, size) = (format!("{}-{lane}", service.name), env.sizes.of(stage, lane));
    let lane_name = lane.to_string();
    let variables = vec![("FRONTDESK__STAGE__LANES", lane_name.clone())];
    let deployment =
        deployment(env, service, (&name, Some(&lane_name)), variables, (size.cpu_m, size.memory_mi));
    vec![
        deployment,
        scaler((&name, labels(service.name, Some(&lane_name))), &stage.queue(lane), size),
        budget(&name, service.name, Some(&lane_name)),
    ]
}

/// A service that others call, by TLS.
fn called(env: &Environment, service: &Service) -> Vec<Value> {
    let mut pods = deployment(env, service, (service.name, None), Vec::new(), (200, 192));
    // Ops works through lists of its own: a second one would only compete with it.
    let replicas = if service.name == "gateway" { env.sizes.gateway.replicas } else { 1 };
    pods["spec"]["replicas"] = json!(replicas);
    if service.keeps {
        with_disks(&mut pods, service.name);
    }
    let mut all = vec![pods, budget(service.name, service.name, None), certificates::of(service.name)];
    if let Some(port) = service.port {
        all.push(json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": service.name, "labels": labels(service.name, None) },
            "spec": {
                "selector": labels(service.name, None),
                "ports": [{ "name": "https", "port": port, "targetPort": "https" }],
            },
        }));
    }
    all
}

fn deployment(
    env: &Environment,
    service: &Service,
    (name, lane): (&str, Option<&str>),
    mut variables: Vec<(&str, String)>,
    (cpu_m, memory_mi): (u32, u32),
) -> Value {
    variables.push(("FRONTDESK__HEALTH__LISTEN", format!("0.0.0.0:{HEALTH_PORT}")));
    let program = format!("/usr/local/bin/{}", service.name);
    let mut folders = vec![("sealing-keys", "sealing")];
    if service.name == "gateway" {
        folders.push(("sources", "sources"));
    }
    let own = certificates::secret(service.name);
    if service.port.is_some() {
        folders.push((&own, "tls"));
    }
    let collector = env.trusts_collector().then_some((certificates::COLLECTOR, "collector.crt"));
    let pod = Pod {
        name: service.name,
        lane,
        command: vec![&program],
        env: variables,
        files: service.all_files(),
        trust: collector.into_iter().collect(),
        folders,
        cpu_m,
        memory_mi,
    };
    let mut template = pod.template(env);
    serve(&mut template, service.name, lane, service.port);
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": name, "labels": labels(service.name, lane) },
        "spec": {
            "revisionHistoryLimit": 3,
            // The new is ready before the old goes; both may run side by side.
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } },
            "selector": { "matchLabels": labels(service.name, lane) },
            "template": template,
        },
    })
}

/// Turns a Deployment into a StatefulSet, of which each pod has a disk of its own that outlives it.
fn with_disks(pods: &mut Value, name: &str) {
    const DISK: &str = "kept";
    pods["kind"] = json!("StatefulSet");
    let container = &mut pods["spec"]["template"]["spec"]["containers"][0];
    if let Some(mounts) = container["volumeMounts"].as_array_mut() {
        mounts.push(json!({ "name": DISK, "mountPath": KEPT }));
    }
    if let Some(spec) = pods["spec"].as_object_mut() {
        spec.remove("strategy");
        spec.insert("serviceName".to_owned(), json!(name));
        // None waits for another: each keeps what is its own.
        spec.insert("podManagementPolicy".to_owned(), json!("Parallel"));
        let claim = json!({
            "metadata": { "name": DISK },
            "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
        });
        spec.insert("volumeClaimTemplates".to_owned(), json!([claim]));
    }
}

fn budget(name: &str, service: &str, lane: Option<&str>) -> Value {
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": { "name": name, "labels": labels(service, lane) },
        "spec": {
            "maxUnavailable": 1,
            // A pod that is not ready does no work that an eviction could disturb.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": { "matchLabels": labels(service, lane) },
        },
    })
}

/// By what waits and by what arrives, whichever asks for more.
fn scaler((name, labels): (&str, Value), queue: &str, size: Stages) -> Value {
    let trigger = |mode: &str, value: u32| {
        json!({
            "type": "rabbitmq", "metricType": "AverageValue",
            "authenticationRef": { "name": AUTHENTICATION },
            "metadata": {
                "protocol": "http", "vhostName": VHOST, "queueName": queue,
                "mode": mode, "value": value.to_string(), "activationValue": "0",
            },
        })
    };
    json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
        "metadata": { "name": name, "labels": labels },
        "spec": {
            "scaleTargetRef": { "name": name },
            "pollingInterval": 15, "cooldownPeriod": 300,
            "minReplicaCount": size.min, "maxReplicaCount": size.max,
            "fallback": { "failureThreshold": 4, "replicas": size.blind, "behavior": "currentReplicasIfHigher" },
            "advanced": { "horizontalPodAutoscalerConfig": { "behavior": {
                "scaleUp": { "stabilizationWindowSeconds": 0, "policies": [{ "type": "Percent", "value": 100, "periodSeconds": 30 }] },
                // Slowly down: who drains takes no work.
                "scaleDown": { "stabilizationWindowSeconds": 300, "policies": [{ "type": "Percent", "value": 50, "periodSeconds": 60 }] },
            } } },
            "triggers": [trigger("QueueLength", size.backlog), trigger("MessageRate", size.rate)],
        },
    })
}

/// The scalers' user of the broker, who sees depths and rates and no message.
pub(super) fn authentication() -> Value {
    let from = |parameter: &str, secret: &str, key: &str| json!({ "parameter": parameter, "name": secret, "key": key });
    json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "TriggerAuthentication",
        "metadata": { "name": AUTHENTICATION },
        "spec": { "secretTargetRef": [
            from("host", AUTHENTICATION, "management_url"),
            from("tls", AUTHENTICATION, "tls"),
            from("ca", "broker-tls", "ca.crt"),
        ] },
    })
}
