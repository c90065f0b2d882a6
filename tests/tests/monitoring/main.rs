//! Rules, dashboards and runbooks are about what there is: each metric that they name is exported, each alert says what to do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod alerts;
mod document;
mod logs;

use std::{collections::BTreeSet, path::PathBuf};

use regex::Regex;
use runtime::telemetry::catalogue::{self, Kind};
use serde_json::Value;

/// Labels that Prometheus or the exporter adds.
const ADDED: [&str; 2] = ["service", "le"];

pub(crate) fn text(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", name].iter().collect();
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn found(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    pattern.captures_iter(text).map(|found| found.get(1).unwrap().as_str().to_owned()).collect()
}

/// All queries of a dashboard.
fn queries(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => {
            let own = members.get("expr").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(members.values().flat_map(queries)).collect()
        }
        Value::Array(items) => items.iter().flat_map(queries).collect(),
        _ => Vec::new(),
    }
}

fn dashboards() -> Vec<String> {
    ["operations", "business"]
        .iter()
        .flat_map(|name| {
            let text = text(&format!("k8s/monitoring/dashboards/{name}.json"));
            queries(&serde_json::from_str(&text).unwrap())
        })
        .collect()
}

/// The names under which a metric is asked for.
fn exported() -> BTreeSet<String> {
    let names = catalogue::ALL.iter().flat_map(|metric| match metric.kind {
        Kind::Histogram(_) => {
            ["bucket", "sum", "count"].map(|part| format!("{}_{part}", metric.name)).to_vec()
        }
        _ => vec![metric.name.to_owned()],
    });
    names.collect()
}

const NAME: &str = r"\b(frontdesk_[a-z_]+)\b";
const RECORDED: &str = r"\b((?:slo|frontdesk):[a-z_]+:[a-z0-9_]+)\b";

#[test]
fn every_metric_that_is_asked_for_is_exported() {
    let rules = text("k8s/monitoring/recording.yaml") + &text("k8s/monitoring/alerts.yaml");
    let asked = rules.clone() + &dashboards().join("\n") + &text("k8s/monitoring/tests.yaml");
    let exported = exported();
    let unknown: Vec<_> = found(NAME, &asked).into_iter().filter(|name| !exported.contains(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let recorded = found(r"- record: (\S+)", &rules);
    let unknown: Vec<_> =
        found(RECORDED, &asked).into_iter().filter(|name| !recorded.contains(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_metric_is_looked_at_somewhere() {
    let asked = text("k8s/monitoring/recording.yaml") + &dashboards().join("\n");
    let asked = found(NAME, &asked);
    for metric in catalogue::ALL {
        let names = exported().into_iter().filter(|name| name.starts_with(metric.name));
        assert!(names.into_iter().any(|name| asked.contains(&name)), "nobody looks at {}", metric.name);
    }
}

#[test]
fn every_label_that_is_asked_for_is_one() {
    let known: BTreeSet<&str> =
        catalogue::ALL.iter().flat_map(|metric| metric.labels).copied().chain(ADDED).collect();
    let asked = text("k8s/monitoring/recording.yaml")
        + &text("k8s/monitoring/alerts.yaml")
        + &dashboards().join("\n");
    let selected = found(r#"[{,]\s*([a-z_]+)\s*(?:=~|!=|!~|=)\s*""#, &asked);
    let grouped = found(r"\b(?:by|on)\s*\(([a-z_, ]*)\)", &asked);
    let grouped = grouped.iter().flat_map(|list| list.split(", ")).filter(|label| !label.is_empty());
    for label in selected.iter().map(String::as_str).chain(grouped) {
        assert!(known.contains(label), "{label}");
    }
    assert!(selected.len() > 5);
}

#[test]
fn a_dashboard_says_of_each_panel_what_it_shows() {
    for name in ["operations", "business"] {
        let dashboard: Value =
            serde_json::from_str(&text(&format!("k8s/monitoring/dashboards/{name}.json"))).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        let shown: Vec<_> = panels.iter().filter(|panel| panel["type"] != "row").collect();
        assert!(shown.len() >= 10);
        for panel in &shown {
            let said = panel["description"].as_str().unwrap_or_default();
            assert!(said.ends_with('.'), "{}", panel["title"]);
        }
        let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), panels.len());
    }
}
