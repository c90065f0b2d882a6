//! Plans and their runs: each letter is published and marked, the canary goes first, and what is in doubt is left alone.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::{
    AdmissionId, Code, Stage,
    hop::{Event, Hop, Transition},
    ids::{LetterId, PlanId},
    letter::{Again, DeadLetter},
    outcome::Settled,
    ports::{HopLog, NotSent, Outbox, Pending},
};
use ledger::{
    Store,
    acts::{ActFilter, Actor},
    letters::{LetterFilter, LetterState, Move},
    replay::{
        Begun, Choice, Forecast, Foreseen, ItemOutcome, ItemState, NewBody, NewItem, Next, PlanState, Rules,
        Why,
    },
};
use tokio::sync::Semaphore;

use crate::{
    letters::{keep, letter},
    support::{Fixture, admit, fresh_message, hop, request},
};

/// Takes letters and remembers them.
pub(crate) struct Post {
    sent: Mutex<Vec<Again>>,
    /// Answers, the next one last; once there are none, all goes well.
    answers: Mutex<Vec<Result<(), NotSent>>>,
    /// How many may go.
    open: Arc<Semaphore>,
}

impl Post {
    pub(crate) fn new() -> Self {
        let open = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        Self { sent: Mutex::default(), answers: Mutex::default(), open }
    }

    pub(crate) fn sent(&self) -> Vec<LetterId> {
        self.sent.lock().unwrap().iter().map(|again| again.id).collect()
    }
}

impl Outbox for Post {
    fn send(&self, letter: Again) -> Pending<Result<(), NotSent>> {
        self.sent.lock().unwrap().push(letter);
        let answer = self.answers.lock().unwrap().pop().unwrap_or(Ok(()));
        let open = self.open.clone();
        Box::pin(async move {
            open.acquire().await.unwrap().forget();
            answer
        })
    }
}

pub(crate) fn actor() -> Actor {
    Actor { name: "ann".to_owned(), role: "operator".to_owned() }
}

pub(crate) const RULES: Rules = Rules { canary: 0, rate: 10, stop_on: 50 };

/// A letter of the EHR-writer, with the submission that it belongs to: dead.
pub(crate) async fn dead(store: &Store, nth: usize) -> DeadLetter {
    let admitted = request(&format!("s-{nth}"), &format!("Ada Lovelace{nth}"), "slot");
    let admission = admit(store, &admitted).await.admission;
    let died = DeadLetter {
        admission: Some(admission),
        submission: Some(admitted.submission),
        ..letter(Some("clinic-01"), &format!("08:{:02}", 10 + nth), None)
    };
    died_again(store, &died).await;
    keep(store, std::slice::from_ref(&died)).await;
    died
}

async fn died_again(store: &Store, letter: &DeadLetter) {
    let transition = Some(Transition::Die { code: Code::EhrRejected, field: None });
    let admission = letter.admission.unwrap();
    store.append(Hop { transition, ..hop(admission, Stage::EhrWriter, Event::Died) }).await.unwrap();
}

pub(crate) async fn completes(store: &Store, admission: AdmissionId) {
    let transition = Some(Transition::Settle(Settled::Completed));
    store.append(Hop { transition, ..hop(admission, Stage::Notification, Event::Settled) }).await.unwrap();
}

pub(crate) fn item(letter: &DeadLetter, foreseen: Foreseen) -> NewItem {
    NewItem {
        letter: letter.id,
        foreseen,
        clinic: letter.clinic.clone(),
        submission: letter.submission.clone(),
        edit: None,
    }
}

/// Nothing is edited here.
pub(crate) fn unedited(_: LetterId, _: &[u8]) -> Option<NewBody> {
    None
}

pub(crate) async fn plan(store: &Store, letters: &[DeadLetter]) -> PlanId {
    let items: Vec<NewItem> =
        letters.iter().map(|one| item(one, Foreseen::plain(Forecast::WouldCreate))).collect();
    store.make_plan(&items, &actor(), "mended").await.unwrap()
}

pub(crate) async fn state(store: &Store, letter: &DeadLetter) -> LetterState {
    store.letter(letter.id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn a_plan_is_frozen_and_a_run_publishes_what_goes_once_at_its_rate() {
    let fixture = Fixture::new().await;
    let (store, post) = (fixture.store().await, Post::new());
    let letters = [dead(&store, 1).await, dead(&store, 2).await, dead(&store, 3).await];
    let choice = Choice::default();
    let open = Choice { filter: LetterFilter { state: Some(LetterState::Open), ..choice.filter }, ..choice };
    let chosen = store.choose(&open, 10).await.unwrap();
    assert_eq!(chosen, letters.each_ref().map(|letter| letter.id));
    let one = Choice { letters: vec![letters[1].id], ..open.clone() };
    assert_eq!(store.choose(&one, 10).await.unwrap(), [letters[1].id]);
    let items = [
        item(&letters[0], Foreseen::plain(Forecast::WouldCreate)),
        item(&letters[1], Foreseen::refused(Why::Held)),
        item(&letters[2], Foreseen::plain(Forecast::WouldUpdate)),
    ];
    let plan = store.make_plan(&items, &actor(), "mended").await.unwrap();
    // What dies later is not of the plan.
    dead(&store, 4).await;
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Nothing), "it was not begun");
    assert_eq!(store.begin_run(plan, RULES, &actor(), "go").await, Ok(Begun::Done));
    assert_eq!(store.begin_run(plan, RULES, &actor(), "go").await, Ok(Begun::Not(PlanState::Running)));
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Published));
    let early = store.replay_next(plan, &post, &unedited).await;
    assert_eq!(early, Ok(Next::NotBefore(Duration::from_millis(100))), "ten a second");
    fixture.clock.forward(1);
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Published));
    assert_eq!(
        store.replay_next(plan, &post, &unedited).await,
        Ok(Next::Nothing),
        "not known what became of them"
    );
    assert_eq!(post.sent(), [letters[0].id, letters[2].id]);
    let again = post.sent.lock().unwrap()[0].clone();
    assert_eq!((Some(again.message), again.body), (letters[0].message, letters[0].body.clone()));
    assert_eq!(state(&store, &letters[0]).await, LetterState::Replayed);
    assert_eq!(state(&store, &letters[1]).await, LetterState::Open);

    completes(&store, letters[0].admission.unwrap()).await;
    assert_eq!(store.weigh(plan).await, Ok(1));
    completes(&store, letters[2].admission.unwrap()).await;
    assert_eq!(store.weigh(plan).await, Ok(1));
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Ended(PlanState::Done)));
    let row = store.plan(plan).await.unwrap().unwrap();
    let tally = &row.tally;
    assert_eq!((tally.letters, tally.skipped, tally.published, tally.completed), (3, 1, 2, 2));
    assert_eq!(tally.forecast, [("refused", 1), ("would_create", 1), ("would_update", 1)].into());
    // Another time does nothing twice: of the same letters nothing is open.
    assert_eq!(store.begin_run(plan, RULES, &actor(), "go").await, Ok(Begun::Not(PlanState::Done)));
    let second = self::plan(&store, &letters[..1]).await;
    store.begin_run(second, RULES, &actor(), "go").await.unwrap();
    assert_eq!(store.replay_next(second, &post, &unedited).await, Ok(Next::Skipped));
    assert_eq!(store.plan_items(second, None, 10).await.unwrap().items[0].why, Some(Why::NotOpen));
    assert_eq!(post.sent().len(), 2);
    let acts = store.acts(&ActFilter::default(), None, 10).await.unwrap();
    let told: Vec<_> = acts.iter().rev().take(2).map(|act| (act.what.as_str(), act.scope.clone())).collect();
    assert_eq!(told, [("planned", format!("plan:{plan}")), ("replay_started", format!("plan:{plan}"))]);
}

#[tokio::test]
async fn what_was_published_and_not_marked_is_published_again_as_the_same_message() {
    let fixture = Fixture::new().await;
    let (store, post) = (fixture.store().await, Post::new());
    let letters = [dead(&store, 1).await];
    let plan = plan(&store, &letters).await;
    store.begin_run(plan, RULES, &actor(), "go").await.unwrap();
    post.answers.lock().unwrap().push(Err(NotSent::Unconfirmed));
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Unconfirmed));
    assert_eq!(state(&store, &letters[0]).await, LetterState::Open);
    // The process ends while the broker confirms.
    post.open.forget_permits(Semaphore::MAX_PERMITS);
    let cut =
        tokio::time::timeout(Duration::from_millis(300), store.replay_next(plan, &post, &unedited)).await;
    assert!(cut.is_err() && state(&store, &letters[0]).await == LetterState::Open);
    post.open.add_permits(1);
    // Its transaction is gone once the server has noticed.
    let mut next = Next::Nothing;
    for _ in 0..100 {
        next = store.replay_next(plan, &post, &unedited).await.unwrap();
        if next != Next::Nothing {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(next, Next::Published);
    let sent = post.sent.lock().unwrap().clone();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|again| Some(again.message) == letters[0].message));
    assert_eq!(store.plan(plan).await.unwrap().unwrap().tally.published, 1);
}

#[tokio::test]
async fn of_two_processes_one_does_a_letter() {
    let fixture = Fixture::new().await;
    let (one, other, post) = (fixture.store().await, fixture.store().await, Arc::new(Post::new()));
    let letters = [dead(&one, 1).await, dead(&one, 2).await];
    let plan = plan(&one, &letters).await;
    one.begin_run(plan, RULES, &actor(), "go").await.unwrap();
    post.open.forget_permits(Semaphore::MAX_PERMITS);
    let (busy, outbox) = (one.clone(), post.clone());
    let first = tokio::spawn(async move { busy.replay_next(plan, &*outbox, &unedited).await });
    while post.sent().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(other.replay_next(plan, &*post, &unedited).await, Ok(Next::Nothing));
    post.open.add_permits(2);
    assert_eq!(first.await.unwrap(), Ok(Next::Published));
    fixture.clock.forward(1);
    assert_eq!(other.replay_next(plan, &*post, &unedited).await, Ok(Next::Published));
    assert_eq!(post.sent(), letters.each_ref().map(|letter| letter.id));
}

#[tokio::test]
async fn the_canary_is_waited_for_and_too_many_failures_end_the_run() {
    let fixture = Fixture::new().await;
    let (store, post) = (fixture.store().await, Post::new());
    let letters = [dead(&store, 1).await, dead(&store, 2).await, dead(&store, 3).await];
    let plan = plan(&store, &letters).await;
    let rules = Rules { canary: 2, ..RULES };
    store.begin_run(plan, rules, &actor(), "go").await.unwrap();
    for _ in 0..2 {
        assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Published));
        fixture.clock.forward(1);
    }
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Nothing), "the canary");
    // The first dies again, without having been on its way: its state says nothing, its letter does.
    died_again(&store, &letters[0]).await;
    assert_eq!(store.weigh(plan).await, Ok(0));
    let second = LetterId::of("ehr-writer.default.dlq", letters[0].message, letters[0].died_at, b"other");
    keep(&store, &[DeadLetter { id: second, ..letters[0].clone() }]).await;
    assert_eq!(store.weigh(plan).await, Ok(1));
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Nothing), "one of two is not known");
    completes(&store, letters[1].admission.unwrap()).await;
    assert_eq!(store.weigh(plan).await, Ok(1));
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Ended(PlanState::Stopped)));
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Nothing));
    assert_eq!(state(&store, &letters[2]).await, LetterState::Open);
    let items = store.plan_items(plan, None, 2).await.unwrap();
    let outcomes: Vec<_> = items.items.iter().map(|item| (item.outcome, item.outcome_code)).collect();
    assert_eq!(
        outcomes,
        [(Some(ItemOutcome::Failed), Some(Code::EhrRejected)), (Some(ItemOutcome::Completed), None)]
    );
    let rest = store.plan_items(plan, items.next, 2).await.unwrap();
    assert_eq!((rest.items.len(), rest.items[0].state, rest.next), (1, ItemState::Waiting, None));

    // A person looked, and goes on: the failures of the run before count no more.
    assert_eq!(store.begin_run(plan, rules, &actor(), "go on").await, Ok(Begun::Done));
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Published));
    completes(&store, letters[2].admission.unwrap()).await;
    assert_eq!(store.weigh(plan).await, Ok(1));
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Ended(PlanState::Done)));
}

#[tokio::test]
async fn what_is_cancelled_is_as_it_was() {
    let fixture = Fixture::new().await;
    let (store, post) = (fixture.store().await, Post::new());
    let letters = [dead(&store, 1).await, dead(&store, 2).await];
    let plan = plan(&store, &letters).await;
    store.begin_run(plan, RULES, &actor(), "go").await.unwrap();
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Published));
    fixture.clock.forward(1);
    assert_eq!(store.cancel_run(plan, &actor(), "wrong one").await, Ok(Begun::Done));
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Nothing));
    assert_eq!(state(&store, &letters[1]).await, LetterState::Open);
    assert_eq!(store.cancel_run(plan, &actor(), "x").await, Ok(Begun::Not(PlanState::Cancelled)));
    let unknown = PlanId::from_uuid(fresh_message().as_uuid());
    assert_eq!(store.cancel_run(unknown, &actor(), "x").await, Ok(Begun::Unknown));
    assert_eq!(store.unfinished_plans().await, Ok(vec![plan]), "what became of the first is not known");
    completes(&store, letters[0].admission.unwrap()).await;
    store.weigh(plan).await.unwrap();
    assert_eq!(store.unfinished_plans().await, Ok(vec![]));
}

pub(crate) const OP: &str =
    "INSERT INTO ehr_op (op_id, admission_id, kind, in_force, role, idempotency, seq, state, attempts,
        searches, code, changed_at)
    VALUES (gen_random_uuid(), $1, 'patient', true, 'create', 'x', 1, $2, 1, 0, $3, now())";

#[tokio::test]
async fn what_is_in_doubt_held_or_ended_is_left_alone_and_what_was_refused_is_tried_anew() {
    let fixture = Fixture::new().await;
    let (store, post, sql) = (fixture.store().await, Post::new(), fixture.sql().await);
    let letters = [
        dead(&store, 1).await,
        dead(&store, 2).await,
        dead(&store, 3).await,
        dead(&store, 4).await,
        dead(&store, 5).await,
    ];
    let plan = plan(&store, &letters).await;
    let ids = letters.each_ref().map(|letter| letter.admission.unwrap());
    sql.execute(OP, &[&ids[0].as_uuid(), &"unknown", &None::<&str>]).await.unwrap();
    assert!(store.knows(letters[0].id).await.unwrap().in_doubt);
    let transition = Some(Transition::Hold { code: Code::EhrConflict, field: None });
    store.append(Hop { transition, ..hop(ids[1], Stage::EhrWriter, Event::Held) }).await.unwrap();
    completes(&store, ids[2]).await;
    store.move_letters(&[letters[3].id], Move::Archive, &actor(), "aside").await.unwrap();
    sql.execute(OP, &[&ids[4].as_uuid(), &"rejected", &"ehr_rejected"]).await.unwrap();
    assert!(!store.knows(letters[4].id).await.unwrap().in_doubt);
    store.begin_run(plan, RULES, &actor(), "go").await.unwrap();
    for _ in 0..4 {
        assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Skipped));
    }
    post.answers.lock().unwrap().push(Ok(()));
    assert_eq!(store.replay_next(plan, &post, &unedited).await, Ok(Next::Published));
    assert_eq!(post.sent(), [letters[4].id]);
    let items = store.plan_items(plan, None, 10).await.unwrap().items;
    let why: Vec<_> = items.iter().map(|item| item.why).collect();
    let expected = [Some(Why::InDoubt), Some(Why::Held), Some(Why::Ended), Some(Why::NotOpen), None];
    assert_eq!(why, expected);
    assert_eq!(fixture.count("SELECT count(*) FROM ehr_op WHERE in_force").await, 1, "a new round of it");
    // A lane that is no more.
    let gone = dead(&store, 6).await;
    let last = self::plan(&store, &[gone]).await;
    store.begin_run(last, RULES, &actor(), "go").await.unwrap();
    post.answers.lock().unwrap().push(Err(NotSent::NoQueue));
    assert_eq!(store.replay_next(last, &post, &unedited).await, Ok(Next::Skipped));
    assert_eq!(store.plan_items(last, None, 1).await.unwrap().items[0].why, Some(Why::NoQueue));
}

#[tokio::test]
async fn what_the_writer_died_of_goes_to_it_again_when_nothing_of_it_is_under_way() {
    const OP: &str =
        "INSERT INTO ehr_op (op_id, admission_id, kind, in_force, role, idempotency, seq, state, attempts,
            searches, lease_until, unknown_since, changed_at)
        VALUES (gen_random_uuid(), $1, 'patient', true, 'create', 'x', 1, $2, 1, 0,
            now() + make_interval(secs => $3), now() + make_interval(secs => $3), now())";
    let fixture = Fixture::new().await;
    let (store, sql) = (fixture.store().await, fixture.sql().await);
    for (nth, (state, seconds, in_doubt)) in [
        ("intent", 60_f64, true),
        ("intent", -1.0, false),
        ("unknown", -60.0, true),
        ("unknown", -3600.0, false),
        // Goes to a person, who is asked by the writer.
        ("parked", 0.0, false),
        ("conflict", 0.0, false),
    ]
    .into_iter()
    .enumerate()
    {
        let letter = dead(&store, nth).await;
        sql.execute(OP, &[&letter.admission.unwrap().as_uuid(), &state, &seconds]).await.unwrap();
        assert_eq!(store.knows(letter.id).await.unwrap().in_doubt, in_doubt, "{state} {seconds}");
        // An earlier stage's letter does not answer for it.
        let early = DeadLetter {
            stage: Stage::Validation,
            admission: letter.admission,
            ..crate::letters::letter(Some("clinic-01"), &format!("08:{:02}", 40 + nth), None)
        };
        keep(&store, std::slice::from_ref(&early)).await;
        assert!(store.knows(early.id).await.unwrap().in_doubt, "{state} {seconds}");
    }
}
