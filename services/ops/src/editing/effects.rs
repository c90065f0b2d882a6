//! What a field goes into, and whether an edit of it comes too late.

use domain::{Stage, template::Field};
use ledger::replay::Ground;

/// The admission: the person was found, and the request is known, by these fields.
const ADMISSION: &str = "admission";
/// The question to the payer.
const ELIGIBILITY: &str = "eligibility";

/// Why an edit of a field comes too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Late {
    /// It was done with the value as it is.
    Done,
    /// It may have been.
    InDoubt,
}

/// What a field goes into: kinds of effects as the ledger names them, the admission, the question to the payer.
pub(crate) const fn of(field: Field) -> &'static [&'static str] {
    use Field::{
        AppointmentKind, AppointmentProvider, AppointmentStart, CoverageGroup, CoverageMemberId,
        CoveragePayer, Reason,
    };
    match field {
        AppointmentProvider | AppointmentStart => &[ADMISSION, "slot", "appointment"],
        AppointmentKind | Reason => &["appointment"],
        CoveragePayer | CoverageMemberId | CoverageGroup => &[ELIGIBILITY, "coverage"],
        identity if identity.is_identity() => &[ADMISSION, "patient"],
        _ => &["patient"],
    }
}

/// Whether something that the field goes into was done, or may have been.
pub(crate) fn late(field: Field, ground: &Ground) -> Option<Late> {
    // Nothing is left but to tell the patient.
    if ground.stage == Stage::Notification {
        return Some(Late::Done);
    }
    of(field).iter().find_map(|kind| match *kind {
        ADMISSION => ground.admitted.is_some().then_some(Late::Done),
        ELIGIBILITY => (ground.stage == Stage::EhrWriter).then_some(Late::Done),
        kind => {
            let stands = ground.effects.iter().find(|(one, _)| one == kind).map(|(_, state)| state.as_str());
            match stands {
                None | Some("ready" | "rejected") => None,
                Some("done") => Some(Late::Done),
                Some(_) => Some(Late::InDoubt),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use domain::{
        Stage,
        clock::{Clock, SystemClock},
        template::Field,
    };
    use ledger::{letters::LetterState, replay::Ground};

    use super::{Late, late};

    fn ground(stage: Stage, admitted: bool, effects: &[(&str, &str)]) -> Ground {
        let id = domain::AdmissionId::from_uuid(SystemClock.fresh_id());
        Ground {
            stands: LetterState::Open,
            stage,
            admitted: admitted.then_some((id, None)),
            effects: effects.iter().map(|(kind, state)| ((*kind).to_owned(), (*state).to_owned())).collect(),
        }
    }

    #[test]
    fn what_is_done_or_in_doubt_is_not_edited() {
        use Field::{AppointmentStart, CoverageMemberId, PatientEmail, PatientFamily, Reason};
        let new = ground(Stage::Validation, false, &[]);
        for field in Field::ALL {
            assert_eq!(late(*field, &new), None, "{field:?}");
        }
        let admitted = ground(Stage::Eligibility, true, &[]);
        let lates = [PatientFamily, AppointmentStart, CoverageMemberId, PatientEmail, Reason];
        assert_eq!(
            lates.map(|field| late(field, &admitted)),
            [Some(Late::Done), Some(Late::Done), None, None, None]
        );
        let refused = ground(Stage::EhrWriter, true, &[("patient", "rejected")]);
        assert_eq!(
            [CoverageMemberId, PatientEmail].map(|field| late(field, &refused)),
            [Some(Late::Done), None],
            "the payer was asked"
        );
        for (state, expected) in [
            ("ready", None),
            ("done", Some(Late::Done)),
            ("unknown", Some(Late::InDoubt)),
            ("intent", Some(Late::InDoubt)),
            ("conflict", Some(Late::InDoubt)),
            ("parked", Some(Late::InDoubt)),
        ] {
            let written = ground(Stage::EhrWriter, true, &[("patient", state)]);
            assert_eq!(late(PatientEmail, &written), expected, "{state}");
            assert_eq!(late(Reason, &written), None, "it goes into the appointment");
        }
        assert_eq!(late(Reason, &ground(Stage::Notification, true, &[])), Some(Late::Done));
    }
}
