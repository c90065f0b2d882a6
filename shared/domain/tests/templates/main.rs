//! The clinics' templates over the sample set, the examples, and the documentation's own example.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod any_json;
mod canonical;
mod corrected;
mod document;
mod rules;
mod samples;
mod wrong;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use domain::{
    ClinicId,
    submission::Submission,
    template::{Clinic, Clinics},
};

/// `clinics/` by path.
static FILES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let mut files = BTreeMap::new();
    let clinics = root().join("clinics");
    let mut folders = vec![clinics.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&clinics).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    files
});
static CLINICS: LazyLock<Clinics> = LazyLock::new(|| Clinics::from_sources(FILES.clone()).unwrap());
static SUBMISSIONS: LazyLock<Vec<Submission>> = LazyLock::new(|| lines("submissions.jsonl"));

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sample(name: &str) -> String {
    fs::read_to_string(root().join("tests/samples").join(name)).unwrap()
}

fn lines<T: serde::de::DeserializeOwned>(name: &str) -> Vec<T> {
    sample(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn bases() -> impl Iterator<Item = (String, String)> {
    FILES.clone().into_iter().filter(|(path, _)| path.starts_with("_base/"))
}

fn clinic(id: &str) -> &'static Clinic {
    CLINICS.get(&ClinicId::parse(id).unwrap()).unwrap()
}
