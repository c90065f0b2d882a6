//! Coverages: whether a found one is ours, and what an update changes in it.

use serde_json::Value;

use super::{
    CoverageWrite, System,
    resource::{Class, Period, add_identifier, items_mut, refers_to, text},
    store::Change,
};
use crate::ehr::found::alike;

/// Whether the found coverage is of that member and that patient.
pub(super) fn agrees(resource: &Value, write: &CoverageWrite) -> bool {
    text(resource, "subscriberId").is_some_and(|member| alike(member, &write.coverage.member_id))
        && resource
            .pointer("/beneficiary/reference")
            .and_then(Value::as_str)
            .is_some_and(|reference| refers_to(reference, "Patient", &write.patient_id))
}

/// Puts what is stated now over what the EHR holds; whatever has no counterpart in the intake stays.
pub(super) fn merge(resource: &Value, write: &CoverageWrite) -> Change {
    let mut merged = resource.clone();
    add_identifier(&mut merged, System::Coverage, &write.identifier);
    if let Some(object) = merged.as_object_mut() {
        object.insert("status".to_owned(), "active".into());
        object.insert("subscriberId".to_owned(), write.coverage.member_id.as_str().into());
        if let Some(Ok(period)) = Period::of(write).map(serde_json::to_value) {
            object.insert("period".to_owned(), period);
        }
    }
    put_payor(&mut merged, &write.coverage.payer);
    if let Some(group) = &write.coverage.group {
        put_group(&mut merged, group);
    }
    Change::from(resource, merged)
}

/// A payor that is a resource on the server stays: it says more than a name.
fn put_payor(resource: &mut Value, payer: &str) {
    let Some(list) = items_mut(resource, "payor") else { return };
    let known = list.iter().any(|payor| {
        payor.get("reference").is_some() || text(payor, "display").is_some_and(|name| alike(name, payer))
    });
    if !known {
        *list = vec![serde_json::json!({ "type": "Organization", "display": payer })];
    }
}

fn put_group(resource: &mut Value, group: &str) {
    let Some(list) = items_mut(resource, "class") else { return };
    let is_group =
        |class: &&mut Value| class.pointer("/type/coding/0/code").and_then(Value::as_str) == Some("group");
    match list.iter_mut().find(is_group).and_then(Value::as_object_mut) {
        Some(class) => {
            class.insert("value".to_owned(), group.into());
        }
        None => list.extend(serde_json::to_value(Class::group(group))),
    }
}
