//! The manifests of Kubernetes: custom resources against their schemas, and every name against what it names.

mod objects;
mod pods;

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use super::{ENVIRONMENTS, PARTS, documents, list, path, read, settings, text};

/// All that is applied in one environment, and its configuration.
pub(crate) struct World {
    pub(crate) documents: Vec<Value>,
    pub(crate) config: String,
}

impl World {
    /// From the files, as the kustomizations list them: without patches and names of images, which `built` has.
    pub(crate) fn of_files(environment: &str) -> Self {
        let mut world = Self {
            documents: Vec::new(),
            config: read(&format!("k8s/overlays/{environment}/config/frontdesk.toml")),
        };
        for part in PARTS {
            world.collect(&format!("k8s/overlays/{environment}/{part}"));
        }
        world.collect("k8s/monitoring");
        world
    }

    fn collect(&mut self, folder: &str) {
        let kustomization = &documents(&read(&format!("{folder}/kustomization.yaml")))[0];
        for name in list(&kustomization["resources"]).iter().filter_map(Value::as_str) {
            let below = format!("{folder}/{name}");
            if path(&below).is_dir() {
                self.collect(&below);
            } else {
                self.documents.extend(documents(&read(&below)));
            }
        }
    }

    /// As Kustomize builds them; `None` without a kubectl that can.
    fn built(environment: &str) -> Option<Self> {
        let mut world = Self {
            documents: Vec::new(),
            config: read(&format!("k8s/overlays/{environment}/config/frontdesk.toml")),
        };
        let parts = PARTS.map(|part| format!("k8s/overlays/{environment}/{part}"));
        for part in parts.iter().map(String::as_str).chain(["k8s/monitoring"]) {
            let folder = path(part);
            let output = Command::new("kubectl").arg("kustomize").arg(&folder).output().ok()?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            // Those of before 2021 know no components.
            if said.contains("unknown field \"components\"") {
                return None;
            }
            assert!(output.status.success(), "{part}: {said}");
            let built = documents(&String::from_utf8(output.stdout).unwrap());
            assert!(built.len() > 2, "{part} is empty");
            world.documents.extend(built);
        }
        Some(world)
    }

    pub(crate) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.documents.iter().filter(move |document| document["kind"] == kind)
    }

    /// What runs on: each Deployment and StatefulSet.
    pub(crate) fn served(&self) -> impl Iterator<Item = &Value> {
        self.of_kind("Deployment").chain(self.of_kind("StatefulSet"))
    }

    pub(crate) fn names(&self, kind: &str) -> BTreeSet<String> {
        self.of_kind(kind).map(|document| text(document, "/metadata/name").to_owned()).collect()
    }

    /// Every secret with its keys, from what makes it; `None` where only the store knows the keys.
    pub(crate) fn secrets(&self) -> BTreeMap<String, Option<BTreeSet<String>>> {
        let mut all = BTreeMap::new();
        for made in self.of_kind("ExternalSecret") {
            let spec = &made["spec"];
            let keys = match spec.pointer("/target/template/data").and_then(Value::as_object) {
                Some(template) => Some(template.keys().cloned().collect()),
                None if spec.get("dataFrom").is_some() => None,
                None => {
                    Some(list(&spec["data"]).iter().map(|one| text(one, "/secretKey").to_owned()).collect())
                }
            };
            all.insert(text(spec, "/target/name").to_owned(), keys);
        }
        for made in self.of_kind("Certificate") {
            let keys = ["tls.crt", "tls.key", "ca.crt"].map(str::to_owned);
            all.insert(text(made, "/spec/secretName").to_owned(), Some(keys.into_iter().collect()));
        }
        all
    }

    /// Why a secret cannot be used so, if it cannot.
    pub(crate) fn lacks(&self, secret: &str, key: Option<&str>) -> Option<String> {
        match (self.secrets().get(secret), key) {
            (None, _) => Some(format!("nothing makes the secret {secret}")),
            (Some(Some(keys)), Some(key)) if !keys.contains(key) => {
                Some(format!("the secret {secret} has no key {key}"))
            }
            _ => None,
        }
    }

    /// Everything that is wrong.
    fn problems(&self) -> Vec<String> {
        let mut all = settings::problems(&self.config);
        all.extend(schemas(&self.documents));
        all.extend(pods::problems(self));
        all.extend(objects::problems(self));
        all
    }
}

/// Custom resources against `k8s/schemas`. What Kubernetes itself knows is validated by the step of `./dev test`.
fn schemas(documents: &[Value]) -> Vec<String> {
    const BUILT_IN: [&str; 6] =
        ["v1", "apps/v1", "batch/v1", "policy/v1", "networking.k8s.io/v1", "rbac.authorization.k8s.io/v1"];
    let all: BTreeMap<String, Value> =
        serde_json::from_str(&read("k8s/schemas/custom-resources.json")).unwrap();
    let mut problems = Vec::new();
    for document in documents {
        let (version, kind, name) =
            (text(document, "/apiVersion"), text(document, "/kind"), text(document, "/metadata/name"));
        if BUILT_IN.contains(&version) {
            continue;
        }
        let Some(schema) = all.get(&format!("{version}/{kind}")) else {
            problems.push(format!("there is no schema of {version} {kind}"));
            continue;
        };
        let validator = jsonschema::validator_for(schema).unwrap();
        problems.extend(
            validator
                .iter_errors(document)
                .map(|error| format!("{kind} {name}: {error} at {}", error.instance_path())),
        );
    }
    problems
}

#[test]
fn every_environment_is_sound() {
    for environment in ENVIRONMENTS {
        let problems = World::of_files(environment).problems();
        assert!(problems.is_empty(), "{environment}:\n{}", problems.join("\n"));
    }
}

#[test]
fn what_kustomize_builds_is_sound() {
    for environment in ENVIRONMENTS {
        // Without kubectl `./dev test` says that this was not checked.
        let Some(world) = World::built(environment) else { return };
        let problems = world.problems();
        assert!(problems.is_empty(), "{environment}:\n{}", problems.join("\n"));
        let instances =
            |kind: &str, field: &str| world.of_kind(kind).next().unwrap()["spec"][field].as_u64().unwrap();
        let nodes = if environment == "dev" { 1 } else { 3 };
        assert_eq!(
            (instances("RabbitmqCluster", "replicas"), instances("Cluster", "instances")),
            (nodes, nodes)
        );
        assert!(
            world
                .documents
                .iter()
                .all(|one| one["kind"] == "Namespace" || one["metadata"]["namespace"] == "frontdesk")
        );
    }
}

/// Changes one value, which must be there, of the first document of that kind and name.
fn with(kind: &str, name: &str, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut world = World::of_files("production");
    let found = world.documents.iter_mut().find(|one| one["kind"] == kind && one["metadata"]["name"] == name);
    change(found.unwrap_or_else(|| panic!("no {kind} {name}")));
    world.problems()
}

fn rename(value: &mut Value, pointer: &str, from: &str, to: &str) {
    let object = value.pointer_mut(pointer).and_then(Value::as_object_mut).unwrap();
    let inner = object.remove(from).unwrap();
    object.insert(to.to_owned(), inner);
}

fn put(value: &mut Value, pointer: &str, new: &str) {
    let place = value.pointer_mut(pointer).unwrap_or_else(|| panic!("nothing at {pointer}"));
    *place = if new.chars().all(|digit| digit.is_ascii_digit()) {
        new.parse::<u64>().unwrap().into()
    } else {
        new.into()
    };
}

#[test]
fn what_is_misspelt_is_found() {
    const POD: &str = "/spec/template/spec";
    let cases: [(&str, Vec<String>); 17] = [
        (
            "minReplicaCounts",
            with("ScaledObject", "validation-north", |one| {
                rename(one, "/spec", "minReplicaCount", "minReplicaCounts")
            }),
        ),
        (
            "validation.nord",
            with("ScaledObject", "validation-north", |one| {
                put(one, "/spec/triggers/1/metadata/queueName", "validation.nord")
            }),
        ),
        (
            "9465",
            with("Deployment", "validation-north", |one| {
                put(one, &format!("{POD}/containers/0/ports/0/containerPort"), "9465")
            }),
        ),
        (
            "healt",
            with("Deployment", "ops", |one| {
                put(one, &format!("{POD}/containers/0/readinessProbe/httpGet/port"), "healt")
            }),
        ),
        (
            "/health/redy",
            with("Deployment", "ops", |one| {
                put(one, &format!("{POD}/containers/0/readinessProbe/httpGet/path"), "/health/redy")
            }),
        ),
        (
            "FRONTDESK__STAGE__LANE",
            with("Deployment", "validation-north", |one| {
                put(one, &format!("{POD}/containers/0/env/2/name"), "FRONTDESK__STAGE__LANE");
            }),
        ),
        (
            "/usr/local/bin/validate",
            with("Deployment", "validation-north", |one| {
                put(one, &format!("{POD}/containers/0/command/0"), "/usr/local/bin/validate")
            }),
        ),
        (
            "amqp_uri",
            with("StatefulSet", "gateway", |one| {
                put(one, &format!("{POD}/volumes/1/projected/sources/0/secret/items/0/key"), "amqp_uri")
            }),
        ),
        (
            "frontdesk_writer",
            with("Cluster", "database", |one| put(one, "/spec/managed/roles/3/name", "frontdesk_writer")),
        ),
        ("aply", with("Job", "topology", |one| put(one, &format!("{POD}/containers/0/command/2"), "aply"))),
        (
            "broker-value",
            with("User", "validation", |one| put(one, "/spec/importCredentialsSecret/name", "broker-value")),
        ),
        ("8888", with("NetworkPolicy", "gateway", |one| put(one, "/spec/ingress/1/ports/0/port", "8888"))),
        (
            "intake.example",
            with("Ingress", "gateway", |one| put(one, "/spec/rules/0/host", "intake.example")),
        ),
        (
            "not spoken to by TLS",
            with("Ingress", "gateway", |one| {
                put(one, "/metadata/annotations/nginx.ingress.kubernetes.io~1backend-protocol", "HTTP")
            }),
        ),
        (
            "certificate for gateway.frontdesk.svc",
            with("Certificate", "gateway-tls", |one| put(one, "/spec/dnsNames/0", "gatway.frontdesk.svc")),
        ),
        (
            "/var/lib/frontdesk/count",
            with("StatefulSet", "gateway", |one| {
                put(one, "/spec/volumeClaimTemplates/0/metadata/name", "kep")
            }),
        ),
        (
            "grace",
            with("StatefulSet", "gateway", |one| {
                put(one, &format!("{POD}/terminationGracePeriodSeconds"), "30")
            }),
        ),
    ];
    for (word, problems) in cases {
        assert!(problems.iter().any(|problem| problem.contains(word)), "{word}: {problems:?}");
    }
}

#[test]
fn what_is_missing_is_found() {
    let without = |kind: &str, name: &str| {
        let mut world = World::of_files("production");
        let before = world.documents.len();
        world.documents.retain(|one| !(one["kind"] == kind && one["metadata"]["name"] == name));
        assert!(world.documents.len() < before, "{kind} {name}");
        world.problems()
    };
    for (kind, name) in [
        ("ScaledObject", "eligibility-south"),
        ("PodDisruptionBudget", "ops"),
        ("ServiceAccount", "notification"),
        ("NetworkPolicy", "validation"),
        ("NetworkPolicy", "deny"),
        ("ExternalSecret", "index-key"),
        ("Permission", "ehr-writer"),
        ("Certificate", "broker-tls"),
        ("Certificate", "ops-tls"),
        ("ExternalSecret", "collector"),
        ("StatefulSet", "gateway"),
        ("Deployment", "ehr-writer-default"),
    ] {
        assert!(!without(kind, name).is_empty(), "nobody misses the {kind} {name}");
    }
}
