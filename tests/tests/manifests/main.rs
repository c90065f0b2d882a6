//! Whatever the image, docker-compose.yml and the manifests of Kubernetes name is there: programs, commands, ports, paths, variables, keys of
//! the configuration, files, secrets, users, roles and queues. And the other way round: what is misspelt is found.
//!
//! `FRONTDESK_WRITE_MANIFESTS=1 cargo nextest run -p e2e --test manifests` writes those that are made.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod cluster;
mod compose;
mod demo;
mod image;
mod made;
mod operations;
mod secure;
mod settings;
mod starts;

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::Value;

/// The environments.
const ENVIRONMENTS: [&str; 2] = ["dev", "production"];
/// What each environment is applied as, in this order.
const PARTS: [&str; 3] = ["platform", "jobs", "."];

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", name].iter().collect()
}

fn read(name: &str) -> String {
    let path = path(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All documents of a YAML text.
fn documents(text: &str) -> Vec<Value> {
    let all: Vec<Option<Value>> = serde_saphyr::from_multiple(text).unwrap();
    all.into_iter().flatten().collect()
}

/// Texts of a list.
fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    items.into_iter().collect()
}
