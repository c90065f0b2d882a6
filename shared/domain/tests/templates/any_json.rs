//! Whatever a sender puts into a form: an intake or a refusal, never a panic.

use domain::template::MapError;
use proptest::prelude::*;
use serde_json::Value;

use crate::{CLINICS, SUBMISSIONS};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[0-9A-Za-z@;/, .-]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{0,3}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Every pointer into a value.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                pointers(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(list) => {
            for (n, value) in list.iter().enumerate() {
                pointers(value, &format!("{at}/{n}"), found);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_json_maps_or_is_refused(form in any_json()) {
        for clinic in CLINICS.iter().take(5) {
            let end = clinic.map(&form, "1", SUBMISSIONS[0].submitted_at);
            let refused = matches!(end, Err(MapError::Rejected { .. }));
            prop_assert!(refused);
        }
    }

    #[test]
    fn a_real_form_with_one_part_broken_maps_or_is_refused(
        line in 0_usize..2400, at in any::<prop::sample::Index>(), with in any_json(),
    ) {
        let submission = &SUBMISSIONS[line];
        if let Some(clinic) = CLINICS.get(&submission.clinic_id) {
            let mut form = submission.form.clone();
            let mut all = Vec::new();
            pointers(&form, "", &mut all);
            *form.pointer_mut(&all[at.index(all.len())]).unwrap() = with;
            let end = clinic.map(&form, "1", submission.submitted_at);
            let failed = matches!(end, Err(MapError::TemplateFailed { .. }));
            prop_assert!(!failed);
        }
    }
}
