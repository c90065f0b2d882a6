//! Search parameters: what each is called, of which type it is, and where in the resource its values are.

use serde_json::Value;

use super::Kind;
use super::dates::Span;

/// One value of a parameter in a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Have {
    /// A code, with the system if the element has one.
    Token(Option<String>, String),
    /// A text, in lower case and as it stands.
    Text(String),
    /// A reference, as it stands.
    Reference(String),
    /// A date or an instant.
    Date(Span),
}

/// The FHIR search parameter type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Token,
    Text,
    Reference,
    Date,
}

/// One search parameter.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) kind: Type,
    /// Whether the index has it; worth it where values tell resources apart.
    pub(crate) indexed: bool,
    pub(crate) values: fn(&Value) -> Vec<Have>,
}

impl Parameter {
    /// The FHIR name of its type.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self.kind {
            Type::Token => "token",
            Type::Text => "string",
            Type::Reference => "reference",
            Type::Date => "date",
        }
    }
}

const fn parameter(
    name: &'static str,
    kind: Type,
    indexed: bool,
    values: fn(&Value) -> Vec<Have>,
) -> Parameter {
    Parameter { name, kind, indexed, values }
}

const ID: Parameter = parameter("_id", Type::Token, false, |r| token(&r["id"]));
const UPDATED: Parameter = parameter("_lastUpdated", Type::Date, false, |r| date(&r["meta"]["lastUpdated"]));
const IDENTIFIER: Parameter = parameter("identifier", Type::Token, true, identifiers);
const STATUS: Parameter = parameter("status", Type::Token, false, |r| token(&r["status"]));
const FAMILY: Parameter = parameter("family", Type::Text, true, |r| in_names(r, &["family"]));
const GIVEN: Parameter = parameter("given", Type::Text, true, |r| in_names(r, &["given"]));
const NAME: Parameter =
    parameter("name", Type::Text, false, |r| in_names(r, &["family", "given", "text", "prefix", "suffix"]));
const BIRTHDATE: Parameter = parameter("birthdate", Type::Date, true, |r| date(&r["birthDate"]));
const PHONE: Parameter = parameter("phone", Type::Token, true, |r| telecom(r, "phone"));
const EMAIL: Parameter = parameter("email", Type::Token, true, |r| telecom(r, "email"));
const GENDER: Parameter = parameter("gender", Type::Token, false, |r| token(&r["gender"]));

static PATIENT: [Parameter; 10] =
    [ID, UPDATED, IDENTIFIER, FAMILY, GIVEN, NAME, BIRTHDATE, PHONE, EMAIL, GENDER];
static COVERAGE: [Parameter; 7] = [
    ID,
    UPDATED,
    IDENTIFIER,
    STATUS,
    parameter("beneficiary", Type::Reference, true, |r| reference(&r["beneficiary"])),
    parameter("patient", Type::Reference, true, |r| reference(&r["beneficiary"])),
    parameter("payor", Type::Reference, false, |r| list(&r["payor"]).iter().flat_map(reference).collect()),
];
static SLOT: [Parameter; 6] = [
    ID,
    UPDATED,
    IDENTIFIER,
    STATUS,
    parameter("schedule", Type::Reference, true, |r| reference(&r["schedule"])),
    parameter("start", Type::Date, true, |r| date(&r["start"])),
];
static APPOINTMENT: [Parameter; 8] = [
    ID,
    UPDATED,
    IDENTIFIER,
    STATUS,
    parameter("patient", Type::Reference, true, |r| {
        let mut actors = actors(r);
        actors.retain(|have| matches!(have, Have::Reference(to) if to.contains("Patient/")));
        actors
    }),
    parameter("actor", Type::Reference, true, actors),
    parameter("slot", Type::Reference, true, |r| list(&r["slot"]).iter().flat_map(reference).collect()),
    parameter("date", Type::Date, true, |r| date(&r["start"])),
];
static RELATED_PERSON: [Parameter; 8] = [
    ID,
    UPDATED,
    IDENTIFIER,
    NAME,
    BIRTHDATE,
    PHONE,
    EMAIL,
    parameter("patient", Type::Reference, true, |r| reference(&r["patient"])),
];

impl Kind {
    /// The parameters that can be searched for.
    pub(crate) fn parameters(self) -> &'static [Parameter] {
        match self {
            Self::Patient => &PATIENT,
            Self::Coverage => &COVERAGE,
            Self::Slot => &SLOT,
            Self::Appointment => &APPOINTMENT,
            Self::RelatedPerson => &RELATED_PERSON,
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn owned(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn token(value: &Value) -> Vec<Have> {
    owned(value).map(|code| Have::Token(None, code)).into_iter().collect()
}

fn date(value: &Value) -> Vec<Have> {
    value.as_str().and_then(Span::parse).map(Have::Date).into_iter().collect()
}

fn reference(value: &Value) -> Vec<Have> {
    owned(&value["reference"]).map(Have::Reference).into_iter().collect()
}

fn identifiers(resource: &Value) -> Vec<Have> {
    let one = |value: &Value| Some(Have::Token(owned(&value["system"]), owned(&value["value"])?));
    list(&resource["identifier"]).iter().filter_map(one).collect()
}

fn telecom(resource: &Value, system: &str) -> Vec<Have> {
    let points = list(&resource["telecom"]).iter().filter(|point| point["system"] == system);
    points.filter_map(|point| Some(Have::Token(None, owned(&point["value"])?))).collect()
}

fn actors(resource: &Value) -> Vec<Have> {
    list(&resource["participant"]).iter().flat_map(|participant| reference(&participant["actor"])).collect()
}

fn in_names(resource: &Value, parts: &[&str]) -> Vec<Have> {
    let mut found = Vec::new();
    for name in list(&resource["name"]) {
        for part in parts {
            let value = &name[*part];
            let texts = value.as_str().into_iter().chain(list(value).iter().filter_map(Value::as_str));
            found.extend(texts.map(|text| Have::Text(text.to_owned())));
        }
    }
    found
}
