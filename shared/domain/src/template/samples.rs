//! Clinics from a samples folder's `clinics.json`: what is not written there follows from the position, so that the same
//! file always makes the same clinics.

use serde::Deserialize;
use toml::{Table, Value};

use super::{Clinics, TemplateError, TemplateErrors, load, zones};
use crate::{ClinicId, ids::SourceName};

const FILE: &str = "clinics.json";

/// One clinic of `clinics.json`. Its `ehr` is a vendor's name for the reader: every sample clinic writes to the EHR that
/// the configuration calls `sandbox`.
#[derive(Deserialize)]
struct SampleClinic {
    clinic_id: ClinicId,
    name: String,
    form: String,
    source: SourceName,
    state: String,
    #[serde(default)]
    behavioral: bool,
}

/// A template file for every clinic of the text, as path and content: to be compiled beside the bases, or written to a
/// folder that services read.
///
/// The form is the base (`web_jot` → `web-jot`), the state gives the time zone, `behavioral` requires the Part 2 consent,
/// and payers are asked by JSON and X12 in turn.
///
/// # Errors
/// [`TemplateErrors`] if the text is not such a list.
pub fn sources(clinics_json: &str) -> Result<Vec<(String, String)>, TemplateErrors> {
    let clinics = read(clinics_json)?;
    clinics.iter().enumerate().map(|(n, clinic)| Ok((path(clinic), template(n, clinic)?))).collect()
}

/// As [`sources`], but only for the clinics that are not among these: absent, or of another name, form or kind.
///
/// # Errors
/// [`TemplateErrors`] if the text is not such a list.
pub fn missing(clinics: &Clinics, clinics_json: &str) -> Result<Vec<(String, String)>, TemplateErrors> {
    let listed = read(clinics_json)?;
    let all = listed.iter().enumerate().filter(|(_, clinic)| !clinics.has(clinic));
    all.map(|(n, clinic)| Ok((path(clinic), template(n, clinic)?))).collect()
}

fn read(clinics_json: &str) -> Result<Vec<SampleClinic>, TemplateErrors> {
    serde_json::from_str(clinics_json).map_err(|error| fail(error.to_string()))
}

fn fail(what: String) -> TemplateErrors {
    TemplateErrors(vec![TemplateError::new(FILE, what)])
}

fn path(clinic: &SampleClinic) -> String {
    format!("{}/template.toml", clinic.clinic_id)
}

fn base(clinic: &SampleClinic) -> String {
    clinic.form.replace('_', "-")
}

impl Clinics {
    /// Whether a clinic is the listed one: of the same name, made from the same form, and of the same kind.
    fn has(&self, listed: &SampleClinic) -> bool {
        let extends = self.sources.get(&path(listed)).and_then(|text| {
            let table = toml::from_str::<Table>(text).ok()?;
            Some(table.get("extends")?.as_str()?.to_owned())
        });
        let same = self
            .get(&listed.clinic_id)
            .is_some_and(|clinic| clinic.name == listed.name && clinic.requires.part2 == listed.behavioral);
        same && extends.as_deref() == Some(base(listed).as_str())
    }
}

fn template(n: usize, clinic: &SampleClinic) -> Result<String, TemplateErrors> {
    let zone = zones::of_state(&clinic.state)
        .ok_or_else(|| fail(format!("clinic {}: `state` is no USPS code", clinic.clinic_id)))?;
    let text = |text: &str| Value::String(text.to_owned());
    let table = |key: &str, value| Value::Table(Table::from_iter([(key.to_owned(), value)]));
    let entries = [
        ("extends", text(&base(clinic))),
        ("name", text(&clinic.name)),
        ("version", Value::Integer(1)),
        ("time_zone", text(zone)),
        ("source", text(clinic.source.as_str())),
        ("npi", text(&npi(n))),
        ("payer_protocol", text(if n.is_multiple_of(2) { "json" } else { "x12" })),
        ("requires", table("part2", Value::Boolean(clinic.behavioral))),
        ("notification", table("link", text(&format!("https://{}.example.com/visit", clinic.clinic_id)))),
    ];
    let whole: Table = entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    toml::to_string(&whole).map_err(|error| fail(error.to_string()))
}

/// An invented NPI with a right check digit.
fn npi(n: usize) -> String {
    let nine = format!("1{:08}", 99_000_000 + n % 1_000_000);
    let check = (10 - load::luhn(&format!("80840{nine}0"))) % 10;
    format!("{nine}{check}")
}

#[cfg(test)]
mod tests {
    use super::{npi, sources};
    use crate::template::load::is_npi;

    #[test]
    fn invented_npis_are_well_formed() {
        assert!((0..100).all(|n| is_npi(&npi(n))));
        assert_ne!(npi(1), npi(2));
    }

    #[test]
    fn what_is_no_list_of_clinics_is_told() {
        for bad in ["", "{}", "[{}]", r#"[{"clinic_id":"C","name":"","form":"","source":"x","state":"NY"}]"#]
        {
            assert!(sources(bad).unwrap_err().to_string().starts_with("clinics.json: "), "{bad}");
        }
        let nowhere = r#"[{"clinic_id":"c","name":"n","form":"kiosk","source":"x","state":"ZZ"}]"#;
        assert!(sources(nowhere).unwrap_err().to_string().contains("clinic c"));
    }
}
