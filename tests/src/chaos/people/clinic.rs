//! The clinics and the shapes of their forms.

use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

/// The shape of a clinic's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Numbered keys.
    WebJot,
    /// A list of typed answers.
    WebType,
    /// Flat and in capitals.
    Kiosk,
    /// Several facts to a line.
    Call,
    /// FHIR resources, nearly.
    Referral,
}

/// One clinic of `clinics.json`, as far as its senders need it.
#[derive(Debug, Clone, Deserialize)]
pub struct Clinic {
    /// Its identifier.
    pub clinic_id: String,
    /// The shape of its form.
    pub form: Form,
    /// Where its submissions come from.
    pub source: String,
    /// The USPS code of its state.
    pub state: String,
    /// Whether it needs the consent of 42 CFR Part 2.
    pub behavioral: bool,
}

impl Clinic {
    /// The clinics of a samples folder.
    ///
    /// # Errors
    /// If `clinics.json` is absent, not such a list, or empty.
    pub fn read(samples: &Path) -> anyhow::Result<Vec<Self>> {
        let path = samples.join("clinics.json");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let clinics: Vec<Self> = serde_json::from_str(&text)?;
        anyhow::ensure!(!clinics.is_empty(), "{} lists no clinic", path.display());
        Ok(clinics)
    }
}
