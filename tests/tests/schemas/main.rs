//! `schemas/` says what the code does: generated files are fresh, hand-written ones name what there is.
//!
//! `FRONTDESK_WRITE_SCHEMAS=1 cargo nextest run -p e2e --test schemas` writes the generated ones.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod asyncapi;
mod codes;
mod make;
mod messages;
mod openapi;
mod permissions;

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::{Value, json};

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "schemas", name].iter().collect()
}

fn read(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path(name)).unwrap()).unwrap()
}

fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::options().should_validate_formats(true).build(schema).unwrap()
}

/// Fails with the place, never with the value.
fn assert_valid(validator: &jsonschema::Validator, value: &Value, what: &str) {
    let places: Vec<String> =
        validator.iter_errors(value).map(|error| error.schema_path().to_string()).collect();
    assert!(places.is_empty(), "{what} breaks {places:?}");
}

fn texts<'a>(values: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    values.into_iter().map(|value| value.as_str().unwrap().to_owned()).collect()
}

fn names(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

/// A component of an OpenAPI document as a schema of its own.
fn component(document: &Value, name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}"), "components": document["components"] })
}

/// All `$ref`s that name a file, without what follows `#`.
fn files(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).filter(|text| !text.starts_with('#'));
            let own = own.map(|text| text.split('#').next().unwrap_or(text).to_owned());
            own.into_iter().chain(members.values().flat_map(files)).collect()
        }
        Value::Array(items) => items.iter().flat_map(files).collect(),
        _ => BTreeSet::new(),
    }
}

#[test]
fn every_file_that_is_named_is_there() {
    for document in ["openapi.gateway.json", "openapi.ops.json", "asyncapi.json"] {
        for file in files(&read(document)) {
            assert!(path(&file).is_file(), "{document} names {file}");
        }
    }
}
