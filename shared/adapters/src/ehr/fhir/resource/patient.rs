//! `Patient`, by US Core 5.0.1: identifier, name and gender are mandatory there.

use domain::intake;
use serde::Serialize;

use super::{Concept, Identifier};
use crate::ehr::{PatientWrite, System};

/// The system of the guardian's role.
const ROLE: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";
const GUARDIAN: &str = "GUARD";

/// The system and code that mark a contact as guardian.
pub(in crate::ehr::fhir) const fn guardian_role() -> (&'static str, &'static str) {
    (ROLE, GUARDIAN)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::ehr::fhir) struct Patient<'a> {
    resource_type: &'static str,
    identifier: [Identifier<'a>; 1],
    active: bool,
    name: [Name<'a>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    telecom: Vec<Telecom<'a>>,
    gender: &'static str,
    birth_date: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    address: Vec<Address<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contact: Vec<Contact<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    communication: Vec<Communication<'a>>,
}

#[derive(Serialize)]
struct Name<'a> {
    #[serde(rename = "use")]
    usage: &'static str,
    family: &'a str,
    given: Vec<&'a str>,
}

#[derive(Serialize)]
pub(in crate::ehr::fhir) struct Telecom<'a> {
    pub(in crate::ehr::fhir) system: &'static str,
    pub(in crate::ehr::fhir) value: &'a str,
    #[serde(rename = "use")]
    usage: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::ehr::fhir) struct Address<'a> {
    #[serde(rename = "use")]
    usage: &'static str,
    pub(in crate::ehr::fhir) line: &'a [String],
    pub(in crate::ehr::fhir) city: &'a str,
    pub(in crate::ehr::fhir) state: &'a str,
    pub(in crate::ehr::fhir) postal_code: &'a str,
    country: &'static str,
}

#[derive(Serialize)]
pub(in crate::ehr::fhir) struct Contact<'a> {
    relationship: [Concept<'a>; 1],
    name: Spoken<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    telecom: Vec<Telecom<'a>>,
}

#[derive(Serialize)]
struct Spoken<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct Communication<'a> {
    language: Concept<'a>,
    preferred: bool,
}

impl<'a> Patient<'a> {
    pub(in crate::ehr::fhir) fn of(write: &'a PatientWrite) -> Self {
        let patient = &write.patient;
        Self {
            resource_type: "Patient",
            identifier: [Identifier::ours(System::Patient, &write.identifier)],
            active: true,
            name: [Name {
                usage: "official",
                family: &patient.family,
                given: std::iter::once(patient.given.as_str()).chain(patient.middle.as_deref()).collect(),
            }],
            telecom: Telecom::of(patient),
            gender: patient.sex.as_str(),
            birth_date: patient.birth_date.to_string(),
            address: patient.address.iter().map(Address::of).collect(),
            contact: write.guardian.iter().map(Contact::guardian).collect(),
            communication: write.language.iter().map(|language| Communication::of(language)).collect(),
        }
    }
}

impl<'a> Telecom<'a> {
    pub(in crate::ehr::fhir) fn of(patient: &'a intake::Patient) -> Vec<Self> {
        let phone = patient.phone.as_deref().map(Self::phone);
        let email = patient.email.as_deref();
        let email = email.map(|value| Self { system: "email", value, usage: "home" });
        phone.into_iter().chain(email).collect()
    }

    const fn phone(value: &'a str) -> Self {
        Self { system: "phone", value, usage: "home" }
    }
}

impl<'a> Address<'a> {
    pub(in crate::ehr::fhir) fn of(address: &'a intake::Address) -> Self {
        Self {
            usage: "home",
            line: &address.lines,
            city: &address.city,
            state: &address.state,
            postal_code: &address.postal_code,
            country: "US",
        }
    }
}

impl<'a> Contact<'a> {
    pub(in crate::ehr::fhir) fn guardian(guardian: &'a intake::Guardian) -> Self {
        Self {
            relationship: [Concept::coded(ROLE, GUARDIAN, Some("guardian"))],
            name: Spoken { text: &guardian.name },
            telecom: guardian.phone.as_deref().map(Telecom::phone).into_iter().collect(),
        }
    }
}

impl<'a> Communication<'a> {
    fn of(language: &'a str) -> Self {
        Self { language: Concept::coded("urn:ietf:bcp:47", language, None), preferred: true }
    }
}
