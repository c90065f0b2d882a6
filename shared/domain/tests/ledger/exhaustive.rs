//! Every state that can be reached, breadth first: what is found first is found on a shortest way.

use std::collections::{HashMap, VecDeque, hash_map::Entry};

use domain::effect::{Class, Protections};

use crate::{
    act::Act,
    laws::Broken,
    setup::{Setup, Ticks},
    world::World,
};

/// As few as show every rule: a write may land after two searches that began too early, and be hidden from the first that did not.
const TICKS: Ticks = Ticks { lease: 2, lateness: 3, lag: 2 };
/// More states than any world here has: so many only come of attempts without end.
const TOO_MANY: usize = 2_000_000;

/// Two workers, and submissions of one person that each create or update the patient.
fn patient(class: Class, submissions: usize, protections: Protections) -> Setup {
    Setup::new(class, TICKS, 2, &vec![0; submissions], false, protections)
}

/// What was gone through.
struct Explored {
    states: usize,
    ends: usize,
}

/// What is wrong, and how one gets there.
struct Found(Broken, Vec<Act>);

/// The states, by number, in the order in which they were found.
#[derive(Default)]
struct Graph {
    /// From which state, by what.
    from: Vec<(u32, Act)>,
    /// Steps on which nothing goes wrong: from where, and which other step leads to the same state.
    right: Vec<(u32, Option<u32>)>,
    /// By state: a step that leads there.
    into: Vec<Option<u32>>,
    /// Where everything has ended.
    ends: Vec<u32>,
}

impl Graph {
    fn way(&self, mut to: u32) -> Vec<Act> {
        let mut acts = Vec::new();
        while to != 0 {
            let (from, act) = self.from[to as usize];
            acts.push(act);
            to = from;
        }
        acts.reverse();
        acts
    }

    fn add(&mut self, from: u32, act: Act) {
        self.from.push((from, act));
        self.into.push(None);
    }

    fn right(&mut self, from: u32, to: u32) {
        let step = u32::try_from(self.right.len()).unwrap();
        let other = self.into[to as usize].replace(step);
        self.right.push((from, other));
    }

    /// A state from which no way on which nothing goes wrong leads to an end.
    fn stuck(&self) -> Option<u32> {
        let mut ends = vec![false; self.from.len()];
        let mut todo = self.ends.clone();
        while let Some(to) = todo.pop() {
            if std::mem::replace(&mut ends[to as usize], true) {
                continue;
            }
            let mut step = self.into[to as usize];
            while let Some(one) = step {
                let (from, other) = self.right[one as usize];
                todo.push(from);
                step = other;
            }
        }
        ends.iter().position(|ends| !ends).and_then(|state| u32::try_from(state).ok())
    }
}

fn explore(setup: &Setup, faults: u8) -> Result<Explored, Found> {
    let start = World::new(setup, faults);
    let mut known = HashMap::from([(start.fingerprint(), 0)]);
    let mut graph = Graph::default();
    graph.add(0, Act::Tick);
    let mut todo = VecDeque::from([(0, start)]);
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    while let Some((number, world)) = todo.pop_front() {
        if world.quiet() {
            graph.ends.push(number);
        }
        world.acts(&mut right, &mut wrong);
        for (at, act) in right.iter().chain(&wrong).enumerate() {
            let mut next = world.clone();
            if let Err(broken) = next.act(setup, *act) {
                let mut way = graph.way(number);
                way.push(*act);
                return Err(Found(broken, way));
            }
            if graph.from.len() > TOO_MANY {
                return Err(Found(Broken::Endless, graph.way(number)));
            }
            let fresh = u32::try_from(graph.from.len()).unwrap();
            let to = match known.entry(next.fingerprint()) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(place) => {
                    graph.add(number, *act);
                    todo.push_back((fresh, next));
                    *place.insert(fresh)
                }
            };
            if at < right.len() {
                graph.right(number, to);
            }
        }
    }
    match graph.stuck() {
        Some(state) => Err(Found(Broken::Stuck, graph.way(state))),
        None => Ok(Explored { states: graph.from.len(), ends: graph.ends.len() }),
    }
}

fn holds(class: Class, submissions: usize, faults: u8) {
    match explore(&patient(class, submissions, Protections::ALL), faults) {
        Ok(Explored { states, ends }) => {
            println!(
                "class {class:?}, {submissions} submissions, {faults} faults: {states} states, {ends} ends"
            );
            assert!(ends > 0);
        }
        Err(Found(broken, way)) => panic!("{broken}, by {way:#?}"),
    }
}

#[test]
fn every_state_of_an_ehr_that_can_be_searched_is_right() {
    holds(Class::B, 2, 3);
}

#[test]
fn every_state_of_an_ehr_that_keeps_identifiers_unique_is_right() {
    holds(Class::A, 2, 2);
}

#[test]
fn every_state_of_an_ehr_that_cannot_be_searched_is_right() {
    holds(Class::C, 2, 3);
}

/// One creates, and two updates have an order.
#[test]
fn every_state_of_three_submissions_is_right() {
    holds(Class::B, 3, 1);
    holds(Class::C, 3, 1);
}

#[cfg(debug_assertions)]
#[test]
fn without_a_protection_a_state_is_wrong() {
    use domain::drill::Protection;

    let expected = [
        (Protection::SearchBeforeRewrite, Broken::MadeTwice),
        (Protection::PatientSlot, Broken::MadeTwice),
        (Protection::Fencing, Broken::FinalChanged),
    ];
    for (protection, broken) in expected {
        let setup = patient(Class::B, 2, Protections::ALL.without(protection));
        let Err(Found(found, way)) = explore(&setup, 3) else {
            panic!("without {protection} nothing breaks");
        };
        println!("without {protection}: {found}, by {way:?}");
        assert_eq!(found, broken, "without {protection}");
    }
}
