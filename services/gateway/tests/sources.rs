//! The sources file: the example is good, and mistakes are told with their place and without a secret.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};

use gateway::sources::{Reach, Sources};
use tempfile::TempDir;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_example_is_read() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("sources.example.toml");
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "sources.toml", &std::fs::read_to_string(example).unwrap());
    write(&folder, "make-web-forms.secret", &format!("{SECRET}\n"));
    let sources = Sources::load(&path, 1).unwrap();
    let configured = ["clinic-03".parse().unwrap()].into();
    let strangers: Vec<_> =
        sources.strangers(&configured).map(|(source, clinic)| (source, clinic.as_str())).collect();
    assert_eq!(strangers, [("lobby-kiosks", "clinic-08")]);
}

#[test]
fn mistakes_are_told_with_their_place() {
    let source = |lines: &str| format!("[[source]]\nname = \"a\"\nkind = \"kiosk\"\n{lines}");
    for (text, expected) in [
        ("[[source]]\nname = 1".to_owned(), "near line 2: expected a string"),
        (source("clinics = [\"*\"]\nsecret_files = \"hunter2\""), "near line 5: expected a sequence"),
        (source("clinics = [\"*\"]\npassword = \"hunter2\""), "unknown field `password`"),
        (source("clinics = [\"*\"]"), "needs secret_files or api_key_sha256"),
        (source("clinics = []\napi_key_sha256 = [\"00\"]"), "clinics: name at least one"),
        (source("clinics = [\"A B\"]\napi_key_sha256 = [\"00\"]"), "ClinicId must be 1 to 63"),
        (source("clinics = [\"*\"]\napi_key_sha256 = [\"hunter2\"]"), "64 hexadecimal digits"),
        (source("clinics = [\"*\"]\nsecret_files = [\"missing\"]"), "cannot read"),
        (source("clinics = [\"*\"]\nsecret_files = [\"weak\"]"), "whsec_"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(&folder, "weak", "hunter2");
        let path = write(&folder, "sources.toml", &text);
        let error = Sources::load(&path, 1).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hunter2"), "quotes a secret: {error}");
    }
}

#[test]
fn names_are_unique() {
    let folder = tempfile::tempdir().unwrap();
    let one = format!(
        "[[source]]\nname = \"a\"\nkind = \"kiosk\"\nclinics = [\"*\"]\napi_key_sha256 = [\"{}\"]\n",
        "0".repeat(64)
    );
    let path = write(&folder, "sources.toml", &format!("{one}{one}"));
    let error = Sources::load(&path, 1).map(|_| ()).unwrap_err().to_string();
    assert!(error.ends_with("source `a`: the name is taken"), "{error}");
}

#[test]
fn reach_is_all_or_some() {
    let clinic = "c1".parse().unwrap();
    assert!(Reach::All.covers(&clinic));
    assert!(!Reach::Some([].into()).covers(&clinic));
}
