//! Each program starts with the configuration of each environment, as far as one can without its neighbours: it reads all that it is told to
//! read, and then waits for the broker.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use e2e::binary;
use frontdesk::kubernetes::SERVICES;
use regex::Regex;
use serde_json::Value;
use testkit::{certificates::Authority, wait};
use tokio::process::{Child, Command};

use super::{ENVIRONMENTS, compose, path, read};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Two ports that are free.
pub(crate) const ANYWHERE: [SocketAddr; 2] = [SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0); 2];

/// The files that the configurations name, as the image and the mounts have them, in a folder; and the configuration about that folder.
pub(crate) fn laid_out(folder: &Path, config: &str) -> PathBuf {
    compose::secrets(folder);
    let services = folder.join("services");
    let put = |name: &str, text: &str| std::fs::write(services.join("frontdesk").join(name), text).unwrap();
    // Where nothing goes without TLS, nobody is to be asked without.
    let s = if config.parse::<toml::Table>().unwrap().contains_key("tls") { "" } else { "s" };
    put("amqp_url", &format!("amqp{s}://nobody:nothing@127.0.0.1:9/frontdesk"));
    put("management_url", &format!("http{s}://nobody:nothing@127.0.0.1:9"));
    put("smtp_password", "nothing");
    // Nothing here listens elsewhere or at a port of its own, and no collector is asked.
    let text = config
        .replace("/run/secrets", &services.display().to_string())
        .replace("/etc/frontdesk/trust", &folder.join("trust").display().to_string())
        .replace("/var/lib/frontdesk", &folder.join("kept").display().to_string())
        .replace("/usr/share/frontdesk/clinics", &path("clinics").display().to_string());
    let text =
        Regex::new(r#"listen = "0\.0\.0\.0:\d+""#).unwrap().replace_all(&text, r#"listen = "127.0.0.1:0""#);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("otlp_endpoint")).collect();
    let file = folder.join("frontdesk.toml");
    std::fs::write(&file, lines.join("\n")).unwrap();
    file
}

/// Certificates as cert-manager makes and the pods mount them, of an authority of the test's own.
pub(crate) fn certificates(folder: &Path) -> Authority {
    let authority = Authority::new("ours").unwrap();
    let (trust, own) = (folder.join("trust"), folder.join("services/tls"));
    for folder in [&trust, &own] {
        std::fs::create_dir_all(folder).unwrap();
    }
    for name in ["ca.crt", "collector.crt"] {
        std::fs::write(trust.join(name), authority.pem()).unwrap();
    }
    let identity = authority.issue(&own, "tls", &["localhost"]).unwrap();
    std::fs::rename(identity.cert, own.join("tls.crt")).unwrap();
    assert_eq!(identity.key, own.join("tls.key"));
    authority
}

pub(crate) fn command(service: &str, folder: &Path, config: &Path, database: &str) -> Command {
    let mut command = Command::new(binary(service));
    command
        .env("FRONTDESK_CONFIG", config)
        .env("FRONTDESK__POSTGRES__URL", database)
        .env("FRONTDESK__HEALTH__LISTEN", "127.0.0.1:0")
        .env("FRONTDESK__HEALTH__ADDRESS_FILE", folder.join(service))
        .env("FRONTDESK__AMQP__URL_FILE", folder.join("services/frontdesk/amqp_url"))
        .env("FRONTDESK__MANAGEMENT__URL_FILE", folder.join("services/frontdesk/management_url"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Waits until the program has read everything: it then waits for the broker, and says so at its health address.
async fn waits(service: &str, folder: &Path, child: &mut Child) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let conditions = || async {
        let address = std::fs::read_to_string(folder.join(service)).ok()?;
        let live = client.get(format!("http://{}/health/live", address.trim())).send().await.ok()?;
        assert!(live.status().is_success());
        let ready = client.get(format!("http://{}/health/ready", address.trim())).send().await.ok()?;
        let told: Value = ready.json().await.ok()?;
        told["checks"].get("broker").cloned()
    };
    let reached = tokio::select! {
        reached = wait::until_some(PATIENCE, conditions) => reached.ok(),
        _ = child.wait() => None,
    };
    if reached != Some(Value::Bool(false)) {
        child.start_kill().ok();
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            tokio::io::AsyncReadExt::read_to_string(&mut stderr, &mut said).await.ok();
        }
        panic!("{service} does not start: {said}");
    }
}

/// A database that is not there: what is to be read is read before it is asked.
const NOBODY: &str = "postgres://nobody:nothing@127.0.0.1:9/none?sslmode=require";

#[tokio::test]
async fn every_service_starts_with_the_configuration_of_every_environment() {
    let overlays = ENVIRONMENTS.map(|name| format!("k8s/overlays/{name}/config/frontdesk.toml"));
    for config in overlays.iter().map(String::as_str).chain(["k8s/compose/frontdesk.toml"]) {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let file = laid_out(folder.path(), &read(config));
        for service in SERVICES {
            let mut child = command(service.name, folder.path(), &file, NOBODY).spawn().unwrap();
            waits(service.name, folder.path(), &mut child).await;
        }
    }
}

#[tokio::test]
async fn what_is_not_there_or_goes_without_tls_keeps_a_service_from_starting() {
    for (service, from, to, told) in [
        ("ops", "tokens.toml", "tokens.tml", "ops.tokens_file"),
        ("gateway", "tls.crt", "tls.cert", "gateway.cert_file"),
        ("validation", "trust/ca.crt", "trust/ca.cert", "postgres.ca_file"),
        ("eligibility", "trust/collector.crt", "trust/collector.cert", "telemetry.ca_file"),
        ("ehr-writer", "https://ehr.", "http://ehr.", "ehrs.sandbox.token_url"),
        ("notification", "https://sms.", "http://sms.", "sms.url"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let config = read("k8s/overlays/production/config/frontdesk.toml");
        assert!(config.contains(from), "{from}");
        // With a collector: who vouches for it is looked for only then.
        let file = laid_out(folder.path(), &config.replace(from, to));
        let text = std::fs::read_to_string(&file).unwrap();
        let collector = "[telemetry]\notlp_endpoint = \"https://127.0.0.1:9\"";
        std::fs::write(&file, text.replace("[telemetry]", collector)).unwrap();
        let output = command(service, folder.path(), &file, NOBODY).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{service}: {said}");
        assert!(said.contains(told), "{service} should name {told}: {said}");
    }
}

/// Where a sandbox is that was started as compose starts it, but for its ports.
pub(crate) struct Told {
    /// What its HTTP addresses begin with.
    pub(crate) base: String,
    pub(crate) smtp_port: u16,
    pub(crate) addresses: Value,
}

/// Starts the sandbox as compose does but for where it listens, with the credentials in the folder.
pub(crate) async fn sandbox(folder: &Path, [http, smtp]: [SocketAddr; 2], more: &[&str]) -> (Child, Told) {
    let command = &super::documents(&read("docker-compose.yml"))[0]["services"]["sandbox"]["command"];
    let address = folder.join("sandbox.json");
    let args = super::texts(command).into_iter().skip(1).map(|arg| {
        let arg = arg.replace("/run/secrets", &folder.join("services").display().to_string());
        let arg =
            arg.replace("127.0.0.1:18080", &http.to_string()).replace("127.0.0.1:1025", &smtp.to_string());
        arg.replace("/usr/share/frontdesk/samples", &path("tests/samples").display().to_string())
    });
    let mut sandbox = Command::new(binary("sandbox"));
    sandbox
        .args(args)
        .args(more)
        .arg("--address-file")
        .arg(&address)
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let sandbox = sandbox.spawn().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let told = || async {
        let addresses: Value = serde_json::from_slice(&std::fs::read(&address).ok()?).ok()?;
        let base = addresses["fhir_url"].as_str()?.strip_suffix("/fhir")?.to_owned();
        let live = client.get(format!("{base}/health/live")).send().await.ok()?;
        let smtp_port = addresses["smtp_addr"].as_str()?.rsplit(':').next()?.parse().ok()?;
        live.status().is_success().then_some(Told { base, smtp_port, addresses })
    };
    (sandbox, wait::until_some(PATIENCE, told).await.unwrap())
}

#[tokio::test]
async fn the_sandbox_starts_as_compose_starts_it_and_is_where_the_configuration_says() {
    let folder = tempfile::tempdir().unwrap();
    compose::secrets(folder.path());
    let (_sandbox, told) = sandbox(folder.path(), ANYWHERE, &[]).await;
    let config = read("k8s/compose/frontdesk.toml").parse::<toml::Table>().unwrap();
    for (key, configured) in [
        ("fhir_url", &config["ehrs"]["sandbox"]["url"]),
        ("token_url", &config["ehrs"]["sandbox"]["token_url"]),
        ("payer_json_url", &config["payers"]["json"]["url"]),
        ("payer_x12_url", &config["payers"]["x12"]["url"]),
        ("sms_url", &config["sms"]["url"]),
    ] {
        let here = told.addresses[key].as_str().unwrap().replace(&told.base, "http://127.0.0.1:18080");
        assert_eq!(Some(here.as_str()), configured.as_str(), "{key}");
    }
}
