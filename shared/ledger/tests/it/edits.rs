//! Edits of dead letters: one stands, the earlier ones are kept, and what says who the patient is takes two.

use domain::{ids::LetterId, letter::DeadLetter, template::Field};
use ledger::{
    Store,
    acts::{ActFilter, Actor},
    letters::{EditRow, EditState, Edited, LetterState, Move, NewEdit},
};

use crate::{
    letters::{keep, letter},
    support::Fixture,
};

pub(crate) fn actor(name: &str) -> Actor {
    Actor { name: name.to_owned(), role: "operator".to_owned() }
}

pub(crate) fn edit(letter: &DeadLetter, field: Field, sealed: &[u8]) -> NewEdit {
    NewEdit {
        letter: letter.id,
        fields: vec![field],
        effects: vec!["patient"],
        sealed: sealed.to_vec(),
        original: None,
        needs_approval: field.is_identity(),
    }
}

pub(crate) async fn put(store: &Store, new: &NewEdit, name: &str) -> EditRow {
    match store.put_edit(new, &actor(name), "by phone").await.unwrap() {
        Edited::Done(row) => row,
        other => panic!("{other:?}"),
    }
}

async fn states(store: &Store, letter: LetterId) -> Vec<EditState> {
    store.edits(letter).await.unwrap().into_iter().map(|edit| edit.state).collect()
}

#[tokio::test]
async fn a_later_edit_takes_the_place_of_an_earlier_one_and_all_are_kept() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let letters = [letter(Some("clinic-01"), "08:30", None)];
    keep(&store, &letters).await;
    let id = letters[0].id;
    assert!(store.standing_edit(id).await.unwrap().is_none());
    let first = put(&store, &edit(&letters[0], Field::PatientEmail, b"one"), "ann").await;
    assert_eq!((first.state, first.fields), (EditState::InForce, vec!["patient.email".to_owned()]));
    fixture.clock.forward(1);
    let second = put(&store, &edit(&letters[0], Field::PatientPhone, b"two"), "bob").await;
    assert_eq!(states(&store, id).await, [EditState::Superseded, EditState::InForce]);
    let standing = store.standing_edit(id).await.unwrap().unwrap();
    assert!(standing.id == second.id && standing.sealed == b"two" && !standing.waits);
    assert_eq!(
        fixture.count("SELECT count(*) FROM dead_letter WHERE envelope = 'sealed'").await,
        1,
        "untouched"
    );

    assert!(
        matches!(store.withdraw_edit(id, &actor("ann"), "wrong").await, Ok(Edited::Done(row)) if row.id == second.id)
    );
    assert_eq!(store.withdraw_edit(id, &actor("ann"), "again").await, Ok(Edited::Unknown));
    assert_eq!(states(&store, id).await, [EditState::Superseded, EditState::Withdrawn]);
    assert!(store.standing_edit(id).await.unwrap().is_none());
    let acts = store.acts(&ActFilter::default(), None, 10).await.unwrap();
    let told: Vec<_> = acts.iter().rev().map(|act| (act.what.as_str(), act.outcome.as_str())).collect();
    let expected = [
        ("edited", "done"),
        ("edited", "replaced"),
        ("edit_withdrawn", "done"),
        ("edit_withdrawn", "nothing"),
    ];
    assert_eq!(told, expected);
    assert!(acts.iter().all(|act| act.scope == format!("letter:{id}")));

    store.move_letters(&[id], Move::Archive, &actor("ann"), "aside").await.unwrap();
    let new = edit(&letters[0], Field::Reason, b"x");
    let archived = store.put_edit(&new, &actor("ann"), "x").await;
    assert_eq!(archived, Ok(Edited::NotOpen(LetterState::Archived)));
    let unknown = NewEdit { letter: LetterId::from_uuid(second.id.as_uuid()), ..new };
    assert_eq!(store.put_edit(&unknown, &actor("ann"), "x").await, Ok(Edited::Unknown));
}

#[tokio::test]
async fn who_the_patient_is_takes_two_and_the_database_holds_to_it() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let letters = [letter(Some("clinic-01"), "08:30", None)];
    keep(&store, &letters).await;
    let id = letters[0].id;
    let asked = put(&store, &edit(&letters[0], Field::PatientFamily, b"one"), "ann").await;
    assert_eq!(
        (asked.state, store.edits_waiting().await.unwrap()),
        (EditState::Waiting, vec![asked.clone()])
    );
    assert!(store.standing_edit(id).await.unwrap().unwrap().waits);
    assert_eq!(store.approve_edit(asked.id, &actor("ann"), "yes").await, Ok(Edited::SamePerson));
    assert_eq!(states(&store, id).await, [EditState::Waiting]);
    let refused =
        "SELECT count(*) FROM act WHERE what = 'edit_approved' AND outcome = 'refused' AND actor = 'ann'";
    assert_eq!(fixture.count(refused).await, 1);

    // Past our own code.
    let sql = fixture.sql().await;
    for (change, constraint) in [
        ("state = 'in_force', approver = requester, approved_at = now()", "letter_edit_takes_two"),
        ("state = 'in_force'", "letter_edit_needs_approval"),
        ("approver = 'eve', approved_at = now()", "letter_edit_waits"),
        ("needs_approval = false", "letter_edit_waits"),
    ] {
        let error = sql.execute(&format!("UPDATE letter_edit SET {change}"), &[]).await.unwrap_err();
        assert_eq!(error.as_db_error().unwrap().constraint(), Some(constraint), "{change}");
    }
    let Edited::Done(done) = store.approve_edit(asked.id, &actor("bob"), "seen").await.unwrap() else {
        panic!("not approved")
    };
    assert_eq!((done.state, done.approver.as_deref()), (EditState::InForce, Some("bob")));
    assert!(store.edits_waiting().await.unwrap().is_empty());
    assert_eq!(store.approve_edit(asked.id, &actor("eve"), "too").await, Ok(Edited::Unknown));

    // Another one waits: meanwhile none is in force. What was superseded is not approved any more.
    let other = put(&store, &edit(&letters[0], Field::PatientGiven, b"two"), "ann").await;
    assert_eq!(states(&store, id).await, [EditState::Superseded, EditState::Waiting]);
    put(&store, &edit(&letters[0], Field::PatientEmail, b"three"), "ann").await;
    assert_eq!(store.approve_edit(other.id, &actor("bob"), "late").await, Ok(Edited::Unknown));
}
