//! What is open, as metrics tell it.

use domain::{
    Code, Stage,
    clock::Clock as _,
    effect::Kind,
    hop::{Event, Transition},
    outcome::Settled,
    ports::HopLog as _,
};
use jiff::SignedDuration;
use ledger::{
    Begin, BeginEffect, EffectResult, Target,
    read::{Class, OnItsWay, Open, State},
};

use crate::{
    letters::{keep, letter},
    support::{Fixture, admit, blind, clinic, fresh_admission, fresh_person, hop, policy, request},
};

#[tokio::test]
async fn what_is_open_is_counted_and_what_has_ended_is_not() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    assert_eq!(store.open_work().await.unwrap(), Open::default());

    let now = fixture.clock.now();
    let mut ids = Vec::new();
    for (n, minutes) in [(1, 30), (2, 20), (3, 10), (4, 5)] {
        let mut request = request(&format!("s-{n}"), &format!("Ada Name{n}"), "9:00");
        request.received_at = now - SignedDuration::from_mins(minutes);
        ids.push(admit(&store, &request).await.admission);
    }
    let mut held = hop(ids[2], Stage::Validation, Event::Held);
    held.transition = Some(Transition::Hold { code: Code::ConsentMissing, field: None });
    held.parked = Some(b"sealed".to_vec());
    store.append(held).await.unwrap();
    let mut done = hop(ids[3], Stage::Notification, Event::Settled);
    done.transition = Some(Transition::Settle(Settled::Completed));
    store.append(done).await.unwrap();

    let effect = BeginEffect {
        admission: fresh_admission(),
        clinic: clinic(),
        person: fresh_person(),
        target: Target::Appointment,
        idempotency: blind("appointment"),
        policy: policy(),
    };
    let Begin::Go(permit) = store.begin(effect).await.unwrap() else { panic!("no lease") };
    store.settle(&permit, EffectResult::Unknown).await.unwrap();

    let (first, second) =
        (letter(Some("clinic-01"), "08:30", None), letter(Some("clinic-01"), "07:30", None));
    keep(&store, &[first.clone(), second.clone()]).await;

    let open = store.open_work().await.unwrap();
    let of =
        |state| open.submissions.iter().find(|one| one.class == state).map(|one| (one.count, one.oldest));
    assert_eq!(of(State::InFlight), Some((2, Some(now - SignedDuration::from_mins(30)))));
    assert_eq!(of(State::Held).map(|one| one.0), Some(1));
    assert_eq!((of(State::Completed), of(State::Dead)), (None, None));
    let way = store.on_the_way(now - SignedDuration::from_mins(25), false).await.unwrap();
    let of = |one: &OnItsWay| (one.clinic.clone(), one.stage, one.oldest, one.late);
    let since = now - SignedDuration::from_mins(30);
    assert_eq!(way.iter().map(of).collect::<Vec<_>>(), [(clinic(), None, since, 1)]);
    store.append(hop(ids[0], Stage::Validation, Event::Emitted)).await.unwrap();
    let mut stages: Vec<_> =
        store.on_the_way(now, true).await.unwrap().into_iter().map(|one| (one.stage, one.late)).collect();
    stages.sort_unstable();
    assert_eq!(stages, [(Some(Stage::Validation), 1), (Some(Stage::Eligibility), 1)]);
    let holds: Vec<_> = open.holds.iter().map(|one| (one.class, one.count)).collect();
    assert_eq!(holds, [((Stage::Validation, Code::ConsentMissing), 1)]);
    let effects: Vec<_> = open.effects.iter().map(|one| (one.class.clone(), one.count)).collect();
    assert_eq!(effects, [((Kind::Appointment, "unknown".to_owned()), 1)]);
    assert!(open.effects[0].oldest.is_some(), "since when nobody knows");
    let class = (Stage::EhrWriter, "default".parse().unwrap(), Some(Code::EhrRejected));
    assert_eq!(open.letters, [Class { class, count: 2, oldest: Some(second.died_at) }]);
}
