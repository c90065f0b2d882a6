//! Narrow structs of our own for what we write (FHIR R4; Patient by US Core 5.0.1), and small readers for what we find.
//!
//! What is found stays a [`Value`], so that an update keeps everything that we do not know. All of it is PHI: no `Debug`.

mod appointment;
mod coverage;
mod outcome;
mod parts;
mod patient;

use serde_json::Value;

pub(super) use appointment::Appointment;
pub(super) use coverage::{Class, Coverage, Period};
pub(super) use outcome::OperationOutcome;
use parts::{Concept, Identifier, Reference};
pub(super) use patient::{Address, Contact, Patient, Telecom, guardian_role};

use crate::ehr::{ETag, System};

/// The values of our identifier on a resource.
pub(super) fn identifiers(resource: &Value, system: System) -> Vec<String> {
    items(resource, "identifier")
        .filter(|identifier| text(identifier, "system") == Some(system.uri()))
        .filter_map(|identifier| text(identifier, "value").map(str::to_owned))
        .collect()
}

/// Whether a resource carries our identifier.
pub(super) fn carries(resource: &Value, system: System, value: &str) -> bool {
    items(resource, "identifier").any(|identifier| {
        text(identifier, "system") == Some(system.uri()) && text(identifier, "value") == Some(value)
    })
}

/// The resource's id.
pub(super) fn id_of(resource: &Value) -> Option<&str> {
    text(resource, "id").filter(|id| !id.is_empty())
}

/// The resource's version, if it says.
pub(super) fn version_of(resource: &Value) -> Option<ETag> {
    resource.pointer("/meta/versionId")?.as_str().map(ETag::of_version_id)
}

/// A text member.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// The items of a list member; none if it is absent or no list.
pub(super) fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// The items of a list member, to be changed; it is made if it is absent or no list. `None` if the value is no object.
pub(super) fn items_mut<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Vec<Value>> {
    let member = value.as_object_mut()?.entry(key).or_insert_with(|| Value::Array(Vec::new()));
    if !member.is_array() {
        *member = Value::Array(Vec::new());
    }
    member.as_array_mut()
}

/// Adds our identifier to a resource that does not carry it.
pub(super) fn add_identifier(resource: &mut Value, system: System, value: &str) {
    if carries(resource, system, value) {
        return;
    }
    if let (Some(list), Ok(identifier)) =
        (items_mut(resource, "identifier"), serde_json::to_value(Identifier::ours(system, value)))
    {
        list.push(identifier);
    }
}

/// Whether a reference names that resource, relative or absolute, versioned or not.
pub(super) fn refers_to(reference: &str, resource_type: &str, id: &str) -> bool {
    let reference = reference.split_once("/_history/").map_or(reference, |(bare, _)| bare);
    let mut parts = reference.rsplit('/');
    parts.next() == Some(id) && parts.next() == Some(resource_type)
}

#[cfg(test)]
mod tests {
    use super::refers_to;

    #[test]
    fn references_are_relative_absolute_or_versioned() {
        for yes in ["Patient/1", "https://ehr.example/fhir/Patient/1", "Patient/1/_history/3"] {
            assert!(refers_to(yes, "Patient", "1"), "{yes}");
        }
        for no in ["Patient/11", "1", "Group/1", "Patient/", ""] {
            assert!(!refers_to(no, "Patient", "1"), "{no}");
        }
    }
}
