//! A source that stops.

use std::sync::Arc;

use ledger::acts::Actor;
use ops::silence::{Listener, Silences};
use runtime::{telemetry::Families, topology::Lanes};

use crate::support::Desk;

#[tokio::test]
async fn a_source_that_stops_is_told_until_it_sends_or_is_paused() {
    let desk = Desk::new().await;
    // Four Fridays, three in each hour from 16 to 22 o'clock UTC; on the fifth it stops after the first hour.
    let mut n = 0;
    for (day, hours) in [
        ("2026-10-23", 16..23),
        ("2026-10-30", 16..23),
        ("2026-11-06", 16..23),
        ("2026-11-13", 16..23),
        ("2026-11-20", 16..17),
    ] {
        for hour in hours {
            for minute in [5, 25, 45] {
                n += 1;
                desk.admit(n, &format!("{day}T{hour}:{minute:02}:00Z")).await;
            }
        }
    }
    let (silences, families) = (Silences::default(), Families::default());
    let clinics = Arc::clone(&desk.reconciler.clinics);
    let mut listener = Listener::new(desk.store().clone(), clinics, Lanes::default(), silences.clone());
    let mut look = async |at: &str| {
        desk.clock.put(at);
        listener.look(at.parse().unwrap(), &families).await.unwrap();
        silences
            .now()
            .into_iter()
            .map(|one| (one.source.to_string(), one.since.to_string(), one.per_hour))
            .collect::<Vec<_>>()
    };
    assert_eq!(look("2026-11-20T18:30:00Z").await, [], "one whole hour without any");
    let silent = [("web_form".to_owned(), "2026-11-20T16:45:00Z".to_owned(), 3.0)];
    assert_eq!(look("2026-11-20T19:00:30Z").await, silent);
    let scope: domain::ports::SwitchScope = "clinic:clinic-01".parse().unwrap();
    let pause = ledger::switches::Pause {
        scope: scope.clone(),
        actor: "on-call".to_owned(),
        reason: "moving".to_owned(),
        since: "2026-11-20T19:01:00Z".parse().unwrap(),
        until: None,
    };
    desk.store().pause(&pause, "operator").await.unwrap();
    assert_eq!(look("2026-11-20T19:02:00Z").await, [], "it is kept from sending");
    let actor = Actor { name: "on-call".to_owned(), role: "operator".to_owned() };
    desk.store().resume(&scope, &actor, "there").await.unwrap();
    assert_eq!(look("2026-11-20T19:03:00Z").await, silent);
    // A source of no rhythm, as anybody may name one.
    desk.admit_of("made_up", n + 2, "2026-11-20T19:03:30Z").await;
    desk.admit(n + 1, "2026-11-20T19:04:00Z").await;
    assert_eq!(look("2026-11-20T19:05:00Z").await, [], "it sends again");
    assert_eq!(listener.remembers(), 1, "not what only has a name");
}
