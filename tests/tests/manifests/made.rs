//! What is made from data is in step with it.

use std::process::Command;

use e2e::binary;
use frontdesk::kubernetes::Environment;
use runtime::topology::{Lanes, Topology};
use serde_json::{Value, json};

use super::{ENVIRONMENTS, documents, list, path, read, settings};

fn writing() -> bool {
    std::env::var_os("FRONTDESK_WRITE_MANIFESTS").is_some()
}

#[test]
fn the_manifests_are_those_of_the_lanes_and_sizes() {
    for name in ENVIRONMENTS {
        let folder = path(&format!("k8s/overlays/{name}"));
        let environment = Environment::read(&folder.join("config")).unwrap();
        if writing() {
            environment.write(&folder).unwrap();
        }
        let differs = environment.differs(&folder).unwrap();
        assert!(differs.is_empty(), "run frontdesk manifests k8s/overlays/{name}: {differs:?}");
    }
}

#[test]
fn the_definitions_are_those_of_the_topology() {
    let lanes = Lanes::read(&settings::of(&read("k8s/compose/frontdesk.toml"))).unwrap();
    let text =
        serde_json::to_string_pretty(&Topology::derive(&lanes).definitions("frontdesk")).unwrap() + "\n";
    if writing() {
        std::fs::write(path("k8s/compose/definitions.json"), &text).unwrap();
    }
    assert!(read("k8s/compose/definitions.json") == text, "run with FRONTDESK_WRITE_MANIFESTS=1");
}

/// The rules as Prometheus' operator takes them: the same as promtool checks and tests.
#[test]
fn the_rules_are_those_of_prometheus() {
    let groups = ["recording", "alerts"]
        .map(|name| documents(&read(&format!("k8s/monitoring/{name}.yaml"))).remove(0));
    let groups: Vec<Value> = groups.iter().flat_map(|file| list(&file["groups"])).cloned().collect();
    let rule = json!({
        "apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
        "metadata": { "name": "frontdesk" }, "spec": { "groups": groups },
    });
    let head = "# Made from recording.yaml and alerts.yaml by FRONTDESK_WRITE_MANIFESTS=1 cargo nextest run -p e2e --test manifests\n---\n";
    let text = format!("{head}{}", serde_saphyr::to_string(&rule).unwrap());
    assert_eq!(documents(&text), [rule], "what is written is read as the same");
    if writing() {
        std::fs::write(path("k8s/monitoring/rules.yaml"), &text).unwrap();
    }
    assert!(read("k8s/monitoring/rules.yaml") == text, "run with FRONTDESK_WRITE_MANIFESTS=1");
}

#[test]
fn a_lane_more_or_a_file_too_many_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    std::fs::create_dir(&config).unwrap();
    for file in ["frontdesk.toml", "sizes.toml"] {
        std::fs::copy(path(&format!("k8s/overlays/dev/config/{file}")), config.join(file)).unwrap();
    }
    Environment::read(&config).unwrap().write(folder.path()).unwrap();
    assert!(Environment::read(&config).unwrap().differs(folder.path()).unwrap().is_empty());

    let text = std::fs::read_to_string(config.join("frontdesk.toml")).unwrap();
    std::fs::write(
        config.join("frontdesk.toml"),
        format!("{text}\n[lanes.west]\nclinics = [\"clinic-20\"]\n"),
    )
    .unwrap();
    std::fs::write(folder.path().join("line/old.yaml"), "---\n").unwrap();
    let environment = Environment::read(&config).unwrap();
    let differs: Vec<String> =
        environment.differs(folder.path()).unwrap().iter().map(|file| file.display().to_string()).collect();
    for file in ["line/ehr-writer-west.yaml", "line/kustomization.yaml", "line/old.yaml"] {
        assert!(differs.contains(&file.to_owned()), "{file}: {differs:?}");
    }
    let run = |args: &[&str]| {
        let output = Command::new(binary("frontdesk"))
            .arg("manifests")
            .arg(folder.path())
            .args(args)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = run(&["--check"]);
    assert!(code == Some(3) && said.contains("line/old.yaml"), "{code:?}: {said}");
    assert_eq!(run(&[]).0, Some(0));
    assert_eq!(run(&["--check"]), (Some(0), String::new()));
}
