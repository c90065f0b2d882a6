//! Pods: what they run, what they are given, and how little they may do.

use std::collections::BTreeSet;

use domain::Stage;
use runtime::{config::StageSection, topology::Lanes};
use serde_json::Value;

use super::{
    super::{image, list, settings, text, texts},
    World,
};

/// What the health server answers to; `starts` asks it.
const HEALTH: [&str; 2] = ["/health/live", "/health/ready"];
/// Seconds that a process may take after its drain to be gone.
const AFTER_DRAIN_S: u64 = 5;

pub(super) fn problems(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for kind in ["Deployment", "StatefulSet", "Job"] {
        for document in world.of_kind(kind) {
            let name = text(document, "/metadata/name");
            let found = Pod { world, document, pod: &document["spec"]["template"]["spec"] }.problems();
            all.extend(found.into_iter().map(|problem| format!("{kind} {name}: {problem}")));
        }
    }
    all
}

struct Pod<'a> {
    world: &'a World,
    document: &'a Value,
    pod: &'a Value,
}

impl Pod<'_> {
    fn problems(&self) -> Vec<String> {
        let mut all = self.restricted();
        all.extend(self.command());
        all.extend(self.variables());
        all.extend(self.files());
        all.extend(self.served());
        all
    }

    fn container(&self) -> &Value {
        &self.pod["containers"][0]
    }

    fn environment(&self) -> Vec<(String, String)> {
        let variables = list(&self.container()["env"]).iter();
        variables.map(|one| (text(one, "/name").to_owned(), text(one, "/value").to_owned())).collect()
    }

    /// The disks of its own.
    fn disks(&self) -> BTreeSet<&str> {
        let claims = list(&self.document["spec"]["volumeClaimTemplates"]);
        claims.iter().map(|claim| text(claim, "/metadata/name")).collect()
    }

    /// The profile `restricted`, nothing writable but its own disk, and no token.
    fn restricted(&self) -> Vec<String> {
        let container = self.container();
        let wanted = [
            (list(&self.pod["containers"]).len() == 1, "one container"),
            (self.pod["automountServiceAccountToken"] == false, "no token"),
            (self.pod["securityContext"]["runAsNonRoot"] == true, "no root"),
            (
                self.pod["securityContext"]["runAsUser"].as_u64().is_some_and(|user| user > 10_000),
                "a user that the host has not",
            ),
            (self.pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", "seccomp"),
            (container["securityContext"]["allowPrivilegeEscalation"] == false, "no escalation"),
            (container["securityContext"]["readOnlyRootFilesystem"] == true, "a read-only root"),
            (texts(&container["securityContext"]["capabilities"]["drop"]) == ["ALL"], "no capability"),
            (!text(container, "/resources/requests/cpu").is_empty(), "a request of the processor"),
            (
                text(container, "/resources/requests/memory") == text(container, "/resources/limits/memory"),
                "a limit of the memory",
            ),
            (!text(container, "/resources/limits/memory").is_empty(), "a limit of the memory"),
            (
                list(&container["volumeMounts"])
                    .iter()
                    .all(|mount| mount["readOnly"] == true || self.disks().contains(text(mount, "/name"))),
                "mounts to read only",
            ),
            (
                self.world.names("ServiceAccount").contains(text(self.pod, "/serviceAccountName")),
                "its ServiceAccount",
            ),
        ];
        let mut all: Vec<String> =
            wanted.iter().filter(|(has, _)| !has).map(|(_, what)| format!("lacks {what}")).collect();
        let settings = settings::of(&self.world.config);
        let drain = settings.section::<StageSection>("stage").unwrap().drain_s;
        if self.pod["terminationGracePeriodSeconds"].as_u64().unwrap_or_default() < drain + AFTER_DRAIN_S {
            all.push("its grace is not longer than the drain".to_owned());
        }
        all
    }

    fn program(&self) -> &str {
        let command = texts(&self.container()["command"]);
        let program = command.first().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        // What a job needs is told by its command's name.
        if program == "frontdesk" { text(self.document, "/metadata/name") } else { program }
    }

    fn command(&self) -> Vec<String> {
        let mut command = texts(&self.container()["command"]);
        command.extend(texts(&self.container()["args"]));
        match command.split_first() {
            Some((program, _)) if !image::contents().contains(*program) => {
                vec![format!("the image has no {program}")]
            }
            Some((&"/usr/local/bin/frontdesk", args)) if !settings::is_command(args) => {
                vec![format!("no command: {args:?}")]
            }
            Some((&"/usr/local/bin/frontdesk", _)) => Vec::new(),
            // Services take their configuration's file from the environment.
            Some((_, [])) => Vec::new(),
            _ => vec![format!("no command: {command:?}")],
        }
    }

    fn variables(&self) -> Vec<String> {
        let variables = self.environment();
        let mut all: Vec<String> = variables
            .iter()
            .filter(|(name, _)| !settings::is_variable(name))
            .map(|(name, _)| format!("nobody reads {name}"))
            .collect();
        let lanes = Lanes::read(&settings::of(&self.world.config)).unwrap();
        let is_stage = Stage::ALL.iter().any(|stage| stage.as_str() == self.program());
        let lane = variables
            .iter()
            .find(|(name, _)| name == "FRONTDESK__STAGE__LANES")
            .map(|(_, lane)| lane.as_str());
        if is_stage && !lane.is_some_and(|lane| lanes.names().any(|name| name.to_string() == lane)) {
            all.push(format!("its lane is none: {lane:?}"));
        }
        all
    }

    /// Every file that the program is told of is mounted, and every secret that is mounted is made.
    fn files(&self) -> Vec<String> {
        let (mut all, mut mounted, mut folders) = (Vec::new(), BTreeSet::new(), image::contents());
        for volume in list(&self.pod["volumes"]) {
            let mounts: Vec<&Value> = list(&self.container()["volumeMounts"])
                .iter()
                .filter(|mount| mount["name"] == volume["name"])
                .collect();
            let [mount] = mounts.as_slice() else {
                all.push(format!("the volume {} is mounted {} times", volume["name"], mounts.len()));
                continue;
            };
            let at = text(mount, "/mountPath");
            for source in list(&volume["projected"]["sources"]) {
                let secret = text(source, "/secret/name");
                for item in list(&source["secret"]["items"]) {
                    all.extend(self.world.lacks(secret, Some(text(item, "/key"))));
                    mounted.insert(format!("{at}/{}", text(item, "/path")));
                }
            }
            if let Some(secret) = volume.pointer("/secret/secretName").and_then(Value::as_str) {
                all.extend(self.world.lacks(secret, None));
                folders.insert(at.to_owned());
            }
            if let Some(map) = volume.pointer("/configMap/name").and_then(Value::as_str) {
                // Kustomize adds a hash to the name.
                if !map.starts_with("frontdesk-config") || text(mount, "/subPath") != "frontdesk.toml" {
                    all.push(format!("nothing makes the ConfigMap {map}"));
                }
                mounted.insert(at.to_owned());
            }
        }
        let volumes: BTreeSet<&str> =
            list(&self.pod["volumes"]).iter().map(|volume| text(volume, "/name")).collect();
        let disks = self.disks();
        for mount in list(&self.container()["volumeMounts"]) {
            let name = text(mount, "/name");
            if disks.contains(name) {
                folders.insert(text(mount, "/mountPath").to_owned());
            } else if !volumes.contains(name) {
                all.push(format!("there is no volume {name}"));
            }
        }

        let variables = self.environment();
        let table = settings::with_environment(&self.world.config, &variables);
        let mut wanted = settings::files(&table, &settings::read_by(self.program()));
        wanted.extend(
            variables.iter().filter(|(name, _)| name == "FRONTDESK_CONFIG").map(|(_, path)| path.clone()),
        );
        let clinics =
            table["clinics"]["dirs"].as_array().into_iter().flatten().filter_map(toml::Value::as_str);
        wanted.extend(clinics.map(str::to_owned));
        let is_there = |path: &str| {
            mounted.contains(path)
                || folders.iter().any(|folder| path == folder || path.starts_with(&format!("{folder}/")))
        };
        all.extend(
            wanted.iter().filter(|path| !is_there(path)).map(|path| format!("nothing is mounted at {path}")),
        );
        if !variables.iter().any(|(name, _)| name == "FRONTDESK_CONFIG") {
            all.push("it is told of no configuration".to_owned());
        }
        all
    }

    /// Ports and probes, of what runs on.
    fn served(&self) -> Vec<String> {
        if self.document["kind"] == "Job" {
            return Vec::new();
        }
        let table = settings::with_environment(&self.world.config, &self.environment());
        let port_of = |section: &str| {
            let listen =
                table.get(section).and_then(|section| section.get("listen")).and_then(toml::Value::as_str);
            listen
                .and_then(|listen| listen.strip_prefix("0.0.0.0:"))
                .and_then(|port| port.parse::<u64>().ok())
        };
        let mut wanted = vec![("health", port_of("health"))];
        if matches!(self.program(), "gateway" | "ops") {
            wanted.push(("https", port_of(self.program())));
        }
        let ports = list(&self.container()["ports"]);
        let mut all = Vec::new();
        for (name, listens) in &wanted {
            let told = ports
                .iter()
                .find(|port| port["name"] == *name)
                .and_then(|port| port["containerPort"].as_u64());
            if told.is_none() || told != *listens {
                all.push(format!("the port {name} is {told:?}, and it listens at {listens:?}"));
            }
        }
        if ports.len() != wanted.len() {
            all.push("a port that nobody listens at".to_owned());
        }
        for (probe, path) in
            [("startupProbe", HEALTH[0]), ("livenessProbe", HEALTH[0]), ("readinessProbe", HEALTH[1])]
        {
            let get = &self.container()[probe]["httpGet"];
            if text(get, "/path") != path || text(get, "/port") != "health" {
                all.push(format!("the {probe} asks {get}"));
            }
        }
        all
    }
}
