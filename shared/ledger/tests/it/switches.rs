//! What is paused, and who did it.

use domain::{
    Endpoint, Stage,
    clock::Clock,
    ports::{SwitchBoard, SwitchScope},
};
use jiff::SignedDuration;
use ledger::{
    acts::{ActFilter, Actor, Outcome, What},
    switches::Pause,
};

use crate::support::Fixture;

fn sam() -> Actor {
    Actor { name: "sam".into(), role: "operator".into() }
}

#[tokio::test]
async fn a_pause_is_seen_everywhere_ends_by_itself_and_can_be_ended() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.store().await, fixture.store().await);
    let now = fixture.clock.now();
    let pause =
        |scope, until| Pause { scope, actor: "sam".into(), reason: "maintenance".into(), since: now, until };
    let (stage, ehr) = (SwitchScope::Stage(Stage::EhrWriter), SwitchScope::Endpoint(Endpoint::ehr("main")));
    one.pause(&pause(stage.clone(), Some(now + SignedDuration::from_secs(60))), "operator").await.unwrap();
    one.pause(&pause(ehr.clone(), None), "operator").await.unwrap();
    let paused = other.paused().await.unwrap();
    assert!(paused.len() == 2 && paused.contains(&stage) && paused.contains(&ehr));
    assert_eq!(other.pauses().await.unwrap()[0].actor, "sam");
    fixture.clock.forward(60);
    assert_eq!(other.paused().await.unwrap(), std::slice::from_ref(&ehr));
    let resume = async |scope| other.resume(scope, &sam(), "done").await.unwrap();
    assert_eq!(resume(&ehr).await, Some(pause(ehr.clone(), None)));
    assert_eq!(resume(&ehr).await, None);
    assert_eq!(resume(&stage).await, None, "it had ended by itself");
    assert!(one.paused().await.unwrap().is_empty());
}

#[tokio::test]
async fn every_change_is_an_act_with_who_why_and_what_came_of_it() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let scope = SwitchScope::Clinic("clinic-01".parse().unwrap());
    for (actor, reason, until) in [("sam", "moving", None), ("kim", "still moving", Some(60))] {
        let since = fixture.clock.now();
        let until = until.map(|seconds| since + SignedDuration::from_secs(seconds));
        let pause = Pause { scope: scope.clone(), actor: actor.into(), reason: reason.into(), since, until };
        let expected = if actor == "sam" { Outcome::Done } else { Outcome::Replaced };
        assert_eq!(store.pause(&pause, "operator").await, Ok(expected));
        fixture.clock.forward(1);
    }
    for reason in ["settled", "to be sure"] {
        store.resume(&scope, &sam(), reason).await.unwrap();
        fixture.clock.forward(1);
    }

    let all = store.acts(&ActFilter::default(), None, 10).await.unwrap();
    let told: Vec<_> =
        all.iter().map(|act| (act.actor.name.as_str(), act.what, act.reason.as_str(), act.outcome)).collect();
    assert_eq!(
        told,
        [
            ("sam", What::Resumed, "to be sure", Outcome::Nothing),
            ("sam", What::Resumed, "settled", Outcome::Done),
            ("kim", What::Paused, "still moving", Outcome::Replaced),
            ("sam", What::Paused, "moving", Outcome::Done),
        ]
    );
    assert!(all.iter().all(|act| act.scope == "clinic:clinic-01" && act.actor.role == "operator"));
    assert_eq!(all[2].until, Some(all[2].at + SignedDuration::from_secs(60)));

    // Page by page, and by each filter.
    let newest = store.acts(&ActFilter::default(), None, 1).await.unwrap();
    let rest = store.acts(&ActFilter::default(), Some(newest[0].seq), 10).await.unwrap();
    assert_eq!([newest, rest].concat(), all);
    for (filter, count) in [
        (ActFilter { actor: Some("kim".into()), ..ActFilter::default() }, 1),
        (ActFilter { what: Some(What::Resumed), ..ActFilter::default() }, 2),
        (ActFilter { scope: Some("lane:default".into()), ..ActFilter::default() }, 0),
        (ActFilter { from: Some(all[1].at), ..ActFilter::default() }, 2),
        (ActFilter { until: Some(all[1].at), ..ActFilter::default() }, 2),
    ] {
        assert_eq!(store.acts(&filter, None, 10).await.unwrap().len(), count, "{filter:?}");
    }
}

#[tokio::test]
async fn an_act_that_cannot_be_noted_is_not_done_and_none_is_ever_changed() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let scope = SwitchScope::Stage(Stage::Validation);
    let pause = |reason: &str| Pause {
        scope: scope.clone(),
        actor: "sam".into(),
        reason: reason.into(),
        since: fixture.clock.now(),
        until: None,
    };
    assert!(store.pause(&pause(""), "operator").await.is_err(), "the table takes no act without a reason");
    assert!(store.pauses().await.unwrap().is_empty());
    store.pause(&pause("upgrade"), "operator").await.unwrap();
    assert!(store.resume(&scope, &sam(), "").await.is_err());
    assert_eq!(store.pauses().await.unwrap().len(), 1);
    let sql = fixture.sql().await;
    for change in ["UPDATE act SET actor = 'kim'", "DELETE FROM act", "TRUNCATE act"] {
        assert!(sql.batch_execute(change).await.is_err(), "{change}");
    }
}
