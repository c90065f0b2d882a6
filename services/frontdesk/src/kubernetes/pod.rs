//! What every pod has in common: no root, no shell, no token, nothing writable, and only the secrets that it needs.

use serde_json::{Value, json};

use super::{Environment, HEALTH_PORT, labels};

/// The configuration, mounted from the ConfigMap that Kustomize makes of `frontdesk.toml`.
pub(super) const CONFIG: &str = "/etc/frontdesk/frontdesk.toml";
/// The authorities that are trusted: ours, of the broker and the database, and the collector's.
const TRUST: &str = "/etc/frontdesk/trust";
const SECRETS: &str = "/run/secrets/frontdesk";
/// The user of the image: `nonroot` of the distroless images.
const USER: u32 = 65532;

/// What differs from pod to pod.
pub(super) struct Pod<'a> {
    /// The ServiceAccount's and the container's name, and the label.
    pub(super) name: &'a str,
    pub(super) lane: Option<&'a str>,
    pub(super) command: Vec<&'a str>,
    pub(super) env: Vec<(&'a str, String)>,
    /// `(secret, key)`, each as `/run/secrets/frontdesk/<key>`.
    pub(super) files: Vec<(String, String)>,
    /// Authorities beside ours, `(secret, file)`: the secret's `ca.crt` as that file of the folder.
    pub(super) trust: Vec<(&'a str, &'a str)>,
    /// `(secret, folder below /run/secrets)`, with every key as a file.
    pub(super) folders: Vec<(&'a str, &'a str)>,
    pub(super) cpu_m: u32,
    pub(super) memory_mi: u32,
}

impl Pod<'_> {
    /// The pod's template; a container that runs on is to be given ports and probes.
    pub(super) fn template(&self, env: &Environment) -> Value {
        let mut variables = vec![json!({ "name": "FRONTDESK_CONFIG", "value": CONFIG })];
        if self.files.iter().any(|(_, key)| key == "postgres_url") {
            variables.push(json!({ "name": "FRONTDESK__POSTGRES__URL_FILE", "value": format!("{SECRETS}/postgres_url") }));
        }
        variables.extend(self.env.iter().map(|(name, value)| json!({ "name": name, "value": value })));
        let files = self.files.iter().map(
            |(secret, key)| json!({ "secret": { "name": secret, "items": [{ "key": key, "path": key }] } }),
        );
        let trust = std::iter::once(("broker-tls", "ca.crt")).chain(self.trust.iter().copied()).map(
            |(secret, file)| json!({ "secret": { "name": secret, "items": [{ "key": "ca.crt", "path": file }] } }),
        );
        let mut volumes = vec![
            json!({ "name": "config", "configMap": { "name": "frontdesk-config" } }),
            json!({ "name": "secrets", "projected": { "defaultMode": 0o440, "sources": files.collect::<Vec<_>>() } }),
            json!({ "name": "trust", "projected": { "defaultMode": 0o444, "sources": trust.collect::<Vec<_>>() } }),
        ];
        let mut mounts = vec![
            json!({ "name": "config", "mountPath": "/etc/frontdesk/frontdesk.toml", "subPath": "frontdesk.toml", "readOnly": true }),
            json!({ "name": "secrets", "mountPath": SECRETS, "readOnly": true }),
            json!({ "name": "trust", "mountPath": TRUST, "readOnly": true }),
        ];
        for (secret, folder) in &self.folders {
            volumes.push(json!({ "name": folder, "secret": { "secretName": secret, "defaultMode": 0o440 } }));
            mounts.push(
                json!({ "name": folder, "mountPath": format!("/run/secrets/{folder}"), "readOnly": true }),
            );
        }
        let memory = format!("{}Mi", self.memory_mi);
        json!({
            "metadata": { "labels": labels(self.name, self.lane) },
            "spec": {
                "serviceAccountName": self.name,
                "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "terminationGracePeriodSeconds": env.grace_s(),
                "securityContext": {
                    "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
                    "seccompProfile": { "type": "RuntimeDefault" },
                },
                "containers": [{
                    "name": self.name,
                    "image": "frontdesk",
                    "imagePullPolicy": "IfNotPresent",
                    "command": self.command,
                    "env": variables,
                    // No limit of the processor: it would only slow a drain down.
                    "resources": {
                        "requests": { "cpu": format!("{}m", self.cpu_m), "memory": memory },
                        "limits": { "memory": memory },
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "readOnlyRootFilesystem": true,
                        "capabilities": { "drop": ["ALL"] },
                    },
                    "volumeMounts": mounts,
                }],
                "volumes": volumes,
            },
        })
    }
}

/// Adds what a pod that runs on has: its health address with the three probes, and its place away from its siblings.
pub(super) fn serve(template: &mut Value, name: &str, lane: Option<&str>, port: Option<u16>) {
    let probe = |path: &str, period: u8, failures: u8| {
        json!({
            "httpGet": { "path": path, "port": "health" },
            "periodSeconds": period, "timeoutSeconds": 3, "failureThreshold": failures,
        })
    };
    let container = &mut template["spec"]["containers"][0];
    let mut ports = vec![json!({ "name": "health", "containerPort": HEALTH_PORT })];
    if let Some(port) = port {
        ports.push(json!({ "name": "https", "containerPort": port }));
        // So that nobody is sent here any more when the door closes.
        container["lifecycle"] = json!({ "preStop": { "sleep": { "seconds": 5 } } });
    }
    container["ports"] = json!(ports);
    // Alive is about the process alone: a broker or a database that is away restarts nothing. Ready asks for both.
    container["startupProbe"] = probe("/health/live", 2, 60);
    container["livenessProbe"] = probe("/health/live", 10, 3);
    container["readinessProbe"] = probe("/health/ready", 5, 2);
    let spread = |key: &str| {
        json!({
            "maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": labels(name, lane) },
        })
    };
    template["spec"]["topologySpreadConstraints"] =
        json!([spread("topology.kubernetes.io/zone"), spread("kubernetes.io/hostname")]);
}
