//! From files to clinics.

use std::{collections::BTreeMap, sync::Arc};

use jiff::tz::TimeZone;
use toml::Table;

use super::{
    Clinic, Clinics, Field, Template, TemplateError, TemplateErrors, compile, layers,
    payers::{Payers, PayersFile},
    spec::Spec,
};
use crate::{ClinicId, meta::TemplateRef};

const BASE: &str = "_base";
const PAYERS: &str = "payers";

/// Compiles all. `sources` is by path, relative to the clinics folder.
pub(super) fn clinics(sources: BTreeMap<String, String>) -> Result<Clinics, TemplateErrors> {
    let mut errors = Vec::new();
    let mut bases = BTreeMap::new();
    let mut templates = Vec::new();
    for (path, text) in &sources {
        let Some((folder, name)) = template_path(path) else { continue };
        match toml::from_str::<Table>(text) {
            Ok(table) if folder == BASE => {
                bases.insert(name.to_owned(), table);
            }
            Ok(table) => templates.push((path, folder, table)),
            Err(error) => errors.push(TemplateError::new(path, error)),
        }
    }
    let payers = payers(bases.remove(PAYERS), &mut errors);
    let mut by_id: BTreeMap<ClinicId, Clinic> = BTreeMap::new();
    for (path, folder, table) in templates {
        match clinic(folder, &table, &bases, &payers) {
            Ok(clinic) => {
                if let Err(what) = add(&mut by_id, clinic) {
                    errors.push(TemplateError::new(path, what));
                }
            }
            Err(found) => errors.extend(found.into_iter().map(|what| TemplateError::new(path, what))),
        }
    }
    if errors.is_empty() { Ok(Clinics { by_id, sources }) } else { Err(TemplateErrors(errors)) }
}

/// Folder and stem of `folder/stem.toml`; anything else is no template.
pub(super) fn template_path(path: &str) -> Option<(&str, &str)> {
    let (folder, file) = path.split_once('/')?;
    Some((folder, file.strip_suffix(".toml").filter(|stem| !stem.contains('/'))?))
}

fn payers(table: Option<Table>, errors: &mut Vec<TemplateError>) -> Arc<Payers> {
    let read = |table: Table| Payers::new(table.try_into::<PayersFile>().map_err(|error| error.to_string())?);
    let payers = table.map_or_else(|| Ok(Payers::default()), read);
    Arc::new(payers.unwrap_or_else(|what| {
        errors.push(TemplateError::new("_base/payers.toml", what));
        Payers::default()
    }))
}

/// One version of one clinic.
fn clinic(
    folder: &str,
    table: &Table,
    bases: &BTreeMap<String, Table>,
    payers: &Arc<Payers>,
) -> Result<Clinic, Vec<String>> {
    let one = |what: String| vec![what];
    let id = ClinicId::parse(folder).map_err(|error| one(format!("folder name: {error}")))?;
    let whole = layers::flatten(table, bases).map_err(one)?;
    let spec = whole.try_into::<Spec>().map_err(|error| one(error.to_string()))?;
    let time_zone = TimeZone::get(&spec.time_zone)
        .map_err(|_| one(format!("time_zone: `{}` is not known", spec.time_zone)))?;
    let mut errors = facts(&spec);
    let plan = match compile::plan(&spec.fields, &spec.maps, &time_zone, Arc::clone(payers)) {
        Ok(plan) if errors.is_empty() => plan,
        Ok(_) => return Err(errors),
        Err(found) => {
            errors.extend(found);
            return Err(errors);
        }
    };
    let reference = TemplateRef { id: folder.to_owned(), version: spec.version };
    Ok(Clinic {
        id,
        name: spec.name,
        time_zone,
        source: spec.source,
        npi: spec.npi,
        requires: spec.requires,
        payer_protocol: spec.payer_protocol,
        ehr: spec.ehr,
        notification: spec.notification,
        retry: spec.retry,
        editable: spec.editable.iter().filter_map(|path| Field::parse(path)).collect(),
        templates: vec![Template { reference, form_versions: spec.form_versions, plan }],
    })
}

/// What is wrong beside the fields.
fn facts(spec: &Spec) -> Vec<String> {
    let mut errors = Vec::new();
    if spec.name.trim().is_empty() {
        errors.push("name: must not be empty".to_owned());
    }
    if spec.version == 0 || spec.form_versions.is_empty() {
        errors.push("version: from 1, with at least one of form_versions".to_owned());
    }
    if spec.npi.as_deref().is_some_and(|npi| !is_npi(npi)) {
        errors.push("npi: ten digits of which the last is the check digit".to_owned());
    }
    for path in &spec.editable {
        match Field::parse(path) {
            None => errors.push(format!("editable: there is no canonical field `{path}`")),
            // Nobody agrees in a patient's place. One given on paper is a decision about a hold.
            Some(field) if field.is_consent() => {
                errors.push(format!("editable: `{path}` is a consent, which only the patient gives"));
            }
            Some(_) => {}
        }
    }
    errors.extend(spec.retry.check());
    errors.extend(spec.notification.check().err());
    errors
}

/// Adds a version to its clinic. The facts are the newest version's.
fn add(by_id: &mut BTreeMap<ClinicId, Clinic>, mut new: Clinic) -> Result<(), String> {
    if let Some(mut old) = by_id.remove(&new.id) {
        let version = |clinic: &Clinic| clinic.template_ref().version;
        let same = |a: &Template, b: &Template| {
            a.reference == b.reference || a.form_versions.iter().any(|v| b.form_versions.contains(v))
        };
        let clash = old.templates.iter().any(|a| new.templates.iter().any(|b| same(a, b)));
        if version(&old) > version(&new) {
            std::mem::swap(&mut old, &mut new);
        }
        new.templates.append(&mut old.templates);
        by_id.insert(new.id.clone(), new);
        return if clash {
            Err("another file has this version or one of its form_versions".to_owned())
        } else {
            Ok(())
        };
    }
    by_id.insert(new.id.clone(), new);
    Ok(())
}

/// Ten digits, the last a Luhn check digit over `80840` and the rest (45 CFR 162.406, CMS).
pub(super) fn is_npi(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit()) && luhn(&format!("80840{text}")) == 0
}

/// The Luhn sum modulo ten.
pub(super) fn luhn(digits: &str) -> u8 {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(n, b)| {
            let digit = u32::from(b - b'0');
            if n % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
        })
        .sum();
    u8::try_from(sum % 10).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{is_npi, template_path};

    #[test]
    fn npis_have_a_check_digit() {
        // The example of CMS's own description.
        assert!(is_npi("1234567893"));
        for bad in ["1234567890", "123456789", "12345678931", "123456789x"] {
            assert!(!is_npi(bad));
        }
    }

    #[test]
    fn templates_are_toml_files_of_a_folder() {
        assert_eq!(template_path("_base/kiosk.toml"), Some(("_base", "kiosk")));
        assert_eq!(template_path("clinic-03/template.toml"), Some(("clinic-03", "template")));
        for other in ["README.md", "clinic-03/examples/minor.json", "clinic-03/examples/a.toml", "x.toml"] {
            assert_eq!(template_path(other), None);
        }
    }
}
