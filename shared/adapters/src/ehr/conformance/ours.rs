//! What carries our identifiers, page by page.

use super::{
    super::{Ask, Ehr, OurPage, Ours, ReadFault, System},
    World, fail, patient,
};
use crate::ehr::WriteOutcome;

/// More pages than any suite's world has.
const PAGES: usize = 500;

/// Some patients are found by their identifiers and by the time of their change, each once.
pub(super) async fn pages(ehr: &dyn Ehr, world: &World<'_>) {
    let mut made = Vec::new();
    for nth in 0..3 {
        let identifier = format!("{}-page-{nth}", world.seed);
        match ehr.create_patient(&patient(&identifier)).await {
            WriteOutcome::Done { id, .. } => made.push((identifier, id)),
            outcome => fail(&format!("create a patient: {outcome:?}")),
        }
    }
    let mut values: Vec<String> = made.iter().map(|(identifier, _)| identifier.clone()).collect();
    values.push(format!("{}-page-nobody", world.seed));
    let patience = ehr.profile().search_lag + ehr.deadline();
    let searching = async {
        loop {
            let found = all(ehr, Ask::Identifiers(&values)).await;
            if !matches!(&found, Ok(found) if found.len() < made.len()) {
                return found;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let found = match tokio::time::timeout(patience, searching).await {
        Ok(Ok(found)) => found,
        // A server may refuse such questions, but not answer them wrong.
        Ok(Err(ReadFault::Refused { .. })) => return,
        Ok(Err(fault)) => fail(&format!("resources by identifier: {fault:?}")),
        Err(_) => fail("patients just written are not found by their identifiers"),
    };
    for (identifier, id) in &made {
        let hits = found.iter().filter(|one| one.identifier == *identifier && one.id == *id).count();
        assert!(hits == 1, "a patient is found {hits} times by its identifier");
        let there = ehr.exists(System::Patient, id).await;
        assert!(there == Ok(true), "a patient just written is not there by its id: {there:?}");
    }
    let nobody = ehr.exists(System::Appointment, "fd-nobody").await;
    assert!(nobody == Ok(false), "an appointment that nobody made is there: {nobody:?}");
    assert!(found.len() == made.len(), "a search by identifier found what was not asked for");
    let long: [jiff::Timestamp; 2] =
        [jiff::Timestamp::UNIX_EPOCH, jiff::Timestamp::constant(4_000_000_000, 0)];
    match all(ehr, Ask::Changed { from: long[0], until: long[1] }).await {
        Ok(listed) => {
            for (identifier, _) in &made {
                let there = listed.iter().any(|one| one.identifier == *identifier);
                assert!(there, "a patient just written is not in the list of what was changed");
            }
        }
        Err(ReadFault::Refused { .. }) => {}
        Err(fault) => fail(&format!("resources by time of change: {fault:?}")),
    }
}

async fn all(ehr: &dyn Ehr, ask: Ask<'_>) -> Result<Vec<Ours>, ReadFault> {
    let OurPage { mut found, mut next } = ehr.ours(System::Patient, ask).await?;
    for _ in 0..PAGES {
        let Some(cursor) = next else { return Ok(found) };
        let page = ehr.ours(System::Patient, Ask::Next(cursor)).await?;
        found.extend(page.found);
        next = page.next;
    }
    fail("the pages have no end")
}
