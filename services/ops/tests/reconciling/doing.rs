//! What is done about it, and what is done by itself.

use domain::{
    Stage,
    hop::{Event, Transition},
    reconcile::Kind,
};
use jiff::civil::date;
use ledger::acts::{ActFilter, Actor};
use ops::reconcile::{Left, NotRedriven, Why};
use runtime::telemetry::Metrics;
use testkit::wait;

use crate::support::Desk;

#[tokio::test]
async fn what_is_overdue_is_published_again_once_nothing_waits() {
    let desk = Desk::new().await;
    let stuck = desk.admit(1, "2026-11-22T17:00:00Z").await;
    desk.hop(&stuck, (Stage::Validation, Event::Emitted), None).await;
    let fresh = desk.admit(2, "2026-11-22T19:59:00Z").await;
    let (run, found) = desk.run(Vec::new()).await;
    assert_eq!(
        found.iter().map(|one| (one.kind, one.admission_id)).collect::<Vec<_>>(),
        [(Kind::Overdue, Some(stuck.id))]
    );
    assert_ne!(fresh.id, stuck.id, "within the SLA");
    let actor = Actor { name: "on-call".to_owned(), role: "operator".to_owned() };
    let redrive = async || {
        let (run, rows) = desk.store().run(run.id).await.unwrap().unwrap();
        desk.reconciler.redrive((&run, &rows), &actor, "stuck").await.unwrap()
    };
    desk.queues(3);
    let left = |why| vec![Left { admission_id: stuck.id, why }];
    let done = redrive().await;
    assert_eq!((done.redriven, done.left), (vec![], left(Why::MayWait)));
    let noted = async || desk.store().run(run.id).await.unwrap().unwrap().1[0].redriven_at.is_some();
    assert!(!noted().await);

    desk.queues(0);
    let done = redrive().await;
    assert_eq!((done.redriven, done.left), (vec![stuck.id], vec![]));
    assert!(noted().await, "the broker has confirmed it");
    let arrived = || async {
        let depths = desk.management.depths().await.unwrap();
        depths.iter().any(|depth| depth.queue == "validation.default" && depth.ready == 1)
    };
    wait::until(std::time::Duration::from_secs(60), arrived).await.unwrap();

    desk.complete(&stuck).await;
    let done = redrive().await;
    assert_eq!((done.redriven, done.left), (vec![], left(Why::Ended)));
    desk.boot.close().await;
}

#[tokio::test]
async fn the_daily_run_is_done_once_and_told() {
    let desk = Desk::new().await;
    let held = desk.admit(1, "2026-11-21T17:00:00Z").await;
    let hold = Transition::Hold { code: domain::Code::ConsentMissing, field: None };
    desk.hop(&held, (Stage::Validation, Event::Held), Some(hold)).await;
    desk.clock.put("2026-11-22T11:00:00Z");
    desk.reconciler.daily().await.unwrap();
    let first = desk.store().last_daily(date(2026, 11, 30)).await.unwrap().unwrap();
    assert_eq!(first.run.day, date(2026, 11, 20), "the hour has not come");
    desk.clock.put("2026-11-22T12:00:00Z");
    let (a, b) = tokio::join!(desk.reconciler.daily(), desk.reconciler.daily());
    a.and(b).unwrap();
    desk.reconciler.daily().await.unwrap();
    let runs = desk.store().runs(10).await.unwrap();
    let days: Vec<_> = runs.iter().map(|one| (one.run.day, one.run.daily, one.run.actor.as_str())).collect();
    assert_eq!(days, [(date(2026, 11, 21), true, "ops"), (date(2026, 11, 20), true, "ops")]);
    let metrics = Metrics::default();
    desk.clock.put("2026-11-22T12:01:30Z");
    desk.reconciler.tell(&metrics.families).await.unwrap();
    let metrics = metrics.render();
    for line in [
        "frontdesk_reconciliation_differences{clinic=\"clinic-01\",kind=\"held\",service=\"detached\"} 1",
        "frontdesk_reconciliation_age_seconds{service=\"detached\"} 90",
        "frontdesk_reconciliation_gaps{service=\"detached\"} 0",
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line} in {metrics}");
    }
}

#[tokio::test]
async fn without_a_broker_nothing_is_said_to_be_done() {
    let mut desk = Desk::new().await;
    let stuck = desk.admit(1, "2026-11-22T17:00:00Z").await;
    desk.hop(&stuck, (Stage::Validation, Event::Emitted), None).await;
    let (run, _) = desk.run(Vec::new()).await;
    desk.queues(0);
    std::sync::Arc::get_mut(&mut desk.reconciler).unwrap().again = None;
    let actor = Actor { name: "on-call".to_owned(), role: "operator".to_owned() };
    let (run, rows) = desk.store().run(run.id).await.unwrap().unwrap();
    let refused = desk.reconciler.redrive((&run, &rows), &actor, "stuck").await;
    assert_eq!(refused, Err(NotRedriven::NoBroker));
    let acts = desk.store().acts(&ActFilter::default(), None, 10).await.unwrap();
    assert!(acts.is_empty(), "{acts:?}");
    assert!(desk.store().run(run.id).await.unwrap().unwrap().1[0].redriven_at.is_none());
    desk.boot.close().await;
}

#[tokio::test]
async fn a_clock_that_jumped_silences_nothing_and_missed_days_are_made_up_for() {
    let desk = Desk::new().await;
    let days = async || {
        let runs = desk.store().runs(20).await.unwrap();
        let mut days: Vec<_> = runs.iter().filter(|one| one.run.daily).map(|one| one.run.day.day()).collect();
        days.sort_unstable();
        days
    };
    let age = async || {
        let metrics = Metrics::default();
        desk.reconciler.tell(&metrics.families).await.unwrap();
        let told = metrics.render();
        let line = told.lines().find(|line| line.starts_with("frontdesk_reconciliation_age_seconds{"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
    };
    // An hour in which the clock is days ahead.
    desk.clock.put("2026-11-29T12:00:00Z");
    desk.reconciler.daily().await.unwrap();
    desk.clock.put("2026-11-22T12:00:00Z");
    assert_eq!(age().await, None, "there is none yet that counts");
    desk.reconciler.daily().await.unwrap();
    assert_eq!((days().await, age().await), (vec![21, 28], Some(0.0)));
    // Everything is down for three days.
    desk.clock.put("2026-11-26T13:00:00Z");
    assert_eq!(age().await, Some(97.0 * 3600.0));
    desk.reconciler.daily().await.unwrap();
    assert_eq!((days().await, age().await), (vec![21, 22, 23, 24, 25, 28], Some(0.0)));
    // The last one ended an hour ahead of now.
    desk.clock.put("2026-11-26T12:00:00Z");
    assert_eq!(age().await, Some(3600.0));
    desk.boot.close().await;
}
