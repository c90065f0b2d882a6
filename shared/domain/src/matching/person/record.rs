//! What of an intake identifies a person.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{address, names::split_suffix};
use crate::{
    intake::{Coverage, Intake, Patient, Sex},
    matching::text::fold,
};

/// The identifying part of an intake, normalised. All of it is PHI: it has no `Debug`, and is serialised only to be sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRecord {
    /// Folded given name or names.
    pub(super) given: String,
    /// Folded middle name or initial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) middle: Option<String>,
    /// Folded family name, without suffix.
    pub(super) family: String,
    /// `jr`, `sr`, `ii`, `iii` or `iv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) suffix: Option<String>,
    pub(super) birth_date: Date,
    pub(super) sex: Sex,
    /// E.164.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<String>,
    /// Lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    /// Folded street line without the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) street: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unit: Option<String>,
    /// The first five letters or digits of the postal code (a ZIP without its +4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) postal_code: Option<String>,
    /// Folded member id: families may share one, so it counts as contact data do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) member_id: Option<String>,
}

impl From<&Intake> for PersonRecord {
    fn from(intake: &Intake) -> Self {
        Self::of(&intake.patient, intake.coverage.as_ref())
    }
}

impl PersonRecord {
    /// The record of a patient, whether an intake names them or an EHR has them.
    pub fn of(patient: &Patient, coverage: Option<&Coverage>) -> Self {
        let (given, family) = (fold(&patient.given), fold(&patient.family));
        let ((given, given_suffix), (family, family_suffix)) = (split_suffix(&given), split_suffix(&family));
        let address = patient.address.as_ref();
        let line = address.map(|address| address::normalise(&address.lines));
        Self {
            given: given.to_owned(),
            middle: patient.middle.as_deref().map(fold).and_then(filled),
            family: family.to_owned(),
            suffix: family_suffix.or(given_suffix).map(str::to_owned),
            birth_date: patient.birth_date,
            sex: patient.sex,
            phone: patient.phone.as_deref().map(|phone| phone.trim().to_owned()).and_then(filled),
            email: patient.email.as_deref().map(|email| email.trim().to_lowercase()).and_then(filled),
            unit: line.as_ref().and_then(|line| line.unit.clone()),
            street: line.and_then(|line| filled(line.street)),
            postal_code: address
                .map(|address| fold(&address.postal_code).chars().filter(|c| *c != ' ').take(5).collect())
                .and_then(filled),
            member_id: coverage.map(|coverage| fold(&coverage.member_id)).and_then(filled),
        }
    }
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
