//! `Coverage`.

use serde::Serialize;

use super::{Concept, Identifier, Reference};
use crate::ehr::{CoverageWrite, System};

const CLASS: &str = "http://terminology.hl7.org/CodeSystem/coverage-class";
const RELATIONSHIP: &str = "http://terminology.hl7.org/CodeSystem/subscriber-relationship";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::ehr::fhir) struct Coverage<'a> {
    resource_type: &'static str,
    identifier: [Identifier<'a>; 1],
    status: &'static str,
    subscriber_id: &'a str,
    beneficiary: Reference<'a>,
    relationship: Concept<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<Period>,
    payor: [Reference<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    class: Vec<Class<'a>>,
}

#[derive(Serialize)]
pub(in crate::ehr::fhir) struct Period {
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
}

#[derive(Serialize)]
pub(in crate::ehr::fhir) struct Class<'a> {
    #[serde(rename = "type")]
    kind: Concept<'a>,
    value: &'a str,
}

impl Period {
    /// The period that the payer stated, if it did.
    pub(in crate::ehr::fhir) fn of(write: &CoverageWrite) -> Option<Self> {
        (write.begin.is_some() || write.end.is_some()).then(|| Self {
            start: write.begin.map(|day| day.to_string()),
            end: write.end.map(|day| day.to_string()),
        })
    }
}

impl<'a> Class<'a> {
    pub(in crate::ehr::fhir) fn group(value: &'a str) -> Self {
        Self { kind: Concept::coded(CLASS, "group", None), value }
    }
}

impl<'a> Coverage<'a> {
    pub(in crate::ehr::fhir) fn of(write: &'a CoverageWrite) -> Self {
        Self {
            resource_type: "Coverage",
            identifier: [Identifier::ours(System::Coverage, &write.identifier)],
            status: "active",
            subscriber_id: &write.coverage.member_id,
            beneficiary: Reference::to("Patient", &write.patient_id),
            relationship: Concept::coded(RELATIONSHIP, "self", None),
            period: Period::of(write),
            payor: [Reference::named("Organization", &write.coverage.payer)],
            class: write.coverage.group.iter().map(|group| Class::group(group)).collect(),
        }
    }
}
