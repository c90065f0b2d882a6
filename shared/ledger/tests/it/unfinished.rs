//! What a lost broker takes along is known here.

use domain::{
    AdmissionId, ClinicId, Code, Stage,
    hop::{Event, Hop, Transition},
    outcome::Settled,
    ports::HopLog,
};
use jiff::Timestamp;
use ledger::{
    Decision, Store,
    read::{Kept, State, Stopped},
};

use crate::support::{Fixture, admit, bare, clinic, hop, request};

fn later() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

async fn unfinished(store: &Store) -> Vec<(AdmissionId, State)> {
    let found = store.unfinished(None, Some(later())).await.unwrap();
    found.into_iter().map(|one| (one.admission, one.state)).collect()
}

fn moved(admission: AdmissionId, event: Event, transition: Transition) -> Hop {
    Hop { transition: Some(transition), ..hop(admission, Stage::Validation, event) }
}

#[tokio::test]
async fn it_is_what_is_in_flight_or_was_never_answered() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let mut admitted = Vec::new();
    for n in 0..4 {
        admitted.push(
            admit(&store, &request(&format!("s-{n}"), &format!("Ada Name{n}"), "9:00")).await.admission,
        );
    }
    let rejected = admit(&store, &bare("s-rejected", "none")).await.admission;
    assert_eq!(
        unfinished(&store).await,
        [
            (admitted[0], State::InFlight),
            (admitted[1], State::InFlight),
            (admitted[2], State::InFlight),
            (admitted[3], State::InFlight),
            (rejected, State::Rejected),
        ],
        "in order of admission, also what was decided and not yet journalled"
    );

    // One is on its way, one has ended, one is held and one dead; what was rejected has been answered.
    let held = Transition::Hold { code: Code::ConsentMissing, field: None };
    let dead = Transition::Die { code: Code::TemplateFailed, field: None };
    let rejection = Settled::Rejected { code: Code::MissingField, field: None };
    for hop in [
        hop(admitted[0], Stage::Validation, Event::Emitted),
        moved(admitted[1], Event::Settled, Transition::Settle(Settled::Completed)),
        Hop { parked: Some(b"sealed".to_vec()), ..moved(admitted[2], Event::Held, held) },
        moved(admitted[3], Event::Died, dead),
        moved(rejected, Event::Settled, Transition::Settle(rejection)),
    ] {
        store.append(hop).await.unwrap();
    }
    assert_eq!(unfinished(&store).await, [(admitted[0], State::InFlight)]);
    assert_eq!(store.stopped(None).await.unwrap(), Stopped { held: 1, dead: 1 });
    let elsewhere = ClinicId::parse("clinic-02").unwrap();
    assert_eq!(store.stopped(Some(&elsewhere)).await.unwrap(), Stopped::default());
}

#[tokio::test]
async fn it_is_chosen_by_clinic_and_age_and_comes_with_its_original() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let here = request("s-1", "Ada Lovelace", "9:00");
    let mut there = request("s-2", "Alan Turing", "9:00");
    there.clinic = ClinicId::parse("clinic-02").unwrap();
    there.original = b"another".to_vec();
    there.appointment_at = Some(later());
    let first = admit(&store, &here).await.admission;
    let second = admit(&store, &there).await.admission;

    let found = store.unfinished(Some(&there.clinic), Some(later())).await.unwrap();
    let [one] = found.as_slice() else { panic!("one at that clinic") };
    assert_eq!((one.admission, &one.clinic, one.message), (second, &there.clinic, there.message));
    assert_eq!((one.correlation, one.appointment_at), (there.correlation, Some(later())));
    assert_eq!(store.unfinished(Some(&clinic()), Some(later())).await.unwrap().len(), 1);
    assert!(
        store.unfinished(None, Some(here.received_at)).await.unwrap().is_empty(),
        "received at that moment"
    );

    let mut originals = store.originals(&[first, second]).await.unwrap();
    originals.sort_by_key(|(admission, _)| *admission != first);
    assert_eq!(originals[0].1.trace_id, None);
    let trace = "0af7651916cd43dd8448eb211c80319c".to_owned();
    let snoozed = hop(first, Stage::Notification, Event::Snoozed);
    store.append(Hop { trace_id: Some(trace.clone()), ..snoozed.clone() }).await.unwrap();
    store.append(Hop { trace_id: Some("f".repeat(32)), ..snoozed }).await.unwrap();
    let first_trace = store.originals(&[first]).await.unwrap().remove(0).1.trace_id;
    assert_eq!(first_trace, Some(trace), "that of its first hop");
    let kept = |sealed: &[u8]| Kept { sealed: Some(sealed.to_vec()), trace_id: None };
    assert_eq!(originals, [(first, kept(b"sealed")), (second, kept(b"another"))]);
    assert!(store.originals(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_message_that_was_admitted_is_answered_as_the_first_time() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let request = request("s-1", "Ada Lovelace", "9:00");
    let first = admit(&store, &request).await;
    assert!(matches!(first.decision, Decision::Admitted { new_person: true, .. }) && !first.again);
    store.append(hop(first.admission, Stage::Notification, Event::Snoozed)).await.unwrap();

    let found = store.unfinished(None, Some(later())).await.unwrap();
    let mut again = request.clone();
    again.message = found[0].message;
    let second = admit(&store, &again).await;
    assert_eq!((second.admission, &second.decision, second.again), (first.admission, &first.decision, true));
    assert_eq!(fixture.count("SELECT count(*) FROM submission").await, 1);

    // Also after it has ended: harmless, since all that follows is done once. But it is not published then.
    let done = moved(first.admission, Event::Settled, Transition::Settle(Settled::Completed));
    store.append(Hop { stage: Stage::Notification, ..done }).await.unwrap();
    assert!(store.unfinished(None, Some(later())).await.unwrap().is_empty());
    assert!(store.originals(&[first.admission]).await.unwrap().is_empty());
    assert_eq!(admit(&store, &again).await.decision, first.decision);
}
