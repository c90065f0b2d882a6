//! `docs/operations.md`: its commands can be parsed, and what they name is there.

use std::collections::BTreeSet;

use frontdesk::kubernetes::broker_users;
use regex::Regex;
use serde_json::Value;

use super::{cluster::World, path, read, set, settings, text as text_at};

/// The document's commands, one a line.
fn commands(text: &str) -> Vec<Vec<String>> {
    let lines = text
        .lines()
        .map(str::trim_start)
        .filter(|line| ["frontdesk ", "kubectl ", "docker "].iter().any(|word| line.starts_with(word)));
    lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

/// What is wrong with the document.
fn problems(text: &str) -> Vec<String> {
    let world = World::of_files("production");
    let kinds = [
        ("certificate", "Certificate"),
        ("rabbitmqcluster", "RabbitmqCluster"),
        ("cluster", "Cluster"),
        ("permission", "Permission"),
        ("job", "Job"),
        ("deployment", "Deployment"),
        ("statefulset", "StatefulSet"),
        ("service", "Service"),
        ("scaledobject", "ScaledObject"),
    ];
    let mut all = Vec::new();
    for command in commands(text) {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let line = words.join(" ");
        if words[0] == "frontdesk" && words.last() != Some(&"--help") && !settings::is_command(&words[1..]) {
            all.push(format!("no command: {line}"));
        }
        let port = words.last().and_then(|ports| ports.rsplit(':').next()?.parse::<u64>().ok());
        let reached = |one: &Value| {
            words.contains(&format!("service/{}", text_at(one, "/metadata/name")).as_str())
                && one["spec"]["ports"][0]["port"].as_u64() == port
        };
        if words.contains(&"port-forward") && !world.of_kind("Service").any(reached) {
            all.push(format!("no such port: {line}"));
        }
        for (at, word) in words.iter().enumerate() {
            if word.starts_with("k8s/") && !path(word).exists() {
                all.push(format!("there is no {word}: {line}"));
            }
            if *word == "-n" && words.get(at + 1) != Some(&"frontdesk") {
                all.push(format!("another namespace: {line}"));
            }
            let named = word
                .split_once('/')
                .and_then(|(kind, name)| Some((kinds.iter().find(|(short, _)| *short == kind)?.1, name)));
            let apart = kinds
                .iter()
                .find(|(short, _)| short == word)
                .and_then(|(_, kind)| Some((*kind, *words.get(at + 1)?)));
            if *word == "secret" && words.get(at + 1).is_some_and(|name| world.lacks(name, None).is_some()) {
                all.push(format!("nothing makes the secret: {line}"));
            }
            if let Some((kind, name)) = named.or(apart)
                && !name.starts_with('-')
                && !world.names(kind).contains(name)
            {
                all.push(format!("there is no {kind} {name}: {line}"));
            }
        }
    }
    let links = Regex::new(r"\]\(([^)#]+)").unwrap();
    all.extend(
        links
            .captures_iter(text)
            .filter(|link| !path("docs").join(&link[1]).exists())
            .map(|link| format!("no file {}", &link[1])),
    );
    all
}

#[test]
fn its_commands_files_and_names_are_there() {
    let text = read("docs/operations.md");
    assert!(commands(&text).len() > 20);
    let problems = problems(&text);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_command_or_a_name_that_is_not_there_is_found() {
    let text = read("docs/operations.md");
    for (from, to) in [
        ("frontdesk submit --url", "frontdesk submit --ulr"),
        ("kubectl apply -k k8s/overlays/production/jobs", "kubectl apply -k k8s/overlays/production/job"),
        ("job/migrate", "job/migration"),
        ("scaledobject ehr-writer-north", "scaledobject ehr-writer-nord"),
        ("](keys.md)", "](key.md)"),
        ("service/ops 8444:8444", "service/ops 8444:8081"),
        ("get secret ops-tls", "get secret opstls"),
        ("statefulset/gateway", "statefulset/gatway"),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(!problems(&text.replace(from, to)).is_empty(), "{to}");
    }
}

#[test]
fn its_files_are_read() {
    let text = read("docs/operations.md");
    let blocks: Vec<&str> =
        text.split("```toml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0)).collect();
    let [sources, tokens] = blocks.as_slice() else { panic!("{blocks:?}") };
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    put("make.secret", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
    gateway::sources::Sources::load(&put("sources.toml", sources), 1)
        .unwrap_or_else(|error| panic!("{error}"));
    let tokens = ops::tokens::Tokens::load(&put("tokens.toml", tokens)).unwrap();
    assert!(tokens.holder("test").is_some_and(|ann| ann.name == "ann"), "the hash is that of a token");
}

#[test]
fn its_table_of_secrets_is_that_of_the_manifests() {
    let text = read("docs/operations.md");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let cells = Regex::new("`([^`]+)`").unwrap();
    let mut told = BTreeSet::new();
    for row in rows {
        let (names, properties) = row.trim_matches('|').split_once('|').unwrap();
        let names = cells.captures_iter(names).map(|name| name[1].to_owned());
        let properties: Vec<String> =
            cells.captures_iter(properties).map(|property| property[1].to_owned()).collect();
        told.extend(names.map(|name| format!("{name}: {}", properties.join(" "))));
    }
    let mut wanted = BTreeSet::new();
    for secret in World::of_files("production").of_kind("ExternalSecret") {
        let spec = &secret["spec"];
        let remote: Vec<_> = super::list(&spec["data"]).iter().map(|one| &one["remoteRef"]).collect();
        let key = remote
            .first()
            .map_or_else(|| super::text(spec, "/dataFrom/0/extract/key"), |one| super::text(one, "/key"));
        let name = key.strip_prefix("frontdesk/production/").unwrap();
        let properties: Vec<&str> = remote.iter().map(|one| super::text(one, "/property")).collect();
        wanted.insert(match name.split_once('/') {
            Some(("broker", _)) => "broker/<user>: password source topology monitor scaler".to_owned(),
            Some(("database", "owner")) => "database/owner: password".to_owned(),
            Some(("database", _)) => "database/<service>: password".to_owned(),
            _ if properties.is_empty() && name == "sealing-keys" => "sealing-keys: <id>.key".to_owned(),
            _ if properties.is_empty() => format!("{name}: sources.toml"),
            _ => format!("{name}: {}", properties.join(" ")),
        });
    }
    assert_eq!(told, wanted);
    let services = set(frontdesk::kubernetes::SERVICES.iter().map(|service| service.name.to_owned()));
    let others: BTreeSet<String> =
        broker_users().into_iter().map(|user| user.name).filter(|name| !services.contains(name)).collect();
    assert_eq!(others, set(["source", "topology", "monitor", "scaler"].map(str::to_owned)));
}
