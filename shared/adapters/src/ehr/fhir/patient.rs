//! Patients: what a found one says, and what an update changes in it.

use domain::intake::{Address, Sex};
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    ExistingPatient, FhirEhr, PatientWrite, ReadFault, System,
    resource::{
        self, Contact, Telecom, add_identifier, guardian_role, id_of, identifiers, items, items_mut, text,
        version_of,
    },
    store::Change,
};
use crate::{ehr::found::alike, http::Deadline};

/// What a patient resource says of the person. `None` if it has no id.
pub(super) fn existing(resource: &Value) -> Option<ExistingPatient> {
    let name = name(resource);
    let given: Vec<&str> =
        name.map(|name| items(name, "given").filter_map(Value::as_str).collect()).unwrap_or_default();
    let telecom = |system: &str| -> Vec<String> {
        items(resource, "telecom")
            .filter(|entry| text(entry, "system") == Some(system))
            .filter_map(|entry| text(entry, "value").map(str::to_owned))
            .collect()
    };
    Some(ExistingPatient {
        id: id_of(resource)?.to_owned(),
        version: version_of(resource),
        identifiers: identifiers(resource, System::Patient),
        given: given.first().map(|given| (*given).to_owned()).unwrap_or_default(),
        middle: (given.len() > 1).then(|| given[1..].join(" ")),
        family: name.and_then(|name| text(name, "family")).unwrap_or_default().to_owned(),
        birth_date: text(resource, "birthDate").and_then(|date| date.parse().ok()),
        sex: match text(resource, "gender") {
            Some("female") => Sex::Female,
            Some("male") => Sex::Male,
            Some("other") => Sex::Other,
            _ => Sex::Unknown,
        },
        phones: telecom("phone"),
        emails: telecom("email"),
        address: items(resource, "address").next().map(|address| {
            let part = |key| text(address, key).unwrap_or_default().to_owned();
            Address {
                lines: items(address, "line").filter_map(Value::as_str).map(str::to_owned).collect(),
                city: part("city"),
                state: part("state"),
                postal_code: part("postalCode"),
            }
        }),
    })
}

/// The official name, or else the first that is not an old one.
fn name(resource: &Value) -> Option<&Value> {
    let usage = |name: &&Value, wanted| text(name, "use") == Some(wanted);
    items(resource, "name")
        .find(|name| usage(name, "official"))
        .or_else(|| items(resource, "name").find(|name| !usage(name, "old")))
}

/// Whether the found patient is the person that we would write: birth date, family and first given name.
pub(super) fn agrees(resource: &Value, write: &PatientWrite) -> bool {
    let patient = &write.patient;
    existing(resource).is_some_and(|found| {
        found.birth_date == Some(patient.birth_date)
            && alike(&found.family, &patient.family)
            && alike(&found.given, &patient.given)
    })
}

/// Puts what the patient now states over what the EHR holds. Names and birth date stay as the EHR has them: the person is
/// the same, and the clinic's spelling is not ours to change. Whatever has no counterpart in the intake stays.
pub(super) fn merge(resource: &Value, write: &PatientWrite) -> Change {
    let mut merged = resource.clone();
    let patient = &write.patient;
    add_identifier(&mut merged, System::Patient, &write.identifier);
    for entry in Telecom::of(patient) {
        put_telecom(&mut merged, &entry);
    }
    if let Some(address) = &patient.address {
        put_address(&mut merged, &resource::Address::of(address));
    }
    if patient.sex != Sex::Unknown
        && matches!(text(&merged, "gender"), None | Some("unknown"))
        && let Some(object) = merged.as_object_mut()
    {
        object.insert("gender".to_owned(), patient.sex.as_str().into());
    }
    if let Some(guardian) = &write.guardian {
        put_guardian(&mut merged, &guardian.name, &Contact::guardian(guardian));
    }
    Change::from(resource, merged)
}

/// A number or address that is there stays as it is; one that was given for home before is replaced.
fn put_telecom(resource: &mut Value, entry: &Telecom<'_>) {
    let Some(list) = items_mut(resource, "telecom") else { return };
    let same_system = |known: &Value| text(known, "system") == Some(entry.system);
    let equal = |known: &&Value| text(known, "value").is_some_and(|value| same_contact(value, entry.value));
    if list.iter().filter(|known| same_system(known)).any(|known| equal(&known)) {
        return;
    }
    let for_home = |known: &Value| matches!(text(known, "use"), None | Some("home" | "mobile"));
    match list.iter_mut().find(|known| same_system(known) && for_home(known)).and_then(Value::as_object_mut) {
        Some(known) => {
            known.insert("value".to_owned(), entry.value.into());
        }
        None => list.extend(serde_json::to_value(entry)),
    }
}

/// Phones are equal by their last ten digits, other values as texts.
fn same_contact(a: &str, b: &str) -> bool {
    let digits = |value: &str| -> Option<String> {
        let digits: String = value.chars().filter(char::is_ascii_digit).collect();
        (!value.contains('@') && digits.len() >= 10).then(|| digits[digits.len() - 10..].to_owned())
    };
    match (digits(a), digits(b)) {
        (Some(a), Some(b)) => a == b,
        _ => alike(a, b),
    }
}

fn put_address(resource: &mut Value, address: &resource::Address<'_>) {
    let Ok(Value::Object(ours)) = serde_json::to_value(address) else { return };
    let Some(list) = items_mut(resource, "address") else { return };
    let covers = |known: &Value| {
        let lines: Vec<_> = items(known, "line").filter_map(Value::as_str).collect();
        let part = |key, ours| text(known, key).is_some_and(|known| alike(known, ours));
        alike(&lines.join(" "), &address.line.join(" "))
            && part("city", address.city)
            && part("state", address.state)
            && part("postalCode", address.postal_code)
    };
    if list.iter().any(covers) {
        return;
    }
    let for_home = |known: &Value| matches!(text(known, "use"), None | Some("home"));
    match list.iter_mut().find(|known| for_home(known)).and_then(Value::as_object_mut) {
        Some(known) => overwrite(known, ours),
        None => list.push(Value::Object(ours)),
    }
}

fn overwrite(known: &mut Map<String, Value>, ours: Map<String, Value>) {
    // The old text and district would contradict the new lines.
    known.remove("text");
    known.remove("district");
    known.extend(ours);
}

fn put_guardian(resource: &mut Value, name: &str, contact: &impl Serialize) {
    let Some(list) = items_mut(resource, "contact") else { return };
    let (system, code) = guardian_role();
    let is_guardian = |known: &Value| {
        items(known, "relationship")
            .flat_map(|relationship| items(relationship, "coding"))
            .any(|coding| text(coding, "system") == Some(system) && text(coding, "code") == Some(code))
    };
    let named = |known: &Value| {
        known.pointer("/name/text").and_then(Value::as_str).is_some_and(|known| alike(known, name))
    };
    let Ok(Value::Object(ours)) = serde_json::to_value(contact) else { return };
    match list.iter_mut().find(|known| is_guardian(known) && named(known)).and_then(Value::as_object_mut) {
        Some(known) => {
            // As the EHR spells the name; the phone as it is now.
            if let Some(telecom) = ours.get("telecom") {
                known.insert("telecom".to_owned(), telecom.clone());
            }
        }
        None => list.push(Value::Object(ours)),
    }
}

impl FhirEhr {
    pub(super) async fn find_patients(
        &self,
        family: &str,
        birth_date: Date,
        deadline: Deadline,
    ) -> Result<Vec<ExistingPatient>, ReadFault> {
        let day = birth_date.to_string();
        let form = [("family", family), ("birthdate", day.as_str()), ("_count", "50")];
        let bundle = self.search("Patient", &form, deadline).await?;
        let hits = bundle.hits("Patient", |resource| {
            existing(resource)
                .is_some_and(|found| found.birth_date == Some(birth_date) && alike(&found.family, family))
        });
        // Without a hit, a page of strangers with more behind it is no "there is none".
        if hits.ours.is_empty() && !hits.conclusive {
            return Err(ReadFault::Unreadable);
        }
        Ok(hits.ours.iter().filter_map(existing).collect())
    }
}
