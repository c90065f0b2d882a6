//! What lies with the dead letters is not revived behind people's backs, and what they have ended stays so.

use domain::{
    AdmissionId, Code, Stage,
    hold::{Verdict, Word},
    hop::{Event, Hop, Transition},
    letter::DeadLetter,
    ports::HopLog,
    reconcile::Standing,
};
use ledger::{
    EffectResult, Store, Target,
    acts::Actor,
    holds::NewDecision,
    letters::{Approved, Move},
    read::State,
};

use crate::{
    letters::{keep, letter},
    reconcile::{DAY, admitted, effect, moved},
    support::{Fixture, clinic, hop},
};

fn actor(name: &str) -> Actor {
    Actor { name: name.to_owned(), role: "approver".to_owned() }
}

/// As the broker gave it up at the EHR-writer.
async fn given_up(store: &Store, admission: AdmissionId) -> DeadLetter {
    let died = DeadLetter {
        admission: Some(admission),
        code: Some(Code::DeliveryLimit),
        field: None,
        ..letter(Some("clinic-01"), "09:00", None)
    };
    keep(store, std::slice::from_ref(&died)).await;
    died
}

async fn discard(store: &Store, letters: &[&DeadLetter]) {
    let ids: Vec<_> = letters.iter().map(|letter| letter.id).collect();
    let asked = store.request_discard(&ids, &actor("ann"), "poison").await.unwrap().unwrap();
    let approved = store.approve_discard(asked.id, &actor("bob"), "yes").await.unwrap();
    let Approved::Done(changed) = approved else { panic!("not approved") };
    assert_eq!(changed.done.len(), letters.len());
}

/// How many would be published again, by `recover` and by a repair.
async fn revived(store: &Store, admission: AdmissionId) -> [usize; 3] {
    [
        store.unfinished(None, None).await.unwrap().len(),
        store.waiting(&[admission]).await.unwrap().len(),
        store.originals(&[admission]).await.unwrap().len(),
    ]
}

async fn told(store: &Store) -> Vec<(AdmissionId, Standing)> {
    let open = store.open(&clinic(), DAY.until, 10).await.unwrap();
    open.iter().map(|one| (one.admission, one.standing)).collect()
}

async fn stands(store: &Store, admission: AdmissionId) -> (State, Option<Code>) {
    let status = store.admission(admission).await.unwrap().unwrap();
    (status.state, status.code)
}

#[tokio::test]
async fn poison_is_not_published_again_and_a_discard_is_the_end_of_it() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let (admission, _) = admitted(&store, "s-1", "Ada Name1").await;
    store.append(hop(admission, Stage::Validation, Event::Emitted)).await.unwrap();
    assert_eq!(revived(&store, admission).await, [1; 3]);
    let died = given_up(&store, admission).await;
    assert_eq!(stands(&store, admission).await, (State::InFlight, None), "the broker tells nobody");
    assert_eq!(revived(&store, admission).await, [0; 3]);
    assert_eq!(told(&store).await, [(admission, Standing::Dead)]);

    discard(&store, &[&died]).await;
    assert_eq!(stands(&store, admission).await, (State::Rejected, Some(Code::DeliveryLimit)));
    assert_eq!(store.decisions(admission).await.unwrap().closed, Some(Code::DeliveryLimit));
    // A message of it that still lay in a queue.
    store.append(hop(admission, Stage::Eligibility, Event::Emitted)).await.unwrap();
    let die = Transition::Die { code: Code::EhrRejected, field: None };
    store.append(moved(admission, Stage::EhrWriter, Event::Died, die)).await.unwrap();
    assert_eq!(stands(&store, admission).await, (State::Rejected, Some(Code::DeliveryLimit)));
    assert_eq!(revived(&store, admission).await, [0; 3]);
    assert_eq!(told(&store).await, []);
    assert_eq!(store.ended_oddly(&clinic(), DAY).await.unwrap(), []);
    let last = store.timeline(admission).await.unwrap().hops;
    assert!(last.iter().any(|hop| hop.event == "decided" && hop.actor.as_deref() == Some("bob")));
}

#[tokio::test]
async fn what_has_gone_on_since_it_died_is_on_its_way() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let (admission, _) = admitted(&store, "s-1", "Ada Name1").await;
    let died = given_up(&store, admission).await;
    assert_eq!(revived(&store, admission).await, [0; 3]);
    let later = Hop {
        finished_at: "2026-11-22T09:01:01Z".parse().unwrap(),
        ..hop(admission, Stage::Validation, Event::Emitted)
    };
    store.append(later).await.unwrap();
    assert_eq!(revived(&store, admission).await, [1; 3]);
    assert_eq!(told(&store).await, [(admission, Standing::InFlight)]);
    discard(&store, &[&died]).await;
    assert_eq!(stands(&store, admission).await, (State::InFlight, None), "another message of it is in hand");
}

#[tokio::test]
async fn what_validation_never_answered_is_found_by_its_message() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let (admission, _) = admitted(&store, "s-1", "Ada Name1").await;
    let message = store.unfinished(None, None).await.unwrap()[0].message;
    let status = store.admission(admission).await.unwrap().unwrap();
    // It came in clear: nobody knows whose it is but by its message.
    let died = DeadLetter {
        stage: Stage::Validation,
        message: Some(message),
        code: Some(Code::DeliveryLimit),
        submission: None,
        correlation: status.correlation,
        ..letter(None, "09:00", None)
    };
    keep(&store, std::slice::from_ref(&died)).await;
    assert_eq!(revived(&store, admission).await, [0; 3]);
    discard(&store, &[&died]).await;
    assert_eq!(stands(&store, admission).await, (State::Rejected, Some(Code::DeliveryLimit)));
}

#[tokio::test]
async fn a_submission_ends_with_its_last_letter_and_what_people_put_aside_is_not_told() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let (admission, _) = admitted(&store, "s-1", "Ada Name1").await;
    let die = Transition::Die { code: Code::EhrRejected, field: None };
    store.append(moved(admission, Stage::EhrWriter, Event::Died, die)).await.unwrap();
    let (first, second) = (given_up(&store, admission).await, given_up(&store, admission).await);
    discard(&store, &[&first]).await;
    assert_eq!(
        stands(&store, admission).await,
        (State::Dead, Some(Code::EhrRejected)),
        "the other may be replayed"
    );
    assert_eq!(told(&store).await, [(admission, Standing::Dead)]);
    let put = async |to| store.move_letters(&[second.id], to, &actor("ann"), "later").await.unwrap();
    put(Move::Archive).await;
    assert_eq!((told(&store).await, stands(&store, admission).await.0), (vec![], State::Dead));
    put(Move::Restore).await;
    assert_eq!(told(&store).await, [(admission, Standing::Dead)]);
    discard(&store, &[&second]).await;
    assert_eq!(stands(&store, admission).await, (State::Rejected, Some(Code::DeliveryLimit)));
}

#[tokio::test]
async fn a_message_to_the_patient_that_is_discarded_leaves_the_submission_completed() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let (admission, _) = admitted(&store, "s-1", "Ada Name1").await;
    let die = Transition::Die { code: Code::DeliveryLimit, field: None };
    store.append(moved(admission, Stage::Notification, Event::Died, die)).await.unwrap();
    let died = DeadLetter {
        admission: Some(admission),
        stage: Stage::Notification,
        ..letter(Some("clinic-01"), "09:00", None)
    };
    keep(&store, std::slice::from_ref(&died)).await;
    discard(&store, &[&died]).await;
    assert_eq!(stands(&store, admission).await, (State::Completed, None));
}

#[tokio::test]
async fn what_is_in_doubt_is_told_until_a_person_closes_it() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let (dead, held) =
        (admitted(&store, "s-1", "Ada Name1").await, admitted(&store, "s-2", "Ada Name2").await);
    for one in [dead, held] {
        effect(&store, one, (Target::Appointment, &one.0.to_string()), EffectResult::Unknown).await;
    }
    let die = Transition::Die { code: Code::EhrRejected, field: None };
    store.append(moved(dead.0, Stage::EhrWriter, Event::Died, die)).await.unwrap();
    let hold = Transition::Hold { code: Code::EhrParked, field: None };
    let parks = Hop { parked: Some(b"x".to_vec()), ..moved(held.0, Stage::EhrWriter, Event::Held, hold) };
    store.append(parks).await.unwrap();
    let died = given_up(&store, dead.0).await;
    store.move_letters(&[died.id], Move::Archive, &actor("ann"), "later").await.unwrap();
    let open = store.open(&clinic(), DAY.until, 10).await.unwrap();
    assert!(open.len() == 2 && open.iter().all(|one| one.in_doubt), "archived, and in doubt all the same");
    let verdict = Verdict::new(Word::Close, None).unwrap();
    let close = NewDecision { admission: held.0, verdict, actor: actor("ann"), reason: "seen".to_owned() };
    store.decide(&close).await.unwrap();
    assert_eq!(store.ended_oddly(&clinic(), DAY).await.unwrap(), []);
}
