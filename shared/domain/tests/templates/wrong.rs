//! What a wrong template or example is told: file, field and reason.

use std::collections::BTreeMap;

use domain::template::{Clinics, check};

use crate::{FILES, bases};

const RIGHT: &str = r#"extends = "kiosk"
name = "Lakeside"
version = 1
time_zone = "America/Chicago"
source = "kiosk"
payer_protocol = "json"
"#;

/// The error of the right template with something added (or a line replaced by one of the same key).
fn error(more: &str) -> String {
    let key = more.split('=').next().unwrap_or_default();
    let kept: String =
        RIGHT.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect();
    let files = bases().chain([("c-1/template.toml".to_owned(), format!("{kept}{more}\n"))]);
    let error = Clinics::from_sources(files).map_or_else(|errors| errors.to_string(), |_| "none".to_owned());
    error.strip_prefix("c-1/template.toml: ").map(str::to_owned).unwrap_or(error)
}

#[test]
fn each_mistake_has_its_message() {
    assert_eq!(error("# nothing"), "none");
    for (more, wanted) in [
        ("time_zone = \"Chicago\"", "time_zone: `Chicago` is not known"),
        ("name = \" \"", "name: must not be empty"),
        ("version = 0", "version: from 1, with at least one of form_versions"),
        ("npi = \"1234567890\"", "npi: ten digits of which the last is the check digit"),
        ("editable = [\"patient.name\"]", "editable: there is no canonical field `patient.name`"),
        ("retry.attempts = 0", "retry.attempts: from 1 to 100"),
        ("retry.max_age_s = 60", "retry.max_age_s: from 3600 to 2592000 seconds"),
        ("extends = \"fax\"", "`extends`: there is no `_base/fax.toml`"),
        (
            "editable = [\"consents.sms\"]",
            "editable: `consents.sms` is a consent, which only the patient gives",
        ),
        ("fields.patient.nick = \"NICK\"", "fields.patient.nick: there is no such canonical field"),
        (
            "fields.reason = \"a[\"",
            "fields.reason: path `a[`: a key is empty, or begins or ends with a space",
        ),
        ("fields.reason = { all = [] }", "fields.reason: a rule wants at least one path"),
        (
            "fields.reason = { steps = [\"name\"] }",
            "fields.reason: a rule has exactly one of `from`, `all`, `join` and `expr`",
        ),
        ("fields.reason = { from = \"a\", with = \"-\" }", "fields.reason: `with` goes with `join`"),
        (
            "fields.reason = { expr = \"f.x\" }",
            "fields.reason: expression `f.x`: `f` is not known; the form is `form`",
        ),
        (
            "fields.reason = { from = \"a\", steps = [{ map = \"m\" }] }",
            "fields.reason: there is no table `maps.m`",
        ),
        (
            "fields.patient.birth_date = { from = \"a\", steps = [{ date = [\"%m%d\"] }] }",
            "fields.patient.birth_date: the format `%m%d` does not make a whole date",
        ),
        (
            "maps.sex.z = \"zed\"",
            "fields.patient.sex: its table gives `zed`, which is not one of the field's words",
        ),
        (
            "notification.sms.body = \"{{ reason }}\"",
            "notification.sms.body: `reason` is not one of clinic_name, clinic_phone, starts_local, minutes, link",
        ),
    ] {
        assert_eq!(error(more), wanted, "{more}");
    }
    for (more, part) in [
        ("colour = 1", "unknown field `colour`"),
        ("retry.tries = 3", "unknown field `tries`"),
        ("retry.attempts = -1", "retry"),
        ("payer_protocol = \"fax\"", "unknown variant `fax`"),
        ("fields.reason = { form = \"a\" }", "unknown field `form`"),
        ("fields.reason = { from = \"a\", steps = [\"shout\"] }", "unknown variant `shout`"),
        ("fields.reason = { from = \"a\", steps = [{ capture = \"(\" }] }", "regex parse error"),
        ("fields.reason = { expr = \"form.\" }", "expression `form.`"),
        ("name = ", "TOML parse error"),
    ] {
        let error = error(more);
        assert!(error.contains(part), "{more}: {error}");
    }
}

#[test]
fn all_files_are_told_at_once() {
    let files = bases().chain([
        ("c-1/template.toml".to_owned(), "extends = 1".to_owned()),
        ("C2/template.toml".to_owned(), RIGHT.to_owned()),
        ("_base/payers.toml".to_owned(), "[payers]\nA = [\"x\"]\nB = [\"x\"]".to_owned()),
    ]);
    let errors = Clinics::from_sources(files).unwrap_err();
    let paths: Vec<&str> = errors.0.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(paths, ["_base/payers.toml", "C2/template.toml", "c-1/template.toml"]);
}

#[test]
fn a_folder_may_hold_several_versions() {
    let newer = RIGHT
        .replace("Lakeside", "Lakeview")
        .replace("version = 1", "version = 2\nform_versions = [\"2\", \"3\"]")
        + "fields.reason = \"WHY\"\n";
    let files = |newer: String| {
        bases().chain([("c-1/old.toml".to_owned(), RIGHT.to_owned()), ("c-1/new.toml".to_owned(), newer)])
    };
    let clinics = Clinics::from_sources(files(newer.clone())).unwrap();
    let clinic = clinics.iter().next().unwrap();
    assert_eq!((clinic.name.as_str(), clinic.template_ref().version), ("Lakeview", 2));
    for (form_version, version) in [("1", Some(1)), ("2", Some(2)), ("3", Some(2)), ("4", None)] {
        let template = clinic.template_for(form_version);
        assert_eq!(template.map(|template| template.reference().version), version);
    }
    let clash = files(newer.replace("[\"2\", \"3\"]", "[\"1\"]"));
    assert!(Clinics::from_sources(clash).unwrap_err().to_string().contains("has this version or one of its"));
}

#[test]
fn a_wrong_example_is_told_by_its_fields() {
    let mut files: BTreeMap<String, String> = bases().collect();
    files.insert("clinic-03/template.toml".to_owned(), FILES["clinic-03/template.toml"].clone());
    files.insert("clinic-01/template.toml".to_owned(), FILES["clinic-01/template.toml"].clone());
    let adult = &FILES["clinic-03/examples/adult.json"];
    let mut put = |name: &str, text: String| files.insert(format!("clinic-03/examples/{name}.json"), text);
    put("a", adult.replace("\"family\": \"O'Brien\"", "\"family\": \"Obrien\", \"suffix\": \"x\""));
    put("b", adult.replace("\"LAST\": \"O'BRIEN\"", "\"LAST\": \"\""));
    put("c", adult.replace("\"clinic_id\": \"clinic-03\"", "\"clinic_id\": \"clinic-01\""));
    put("d", "{\"submission\": 7}".to_owned());
    files.insert("clinic-77/examples/a.json".to_owned(), adult.clone());
    let report = check::run(&files);
    assert_eq!((report.clinics, report.examples, report.passed()), (2, 5, false));
    let failures: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        failures,
        [
            "clinic-03/examples/a.json: the intake differs at patient.family, patient.suffix (absent)",
            "clinic-03/examples/b.json: expected an intake, found rejected missing_field at patient.family",
            "clinic-03/examples/c.json: submission.clinic_id: another clinic's",
            "clinic-03/examples/d.json: not an example: line 1, column 16",
            "clinic-77/examples/a.json: there is no template for this clinic",
            "clinic-01/examples: at least one example is wanted",
        ]
    );
}

#[test]
fn a_check_of_templates_that_do_not_compile_runs_nothing() {
    let report = check::run(&BTreeMap::from([("c-1/template.toml".to_owned(), RIGHT.to_owned())]));
    assert_eq!((report.clinics, report.examples, report.failures.len()), (0, 0, 1));
}
