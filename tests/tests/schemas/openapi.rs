//! The OpenAPI documents name the routes, the refusals and the views that the services have.

mod admissions;
mod gateway;
mod holds;
mod letters;
mod ops;
mod plans;
mod reconciliations;
mod status;

use std::collections::BTreeSet;

use domain::Code;
use serde::Serialize;
use serde_json::Value;

use crate::{assert_valid, component, names, texts, validator};

/// `POST /v1/…` for each operation of a document.
fn operations(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, methods)| {
            names(methods).into_iter().map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect()
}

/// The value is as the schema says, and has every member that the schema has.
fn describes(document: &Value, name: &str, value: &impl Serialize) {
    let value = serde_json::to_value(value).unwrap();
    assert_valid(&validator(&component(document, name)), &value, name);
    assert_eq!(names(&document["components"]["schemas"][name]["properties"]), names(&value), "{name}");
}

fn codes(document: &Value) {
    let listed = texts(document["components"]["schemas"]["Code"]["enum"].as_array().unwrap());
    assert_eq!(listed, Code::ALL.iter().map(ToString::to_string).collect());
}
