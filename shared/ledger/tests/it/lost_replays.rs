//! What was replayed and is not heard of, what came twice, and what is done already.

use domain::{
    Code, MessageId, Stage,
    hop::{Event, Hop, Transition},
    ids::{LetterId, PlanId},
    letter::DeadLetter,
    outcome::Settled,
    ports::{HopLog, LetterBox},
    reconcile::Kind,
};
use ledger::{
    Store,
    letters::{LetterState, Move},
    replay::{Because, Begun, Forecast, Foreseen, ItemOutcome, ItemState, Next, PlanState, Rules, Why},
};

use crate::{
    letters::{keep, letter},
    reconcile::DAY,
    replay::{OP, Post, RULES, actor, completes, dead, item, plan, state, unedited},
    support::{Fixture, admit, fresh_message, hop, request},
};

/// A letter of validation: of a submission that it could not admit.
fn unread(submission: &str, died_at: &str) -> DeadLetter {
    let message = fresh_message();
    let died = letter(Some("clinic-01"), died_at, None);
    DeadLetter {
        id: LetterId::of("validation.default.dlq", Some(message), died.died_at, b"sealed"),
        message: Some(message),
        stage: Stage::Validation,
        submission: Some(submission.parse().unwrap()),
        ..died
    }
}

async fn untold(store: &Store, late: &str) -> Vec<(Kind, Option<LetterId>)> {
    let found = store.died_unread(None, DAY, late.parse().unwrap()).await.unwrap();
    found.into_iter().map(|one| (one.kind, one.letter_id)).collect()
}

async fn outcomes(store: &Store, plan: PlanId) -> Vec<(ItemState, Option<Why>, Option<ItemOutcome>)> {
    let items = store.plan_items(plan, None, 10).await.unwrap().items;
    items.iter().map(|item| (item.state, item.why, item.outcome)).collect()
}

#[tokio::test]
async fn a_letter_whose_replay_was_lost_is_told_published_again_and_can_be_taken_up_again() {
    let fixture = Fixture::new().await;
    let (store, post) = (fixture.store().await, Post::new());
    let lost = unread("s-1", "08:30");
    keep(&store, std::slice::from_ref(&lost)).await;
    let plan = plan(&store, std::slice::from_ref(&lost)).await;
    assert!(store.unheard(None, None).await.unwrap().is_empty(), "it was not published");
    store.begin_run(plan, Rules { canary: 1, ..RULES }, &actor(), "go").await.unwrap();
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Published));

    // The broker's disk is gone, and with it the message.
    assert!(untold(&store, "2026-11-22T09:00:00Z").await.is_empty(), "it may be on its way");
    assert_eq!(untold(&store, "2026-11-22T09:00:01Z").await, [(Kind::Dead, Some(lost.id))]);
    assert_eq!(store.unheard(None, None).await.unwrap(), [lost.id]);
    let (here, there) = ("clinic-01".parse().unwrap(), "clinic-02".parse().unwrap());
    assert_eq!(
        store.unheard(Some(&here), Some("2026-11-22T09:00:01Z".parse().unwrap())).await.unwrap(),
        [lost.id]
    );
    assert!(store.unheard(Some(&there), None).await.unwrap().is_empty());
    assert!(store.unheard(None, Some("2026-11-22T09:00:00Z".parse().unwrap())).await.unwrap().is_empty());
    let again = store.unheard_letter(lost.id).await.unwrap().unwrap();
    assert_eq!(
        (Some(again.message), again.stage, again.body),
        (lost.message, Stage::Validation, lost.body.clone())
    );

    // The run does not wait for ever.
    fixture.clock.forward(2 * 3600);
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Nothing));
    fixture.clock.forward(1);
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Ended(PlanState::Stopped)));
    let row = store.plan(plan).await.unwrap().unwrap();
    assert_eq!(row.stopped_because, Some(Because::Silence));

    let taken = store.move_letters(&[lost.id], Move::Restore, &actor(), "the broker lost it").await.unwrap();
    assert_eq!((taken.done, state(&store, &lost).await), (vec![lost.id], LetterState::Open));
    assert!(
        store.unheard(None, None).await.unwrap().is_empty()
            && store.unheard_letter(lost.id).await.unwrap().is_none()
    );
    assert_eq!(outcomes(&store, plan).await, [(ItemState::Published, None, Some(ItemOutcome::Failed))]);
    assert!(store.unfinished_plans().await.unwrap().is_empty(), "nothing is waited for");
    let second = self::plan(&store, std::slice::from_ref(&lost)).await;
    assert_eq!(store.begin_run(second, RULES, &actor(), "go").await, Ok(Begun::Done));
    assert_eq!(store.replay_next(second, &post, &unedited).await, Ok(Next::Published));
    assert_eq!(post.sent(), [lost.id, lost.id]);
}

#[tokio::test]
async fn a_run_goes_on_when_somebody_takes_up_what_was_lost_of_it_and_what_is_known_stays() {
    let fixture = Fixture::new().await;
    let (store, post) = (fixture.store().await, Post::new());
    let letters = [dead(&store, 1).await, unread("s-2", "08:30")];
    keep(&store, &letters[1..]).await;
    let plan = plan(&store, &letters).await;
    store.begin_run(plan, Rules { canary: 2, stop_on: 60, ..RULES }, &actor(), "go").await.unwrap();
    for _ in 0..2 {
        assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Published));
        fixture.clock.forward(1);
    }
    completes(&store, letters[0].admission.unwrap()).await;
    assert_eq!(store.weigh(plan).await, Ok(1));
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Nothing), "one of two is not known");
    let ids = letters.each_ref().map(|letter| letter.id);
    let taken = store.move_letters(&ids, Move::Restore, &actor(), "lost").await.unwrap();
    assert_eq!(taken.done, [ids[1]]);
    assert_eq!(
        taken.left.iter().map(|left| (left.id, left.state)).collect::<Vec<_>>(),
        [(ids[0], Some(LetterState::Replayed))]
    );
    assert_eq!(
        store.replay_next(plan, &post, &unedited).await,
        Ok(Next::Ended(PlanState::Done)),
        "one of two failed"
    );
}

/// Says at validation what came of a message.
async fn answered(store: &Store, hop: Hop, message: MessageId, settled: Settled) {
    let transition = Some(Transition::Settle(settled));
    store.append(Hop { message, transition, ..hop }).await.unwrap();
}

#[tokio::test]
async fn a_message_that_came_twice_hangs_no_run() {
    let fixture = Fixture::new().await;
    let (store, post) = (fixture.store().await, Post::new());
    let letters =
        [unread("s-1", "08:30"), unread("s-1", "08:31"), unread("s-1", "08:32"), unread("s-9", "08:33")];
    keep(&store, &letters).await;
    let plan = plan(&store, &letters).await;
    store.begin_run(plan, Rules { canary: 3, ..RULES }, &actor(), "go").await.unwrap();
    for _ in 0..2 {
        assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Published));
        fixture.clock.forward(1);
    }
    let mut first = request("s-1", "Ada Lovelace", "slot");
    first.message = letters[0].message.unwrap();
    let admission = admit(&store, &first).await.admission;
    assert_eq!(
        store.replay_next(plan, &post, &unedited).await,
        Ok(Next::Skipped),
        "the third is the first's, too"
    );
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Published));
    assert_eq!(store.weigh(plan).await, Ok(0));
    // The first completes; the second repeats it and has no row of its own; the fourth is rejected and has none either.
    completes(&store, admission).await;
    let of = hop(admission, Stage::Validation, Event::Settled);
    answered(&store, of.clone(), letters[1].message.unwrap(), Settled::Repeat).await;
    let rejection = Settled::Rejected { code: Code::UnknownClinic, field: None };
    answered(&store, Hop { admission: None, ..of }, letters[3].message.unwrap(), rejection).await;
    assert_eq!(store.weigh(plan).await, Ok(3));
    assert_eq!(
        outcomes(&store, plan).await,
        [
            (ItemState::Published, None, Some(ItemOutcome::Completed)),
            (ItemState::Published, None, Some(ItemOutcome::Completed)),
            (ItemState::Skipped, Some(Why::Elsewhere), None),
            (ItemState::Published, None, Some(ItemOutcome::Failed)),
        ]
    );
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Ended(PlanState::Done)));
}

#[tokio::test]
async fn a_second_message_that_was_handed_on_too_is_followed_to_its_end_and_a_conflict_goes_on() {
    let fixture = Fixture::new().await;
    let (store, post) = (fixture.store().await, Post::new());
    let letters = [unread("s-1", "08:30"), unread("s-1", "08:31")];
    keep(&store, &letters).await;
    let items = [
        item(&letters[0], Foreseen::plain(Forecast::WouldCreate)),
        item(&letters[1], Foreseen::coded(Forecast::WouldHold, Code::SubmissionConflict, None)),
    ];
    let mut first = request("s-1", "Ada Lovelace", "slot");
    first.message = letters[0].message.unwrap();
    let plan = store.make_plan(&items, &actor(), "mended").await.unwrap();
    store.begin_run(plan, RULES, &actor(), "go").await.unwrap();
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Published));
    let admission = admit(&store, &first).await.admission;
    fixture.clock.forward(1);
    assert_eq!(
        store.replay_next(plan, &post, &unedited).await,
        Ok(Next::Published),
        "a person is to see the conflict"
    );
    // As it happens validation finds the same content, and hands it on once more.
    let message = letters[1].message.unwrap();
    store.append(Hop { message, ..hop(admission, Stage::Validation, Event::Emitted) }).await.unwrap();
    assert_eq!(store.weigh(plan).await, Ok(0), "on its way");
    completes(&store, admission).await;
    assert_eq!(store.weigh(plan).await, Ok(2));
}

#[tokio::test]
async fn what_is_in_doubt_is_found_by_the_admission_that_the_ledger_knows() {
    let fixture = Fixture::new().await;
    let (store, post, sql) = (fixture.store().await, Post::new(), fixture.sql().await);
    let died = unread("s-1", "08:30");
    store.keep(died.clone()).await.unwrap();
    let mut later = request("s-1", "Ada Lovelace", "slot");
    later.message = died.message.unwrap();
    let admission = admit(&store, &later).await.admission;
    assert!(!store.knows(died.id).await.unwrap().in_doubt);
    sql.execute(OP, &[&admission.as_uuid(), &"unknown", &None::<&str>]).await.unwrap();
    assert!(store.knows(died.id).await.unwrap().in_doubt, "the letter does not know its admission");
    let plan = plan(&store, &[died]).await;
    store.begin_run(plan, RULES, &actor(), "go").await.unwrap();
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Skipped));
    assert_eq!(outcomes(&store, plan).await, [(ItemState::Skipped, Some(Why::InDoubt), None)]);
}

#[tokio::test]
async fn what_a_dry_run_finds_done_is_ended_and_a_visit_that_is_over_is_not_replayed() {
    let fixture = Fixture::new().await;
    let (store, post) = (fixture.store().await, Post::new());
    let resent = unread("s-1", "08:30");
    let over = DeadLetter { appointment_at: "2026-11-22T08:59:59Z".parse().ok(), ..unread("s-2", "08:31") };
    keep(&store, &[resent.clone(), over.clone()]).await;
    let late = "2026-11-22T10:00:00Z";
    assert_eq!(untold(&store, late).await.len(), 2);
    let items = [
        item(&resent, Foreseen::plain(Forecast::AlreadyDone)),
        item(&over, Foreseen::plain(Forecast::WouldCreate)),
    ];
    let plan = store.make_plan(&items, &actor(), "looked").await.unwrap();
    assert_eq!(state(&store, &resent).await, LetterState::Ended);
    assert_eq!(untold(&store, late).await, [(Kind::Dead, Some(over.id))]);
    store.begin_run(plan, RULES, &actor(), "go").await.unwrap();
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Skipped));
    assert_eq!(outcomes(&store, plan).await[1], (ItemState::Skipped, Some(Why::VisitPast), None));
}
