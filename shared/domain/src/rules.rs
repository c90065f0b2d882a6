//! What every intake is held to after mapping: consent, and a guardian for a minor.

use jiff::Timestamp;

use crate::{Code, FieldPath, Hold, intake::Intake, template::Clinic};

/// Age from which a patient acts for themselves, full years.
pub const ADULT_YEARS: i16 = 18;

/// Whether a person must decide before the intake goes on, and why: consent first, then the guardian.
///
/// The patient's age counts on the day of submission, at the clinic.
pub fn check(intake: &Intake, clinic: &Clinic, submitted_at: Timestamp) -> Option<Hold> {
    check_but(intake, clinic, submitted_at, &[])
}

/// As [`check`], but for the fields that a person has seen given on paper.
pub fn check_but(
    intake: &Intake,
    clinic: &Clinic,
    submitted_at: Timestamp,
    given: &[FieldPath],
) -> Option<Hold> {
    let minor = intake.patient.age_on(clinic.day_of(submitted_at)) < ADULT_YEARS;
    let lacks = [
        (Code::ConsentMissing, "consents.treatment", clinic.requires.treatment && !intake.consents.treatment),
        (
            Code::ConsentMissing,
            "consents.part2",
            clinic.requires.part2 && intake.consents.part2 != Some(true),
        ),
        (Code::GuardianMissing, "guardian.name", minor && intake.guardian.is_none()),
    ];
    let open = lacks.into_iter().filter(|(_, _, lacks)| *lacks);
    open.map(|(code, field, _)| Hold { code, field: Some(FieldPath::known(field)) })
        .find(|hold| !hold.field.as_ref().is_some_and(|field| given.contains(field)))
}
