//! Rows of earlier stages that are committed after those of later ones.

use std::time::Duration;

use domain::{
    AdmissionId, Code, Stage,
    hop::{Event, Hop, Transition},
    messages::EligibilityStatus,
    outcome::Settled,
    ports::HopLog,
};
use ledger::{Config, Store, read::State};
use tokio::time::timeout;

use crate::support::{Fixture, admit, hop, request, submission};

const LIMIT: Duration = Duration::from_secs(30);
const PARKED: &str = "SELECT count(*) FROM held WHERE stage = 'ehr-writer' AND envelope = 'ehr-writer'";

fn held(id: AdmissionId, stage: Stage) -> Hop {
    Hop {
        transition: Some(Transition::Hold { code: Code::SlotTaken, field: None }),
        parked: Some(stage.as_str().into()),
        ..hop(id, stage, Event::Held)
    }
}

fn died(id: AdmissionId, stage: Stage) -> Hop {
    let transition = Some(Transition::Die { code: Code::HandlerPanic, field: None });
    Hop { transition, ..hop(id, stage, Event::Died) }
}

/// As eligibility emits: with a fact, so that the submission's row is written in any case.
fn emitted(id: AdmissionId, stage: Stage) -> Hop {
    let mut hop = hop(id, stage, Event::Emitted);
    hop.facts.eligibility = Some(EligibilityStatus::Active);
    hop
}

struct Line {
    fixture: Fixture,
    store: Store,
    id: AdmissionId,
}

impl Line {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let store = fixture.store().await;
        let id = admit(&store, &request("s-1", "Ada Lovelace", "9:00")).await.admission;
        Self { fixture, store, id }
    }

    async fn state(&self) -> State {
        self.store.submission(None, &submission("s-1")).await.unwrap().remove(0).state
    }
}

#[tokio::test]
async fn a_late_row_of_an_earlier_stage_lifts_nothing_and_takes_no_envelope() {
    let line = Line::new().await;
    let (store, id) = (&line.store, line.id);
    store.append(held(id, Stage::EhrWriter)).await.unwrap();
    for event in [Event::Emitted, Event::Retried, Event::Snoozed] {
        store.append(Hop { event, ..emitted(id, Stage::Eligibility) }).await.unwrap();
    }
    store.append(died(id, Stage::Eligibility)).await.unwrap();
    store.append(held(id, Stage::Eligibility)).await.unwrap();
    let mut rejected = hop(id, Stage::Validation, Event::Settled);
    rejected.transition =
        Some(Transition::Settle(Settled::Rejected { code: Code::MissingField, field: None }));
    store.append(rejected).await.unwrap();
    let row = store.submission(None, &submission("s-1")).await.unwrap().remove(0);
    assert_eq!((row.state, row.code), (State::Held, Some(Code::SlotTaken)));
    assert_eq!(row.eligibility, Some(EligibilityStatus::Active), "its facts count all the same");
    assert_eq!(line.fixture.count(PARKED).await, 1);

    // The stage that holds it lets it go, and so would a later one.
    store.append(emitted(id, Stage::EhrWriter)).await.unwrap();
    assert_eq!(line.state().await, State::InFlight);
    assert_eq!(line.fixture.count("SELECT count(*) FROM held").await, 0);
    store.append(held(id, Stage::Eligibility)).await.unwrap();
    store.append(emitted(id, Stage::EhrWriter)).await.unwrap();
    assert_eq!(line.state().await, State::InFlight);
    assert_eq!(line.fixture.count("SELECT count(*) FROM submission WHERE stopped_by IS NOT NULL").await, 0);
}

#[tokio::test]
async fn what_a_later_stage_killed_is_not_lifted_but_may_be_held_or_end() {
    let line = Line::new().await;
    let (store, id) = (&line.store, line.id);
    // The same code at two stages: the later one counts.
    store.append(died(id, Stage::Eligibility)).await.unwrap();
    store.append(died(id, Stage::EhrWriter)).await.unwrap();
    store.append(emitted(id, Stage::Eligibility)).await.unwrap();
    assert_eq!(line.state().await, State::Dead);
    // Replayed from further up, and held there: its envelope is in no queue.
    store.append(held(id, Stage::Validation)).await.unwrap();
    assert_eq!(line.state().await, State::Held);
    assert_eq!(line.fixture.count("SELECT count(*) FROM held WHERE stage = 'validation'").await, 1);
    store.append(emitted(id, Stage::Validation)).await.unwrap();
    assert_eq!(line.state().await, State::InFlight);
}

#[tokio::test]
async fn rows_of_one_batch_obey_the_same_rule() {
    let line = Line::new().await;
    let config = Config { batch: 2, batch_wait_ms: 1_000, ..line.fixture.config() };
    let store = Store::connect(&config, line.fixture.clock.clone()).await.unwrap();
    let together = async |one: Hop, two: Hop| {
        let (one, two) = tokio::join!(biased; store.append(one), store.append(two));
        assert!(one.is_ok() && two.is_ok());
    };
    let id = line.id;
    for late in [emitted(id, Stage::Eligibility), died(id, Stage::Validation), held(id, Stage::Eligibility)] {
        together(held(id, Stage::EhrWriter), late).await;
        assert_eq!(line.state().await, State::Held);
        assert_eq!(line.fixture.count(PARKED).await, 1);
    }
    // A late row does not undo that its stage let it go.
    together(emitted(id, Stage::EhrWriter), emitted(id, Stage::Eligibility)).await;
    assert_eq!(line.state().await, State::InFlight);
    assert_eq!(line.fixture.count("SELECT count(*) FROM held").await, 0);
}

#[tokio::test]
async fn a_late_row_that_waits_for_the_hold_to_commit_sees_it() {
    let line = Line::new().await;
    let sql = line.fixture.sql().await;
    // The hold, in another process, before its commit.
    sql.batch_execute(
        "BEGIN; UPDATE submission SET state = 'held', code = 'slot_taken', stopped_by = 'ehr-writer';
         INSERT INTO held (admission_id, stage, lane, code, envelope, since)
            SELECT admission_id, 'ehr-writer', 'default', 'slot_taken', 'ehr-writer', now() FROM submission",
    )
    .await
    .unwrap();
    let late = tokio::spawn(line.store.append(emitted(line.id, Stage::Eligibility)));
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let blocked = async {
        while line.fixture.count(waits).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LIMIT, blocked).await.unwrap();
    sql.batch_execute("COMMIT").await.unwrap();
    late.await.unwrap().unwrap();
    assert_eq!(line.state().await, State::Held);
    assert_eq!(line.fixture.count(PARKED).await, 1);
}
