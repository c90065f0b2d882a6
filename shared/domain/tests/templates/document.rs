//! `docs/templates.md` is executed.

use std::{collections::BTreeMap, fs};

use domain::{
    ports::RetryLimits,
    template::{Clinics, Field, Retry, check},
};

use crate::{FILES, bases, root};

/// The files in `docs/templates.md`, over the bases.
#[test]
fn the_documents_example_works() {
    let text = fs::read_to_string(root().join("docs/templates.md")).unwrap();
    let mut files: BTreeMap<String, String> = bases().collect();
    for part in text.split("<!-- file: ").skip(1) {
        let (name, rest) = part.split_once(" -->\n```").unwrap();
        let (_, body) = rest.split_once('\n').unwrap();
        files.insert(name.to_owned(), body.split_once("\n```").unwrap().0.to_owned());
    }
    let report = check::run(&files);
    assert!(report.passed(), "{:#?}", report.failures);
    assert_eq!((report.clinics, report.examples), (1, 1));
    let clinics = Clinics::from_sources(files).unwrap();
    let clinic = clinics.iter().next().unwrap();
    assert_eq!(clinic.template_ref().version, 3);
    assert_eq!(
        clinic.notification.sms.body,
        "{{ clinic_name }}: {{ starts_local }}, {{ minutes }} minutes. {{ link }}"
    );
    assert!(clinic.notification.email.body.contains("{{ starts_local }}"), "inherited");
    assert!(clinic.notification.quiet_hours.is_some());
    assert_eq!(clinic.retry, Retry { attempts: Some(8), max_age_s: None });
    assert_eq!(clinics.of(&clinic.id), clinic.retry);
}

#[test]
fn every_canonical_field_is_filled_by_some_template() {
    let templates: String =
        bases().map(|(_, text)| text).collect::<String>() + &FILES["clinic-08/template.toml"];
    for field in Field::ALL {
        assert!(templates.contains(field.as_str()), "{}", field.as_str());
    }
}

#[test]
fn a_clinic_has_the_retries_of_its_base_but_what_it_says_itself() {
    let base = "\n[retry]\nattempts = 5\nmax_age_s = 7200\n";
    let with = |more: &str| {
        let template = format!("{}{more}", FILES["clinic-01/template.toml"]);
        let files = bases().map(|(path, text)| {
            let text = if path == "_base/common.toml" { text + base } else { text };
            (path, text)
        });
        let clinics = Clinics::from_sources(files.chain([("clinic-01/template.toml".to_owned(), template)]));
        clinics.unwrap().iter().next().unwrap().retry
    };
    assert_eq!(with(""), Retry { attempts: Some(5), max_age_s: Some(7200) });
    assert_eq!(with("\n[retry]\nattempts = 2\n"), Retry { attempts: Some(2), max_age_s: Some(7200) });
    let unknown = Clinics::default().of(&"nobody".parse().unwrap());
    assert_eq!(unknown, Retry::default());
}
