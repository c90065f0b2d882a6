//! Every state against every event, written out.

use jiff::{SignedDuration, Timestamp};

use super::{Class, Command, Event, LeaseToken, Policy, Refused, Resource, State, step};
use crate::Code;

const POLICY: Policy = Policy {
    class: Class::B,
    lease: SignedDuration::from_secs(30),
    lateness: SignedDuration::from_secs(10),
    index_lag: SignedDuration::from_secs(5),
};
const OPAQUE: Policy = Policy { class: Class::C, ..POLICY };
const MINE: LeaseToken = LeaseToken(1);
const OTHER: LeaseToken = LeaseToken(2);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn resource() -> Resource {
    Resource { id: "p-1".into(), version: Some("W/\"1\"".into()) }
}

fn intent() -> State {
    State::Intent { token: MINE, until: at(130) }
}

fn unknown(empty: Option<i64>) -> State {
    State::Unknown { token: MINE, since: at(200), empty: empty.map(at) }
}

fn begin(second: i64) -> Event {
    Event::Begin { token: OTHER, at: at(second) }
}

fn outcomes(token: LeaseToken, second: i64) -> [Event; 4] {
    let at = at(second);
    [
        Event::Succeeded { token, resource: resource(), at },
        Event::WithoutEffect { token, at },
        Event::Refused { token, code: Code::EhrRejected, at },
        Event::Ambiguous { token, at },
    ]
}

fn searches(token: LeaseToken, second: i64) -> [Event; 3] {
    [
        Event::Found { token, resource: resource() },
        Event::FoundConflict { token },
        Event::FoundNone { token, began: at(second) },
    ]
}

fn search(second: i64) -> Command {
    Command::Search { token: MINE, not_before: at(second) }
}

#[test]
fn ready_gives_a_lease_and_believes_nobody() {
    let until = at(130);
    assert_eq!(
        step(&State::Ready, &begin(100), &POLICY),
        Ok((State::Intent { token: OTHER, until }, Command::Write { token: OTHER, until }))
    );
    assert_eq!(step(&State::Ready, &Event::Lapse { at: at(1) }, &POLICY), Ok((State::Ready, Command::Again)));
    for event in outcomes(MINE, 100).iter().chain(&searches(MINE, 100)) {
        assert_eq!(step(&State::Ready, event, &POLICY), Err(Refused::Fenced), "{event:?}");
    }
}

#[test]
fn the_holder_of_a_live_lease_is_believed() {
    let after: Vec<_> =
        outcomes(MINE, 129).iter().map(|event| step(&intent(), event, &POLICY).unwrap()).collect();
    assert_eq!(
        after,
        [
            (State::Done(resource()), Command::Finish),
            (State::Ready, Command::Again),
            (State::Rejected { code: Code::EhrRejected }, Command::Finish),
            (State::Unknown { token: MINE, since: at(129), empty: None }, search(139)),
        ]
    );
}

#[test]
fn others_wait_and_are_not_believed_while_the_lease_lives() {
    assert_eq!(step(&intent(), &begin(129), &POLICY), Ok((intent(), Command::Wait { until: at(130) })));
    assert_eq!(step(&intent(), &Event::Lapse { at: at(129) }, &POLICY), Err(Refused::LeaseHolds));
    for event in outcomes(OTHER, 100).iter().chain(&searches(MINE, 100)) {
        assert_eq!(step(&intent(), event, &POLICY), Err(Refused::Fenced), "{event:?}");
    }
}

#[test]
fn after_the_lease_everything_is_unknown_and_nothing_is_written() {
    let lapsed = (State::Unknown { token: MINE, since: at(130), empty: None }, search(140));
    for event in outcomes(MINE, 130).iter().chain(&[begin(130), Event::Lapse { at: at(130) }]) {
        assert_eq!(step(&intent(), event, &POLICY), Ok(lapsed.clone()), "{event:?}");
    }
    for event in outcomes(OTHER, 130).iter().chain(&searches(MINE, 130)) {
        assert_eq!(step(&intent(), event, &POLICY), Err(Refused::Fenced), "{event:?}");
    }
}

#[test]
fn an_ehr_that_cannot_be_searched_parks() {
    let parked = Ok((State::Parked, Command::Finish));
    let ambiguous = Event::Ambiguous { token: MINE, at: at(129) };
    assert_eq!(step(&intent(), &ambiguous, &OPAQUE), parked);
    for event in [begin(130), Event::Lapse { at: at(130) }] {
        assert_eq!(step(&intent(), &event, &OPAQUE), parked, "{event:?}");
        assert_eq!(step(&unknown(None), &event, &OPAQUE), parked, "{event:?}");
    }
    assert_eq!(step(&unknown(Some(210)), &Event::FoundNone { token: MINE, began: at(999) }, &OPAQUE), parked);
}

#[test]
fn unknown_is_answered_by_searches_only() {
    for event in outcomes(MINE, 201).iter().chain(&searches(OTHER, 999)) {
        assert_eq!(step(&unknown(None), event, &POLICY), Err(Refused::Fenced), "{event:?}");
    }
    for event in [begin(999), Event::Lapse { at: at(999) }] {
        assert_eq!(step(&unknown(None), &event, &POLICY), Ok((unknown(None), search(210))));
        assert_eq!(step(&unknown(Some(212)), &event, &POLICY), Ok((unknown(Some(212)), search(217))));
    }
    let [found, conflict, _] = searches(MINE, 0);
    assert_eq!(step(&unknown(None), &found, &POLICY), Ok((State::Done(resource()), Command::Finish)));
    assert_eq!(step(&unknown(None), &conflict, &POLICY), Ok((State::Conflict, Command::Finish)));
}

#[test]
fn ready_again_takes_two_settled_searches_further_apart_than_the_lag() {
    let empty = |state: &State, began| {
        step(state, &Event::FoundNone { token: MINE, began: at(began) }, &POLICY).unwrap()
    };
    assert_eq!(empty(&unknown(None), 199), (unknown(None), search(210)), "began before it was given up");
    assert_eq!(empty(&unknown(None), 209), (unknown(None), search(210)), "the write may still land");
    assert_eq!(empty(&unknown(None), 210), (unknown(Some(210)), search(215)));
    assert_eq!(empty(&unknown(Some(210)), 215), (unknown(Some(210)), search(215)), "not further apart");
    assert_eq!(empty(&unknown(Some(210)), 216), (State::Ready, Command::Again));
}

#[test]
fn ended_is_ended() {
    let ended = [
        State::Done(resource()),
        State::Rejected { code: Code::EhrRejected },
        State::Conflict,
        State::Parked,
    ];
    for state in ended {
        assert_eq!(step(&state, &begin(1), &POLICY), Ok((state.clone(), Command::Finish)));
        for event in outcomes(MINE, 1).iter().chain(&searches(MINE, 1)).chain(&[Event::Lapse { at: at(1) }]) {
            assert_eq!(step(&state, event, &POLICY), Err(Refused::Final), "{state:?} {event:?}");
        }
    }
}
