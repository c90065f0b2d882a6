//! Answers of the day, and asking again.

use domain::{clock::Clock, messages::EligibilityStatus};
use jiff::{SignedDuration, civil::date};
use ledger::eligibility::{AnswerKey, CachedAnswer, Recheck, Rechecked};

use crate::support::{Fixture, admit, blind, clinic, request, submission};

#[tokio::test]
async fn the_latest_answer_of_a_day_is_kept() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let now = fixture.clock.now();
    let key = AnswerKey { member: blind("aetna 1"), day: date(2026, 11, 22) };
    let answer = |status, at| CachedAnswer { status, sealed: Some(vec![1]), answered_at: at };
    assert_eq!(store.cached_answer(key).await.unwrap(), None);
    let newer = answer(EligibilityStatus::Active, now);
    let older = answer(EligibilityStatus::Inactive, now - SignedDuration::from_secs(9));
    let (a, b) = tokio::join!(store.cache_answer(key, newer.clone()), store.cache_answer(key, older.clone()));
    assert!(a.is_ok() && b.is_ok());
    store.cache_answer(key, older).await.unwrap();
    assert_eq!(store.cached_answer(key).await.unwrap(), Some(newer));
    let tomorrow = AnswerKey { day: date(2026, 11, 23), ..key };
    assert_eq!(store.cached_answer(tomorrow).await.unwrap(), None);
}

#[tokio::test]
async fn the_undetermined_are_asked_about_again_before_the_visit() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let now = fixture.clock.now();
    let soon = |seconds| now + SignedDuration::from_secs(seconds);
    let mut ids = Vec::new();
    for (n, visit) in [(0, 5_000), (1, 4_000), (2, 100)] {
        let id = admit(&store, &request(&format!("s-{n}"), &format!("Ada Name{n}"), "9:00")).await.admission;
        let recheck = Recheck {
            admission: id,
            clinic: clinic(),
            due_at: soon(60),
            before: soon(visit),
            envelope: vec![7],
        };
        store.schedule_recheck(&recheck).await.unwrap();
        store.schedule_recheck(&recheck).await.unwrap();
        ids.push(id);
    }
    let hold = SignedDuration::from_secs(300);
    assert!(store.due_rechecks(10, hold).await.unwrap().is_empty());
    fixture.clock.forward(200);
    let due: Vec<_> = store.due_rechecks(10, hold).await.unwrap().iter().map(|(r, _)| r.admission).collect();
    assert_eq!(due, [ids[1], ids[0]], "the nearest visit first; the third is over");
    assert!(store.due_rechecks(10, hold).await.unwrap().is_empty(), "they are in somebody's hands");

    store.record_recheck(ids[0], Rechecked::Answered(EligibilityStatus::Inactive)).await.unwrap();
    store.record_recheck(ids[1], Rechecked::Later(soon(9_999))).await.unwrap();
    assert_eq!(
        fixture.count("SELECT count(*) FROM eligibility_recheck").await,
        0,
        "the visit is before that"
    );
    let status = store.submission(None, &submission("s-0")).await.unwrap();
    assert_eq!(status[0].eligibility, Some(EligibilityStatus::Inactive));
}
