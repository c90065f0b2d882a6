//! A letter goes with the edit that it was planned with, or not at all; and what goes on from its beginning goes on as it was corrected.

use std::sync::Mutex;

use domain::{
    AdmissionId, Code, Stage,
    hop::{Event, Hop, Transition},
    ids::{EditId, LetterId, PlanId},
    letter::{Again, DeadLetter},
    ports::{HopLog, NotSent, Outbox, Pending},
    template::Field,
};
use ledger::{
    AdmissionRequest, Decision, Store,
    letters::{LetterState, NewEdit},
    replay::{Forecast, Foreseen, NewBody, NewItem, Next, Rules, Why},
};

use crate::{
    edits::{actor, edit, put},
    letters::{keep, letter},
    support::{Fixture, admit, clinic, fresh_message, hop, request},
};

/// Takes letters and remembers them; those that it is told not to confirm it does not.
#[derive(Default)]
struct Post {
    sent: Mutex<Vec<Again>>,
    deaf: Mutex<bool>,
}

impl Outbox for Post {
    fn send(&self, letter: Again) -> Pending<Result<(), NotSent>> {
        self.sent.lock().unwrap().push(letter);
        let answer = if *self.deaf.lock().unwrap() { Err(NotSent::Unconfirmed) } else { Ok(()) };
        Box::pin(async move { answer })
    }
}

impl Post {
    fn bodies(&self) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        sent.iter()
            .map(|again| format!("{} {}", again.schema, String::from_utf8_lossy(&again.body)))
            .collect()
    }
}

/// Opens every edit but the one whose key is gone.
fn open(_: LetterId, sealed: &[u8]) -> Option<NewBody> {
    (sealed != b"gone").then(|| NewBody { schema: "edited".to_owned(), body: sealed.to_vec() })
}

/// A letter of the EHR-writer, with its submission, dead.
async fn dead(store: &Store, nth: usize) -> (DeadLetter, AdmissionRequest, AdmissionId) {
    let admitted = request(&format!("s-{nth}"), &format!("Ada Lovelace{nth}"), "slot");
    let admission = admit(store, &admitted).await.admission;
    let died = DeadLetter {
        admission: Some(admission),
        submission: Some(admitted.submission.clone()),
        ..letter(Some("clinic-01"), &format!("08:{:02}", 10 + nth), None)
    };
    let transition = Some(Transition::Die { code: Code::EhrRejected, field: None });
    store.append(Hop { transition, ..hop(admission, Stage::EhrWriter, Event::Died) }).await.unwrap();
    keep(store, std::slice::from_ref(&died)).await;
    (died, admitted, admission)
}

async fn run(store: &Store, letter: &DeadLetter, edit: Option<EditId>) -> PlanId {
    let item = NewItem { edit, ..NewItem::new(letter.id, Foreseen::plain(Forecast::WouldCreate)) };
    let plan = store.make_plan(&[item], &actor("ann"), "mended").await.unwrap();
    let rules = Rules { canary: 0, rate: 200, stop_on: 50 };
    store.begin_run(plan, rules, &actor("ann"), "go").await.unwrap();
    plan
}

async fn refused(store: &Store, post: &Post, plan: PlanId) -> Option<Why> {
    assert_eq!(store.replay_next(plan, post, &open).await, Ok(Next::Skipped));
    store.plan_items(plan, None, 10).await.unwrap().items[0].why
}

#[tokio::test]
async fn a_letter_goes_with_the_edit_that_it_was_planned_with() {
    let fixture = Fixture::new().await;
    let (store, post) = (fixture.store().await, Post::default());
    let (letter, ..) = dead(&store, 1).await;
    let unedited = run(&store, &letter, None).await;
    let first = put(&store, &edit(&letter, Field::PatientEmail, b"one"), "ann").await;
    assert_eq!(refused(&store, &post, unedited).await, Some(Why::EditChanged), "it was edited since");
    let early = run(&store, &letter, Some(first.id)).await;
    let second = put(&store, &edit(&letter, Field::PatientEmail, b"two"), "ann").await;
    assert_eq!(refused(&store, &post, early).await, Some(Why::EditChanged), "it was edited again");
    let late = run(&store, &letter, Some(second.id)).await;
    store.withdraw_edit(letter.id, &actor("ann"), "wrong").await.unwrap();
    assert_eq!(refused(&store, &post, late).await, Some(Why::EditChanged), "it was taken back");
    put(&store, &edit(&letter, Field::PatientFamily, b"who"), "ann").await;
    let waits = run(&store, &letter, None).await;
    assert_eq!(refused(&store, &post, waits).await, Some(Why::EditWaits));
    let gone = put(&store, &edit(&letter, Field::PatientEmail, b"gone"), "ann").await;
    let shut = run(&store, &letter, Some(gone.id)).await;
    assert_eq!(refused(&store, &post, shut).await, Some(Why::EditUnreadable));
    assert!(post.bodies().is_empty());

    let last = put(&store, &edit(&letter, Field::PatientEmail, b"three"), "ann").await;
    let plan = run(&store, &letter, Some(last.id)).await;
    assert_eq!(store.plan_items(plan, None, 10).await.unwrap().items[0].edit_id, Some(last.id));
    // Not confirmed: nothing is marked, and it is published again as the same message.
    *post.deaf.lock().unwrap() = true;
    assert_eq!(store.replay_next(plan, &post, &open).await, Ok(Next::Unconfirmed));
    assert_eq!(fixture.count("SELECT count(*) FROM submission WHERE corrected").await, 0);
    *post.deaf.lock().unwrap() = false;
    fixture.clock.forward(1);
    assert_eq!(store.replay_next(plan, &post, &open).await, Ok(Next::Published));
    assert_eq!(post.bodies(), ["edited three", "edited three"]);
    assert!(post.sent.lock().unwrap().iter().all(|again| Some(again.message) == letter.message));
    assert_eq!(store.letter(letter.id).await.unwrap().unwrap().state, LetterState::Replayed);
    assert_eq!(fixture.count("SELECT count(*) FROM submission WHERE corrected").await, 1);
}

#[tokio::test]
async fn what_was_done_meanwhile_is_not_edited_over() {
    let fixture = Fixture::new().await;
    let (store, post) = (fixture.store().await, Post::default());
    let (letter, _, admission) = dead(&store, 1).await;
    let sql = fixture.sql().await;
    let op = "INSERT INTO ehr_op (op_id, admission_id, kind, in_force, role, idempotency, seq, state, attempts,
        searches, changed_at) VALUES (gen_random_uuid(), $1, 'patient', true, 'create', 'x', 1, 'rejected', 1, 0, now())";
    sql.execute(op, &[&admission.as_uuid()]).await.unwrap();
    let ground =
        store.ground(letter.id, &clinic(), letter.submission.as_ref().unwrap()).await.unwrap().unwrap();
    assert_eq!(ground.effects, [("patient".to_owned(), "rejected".to_owned())]);
    assert!(ground.admitted == Some((admission, Some(b"sealed".to_vec()))));
    let row = put(&store, &edit(&letter, Field::PatientEmail, b"one"), "ann").await;
    let plan = run(&store, &letter, Some(row.id)).await;
    sql.execute("UPDATE ehr_op SET state = 'done'", &[]).await.unwrap();
    assert_eq!(refused(&store, &post, plan).await, Some(Why::EditTooLate));
    // What it does not touch may go.
    let reason = NewEdit { effects: vec!["appointment"], ..edit(&letter, Field::Reason, b"two") };
    let row = put(&store, &reason, "ann").await;
    let plan = run(&store, &letter, Some(row.id)).await;
    assert_eq!(store.replay_next(plan, &post, &open).await, Ok(Next::Published));
}

#[tokio::test]
async fn a_corrected_submission_is_the_same_and_its_late_original_changes_nothing() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    // Admitted as it was corrected.
    let first = request("s-1", "Ada Lovelace", "slot");
    let corrected = AdmissionRequest { corrected: true, original: b"corrected".to_vec(), ..first.clone() };
    let admitted = admit(&store, &corrected).await;
    assert!(matches!(admitted.decision, Decision::Admitted { .. }) && !admitted.again);
    let again = admit(&store, &corrected).await;
    assert!(again.again && again.decision == admitted.decision, "its redelivery goes on");
    for late in [first.clone(), AdmissionRequest { message: fresh_message(), ..first.clone() }] {
        let late = admit(&store, &late).await;
        assert_eq!(
            (late.admission, late.decision, late.again),
            (admitted.admission, Decision::Repeat, false)
        );
    }
    assert_eq!(fixture.count("SELECT count(*) FROM submission").await, 1);

    // Admitted as it came, and corrected on its way.
    let (letter, came, admission) = dead(&store, 2).await;
    let new = NewEdit { original: Some(b"corrected".to_vec()), ..edit(&letter, Field::PatientEmail, b"one") };
    let row = put(&store, &new, "ann").await;
    let plan = run(&store, &letter, Some(row.id)).await;
    assert_eq!(store.replay_next(plan, &Post::default(), &open).await, Ok(Next::Published));
    let late = admit(&store, &came).await;
    assert_eq!(
        (late.admission, late.decision),
        (admission, Decision::Repeat),
        "it is not a second way for it"
    );
    let kept = "SELECT count(*) FROM submission_body WHERE sealed = 'sealed' AND corrected = 'corrected'";
    assert_eq!(fixture.count(kept).await, 1, "what goes on some day lies beside the original");
    let again = admit(&store, &AdmissionRequest { corrected: true, ..came }).await;
    assert!(again.again && matches!(again.decision, Decision::Admitted { .. }));
}
