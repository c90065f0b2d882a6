//! Random histories of several workers against one EHR that may lose answers and show writes late.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{Class, Command, Event, LeaseToken, Policy, Resource, State, step};
use crate::Code;

const LEASE: i64 = 30;
const LATENESS: i64 = 6;
const LAG: i64 = 12;

fn policy(class: Class) -> Policy {
    Policy {
        class,
        lease: SignedDuration::from_secs(LEASE),
        lateness: SignedDuration::from_secs(LATENESS),
        index_lag: SignedDuration::from_secs(LAG),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// One move of the world: time goes on, then something happens.
#[derive(Debug, Clone)]
struct Move {
    seconds: i64,
    act: Act,
}

#[derive(Debug, Clone)]
enum Act {
    Begin,
    /// The holder of some lease, counted from the latest, reports.
    Report {
        back: usize,
        what: u8,
    },
    /// A search that began some seconds ago for some lease comes back with what the EHR showed then.
    Search {
        back: usize,
        ago: i64,
    },
    Lapse,
}

/// Mostly small steps and the latest lease, where the edges are; now and then a long pause, or a zombie.
fn moves() -> impl Strategy<Value = Vec<Move>> {
    let seconds = prop_oneof![8 => 0..4_i64, 1 => 4..12_i64, 1 => 12..45_i64];
    let back = || prop_oneof![6 => Just(0_usize), 1 => 1..4_usize];
    let act = prop_oneof![
        3 => Just(Act::Begin),
        3 => (back(), 0..4_u8).prop_map(|(back, what)| Act::Report { back, what }),
        6 => (back(), prop_oneof![3 => Just(0_i64), 1 => 0..12_i64])
            .prop_map(|(back, ago)| Act::Search { back, ago }),
        1 => Just(Act::Lapse),
    ];
    prop::collection::vec((seconds, act).prop_map(|(seconds, act)| Move { seconds, act }), 1..80)
}

/// What one lease's write really did.
struct Write {
    token: LeaseToken,
    /// When the request left; the worker knows nothing before.
    sent: i64,
    /// When it was done at the EHR and when searches show it, if it landed at all.
    landed: Option<(i64, i64)>,
}

impl Write {
    fn shown(&self, at: i64) -> bool {
        self.landed.is_some_and(|(_, visible)| visible <= at)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_happens_it_is_written_once(history in moves(), seed in any::<u64>(), class in 0..3_u8) {
        let policy = policy([Class::A, Class::B, Class::C][usize::from(class)]);
        let mut state = State::Ready;
        let mut now = 1_000_i64;
        let mut writes: Vec<Write> = Vec::new();
        let mut luck = seed;
        let mut draw = |below: i64| {
            luck = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            i64::try_from(luck >> 33).unwrap() % below
        };

        for Move { seconds, act } in history {
            now += seconds;
            let before = state.clone();
            let event = match act {
                Act::Begin => Event::Begin { token: LeaseToken(u32::try_from(writes.len()).unwrap() + 1), at: at(now) },
                Act::Lapse => Event::Lapse { at: at(now) },
                Act::Report { back, what } => {
                    let Some(write) = writes.iter().nth_back(back) else { continue };
                    if now < write.sent { continue }
                    let token = write.token;
                    let answered = write.landed.is_some_and(|(landed, _)| landed <= now);
                    // Honest workers: a success is reported of what landed, "without effect" of what did not.
                    match what {
                        0 if answered => Event::Succeeded { token, resource: named(token), at: at(now) },
                        1 if write.landed.is_none() => Event::WithoutEffect { token, at: at(now) },
                        2 if write.landed.is_none() => Event::Refused { token, code: Code::EhrRejected, at: at(now) },
                        _ => Event::Ambiguous { token, at: at(now) },
                    }
                }
                Act::Search { back, ago } => {
                    let Some(write) = writes.iter().nth_back(back) else { continue };
                    let (token, began) = (write.token, now - ago);
                    let shown: Vec<_> = writes.iter().filter(|w| w.shown(began)).collect();
                    match shown.as_slice() {
                        [] => Event::FoundNone { token, began: at(began) },
                        [one] => Event::Found { token, resource: named(one.token) },
                        _ => Event::FoundConflict { token },
                    }
                }
            };

            match step(&state, &event, &policy) {
                Err(_) => prop_assert_eq!(&state, &before),
                Ok((next, command)) => {
                    prop_assert!(!before.is_final() || next == before, "an end changed: {:?}", before);
                    if let Command::Write { token, until } = &command {
                        prop_assert_eq!(&before, &State::Ready, "a lease given out of {:?}", before);
                        prop_assert!(writes.iter().all(|w| w.token != *token));
                        // One lease is one write: sent within the lease, done within the lateness, shown within the lag.
                        let sent = now + draw(LEASE).min(draw(LEASE));
                        let landed = sent + draw(LATENESS);
                        let visible = landed + draw(LAG);
                        let lands = draw(4) > 0;
                        prop_assert!(sent < until.as_second());
                        writes.push(Write { token: *token, sent, landed: lands.then_some((landed, visible)) });
                    }
                    if matches!(before, State::Unknown { .. }) {
                        prop_assert!(!matches!(next, State::Intent { .. }), "written again without a search");
                    }
                    if matches!((&before, &next), (State::Intent { .. }, State::Intent { .. })) {
                        prop_assert_eq!(&before, &next, "a second lease while one lives");
                    }
                    if policy.class == Class::C {
                        prop_assert!(!matches!(next, State::Unknown { .. }), "nobody can search there");
                    }
                    state = next;
                }
            }
            prop_assert!(writes.iter().filter(|w| w.landed.is_some()).count() <= 1, "written twice");
            if let State::Done(resource) = &state {
                prop_assert!(writes.iter().any(|w| w.landed.is_some() && named(w.token) == *resource));
            }
        }
    }
}

fn named(token: LeaseToken) -> Resource {
    Resource { id: format!("r-{}", token.0), version: None }
}
