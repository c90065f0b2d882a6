//! What is done about it, and what is done by itself.

use domain::{
    Stage,
    hop::{Event, Transition},
    reconcile::Kind,
};
use jiff::civil::date;
use ledger::acts::Actor;
use ops::reconcile::{Left, Why};
use runtime::telemetry::Families;
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

    desk.queues(0);
    let done = redrive().await;
    assert_eq!((done.redriven, done.left), (vec![stuck.id], vec![]));
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
    let first = desk.store().last_daily().await.unwrap().unwrap();
    assert_eq!(first.run.day, date(2026, 11, 20), "the hour has not come");
    desk.clock.put("2026-11-22T12:00:00Z");
    let (a, b) = tokio::join!(desk.reconciler.daily(), desk.reconciler.daily());
    a.and(b).unwrap();
    desk.reconciler.daily().await.unwrap();
    let runs = desk.store().runs(10).await.unwrap();
    let days: Vec<_> = runs.iter().map(|one| (one.run.day, one.run.daily, one.run.actor.as_str())).collect();
    assert_eq!(days, [(date(2026, 11, 21), true, "ops"), (date(2026, 11, 20), true, "ops")]);
    let families = Families::default();
    desk.clock.put("2026-11-22T12:01:30Z");
    desk.reconciler.tell(&families).await.unwrap();
    let metrics = runtime::telemetry::Metrics { families, ..Default::default() }.render("ops");
    for line in [
        "frontdesk_reconciliation_differences{service=\"ops\",kind=\"held\",clinic=\"clinic-01\"} 1",
        "frontdesk_reconciliation_age_seconds{service=\"ops\"} 90",
        "frontdesk_reconciliation_gaps{service=\"ops\"} 0",
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line} in {metrics}");
    }
}
