//! The image: what the Dockerfile builds, copies and runs.

use std::collections::BTreeSet;

use regex::Regex;

use super::{path, read, set, settings};

/// What the image holds, as absolute paths: programs, and folders of files.
pub(crate) fn contents() -> BTreeSet<String> {
    let mut all: BTreeSet<String> =
        programs().into_iter().map(|name| format!("/usr/local/bin/{name}")).collect();
    for (sources, target) in copied() {
        let one_folder = sources.len() == 1 && sources[0].ends_with('/');
        for source in sources {
            let name = source.rsplit('/').next().unwrap_or_default();
            all.insert(if one_folder {
                target.trim_end_matches('/').to_owned()
            } else {
                format!("{target}{name}")
            });
        }
    }
    all
}

fn found(pattern: &str, text: &str) -> Vec<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The programs that are put into it.
fn programs() -> BTreeSet<String> {
    set(found(r"target/release/([a-z-]+)", &read("k8s/image/Dockerfile")))
}

/// The folders that the image's user may write to where a volume is mounted.
pub(crate) fn owned() -> BTreeSet<String> {
    set(found(r"/out/owned(/[a-z/]*[a-z])", &read("k8s/image/Dockerfile")))
}

/// What is copied from the checkout: sources, target.
fn copied() -> Vec<(Vec<String>, String)> {
    let text = read("k8s/image/Dockerfile");
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|line| !line.starts_with("--") && *line != ". .");
    lines
        .map(|line| {
            let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let target = words.pop().unwrap();
            (words, target)
        })
        .collect()
}

/// The names of the programs that the workspace builds for the image: `name` of each service, and the sandbox.
fn built() -> BTreeSet<String> {
    let services = frontdesk::kubernetes::SERVICES.iter().map(|service| service.name.to_owned());
    services.chain(["frontdesk".to_owned(), "sandbox".to_owned()]).collect()
}

#[test]
fn every_program_is_in_it_and_each_is_one_of_ours() {
    assert_eq!(programs(), built());
    let packages = set(found(r" -p ([a-z-]+)", &read("k8s/image/Dockerfile")));
    for package in &packages {
        let of_a_service =
            read_package(&format!("services/{package}")) || read_package(&format!("shared/{package}"));
        assert!(of_a_service, "there is no package {package}");
    }
    // The sandbox is the test kit's.
    assert!(path("shared/testkit/src/bin/sandbox.rs").is_file());
    let of_programs: BTreeSet<String> =
        built().into_iter().map(|name| if name == "sandbox" { "testkit".to_owned() } else { name }).collect();
    assert_eq!(packages, of_programs);
}

fn read_package(folder: &str) -> bool {
    let name = folder.rsplit('/').next().unwrap_or_default();
    std::fs::read_to_string(path(folder).join("Cargo.toml"))
        .is_ok_and(|text| text.contains(&format!("name = \"{name}\"\n")))
}

#[test]
fn what_is_copied_is_there_and_not_ignored() {
    let ignore = read("k8s/image/Dockerfile.dockerignore");
    let kept: Vec<&str> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    assert!(ignore.lines().any(|line| line == "*"), "everything else is left out");
    let sources: Vec<String> = copied().into_iter().flat_map(|(sources, _)| sources).collect();
    assert!(sources.len() >= 4, "{sources:?}");
    let needed = ["Cargo.toml", "Cargo.lock", "services/", "shared/", "tests/"].map(str::to_owned);
    for source in sources.iter().chain(&needed) {
        assert!(path(source).exists(), "{source}");
        let source = source.trim_end_matches('/');
        assert!(
            kept.iter().any(|kept| source == *kept || source.starts_with(&format!("{kept}/"))),
            "{source} is ignored"
        );
    }
    for kept in kept {
        assert!(path(kept).exists(), "{kept}");
    }
}

#[test]
fn it_is_built_as_locked_with_our_compiler_and_runs_as_nobody() {
    let text = read("k8s/image/Dockerfile");
    let version = found("rust-version = \"([0-9.]+)\"", &read("Cargo.toml"));
    assert!(text.contains(&format!("FROM rust:{}-", version[0])), "the compiler of Cargo.toml");
    assert!(text.contains("cargo build --locked --release"));
    let line = text.split("\nFROM ").find(|stage| stage.contains(" AS line\n")).unwrap();
    assert!(line.contains("USER 65532:65532\n"));
    for shell in ["RUN ", "SHELL ", "/bin/sh"] {
        assert!(!line.contains(shell), "the image has no shell: {shell}");
    }
    assert!(text.trim_end().ends_with("FROM line AS frontdesk"), "what is built when no target is named");
}

#[test]
fn its_commands_are_commands() {
    let text = read("k8s/image/Dockerfile");
    let pattern = Regex::new(r#"CMD (\[".*"\])"#).unwrap();
    let commands: Vec<Vec<String>> =
        pattern.captures_iter(&text).map(|found| serde_json::from_str(&found[1]).unwrap()).collect();
    assert_eq!(commands.len(), 4);
    for command in commands {
        assert!(contents().contains(&command[0]), "{command:?}");
        let args: Vec<&str> = command[1..].iter().map(String::as_str).collect();
        assert!(args == ["--help"] || settings::is_command(&args), "{command:?}");
    }
    let variable = found("ENV ([A-Z_]+)=", &text);
    assert!(!variable.is_empty() && variable.iter().all(|name| settings::is_variable(name)));
}
