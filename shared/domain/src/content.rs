//! The content of a submission, reduced to what makes two of them the same.

use serde_json::Value;

use crate::{
    arrival::{Arrival, Flaw},
    blind::{BlindIndex, IndexKey},
    ids::SourceName,
    submission::SubmittedForm,
};

/// The content of what arrived: of the form, or of the whole submission where it is none.
pub fn of(key: &IndexKey, arrival: &Arrival) -> BlindIndex {
    let source = &arrival.meta.source;
    match &arrival.form {
        Ok(form) => fingerprint(key, source, form.expose()),
        Err(Flaw { content, .. }) => {
            let form = content.clone().unwrap_or_default();
            fingerprint(key, source, &SubmittedForm::new(String::new(), form))
        }
    }
}

/// A keyed hash over source, form version and form. What people corrected since does not count: it is the same submission. When it was sent does not count, nor the order of an object's keys,
/// which JSON leaves open and connectors change.
pub fn fingerprint(key: &IndexKey, source: &SourceName, form: &SubmittedForm) -> BlindIndex {
    let mut text = String::with_capacity(2048);
    canonical(&form.form, &mut text);
    key.index("content", &[source.as_str(), &form.form_version, &text])
}

/// Writes a value with sorted keys and no white space.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (key, inner) in entries {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                canonical(inner, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::fingerprint;
    use crate::{
        blind::IndexKey,
        ids::SourceName,
        submission::SubmittedForm,
        template::{Corrections, Field},
    };

    fn hash(form: Value) -> [u8; 32] {
        hash_of(&SubmittedForm::new("1".to_owned(), form))
    }

    fn hash_of(form: &SubmittedForm) -> [u8; 32] {
        let source = SourceName::parse("kiosk").unwrap();
        *fingerprint(&IndexKey::new(&[1; 32]), &source, form).as_bytes()
    }

    #[test]
    fn key_order_does_not_count_and_values_do() {
        let one: Value = serde_json::from_str(r#"{"a": 1, "b": {"c": [1, 2], "d": null}}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"b": {"d": null, "c": [1, 2]}, "a": 1}"#).unwrap();
        assert_eq!(hash(one.clone()), hash(two));
        assert_ne!(hash(one), hash(json!({"a": 1, "b": {"c": [2, 1], "d": null}})));
    }

    #[test]
    fn what_was_corrected_makes_no_other_submission_of_it() {
        let form = json!({"a": 1});
        let corrections = Corrections::new([(Field::Reason, "x".to_owned())]);
        let corrected = SubmittedForm { corrections, ..SubmittedForm::new("1".to_owned(), form.clone()) };
        assert_eq!(hash(form), hash_of(&corrected));
    }

    #[test]
    fn neighbours_do_not_run_together() {
        assert_ne!(hash(json!({"a": ["1", "2"]})), hash(json!({"a": ["1,2"]})));
        assert_ne!(hash(json!({"a": "1"})), hash(json!({"a": 1})));
    }
}
