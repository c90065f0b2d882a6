//! What every intake is held to after mapping: consent, and a guardian for a minor.

use jiff::Timestamp;

use crate::{Code, FieldPath, Hold, intake::Intake, template::Clinic};

/// Age from which a patient acts for themselves, full years.
pub const ADULT_YEARS: i16 = 18;

/// Whether a person must decide before the intake goes on, and why: consent first, then the guardian.
///
/// The patient's age counts on the day of submission, at the clinic.
pub fn check(intake: &Intake, clinic: &Clinic, submitted_at: Timestamp) -> Option<Hold> {
    let hold = |code, field| Some(Hold { code, field: Some(FieldPath::known(field)) });
    if clinic.requires.treatment && !intake.consents.treatment {
        return hold(Code::ConsentMissing, "consents.treatment");
    }
    if clinic.requires.part2 && intake.consents.part2 != Some(true) {
        return hold(Code::ConsentMissing, "consents.part2");
    }
    let minor = intake.patient.age_on(clinic.day_of(submitted_at)) < ADULT_YEARS;
    if minor && intake.guardian.is_none() {
        return hold(Code::GuardianMissing, "guardian.name");
    }
    None
}
