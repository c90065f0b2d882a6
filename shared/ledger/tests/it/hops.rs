//! Journal rows, states and facts in one commit.

use domain::{
    Code, Stage,
    hop::{Event, Facts, Transition},
    messages::{Channel, EligibilityStatus},
    outcome::Settled,
    ports::HopLog,
};
use ledger::{
    AdmissionRequest, Store,
    read::{OutcomeFilter, State, Status},
};

use crate::support::{Fixture, admit, fresh_admission, hop, request, submission};

async fn status(store: &Store, id: &str) -> Status {
    store.submission(None, &submission(id)).await.unwrap().remove(0)
}

fn held(code: Code) -> Transition {
    Transition::Hold { code, field: None }
}

#[tokio::test]
async fn an_intake_from_end_to_end_leaves_its_timeline_and_its_facts() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let id = admit(&store, &request("s-1", "Ada Lovelace", "9:00")).await.admission;
    store.append(hop(id, Stage::Validation, Event::Emitted)).await.unwrap();
    let mut checked = hop(id, Stage::Eligibility, Event::Emitted);
    checked.facts.eligibility = Some(EligibilityStatus::Active);
    store.append(checked).await.unwrap();
    let mut written = hop(id, Stage::EhrWriter, Event::Emitted);
    written.facts =
        Facts { patient: Some("p-1".into()), appointment: Some("a-1".into()), ..Facts::default() };
    store.append(written).await.unwrap();
    let before = status(&store, "s-1").await;
    assert_eq!((before.state, before.settled_at, before.notified), (State::InFlight, None, None));
    let mut told = hop(id, Stage::Notification, Event::Settled);
    told.facts.notified = Some(vec![Channel::Email, Channel::Sms]);
    told.transition = Some(Transition::Settle(Settled::Completed));
    store.append(told).await.unwrap();

    let after = status(&store, "s-1").await;
    assert_eq!(after.state, State::Completed);
    assert!(after.settled_at.is_some());
    assert_eq!(after.eligibility, Some(EligibilityStatus::Active));
    assert_eq!((after.patient.as_deref(), after.appointment.as_deref()), (Some("p-1"), Some("a-1")));
    assert_eq!(after.notified, Some(vec!["email".to_owned(), "sms".to_owned()]));
    let timeline = store.timeline(id).await.unwrap();
    let events: Vec<_> = timeline.hops.iter().map(|row| (row.stage.as_str(), row.event.as_str())).collect();
    let expected = [
        ("validation", "emitted"),
        ("eligibility", "emitted"),
        ("ehr-writer", "emitted"),
        ("notification", "settled"),
    ];
    assert_eq!(events, expected);
    assert_eq!(timeline.hops[3].state.as_deref(), Some("completed"));

    let page = store.outcomes(&OutcomeFilter::default(), None, 10).await.unwrap();
    assert!(page.next.is_none());
    let row = &page.rows[0];
    assert_eq!(
        (row.submission_id.as_str(), row.state, row.eligibility),
        ("s-1", "completed", Some("active"))
    );
    assert_eq!(store.durations(&OutcomeFilter::default()).await.unwrap().p50_ms, 60_000.0);
}

#[tokio::test]
async fn what_has_ended_stays_and_what_is_held_or_dead_may_move() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let id = admit(&store, &request("s-1", "Ada Lovelace", "9:00")).await.admission;
    let mut hold = hop(id, Stage::EhrWriter, Event::Held);
    hold.transition = Some(held(Code::SlotTaken));
    hold.parked = Some(b"sealed envelope".to_vec());
    store.append(hold.clone()).await.unwrap();
    let now = status(&store, "s-1").await;
    assert_eq!((now.state, now.code), (State::Held, Some(Code::SlotTaken)));
    assert_eq!(fixture.count("SELECT count(*) FROM held WHERE envelope IS NOT NULL").await, 1);

    // A person decided: it is on its way again.
    store.append(hop(id, Stage::EhrWriter, Event::Emitted)).await.unwrap();
    let now = status(&store, "s-1").await;
    assert_eq!((now.state, now.code, now.settled_at), (State::InFlight, None, None));
    assert_eq!(fixture.count("SELECT count(*) FROM held").await, 0);

    let mut died = hop(id, Stage::Notification, Event::Died);
    died.transition = Some(Transition::Die { code: Code::MessengerUnavailable, field: None });
    store.append(died).await.unwrap();
    assert_eq!(status(&store, "s-1").await.state, State::Dead);
    let mut done = hop(id, Stage::Notification, Event::Settled);
    done.transition = Some(Transition::Settle(Settled::Completed));
    store.append(done).await.unwrap();

    // Late duplicates of earlier deliveries change nothing any more.
    store.append(hold).await.unwrap();
    store.append(hop(id, Stage::Validation, Event::Emitted)).await.unwrap();
    let mut repeat = hop(id, Stage::Validation, Event::Settled);
    repeat.transition = Some(Transition::Settle(Settled::Repeat));
    store.append(repeat).await.unwrap();
    assert_eq!(status(&store, "s-1").await.state, State::Completed);
    assert_eq!(fixture.count("SELECT count(*) FROM held").await, 0);
    assert_eq!(fixture.count("SELECT count(*) FROM journal").await, 7);
}

#[tokio::test]
async fn a_hold_decided_at_admission_is_kept_with_its_envelope() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    admit(&store, &request("s-1", "Ada Lovelace", "9:00")).await;
    let twin = admit(&store, &request("s-2", "Bob Lovelace", "9:00")).await;
    assert_eq!(status(&store, "s-2").await.state, State::Held);
    let mut hold = hop(twin.admission, Stage::Validation, Event::Held);
    hold.transition = Some(held(Code::DoubtfulMatch));
    hold.parked = Some(b"sealed".to_vec());
    store.append(hold.clone()).await.unwrap();
    store.append(hold).await.unwrap();
    assert_eq!(fixture.count("SELECT count(*) FROM held WHERE code = 'doubtful_match'").await, 1);
}

#[tokio::test]
async fn many_hops_share_a_commit_and_two_processes_do_not_block_each_other() {
    let fixture = Fixture::new().await;
    let stores = [fixture.store().await, fixture.store().await];
    let asked: Vec<AdmissionRequest> =
        (0..50).map(|n| request(&format!("s-{n}"), &format!("Ada Name{n}"), "9:00")).collect();
    let admissions = crate::support::admit_at_once(&stores, &asked).await;
    let commits = "SELECT count(DISTINCT xmin::text) FROM journal";
    let mut tasks = Vec::new();
    for round in 0..4 {
        for (n, one) in admissions.iter().enumerate() {
            // Each store gets them in another order: locks are taken in one.
            let id = if round % 2 == 0 { one.admission } else { admissions[49 - n].admission };
            let mut hop = hop(id, Stage::EhrWriter, Event::Emitted);
            hop.facts.patient = Some(format!("p-{id}"));
            tasks.push(tokio::spawn(stores[round % 2].append(hop)));
        }
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(fixture.count("SELECT count(*) FROM journal").await, 200);
    assert!(fixture.count(commits).await <= 20, "200 hops took many commits");
    let counts = stores[0].counts(&OutcomeFilter::default()).await.unwrap();
    assert_eq!((counts.submissions, counts.journal_submissions, counts.persons), (50, 50, 50));
}

#[tokio::test]
async fn an_undecodable_message_is_journalled_alone_and_a_refused_value_fails_alone() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let mut poison = hop(fresh_admission(), Stage::Validation, Event::Died);
    poison.admission = None;
    poison.submission = None;
    poison.clinic = None;
    poison.code = Some(Code::Malformed);
    let mut refused = hop(fresh_admission(), Stage::Validation, Event::Emitted);
    refused.trace_id = Some("no\0text".to_owned());
    let (one, two) = tokio::join!(store.append(poison), store.append(refused));
    assert_eq!((one.is_ok(), two.is_ok()), (true, false));
    let counts = store.counts(&OutcomeFilter::default()).await.unwrap();
    assert_eq!((counts.journal_undecodable, counts.journal_submissions), (1, 0));
}

#[tokio::test]
async fn the_journal_is_append_only_for_its_owner_too() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let id = fresh_admission();
    store.append(hop(id, Stage::Validation, Event::Emitted)).await.unwrap();
    let sql = fixture.sql().await;
    for forbidden in [
        "UPDATE journal SET event = 'x'",
        "DELETE FROM journal",
        "TRUNCATE journal",
        "UPDATE journal_default SET event = 'x'",
        "DELETE FROM journal_default",
        "TRUNCATE journal_default",
        "TRUNCATE ehr_attempt",
    ] {
        let error = sql.batch_execute(forbidden).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42501", "{forbidden}");
    }
    assert_eq!(store.timeline(id).await.unwrap().hops.len(), 1);
}
