//! Slots and appointments.

use super::{
    super::{Ehr, Search, SlotFound, SlotStatus, Wanted, WriteOutcome},
    World, appointment, done, fail, found,
};

async fn slot(ehr: &dyn Ehr, world: &World<'_>, at: usize, ours: &str) -> SlotFound {
    match ehr.find_slot(world.provider, world.starts[at], ours).await {
        Ok(Some(slot)) => {
            assert!(slot.start == world.starts[at], "a slot at another time");
            slot
        }
        Ok(None) => fail("the slot is not found"),
        Err(fault) => fail(&format!("find a slot: {fault:?}")),
    }
}

pub(super) async fn slots(ehr: &dyn Ehr, world: &World<'_>) {
    let (mine, theirs) = (format!("{}-mine", world.seed), format!("{}-theirs", world.seed));
    let free = slot(ehr, world, 0, &mine).await;
    assert!(free.status == SlotStatus::Free && !free.claimed_by_us(&mine), "the slot must be free at first");
    assert!(free.minutes > 0, "a slot without length");
    assert!(
        matches!(ehr.find_slot("no-such-provider", world.starts[0], &mine).await, Ok(None)),
        "a slot of a provider that there is not"
    );

    done(&ehr.claim_slot(&free, &mine).await, "claim a slot");
    let late = ehr.claim_slot(&free, &theirs).await;
    assert!(matches!(late, WriteOutcome::Stale { .. }), "a second claim of what was free: {late:?}");
    let claimed = slot(ehr, world, 0, &mine).await;
    assert!(claimed.claimed_by_us(&mine) && !claimed.claimed_by_us(&theirs), "the claim does not show");
    assert!(
        matches!(ehr.claim_slot(&claimed, &theirs).await, WriteOutcome::Stale { .. }),
        "a claim of a busy slot"
    );
    done(&ehr.claim_slot(&claimed, &mine).await, "claim one's own slot again");

    done(&ehr.release_slot(&claimed.id, &theirs).await, "release somebody else's slot");
    assert!(slot(ehr, world, 0, &mine).await.claimed_by_us(&mine), "a stranger's release freed the slot");
    done(&ehr.release_slot(&claimed.id, &mine).await, "release a slot");
    let freed = slot(ehr, world, 0, &mine).await;
    assert!(freed.status == SlotStatus::Free, "a released slot is not free");
    assert!(!freed.claims.contains(&mine), "a released slot still carries the claim");

    match ehr.free_slots(world.provider, world.starts[1], 1).await {
        Ok(slots) => assert!(
            slots.len() == 1 && slots[0].start >= world.starts[1] && slots[0].status == SlotStatus::Free,
            "free slots from a time on"
        ),
        Err(fault) => fail(&format!("free slots: {fault:?}")),
    }
}

pub(super) async fn appointments(ehr: &dyn Ehr, world: &World<'_>, patient_id: &str) {
    let identifier = format!("{}-appointment", world.seed);
    let mut write = appointment(&identifier, patient_id, world.provider, world.starts[1]);
    if ehr.profile().has_slots {
        let slot = slot(ehr, world, 1, &identifier).await;
        write.slot_id = Some(done(&ehr.claim_slot(&slot, &identifier).await, "claim the slot of a visit"));
    }
    let id = done(&ehr.create_appointment(&write).await, "create an appointment");
    match found(ehr, Wanted::Appointment(&write)).await {
        Search::One { id: found, agrees: true, .. } => {
            assert!(found == id, "the search found another appointment")
        }
        _ => fail("an appointment just written is not found as written"),
    }
    let mut other = write.clone();
    other.start = world.starts[0];
    assert!(
        matches!(ehr.find(Wanted::Appointment(&other)).await, Search::One { agrees: false, .. }),
        "an appointment at another time must not agree"
    );
}
