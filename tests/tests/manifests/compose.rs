//! `docker-compose.yml`: every command, variable, path, port, file and neighbour that it names.

use std::{collections::BTreeSet, path::Path};

use frontdesk::{containers::Hosts, kubernetes::SERVICES};
use serde_json::Value;

use super::{documents, image, list, path, read, settings, text, texts};

/// The file with its anchors resolved.
fn compose() -> Value {
    documents(&read("docker-compose.yml")).remove(0)
}

/// The credentials that its first container makes.
pub(crate) fn secrets(folder: &Path) {
    let url = |text: &str| text.parse().unwrap();
    let (amqp, management) = (url("amqp://broker:5672/frontdesk"), url("http://broker:15672"));
    let database = url("postgres://database:5432/frontdesk?sslmode=disable");
    Hosts { amqp: &amqp, management: &management, database: &database }.write(folder).unwrap();
}

fn names(value: &Value) -> BTreeSet<String> {
    value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

fn environment(service: &Value) -> Vec<(String, String)> {
    let variables = service["environment"].as_object().into_iter().flatten();
    variables.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// Everything that is wrong.
fn problems(compose: &Value) -> Vec<String> {
    let made = tempfile::tempdir().unwrap();
    secrets(made.path());
    let config = read("k8s/compose/frontdesk.toml");
    let mut all = settings::problems(&config);
    let services = compose["services"].as_object().unwrap();
    for (name, service) in services {
        let found =
            Container { name, service, compose, config: &config, secrets: &made.path().join("services") }
                .problems();
        all.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
    }
    for service in SERVICES {
        let given = services.get(service.name).map(environment).unwrap_or_default();
        let url = |section: &str| {
            given
                .iter()
                .find(|(key, _)| *key == format!("FRONTDESK__{section}__URL_FILE"))
                .map(|(_, file)| file.clone())
        };
        if url("AMQP") != Some(format!("/run/secrets/broker/{}/amqp_url", service.name)) {
            all.push(format!("{} is not its own user of the broker", service.name));
        }
        let wanted = service.role().map(|_| format!("/run/secrets/database/{}/postgres_url", service.name));
        if url("POSTGRES") != wanted {
            all.push(format!("{} is not its own role of the database", service.name));
        }
    }
    all
}

struct Container<'a> {
    name: &'a str,
    service: &'a Value,
    compose: &'a Value,
    config: &'a str,
    secrets: &'a Path,
}

impl Container<'_> {
    fn problems(&self) -> Vec<String> {
        let mut all = self.neighbours();
        all.extend(self.mounts());
        all.extend(self.ports());
        if self.is_ours() {
            all.extend(self.restricted());
            all.extend(self.command());
            all.extend(self.told());
        }
        all
    }

    fn is_ours(&self) -> bool {
        self.service.get("build").is_some()
    }

    /// Whom it waits for is there, and can become healthy.
    fn neighbours(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (other, how) in self.service["depends_on"].as_object().into_iter().flatten() {
            let Some(other_service) = self.compose["services"].get(other) else {
                all.push(format!("waits for {other}, which is not there"));
                continue;
            };
            let ours = other_service.get("build").is_some();
            let disabled = other_service["healthcheck"]["disable"] == true;
            let checked = (ours || other_service["healthcheck"].get("test").is_some()) && !disabled;
            let once = other_service.get("restart").is_none();
            match how["condition"].as_str() {
                Some("service_healthy") if checked && !once => {}
                Some("service_completed_successfully") if once => {}
                Some("service_started") => {}
                condition => all.push(format!("waits for {other} by {condition:?}")),
            }
        }
        let network = self.service["network_mode"].as_str().unwrap_or("none");
        if let Some(other) = network.strip_prefix("service:") {
            let needs = &self.service["depends_on"][other];
            if self.compose["services"].get(other).is_none()
                || needs.is_null()
                || self.service.get("ports").is_some()
            {
                all.push(format!("cannot share the network of {other}"));
            }
        }
        all
    }

    /// Files of the checkout are there, and volumes are declared.
    fn mounts(&self) -> Vec<String> {
        let mut all = Vec::new();
        for mount in texts(&self.service["volumes"]) {
            let parts: Vec<&str> = mount.split(':').collect();
            let [source, _, ..] = parts.as_slice() else {
                all.push(format!("no mount: {mount}"));
                continue;
            };
            if let Some(file) = source.strip_prefix("./") {
                if !path(file).exists() {
                    all.push(format!("there is no {file}"));
                }
                if parts.get(2) != Some(&"ro") {
                    all.push(format!("{file} can be written"));
                }
            } else if !self.compose["volumes"].as_object().unwrap().contains_key(*source) {
                all.push(format!("there is no volume {source}"));
            }
        }
        all
    }

    fn ports(&self) -> Vec<String> {
        let ports = texts(&self.service["ports"]);
        ports
            .iter()
            .filter(|port| !port.starts_with("127.0.0.1:"))
            .map(|port| format!("{port} is open to others"))
            .collect()
    }

    fn restricted(&self) -> Vec<String> {
        let service = self.service;
        let wanted = [
            (service["read_only"] == true, "a read-only root"),
            (texts(&service["cap_drop"]) == ["ALL"], "no capability"),
            (texts(&service["security_opt"]) == ["no-new-privileges:true"], "no escalation"),
            (service["user"] == "65532:65532", "no root"),
        ];
        let mut all: Vec<String> =
            wanted.iter().filter(|(has, _)| !has).map(|(_, what)| format!("lacks {what}")).collect();
        let target = text(service, "/build/target");
        if text(service, "/build/dockerfile") != "k8s/image/Dockerfile"
            || !read("k8s/image/Dockerfile").contains(&format!(" AS {target}\n"))
        {
            all.push(format!("there is no target {target}"));
        }
        let expected = if target == "frontdesk" { "frontdesk" } else { "frontdesk-sandbox" };
        if service["image"] != expected {
            all.push("two builds of one name".to_owned());
        }
        let drain =
            settings::of(self.config).section::<runtime::config::StageSection>("stage").unwrap().drain_s;
        let grace =
            text(service, "/stop_grace_period").trim_end_matches('s').parse::<u64>().unwrap_or_default();
        if service.get("restart").is_some() && grace < drain + 5 {
            all.push("its grace is not longer than the drain".to_owned());
        }
        all
    }

    fn command(&self) -> Vec<String> {
        let mut all = Vec::new();
        let own = [texts(&self.service["entrypoint"]), texts(&self.service["command"])].concat();
        let health = texts(&self.service["healthcheck"]["test"]);
        let health = health.strip_prefix(&["CMD"]).unwrap_or_default();
        for command in [&own[..], health] {
            let Some((program, args)) = command.split_first() else { continue };
            if !image::contents().contains(*program) {
                all.push(format!("the image has no {program}"));
            }
            let is_command = match *program {
                "/usr/local/bin/frontdesk" => settings::is_command(args),
                // `starts` runs it.
                "/usr/local/bin/sandbox" => true,
                _ => args.is_empty(),
            };
            if !is_command {
                all.push(format!("no command: {command:?}"));
            }
            for file in args
                .iter()
                .filter_map(|arg| arg.rsplit('=').next())
                .filter(|arg| arg.starts_with("/usr/share/"))
            {
                if !image::contents().contains(file) {
                    all.push(format!("the image has no {file}"));
                }
            }
            for file in args.iter().filter_map(|arg| arg.rsplit('=').next()) {
                all.extend(self.secret(file));
            }
        }
        all
    }

    /// A file below `/run/secrets` is one that was made.
    fn secret(&self, file: &str) -> Option<String> {
        let below = file.strip_prefix("/run/secrets/")?;
        (!self.secrets.join(below).exists()).then(|| format!("nothing makes {file}"))
    }

    /// Variables, the files that they and the configuration name, and the port of the health check.
    fn told(&self) -> Vec<String> {
        let variables = environment(self.service);
        let mut all: Vec<String> = variables
            .iter()
            .filter(|(name, _)| !settings::is_variable(name))
            .map(|(name, _)| format!("nobody reads {name}"))
            .collect();
        let table = settings::with_environment(self.config, &variables);
        if self.name != "secrets" && self.service["image"] == "frontdesk" {
            all.extend(
                settings::files(&table, &settings::read_by(self.name))
                    .iter()
                    .filter_map(|file| self.secret(file)),
            );
        }
        if let Some(dir) =
            table.get(self.name).and_then(|own| own.get("count_dir")).and_then(toml::Value::as_str)
        {
            let volumes = texts(&self.service["volumes"]);
            let mut kept = volumes.iter().filter_map(|mount| mount.split_once(':')).map(|(_, target)| target);
            if !kept.any(|target| image::owned().contains(target) && dir.starts_with(&format!("{target}/"))) {
                all.push(format!("it cannot write to {dir}"));
            }
        }
        for dir in table["clinics"]["dirs"].as_array().into_iter().flatten().filter_map(toml::Value::as_str) {
            if !image::contents().contains(dir) {
                all.push(format!("the image has no {dir}"));
            }
        }
        if SERVICES.iter().any(|service| service.name == self.name) {
            let port = table["health"]["listen"]
                .as_str()
                .and_then(|listen| listen.strip_prefix("0.0.0.0:"))
                .unwrap_or_default();
            let asked = match texts(&self.service["healthcheck"]["test"]).last() {
                Some(url) => (*url).to_owned(),
                None => "http://127.0.0.1:9464/health/ready".to_owned(),
            };
            if asked != format!("http://127.0.0.1:{port}/health/ready") {
                all.push(format!("its health is at port {port}, and asked for at {asked}"));
            }
            let host = self.service["network_mode"]
                .as_str()
                .and_then(|mode| mode.strip_prefix("service:"))
                .unwrap_or(self.name);
            if !read("k8s/compose/prometheus.yaml").contains(&format!("- {host}:{port}\n")) {
                all.push(format!("Prometheus does not ask {host}:{port}"));
            }
            let door =
                table.get(self.name).and_then(|section| section.get("listen")).and_then(toml::Value::as_str);
            if let Some(port) = door.and_then(|listen| listen.strip_prefix("0.0.0.0:")) {
                let published = texts(&self.compose["services"][host]["ports"]);
                if !published.contains(&format!("127.0.0.1:{port}:{port}").as_str()) {
                    all.push(format!("its port {port} is not published: {published:?}"));
                }
            }
        }
        all
    }
}

#[test]
fn what_it_names_is_there() {
    let problems = problems(&compose());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn it_is_the_whole_line_and_what_looks_at_it() {
    let compose = compose();
    let services = names(&compose["services"]);
    let wanted = SERVICES.iter().map(|service| service.name);
    for name in
        wanted.chain(["broker", "database", "migrate", "sandbox", "otel-collector", "prometheus", "grafana"])
    {
        assert!(services.contains(name), "{name}");
    }
    assert_eq!(texts(&compose["services"]["sandbox"]["profiles"]), ["sandbox"]);
    let lines: Vec<String> =
        read(".env").lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    assert_eq!(lines, ["COMPOSE_PROFILES=sandbox"], ".env is for that, and nothing secret");
    // The servers' own files name what they are given.
    let broker = read("k8s/compose/rabbitmq.conf");
    let mounts = texts(&compose["services"]["broker"]["volumes"]).join("\n");
    assert!(
        broker.contains("load_definitions = /etc/rabbitmq/topology.json\n")
            && mounts.contains(":/etc/rabbitmq/topology.json:ro")
    );
    assert!(
        broker.contains("definitions.local.path = /run/broker/users.json\n")
            && mounts.contains("broker:/run/broker:ro")
    );
    let rules = texts(&compose["services"]["prometheus"]["volumes"]).join("\n");
    assert!(
        rules.contains("/recording.yaml:/etc/prometheus/rules/")
            && rules.contains("/alerts.yaml:/etc/prometheus/rules/")
    );
    for file in ["prometheus", "otel", "grafana-datasource", "grafana-dashboards"] {
        assert_eq!(documents(&read(&format!("k8s/compose/{file}.yaml"))).len(), 1, "{file}");
    }
    let dashboards = texts(&compose["services"]["grafana"]["volumes"]).join("\n");
    let path = &documents(&read("k8s/compose/grafana-dashboards.yaml"))[0]["providers"][0]["options"]["path"];
    assert!(dashboards.contains(&format!("./k8s/monitoring/dashboards:{}:ro", path.as_str().unwrap())));
    let otlp = settings::of(&read("k8s/compose/frontdesk.toml"));
    let otlp = otlp.section::<runtime::config::TelemetrySection>("telemetry").unwrap().otlp_endpoint.unwrap();
    assert_eq!(otlp, "http://otel-collector:4318");
    assert!(read("k8s/compose/otel.yaml").contains("endpoint: 0.0.0.0:4318\n"));
}

#[test]
fn what_is_misspelt_is_found() {
    let put = |pointer: &str, new: Value| {
        let mut compose = compose();
        *compose.pointer_mut(pointer).unwrap_or_else(|| panic!("nothing at {pointer}")) = new;
        problems(&compose)
    };
    let variable = |service: &str, name: &str, value: &str| {
        let mut compose = compose();
        compose["services"][service]["environment"][name] = value.into();
        problems(&compose)
    };
    let health = "http://127.0.0.1:9469/health/ready";
    let cases: [(&str, Vec<String>); 12] = [
        ("FRONTDESK__AMQP__URL_FIEL", variable("ops", "FRONTDESK__AMQP__URL_FIEL", "x")),
        (
            "/run/secrets/broker/ops/amqp_uri",
            variable("ops", "FRONTDESK__AMQP__URL_FILE", "/run/secrets/broker/ops/amqp_uri"),
        ),
        ("9469", put("/services/ops/healthcheck/test/3", health.into())),
        ("9470", variable("ops", "FRONTDESK__HEALTH__LISTEN", "0.0.0.0:9470")),
        (
            "/var/lib/frontdesk/count",
            put("/services/gateway/volumes/2", "gateway-data:/var/lib/frontdesk:ro".into()),
        ),
        ("8080:8080", put("/services/gateway/ports/0", "8080:8080".into())),
        ("/usr/local/bin/validate", put("/services/validation/command/0", "/usr/local/bin/validate".into())),
        ("migrat", put("/services/migrate/command/1", "migrat".into())),
        (
            "k8s/compose/frontdesk.yaml",
            put(
                "/services/gateway/volumes/0",
                "./k8s/compose/frontdesk.yaml:/etc/frontdesk/frontdesk.toml:ro".into(),
            ),
        ),
        (
            "databaze",
            put(
                "/services/migrate/depends_on",
                serde_json::json!({ "databaze": { "condition": "service_healthy" } }),
            ),
        ),
        (
            "member.csv",
            put("/services/sandbox/command/3", "--members=/usr/share/frontdesk/samples/member.csv".into()),
        ),
        (
            "its own role",
            variable(
                "validation",
                "FRONTDESK__POSTGRES__URL_FILE",
                "/run/secrets/database/owner/postgres_url",
            ),
        ),
    ];
    for (word, problems) in cases {
        assert!(problems.iter().any(|problem| problem.contains(word)), "{word}: {problems:?}");
    }
    assert!(
        list(&compose()["services"]["ops"]["environment"]).is_empty(),
        "variables are a map, so that each is there once"
    );
}
