//! The ends of a dead letter: put aside, taken up again, discarded by two; and the one that comes by itself.

use domain::{
    Stage,
    hop::{Event, Hop, Transition},
    ids::LetterId,
    letter::DeadLetter,
    outcome::Settled,
    ports::HopLog,
};
use ledger::{
    Store,
    acts::{ActFilter, Actor},
    letters::{Approved, LetterFilter, LetterState, Move},
};

use crate::{
    letters::{keep, letter},
    support::{Fixture, admit, fresh_admission, hop, request},
};

fn actor(name: &str) -> Actor {
    Actor { name: name.to_owned(), role: "operator".to_owned() }
}

async fn states(store: &Store, letters: &[DeadLetter]) -> Vec<LetterState> {
    let mut states = Vec::new();
    for letter in letters {
        states.push(store.letter(letter.id).await.unwrap().unwrap().state);
    }
    states
}

async fn acts(store: &Store) -> Vec<(String, String, String)> {
    let acts = store.acts(&ActFilter::default(), None, 100).await.unwrap();
    let told = |act: ledger::acts::Act| (act.what.to_string(), act.scope, act.outcome.to_string());
    acts.into_iter().rev().map(told).collect()
}

#[tokio::test]
async fn letters_are_put_aside_and_taken_up_again_and_each_is_an_act() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let letters = [letter(Some("clinic-01"), "08:30", None), letter(None, "08:40", None)];
    keep(&store, &letters).await;
    let (one, other, none) = (letters[0].id, letters[1].id, LetterId::from_uuid(fresh_admission().as_uuid()));
    let archived = store.move_letters(&[one, none], Move::Archive, &actor("ann"), "not ours").await.unwrap();
    assert_eq!(archived.done, [one]);
    assert_eq!(archived.left.iter().map(|left| (left.id, left.state)).collect::<Vec<_>>(), [(none, None)]);
    assert_eq!(states(&store, &letters).await, [LetterState::Archived, LetterState::Open]);
    let open = LetterFilter { state: Some(LetterState::Open), ..LetterFilter::default() };
    let listed = store.letters(&open, None, 10).await.unwrap().letters;
    assert_eq!(listed.iter().map(|row| row.id).collect::<Vec<_>>(), [other]);
    assert_eq!(store.letter_groups(&open).await.unwrap()[0].count, 1);

    let restored =
        store.move_letters(&[one, other], Move::Restore, &actor("ann"), "ours after all").await.unwrap();
    assert_eq!((restored.done, restored.left[0].state), (vec![one], Some(LetterState::Open)));
    let letter = |id: LetterId| format!("letter:{id}");
    let act = |what: &str, scope: String, outcome: &str| (what.to_owned(), scope, outcome.to_owned());
    assert_eq!(
        acts(&store).await,
        [
            act("archived", letter(one), "done"),
            act("archived", letter(none), "nothing"),
            act("restored", letter(one), "done"),
            act("restored", letter(other), "nothing"),
        ]
    );
}

#[tokio::test]
async fn to_discard_takes_two_and_the_database_holds_to_it() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let letters = [letter(None, "08:30", None), letter(None, "08:40", None), letter(None, "08:50", None)];
    keep(&store, &letters).await;
    let ids = letters.each_ref().map(|letter| letter.id);
    let asked = store.request_discard(&ids, &actor("ann"), "spam").await.unwrap().unwrap();
    assert_eq!((asked.letters.len(), store.discards().await.unwrap()), (3, vec![asked.clone()]));
    assert_eq!(store.approve_discard(asked.id, &actor("ann"), "yes").await, Ok(Approved::SamePerson));
    assert_eq!(states(&store, &letters).await, [LetterState::Open; 3]);

    // Past our own code.
    let sql = fixture.sql().await;
    let error =
        sql.execute("UPDATE discard SET approver = requester, approved_at = now()", &[]).await.unwrap_err();
    assert_eq!(error.as_db_error().unwrap().constraint(), Some("discard_takes_two"));

    // One has been put aside meanwhile, which is no hindrance; one was replayed, which is.
    store.move_letters(&ids[..1], Move::Archive, &actor("ann"), "aside").await.unwrap();
    sql.execute("UPDATE dead_letter SET state = 'replayed' WHERE letter_id = $1", &[&ids[1].as_uuid()])
        .await
        .unwrap();
    let Approved::Done(changed) = store.approve_discard(asked.id, &actor("bob"), "yes").await.unwrap() else {
        panic!("not approved")
    };
    assert_eq!((changed.done.len(), changed.left[0].state), (2, Some(LetterState::Replayed)));
    let expected = [LetterState::Discarded, LetterState::Replayed, LetterState::Discarded];
    assert_eq!(states(&store, &letters).await, expected);
    assert_eq!(fixture.count("SELECT count(*) FROM dead_letter WHERE envelope <> ''").await, 3, "kept");
    assert_eq!(store.approve_discard(asked.id, &actor("eve"), "too").await, Ok(Approved::Unknown));
    assert_eq!(store.request_discard(&ids, &actor("ann"), "again").await, Ok(None), "nothing is left");
    assert!(store.discards().await.unwrap().is_empty());
    let what: Vec<_> = acts(&store).await.into_iter().map(|(what, _, outcome)| (what, outcome)).collect();
    let act = |what: &str, outcome: &str| (what.to_owned(), outcome.to_owned());
    let expected = [
        act("discard_requested", "done"),
        act("discarded", "refused"),
        act("discarded", "refused"),
        act("discarded", "refused"),
        act("archived", "done"),
        act("discarded", "done"),
        act("discarded", "done"),
        act("discarded", "nothing"),
    ];
    assert_eq!(what, expected);
}

#[tokio::test]
async fn a_letter_whose_submission_came_to_an_end_is_seen_as_ended() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let admitted = request("s-1", "Ada Lovelace", "slot");
    let admission = admit(&store, &admitted).await.admission;
    let known = DeadLetter { admission: Some(admission), ..letter(Some("clinic-01"), "08:30", None) };
    // One that never came so far, of the message that was admitted in the end.
    let by_message = DeadLetter {
        stage: Stage::Validation,
        message: Some(admitted.message),
        ..letter(Some("clinic-01"), "08:40", None)
    };
    let letters = [known, by_message, letter(Some("clinic-01"), "08:50", None)];
    keep(&store, &letters).await;
    assert_eq!(states(&store, &letters).await, [LetterState::Open; 3]);
    let settled = Hop {
        transition: Some(Transition::Settle(Settled::Completed)),
        ..hop(admission, Stage::Notification, Event::Settled)
    };
    store.append(settled).await.unwrap();
    assert_eq!(states(&store, &letters).await, [LetterState::Ended, LetterState::Ended, LetterState::Open]);
    let ended = LetterFilter { state: Some(LetterState::Ended), ..LetterFilter::default() };
    assert_eq!(store.letters(&ended, None, 10).await.unwrap().letters.len(), 2);
}
