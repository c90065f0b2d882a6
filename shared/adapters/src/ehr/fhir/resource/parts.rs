//! Data types that several resources use.

use serde::Serialize;

use crate::ehr::System;

#[derive(Serialize)]
pub(in crate::ehr::fhir) struct Identifier<'a> {
    system: &'static str,
    value: &'a str,
}

impl<'a> Identifier<'a> {
    pub(in crate::ehr::fhir) const fn ours(system: System, value: &'a str) -> Self {
        Self { system: system.uri(), value }
    }
}

#[derive(Serialize)]
struct Coding<'a> {
    system: &'static str,
    code: &'a str,
}

/// A `CodeableConcept`.
#[derive(Serialize)]
pub(in crate::ehr::fhir) struct Concept<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    coding: Vec<Coding<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

impl<'a> Concept<'a> {
    pub(in crate::ehr::fhir) fn coded(system: &'static str, code: &'a str, text: Option<&'a str>) -> Self {
        Self { coding: vec![Coding { system, code }], text }
    }

    pub(in crate::ehr::fhir) const fn text(text: &'a str) -> Self {
        Self { coding: Vec::new(), text: Some(text) }
    }
}

#[derive(Serialize)]
pub(in crate::ehr::fhir) struct Reference<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// To a resource on the same server.
    pub(in crate::ehr::fhir) fn to(resource_type: &str, id: &str) -> Self {
        Self { reference: Some(format!("{resource_type}/{id}")), kind: None, display: None }
    }

    /// To something that has no resource that we know, by name.
    pub(in crate::ehr::fhir) const fn named(kind: &'static str, display: &'a str) -> Self {
        Self { reference: None, kind: Some(kind), display: Some(display) }
    }
}
