//! What stands around the pods: scalers, budgets, services, policies, users, roles.

use std::collections::{BTreeMap, BTreeSet};

use domain::Stage;
use frontdesk::kubernetes::SERVICES;
use runtime::topology::{Lanes, Topology, permissions};
use serde_json::Value;

use super::{
    super::{list, set, settings, text, texts},
    World,
};

pub(super) fn problems(world: &World) -> Vec<String> {
    let mut all = lanes(world);
    all.extend(selected(world));
    all.extend(network(world));
    all.extend(broker(world));
    all.extend(database(world));
    all.extend(referred(world));
    all.extend(doors(world));
    all.extend(watched(world));
    all
}

/// Prometheus asks every service, at a port that its pods name.
fn watched(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for monitor in world.of_kind("PodMonitor") {
        let (selector, port) = (
            labels(&monitor["spec"]["selector"]["matchLabels"]),
            text(monitor, "/spec/podMetricsEndpoints/0/port"),
        );
        for one in world.served() {
            let template = &one["spec"]["template"];
            let own = labels(&template["metadata"]["labels"]);
            let selected = selector.iter().all(|(key, value)| own.get(key) == Some(value));
            let ports = list(&template["spec"]["containers"][0]["ports"]);
            if !selected || !ports.iter().any(|one| text(one, "/name") == port) {
                all.push(format!("Prometheus does not ask {} at {port}", text(one, "/metadata/name")));
            }
        }
    }
    if world.names("PodMonitor").is_empty() {
        all.push("Prometheus asks nobody".to_owned());
    }
    all
}

/// What comes from outside comes to the gateway, at the address that it tells its senders, by TLS.
fn doors(world: &World) -> Vec<String> {
    let table = world.config.parse::<toml::Table>().unwrap();
    let url = table["gateway"].get("public_url").and_then(toml::Value::as_str).unwrap_or_default();
    let mut all = Vec::new();
    for ingress in world.of_kind("Ingress") {
        let host = text(ingress, "/spec/rules/0/host");
        let secret = text(ingress, "/spec/tls/0/secretName");
        let certificate = world.of_kind("Certificate").find(|one| text(one, "/spec/secretName") == secret);
        if !certificate.is_some_and(|one| texts(&one["spec"]["dnsNames"]).contains(&host)) {
            all.push(format!("no certificate is for {host}"));
        }
        if !texts(&ingress["spec"]["tls"][0]["hosts"]).contains(&host) || url != format!("https://{host}") {
            all.push(format!("{host} is not {url}"));
        }
        all.extend(behind(world, ingress));
        let path = &ingress["spec"]["rules"][0]["http"]["paths"][0];
        let service = world
            .of_kind("Service")
            .find(|one| one["metadata"]["name"] == path["backend"]["service"]["name"]);
        if !service
            .is_some_and(|one| one["spec"]["ports"][0]["name"] == path["backend"]["service"]["port"]["name"])
        {
            all.push(format!("{host} leads to no service"));
        }
        if !gateway::Route::ALL[0].path().starts_with(text(path, "/path")) {
            all.push(format!("the gateway has nothing below {}", path["path"]));
        }
    }
    all
}

/// What is behind the door is spoken to by TLS, and its certificate is checked: against an authority that is there, and for a name that it has.
fn behind(world: &World, ingress: &Value) -> Vec<String> {
    let said = |key: &str| {
        let annotation = format!("nginx.ingress.kubernetes.io/{key}");
        ingress["metadata"]["annotations"].get(&annotation).and_then(Value::as_str).unwrap_or_default()
    };
    let mut all = Vec::new();
    if said("backend-protocol") != "HTTPS" || said("proxy-ssl-verify") != "on" {
        all.push("what is behind the door is not spoken to by TLS, or not checked".to_owned());
    }
    let secret = said("proxy-ssl-secret").strip_prefix("frontdesk/").unwrap_or_default();
    all.extend(world.lacks(secret, Some("ca.crt")));
    let certificate = world.of_kind("Certificate").find(|one| text(one, "/spec/secretName") == secret);
    if !certificate.is_some_and(|one| texts(&one["spec"]["dnsNames"]).contains(&said("proxy-ssl-name"))) {
        all.push(format!("the gateway has no certificate for {}", said("proxy-ssl-name")));
    }
    all
}

/// One Deployment, scaler and budget for each stage and lane; each scaler by a queue that is there.
fn lanes(world: &World) -> Vec<String> {
    let lanes = Lanes::read(&settings::of(&world.config)).unwrap();
    let queues: BTreeSet<String> =
        Topology::derive(&lanes).queues.into_iter().map(|queue| queue.name).collect();
    let mut all = Vec::new();
    let mut wanted = BTreeSet::new();
    for stage in Stage::ALL {
        for lane in lanes.names() {
            let name = format!("{stage}-{lane}");
            let scaler = world.of_kind("ScaledObject").find(|one| text(one, "/metadata/name") == name);
            for trigger in scaler.map_or(&[][..], |one| list(&one["spec"]["triggers"])) {
                let queue = text(trigger, "/metadata/queueName");
                if queue != stage.queue(lane) || !queues.contains(queue) {
                    all.push(format!("{name} is scaled by {queue}"));
                }
                if text(trigger, "/metadata/vhostName") != "frontdesk" {
                    all.push(format!("{name} is scaled by another virtual host"));
                }
            }
            if scaler.is_some_and(|one| text(one, "/spec/scaleTargetRef/name") != name) {
                all.push(format!("the scaler {name} scales another"));
            }
            wanted.insert(name);
        }
    }
    if world.names("ScaledObject") != wanted {
        all.push(format!("the scalers are {:?}", world.names("ScaledObject")));
    }
    wanted.insert("ops".to_owned());
    let kept = set(["gateway".to_owned()]);
    let budgets: BTreeSet<String> = wanted.union(&kept).cloned().collect();
    for (kind, wanted) in [("Deployment", &wanted), ("StatefulSet", &kept), ("PodDisruptionBudget", &budgets)]
    {
        if world.names(kind) != *wanted {
            all.push(format!("each of {kind} is {:?}", world.names(kind)));
        }
    }
    // With an autoscaler the number of pods is not ours to set.
    let fixed = world.served().filter(|one| one["spec"].get("replicas").is_some());
    if set(fixed.map(|one| text(one, "/metadata/name"))) != set(["gateway", "ops"]) {
        all.push("replicas are set where an autoscaler sets them".to_owned());
    }
    all
}

fn labels(value: &Value) -> BTreeMap<&str, &str> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect()
}

/// Every selector selects the pods of exactly one, and that of a Deployment or StatefulSet its own.
fn selected(world: &World) -> Vec<String> {
    let pods: Vec<(&str, BTreeMap<&str, &str>)> = world
        .served()
        .map(|one| (text(one, "/metadata/name"), labels(&one["spec"]["template"]["metadata"]["labels"])))
        .collect();
    let selectors = world
        .served()
        .chain(world.of_kind("PodDisruptionBudget"))
        .map(|one| (one, labels(&one["spec"]["selector"]["matchLabels"])))
        .chain(world.of_kind("Service").map(|one| (one, labels(&one["spec"]["selector"]))));
    let mut all = Vec::new();
    for (one, selector) in selectors {
        let name = text(one, "/metadata/name");
        let chosen: Vec<&str> = pods
            .iter()
            .filter(|(_, labels)| selector.iter().all(|(key, value)| labels.get(key) == Some(value)))
            .map(|(name, _)| *name)
            .collect();
        if chosen != [name] {
            all.push(format!("{} {name} selects {chosen:?}", text(one, "/kind")));
        }
        if one["kind"] == "Service" && one["spec"]["ports"][0]["targetPort"] != "https" {
            all.push(format!("Service {name} leads to no port"));
        }
    }
    all
}

/// All is denied; each service and job has a policy of its own, with the ports that there are.
fn network(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    let denies = |one: &Value| {
        one["spec"]["podSelector"].as_object().is_some_and(serde_json::Map::is_empty)
            && set(texts(&one["spec"]["policyTypes"])) == set(["Ingress", "Egress"])
            && one["spec"].get("ingress").is_none()
            && one["spec"].get("egress").is_none()
    };
    if !world.of_kind("NetworkPolicy").any(denies) {
        all.push("nothing denies what is not allowed".to_owned());
    }
    let table = world.config.parse::<toml::Table>().unwrap();
    let port = |section: &str| {
        table[section]["listen"].as_str().and_then(|listen| listen.rsplit(':').next()?.parse::<u64>().ok())
    };
    let open = |policy: &Value, direction: &str| -> BTreeSet<u64> {
        let rules = list(&policy["spec"][direction]).iter().flat_map(|rule| list(&rule["ports"]));
        rules.filter_map(|port| port["port"].as_u64()).collect()
    };
    let services = SERVICES.iter().map(|service| service.name);
    for name in services.chain(["migrate", "topology"]) {
        let Some(policy) = world.of_kind("NetworkPolicy").find(|one| text(one, "/metadata/name") == name)
        else {
            all.push(format!("{name} has no NetworkPolicy: it reaches nothing"));
            continue;
        };
        if text(policy, "/spec/podSelector/matchLabels/app.kubernetes.io~1name") != name {
            all.push(format!("the NetworkPolicy {name} is about another"));
        }
        let is_job = matches!(name, "migrate" | "topology");
        let mut heard = BTreeSet::new();
        if !is_job {
            heard.insert(9464);
            heard.extend(matches!(name, "gateway" | "ops").then(|| port(name)).flatten());
        }
        if open(policy, "ingress") != heard {
            all.push(format!("{name} is reached at {:?}, and listens at {heard:?}", open(policy, "ingress")));
        }
        let reached = open(policy, "egress");
        let mail = table["smtp"]["port"].as_integer().and_then(|port| u64::try_from(port).ok());
        let wanted: BTreeSet<u64> = match name {
            "migrate" => set([53, 5432]),
            "topology" => set([53, 15671]),
            "gateway" | "validation" => set([53, 5671, 5432, 4318]),
            "notification" => set([53, 5671, 5432, 4318, 443]).into_iter().chain(mail).collect(),
            "ops" => set([53, 5671, 15671, 5432, 4318, 443]),
            _ => set([53, 5671, 5432, 4318, 443]),
        };
        if reached != wanted {
            all.push(format!("{name} may reach {reached:?}, and needs {wanted:?}"));
        }
    }
    all
}

/// The users are those of the topology, each with its permissions and a secret with its name and password.
fn broker(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for wanted in permissions() {
        let given =
            world.of_kind("Permission").find(|one| text(one, "/spec/userReference/name") == wanted.service);
        let given = given.map(|one| &one["spec"]["permissions"]);
        let same = given.is_some_and(|given| {
            [("configure", &wanted.configure), ("write", &wanted.write), ("read", &wanted.read)]
                .iter()
                .all(|(key, value)| given[key] == value.as_str())
        });
        if !same {
            all.push(format!("the broker's user {} may not what the topology says", wanted.service));
        }
    }
    if world.names("User") != world.names("Permission") {
        all.push("a user of the broker without permissions, or the other way round".to_owned());
    }
    for user in world.of_kind("User") {
        let secret = text(user, "/spec/importCredentialsSecret/name");
        all.extend(["username", "password"].iter().filter_map(|key| world.lacks(secret, Some(key))));
    }
    let clusters = world.names("RabbitmqCluster");
    for one in world.of_kind("User").chain(world.of_kind("Permission")).chain(world.of_kind("Vhost")) {
        if !clusters.contains(text(one, "/spec/rabbitmqClusterReference/name")) {
            all.push(format!("{} {} is of no cluster", one["kind"], one["metadata"]["name"]));
        }
    }
    all
}

/// The roles are those of the services.
fn database(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    let cluster = world.of_kind("Cluster").next();
    let roles = cluster.map_or(&[][..], |one| list(&one["spec"]["managed"]["roles"]));
    let named: BTreeSet<String> = roles.iter().map(|role| text(role, "/name").to_owned()).collect();
    let wanted: BTreeSet<String> = SERVICES.iter().filter_map(frontdesk::kubernetes::Service::role).collect();
    if named != wanted {
        all.push(format!("the database's roles are {named:?}"));
    }
    let owner = cluster.map_or("", |one| text(one, "/spec/bootstrap/initdb/secret/name"));
    for secret in roles.iter().map(|role| text(role, "/passwordSecret/name")).chain([owner]) {
        all.extend(["username", "password"].iter().filter_map(|key| world.lacks(secret, Some(key))));
    }
    // A role's secret says the same name.
    for role in roles {
        let (name, secret) = (text(role, "/name"), text(role, "/passwordSecret/name"));
        let made = world.of_kind("ExternalSecret").find(|one| text(one, "/spec/target/name") == secret);
        if made.is_some_and(|one| text(one, "/spec/target/template/data/username") != name) {
            all.push(format!("the secret {secret} is not of {name}"));
        }
    }
    all
}

/// Whatever else names a secret or an object.
fn referred(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    let authentications = world.names("TriggerAuthentication");
    for trigger in world.of_kind("ScaledObject").flat_map(|one| list(&one["spec"]["triggers"])) {
        let name = text(trigger, "/authenticationRef/name");
        if !authentications.contains(name) {
            all.push(format!("there is no TriggerAuthentication {name}"));
        }
    }
    for from in world.of_kind("TriggerAuthentication").flat_map(|one| list(&one["spec"]["secretTargetRef"])) {
        all.extend(world.lacks(text(from, "/name"), Some(text(from, "/key"))));
    }
    for certificate in world.of_kind("Certificate") {
        // An issuer of the whole cluster is the site's.
        if text(certificate, "/spec/issuerRef/kind") != "ClusterIssuer"
            && !world.names("Issuer").contains(text(certificate, "/spec/issuerRef/name"))
        {
            all.push(format!("nobody issues {}", certificate["metadata"]["name"]));
        }
    }
    for pointer in ["/spec/tls/secretName", "/spec/tls/caSecretName"] {
        all.extend(
            world
                .of_kind("RabbitmqCluster")
                .filter_map(|one| world.lacks(text(one, pointer), Some("ca.crt"))),
        );
    }
    for pointer in ["/spec/certificates/serverTLSSecret", "/spec/certificates/serverCASecret"] {
        all.extend(
            world.of_kind("Cluster").filter_map(|one| world.lacks(text(one, pointer), Some("ca.crt"))),
        );
    }
    all
}
