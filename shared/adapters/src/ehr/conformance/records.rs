//! Patients and coverages.

use super::{
    super::{ETag, Ehr, ReadFault, Search, Wanted, WriteOutcome},
    World, coverage, done, fail, found, patient,
};

/// Returns the id of the patient that it made.
pub(super) async fn patients(ehr: &dyn Ehr, world: &World<'_>) -> String {
    let mut write = patient(&format!("{}-patient", world.seed));
    assert!(matches!(ehr.find(Wanted::Patient(&write)).await, Search::None), "found before it was written");
    let id = done(&ehr.create_patient(&write).await, "create a patient");

    match found(ehr, Wanted::Patient(&write)).await {
        Search::One { id: found, agrees, current, .. } => {
            assert!(found == id, "the search found another patient");
            assert!(agrees && current, "a patient just written disagrees with what was written");
        }
        _ => fail("a patient just written is not found by our identifier"),
    }
    let mut other = write.clone();
    other.patient.family = "Otherwise".to_owned();
    assert!(
        matches!(ehr.find(Wanted::Patient(&other)).await, Search::One { agrees: false, current: false, .. }),
        "another person under our identifier must not agree"
    );
    let mut spelled = write.clone();
    spelled.patient.family = write.patient.family.to_uppercase();
    assert!(
        matches!(ehr.find(Wanted::Patient(&spelled)).await, Search::One { agrees: true, .. }),
        "the same person in capitals must agree"
    );
    if ehr.profile().conditional_create {
        let again = done(&ehr.create_patient(&write).await, "create a patient again");
        assert!(again == id, "a conditional create made a second patient");
    }
    assert!(
        matches!(ehr.read_patient("no-such-patient").await, Err(ReadFault::Missing)),
        "read of a missing patient"
    );
    let read = match ehr.read_patient(&id).await {
        Ok(read) => read,
        Err(fault) => fail(&format!("read a patient: {fault:?}")),
    };
    assert!(read.person.birth_date == Some(write.patient.birth_date), "the birth date changed");
    assert!(read.person.identifiers.contains(&write.identifier), "our identifier is gone");
    if ehr.profile().can_match {
        match ehr.candidates(&write.patient.family, write.patient.birth_date).await {
            Ok(all) => assert!(all.iter().any(|one| one.id == id), "not among the candidates"),
            Err(fault) => fail(&format!("candidates: {fault:?}")),
        }
    }
    if ehr.profile().can_update_patient {
        write.patient.phone = Some("+12125550199".to_owned());
        update_patient(ehr, &id, read.version.as_ref(), &write).await;
    }
    id
}

async fn update_patient(ehr: &dyn Ehr, id: &str, version: Option<&ETag>, write: &super::PatientWrite) {
    assert!(
        matches!(ehr.find(Wanted::Patient(write)).await, Search::One { agrees: true, current: false, .. }),
        "an update that was not written must not look as if it were"
    );
    let updated = done(&ehr.update_patient(id, version, write).await, "update a patient");
    assert!(updated == id, "an update gave another id");
    assert!(
        matches!(found(ehr, Wanted::Patient(write)).await, Search::One { agrees: true, .. }),
        "an updated patient is not found"
    );
    match ehr.read_patient(id).await {
        Ok(read) => {
            assert!(read.person.phones.contains(&"+12125550199".to_owned()), "the update is not there")
        }
        Err(fault) => fail(&format!("read an updated patient: {fault:?}")),
    }
    if version.is_some() {
        let mut later = write.clone();
        later.patient.phone = Some("+12125550198".to_owned());
        let stale = ehr.update_patient(id, version, &later).await;
        assert!(matches!(stale, WriteOutcome::Stale { .. }), "an update of an old version: {stale:?}");
    }
    let missing = ehr.update_patient("no-such-patient", None, write).await;
    assert!(matches!(missing, WriteOutcome::Rejected { .. }), "an update of nobody: {missing:?}");
}

pub(super) async fn coverages(ehr: &dyn Ehr, world: &World<'_>, patient_id: &str) {
    let mut write = coverage(&format!("{}-coverage", world.seed), patient_id);
    let id = done(&ehr.create_coverage(&write).await, "create a coverage");
    assert!(
        matches!(found(ehr, Wanted::Coverage(&write)).await, Search::One { agrees: true, current: true, .. }),
        "a coverage just written is not found as written"
    );
    let mut other = write.clone();
    other.coverage.member_id = "X000".to_owned();
    assert!(
        matches!(ehr.find(Wanted::Coverage(&other)).await, Search::One { agrees: false, .. }),
        "another member under our identifier must not agree"
    );
    write.coverage.group = Some("GRP-8".to_owned());
    let updated = done(&ehr.update_coverage(&id, None, &write).await, "update a coverage");
    assert!(updated == id, "an update gave another id");
}
