//! What goes on now.

use domain::{
    ClinicId, Code, LaneName, Stage,
    clock::Clock,
    hop::{Event, Hop, Transition},
    ports::HopLog,
};
use jiff::SignedDuration;
use ledger::read::{Flow, Oldest, Parked, State};

use crate::support::{Fixture, admit, clinic, hop, request};

fn at(mut hop: Hop, when: jiff::Timestamp) -> Hop {
    (hop.started_at, hop.finished_at) = (when, when);
    hop
}

#[tokio::test]
async fn what_passed_what_is_held_and_the_oldest_are_told_by_place() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let lane = LaneName::parse("default").unwrap();
    let now = fixture.clock.now();
    let mut ids = Vec::new();
    for (n, minutes) in [(1, 30), (2, 20), (3, 10)] {
        let mut request = request(&format!("s-{n}"), &format!("Ada Name{n}"), "9:00");
        request.received_at = now - SignedDuration::from_mins(minutes);
        ids.push(admit(&store, &request).await.admission);
    }
    // The first was handed on long ago, the second is tried again where it is, the third waits for a person.
    let long_ago = now - SignedDuration::from_mins(25);
    store.append(at(hop(ids[0], Stage::Validation, Event::Emitted), long_ago)).await.unwrap();
    store.append(at(hop(ids[1], Stage::Validation, Event::Emitted), now)).await.unwrap();
    store.append(at(hop(ids[1], Stage::Eligibility, Event::Retried), now)).await.unwrap();
    let mut held = at(hop(ids[2], Stage::Validation, Event::Held), now);
    held.transition = Some(Transition::Hold { code: Code::ConsentMissing, field: None });
    held.parked = Some(b"sealed".to_vec());
    store.append(held).await.unwrap();

    let activity = store.activity(now - SignedDuration::from_mins(5)).await.unwrap();
    let validation =
        Flow { stage: Stage::Validation, lane: lane.clone(), clinic: Some(clinic()), left: 2, emitted: 1 };
    assert_eq!(activity.flows, [validation]);
    assert_eq!(activity.held, [Parked { stage: Stage::Validation, lane: lane.clone(), count: 1 }]);
    let received_at = now - SignedDuration::from_mins(30);
    assert_eq!(activity.oldest, [Oldest { stage: Stage::Eligibility, lane, received_at }]);

    let of = |counts: Vec<(State, u64)>, state| counts.into_iter().find(|one| one.0 == state).unwrap().1;
    let all = store.standing(None).await.unwrap();
    assert_eq!(all.len(), State::ALL.len());
    assert_eq!(
        (of(all.clone(), State::InFlight), of(all.clone(), State::Held), of(all, State::Dead)),
        (2, 1, 0)
    );
    let other = ClinicId::parse("clinic-99").unwrap();
    assert_eq!(of(store.standing(Some(&other)).await.unwrap(), State::InFlight), 0);
    assert_eq!(of(store.standing(Some(&clinic())).await.unwrap(), State::InFlight), 2);
}
