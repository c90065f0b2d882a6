//! The configuration's sections and keys, as the code reads them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use clap::CommandFactory as _;
use frontdesk::cli::Cli;
use runtime::{
    ConfigError, Settings,
    config::{self, TlsSection},
    topology::Lanes,
};

type Read = fn(&Settings) -> Result<(), ConfigError>;

fn section<T: serde::de::DeserializeOwned>(settings: &Settings, name: &str) -> Result<(), ConfigError> {
    settings.section::<T>(name).map(drop)
}

/// Every section that any program reads, with what reads it. Each refuses keys that it does not know.
pub(crate) const SECTIONS: [(&str, Read); 19] = [
    ("tls", |all| TlsSection::read(all).map(drop)),
    ("amqp", |all| section::<config::AmqpSection>(all, "amqp")),
    ("management", |all| section::<config::ManagementSection>(all, "management")),
    ("keys", |all| section::<config::KeysSection>(all, "keys")),
    ("stage", |all| section::<config::StageSection>(all, "stage")),
    ("retry", |all| section::<config::RetrySection>(all, "retry")),
    ("health", |all| section::<config::HealthSection>(all, "health")),
    ("telemetry", |all| section::<config::TelemetrySection>(all, "telemetry")),
    ("clinics", |all| section::<config::ClinicsSection>(all, "clinics")),
    ("lanes", |all| Lanes::read(all).map(drop)),
    ("postgres", |all| section::<ledger::Config>(all, "postgres")),
    ("gateway", |all| section::<gateway::config::GatewayConfig>(all, "gateway")),
    ("ops", |all| section::<ops::config::OpsConfig>(all, "ops")),
    ("reconciliation", |all| section::<ops::config::ReconciliationConfig>(all, "reconciliation")),
    ("eligibility", |all| section::<eligibility::Config>(all, "eligibility")),
    ("notification", |all| section::<notification::Config>(all, "notification")),
    ("ehrs", |all| section::<BTreeMap<String, adapters::ehr::EhrConfig>>(all, "ehrs")),
    ("payers", |all| section::<BTreeMap<String, adapters::payer::PayerConfig>>(all, "payers")),
    ("smtp", |all| section::<adapters::messenger::SmtpConfig>(all, "smtp")),
];

/// The one section that may be absent and whose presence matters.
pub(crate) const SMS: (&str, Read) = ("sms", |all| section::<adapters::messenger::SmsConfig>(all, "sms"));

pub(crate) fn of(text: &str) -> Settings {
    Settings::from_toml(text, Path::new("/etc/frontdesk")).unwrap()
}

/// What is wrong with a configuration: sections that nobody reads, what those who do say of their own, and what goes without TLS.
pub(crate) fn problems(text: &str) -> Vec<String> {
    let (settings, table) = (of(text), text.parse::<toml::Table>().unwrap());
    let mut all = Vec::new();
    for name in table.keys() {
        match SECTIONS.iter().chain([&SMS]).find(|(known, _)| known == name) {
            None => all.push(format!("nobody reads [{name}]")),
            Some((_, read)) => all.extend(read(&settings).err().map(|error| error.to_string())),
        }
    }
    all.extend(settings.refuse_plain().err().map(|error| error.to_string()));
    all
}

/// Whether a variable of the environment is one that a program of ours reads.
pub(crate) fn is_variable(name: &str) -> bool {
    if let Some((section, key)) = name.strip_prefix("FRONTDESK__").and_then(|rest| rest.split_once("__")) {
        let (section, key) = (section.to_lowercase(), key.to_lowercase());
        let Some((_, read)) = SECTIONS.iter().chain([&SMS]).find(|(known, _)| *known == section) else {
            return false;
        };
        // An unknown key is told first of all; whatever else is wrong with a text as its value is no matter here.
        let text = format!("[{section}]\n{key} = \"x\"\n");
        return read(&of(&text)).err().is_none_or(|error| !error.to_string().contains("unknown field"));
    }
    commanded().contains(name)
}

/// The variables that stand for options of the command line.
fn commanded() -> BTreeSet<String> {
    fn below(command: &clap::Command, into: &mut BTreeSet<String>) {
        let own = command.get_arguments().filter_map(|argument| argument.get_env());
        into.extend(own.map(|name| name.to_string_lossy().into_owned()));
        command.get_subcommands().for_each(|sub| below(sub, into));
    }
    let mut all = BTreeSet::new();
    below(&Cli::command(), &mut all);
    all
}

/// Whether a command line of ours can be parsed, without its program.
pub(crate) fn is_command(args: &[&str]) -> bool {
    let parsed =
        Cli::command().try_get_matches_from(std::iter::once("frontdesk").chain(args.iter().copied()));
    parsed.is_ok_and(|matches| matches.subcommand().is_some())
}

/// The files and folders that these sections name.
pub(crate) fn files(table: &toml::Table, sections: &[&str]) -> Vec<String> {
    fn below(value: &toml::Value, key: &str, into: &mut Vec<String>) {
        match value {
            toml::Value::Table(table) => table.iter().for_each(|(key, value)| below(value, key, into)),
            toml::Value::String(path) if key.ends_with("_file") || key.ends_with("_dir") => {
                into.push(path.clone())
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    for section in sections {
        if let Some(value) = table.get(*section) {
            below(value, section, &mut all);
        }
    }
    all
}

/// The sections that a program reads.
pub(crate) fn read_by(program: &str) -> Vec<&'static str> {
    let own: &[&str] = match program {
        "migrate" => return vec!["postgres"],
        "topology" => return vec!["amqp", "management", "lanes"],
        "gateway" => &["gateway", "postgres"],
        "ops" => &["ops", "management", "ehrs", "postgres"],
        "eligibility" => &["payers", "postgres"],
        "ehr-writer" => &["ehrs", "postgres"],
        "notification" => &["smtp", "sms", "postgres"],
        _ => &["postgres"],
    };
    ["amqp", "keys", "clinics", "telemetry"].into_iter().chain(own.iter().copied()).collect()
}

/// The configuration with what the environment sets, as a table.
pub(crate) fn with_environment(text: &str, variables: &[(String, String)]) -> toml::Table {
    let mut table = text.parse::<toml::Table>().unwrap();
    for (name, value) in variables {
        let Some((section, key)) = name.strip_prefix("FRONTDESK__").and_then(|rest| rest.split_once("__"))
        else {
            continue;
        };
        let section = table.entry(section.to_lowercase()).or_insert_with(|| toml::Table::new().into());
        section.as_table_mut().unwrap().insert(key.to_lowercase(), value.clone().into());
    }
    table
}

#[test]
fn a_misspelt_key_section_or_variable_is_found() {
    assert!(problems("[stage]\nprefetch = 200\n").is_empty());
    assert!(problems("[stage]\nprefetsch = 1\n")[0].contains("prefetsch"));
    assert!(problems("[stages]\nprefetch = 1\n")[0].contains("[stages]"));
    assert!(
        problems("[ehrs.main]\nprofile = \"fhir\"\nurl = \"https://ehr.example\"\nkeyfile = \"x\"\n")[0]
            .contains("keyfile")
    );
    for name in [
        "FRONTDESK__STAGE__LANES",
        "FRONTDESK__POSTGRES__URL_FILE",
        "FRONTDESK_CONFIG",
        "FRONTDESK_OPS_TOKEN_FILE",
    ] {
        assert!(is_variable(name), "{name}");
    }
    for name in ["FRONTDESK__STAGE__LANE", "FRONTDESK__POSTGRESS__URL_FILE", "FRONTDESK_CONF", "AMQP_URI"] {
        assert!(!is_variable(name), "{name}");
    }
    assert!(
        is_command(&["topology", "apply"]) && is_command(&["health", "http://127.0.0.1:9464/health/ready"])
    );
    assert!(!is_command(&["topology", "aply"]) && !is_command(&["migrat"]) && !is_command(&[]));
}

#[test]
fn nothing_of_an_environment_goes_without_tls() {
    for environment in super::ENVIRONMENTS {
        let text = super::read(&format!("k8s/overlays/{environment}/config/frontdesk.toml"));
        assert!(problems(&text).is_empty(), "{environment}");
        assert_eq!(TlsSection::read(&of(&text)).unwrap().plain, config::Plain::Refuse, "{environment}");
        for (from, to, key) in [
            ("https://otel-collector", "http://otel-collector", "telemetry.otlp_endpoint"),
            ("https://sms", "http://sms", "sms.url"),
            ("public_url = \"https:", "public_url = \"http:", "gateway.public_url"),
            (
                "[gateway]\nlisten = \"0.0.0.0:8443\"\ncert_file",
                "[gateway]\nlisten = \"0.0.0.0:8443\"\n# ",
                "gateway.listen",
            ),
            ("port = 587\n", "port = 25\nsecurity = \"none\"\n", "smtp.security"),
        ] {
            let problems = problems(&text.replace(from, to));
            let found = problems.iter().any(|one| one.contains(&format!("`{key}`: goes without TLS")));
            assert!(found, "{environment}: {key}: {problems:?}");
        }
    }
}
