//! Every state that an effect can be in, against either word.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    super::{
        super::{Begin, BeginEffect, Class, LeaseToken, Policy, Protections, SlotKey, Target, Told},
        Book, Decided, Op, Slot,
    },
    Kind, Mark, Resource, Role, Said, State, Unheard,
};
use crate::{AdmissionId, ClinicId, Code, PersonId, blind::IndexKey, effect::After};

const OWN: Uuid = Uuid::from_u128(1);
const SLOT: Uuid = Uuid::from_u128(2);
const NEXT: Uuid = Uuid::from_u128(9);
const TOKEN: LeaseToken = LeaseToken(3);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn admission() -> AdmissionId {
    AdmissionId::from_uuid(Uuid::from_u128(5))
}

fn resource(id: &str) -> Resource {
    Resource { id: id.into(), version: Some("1".into()) }
}

fn wish() -> BeginEffect {
    let times = SignedDuration::from_secs(10);
    BeginEffect {
        admission: admission(),
        clinic: ClinicId::parse("c").unwrap(),
        person: PersonId::from_uuid(Uuid::from_u128(6)),
        target: Target::Patient,
        idempotency: IndexKey::new(&[7; 32]).index("patient", &[]),
        policy: Policy { class: Class::B, lease: times, lateness: times, index_lag: times },
    }
}

fn key() -> SlotKey {
    wish().slot_key().unwrap()
}

fn op(state: State, before: Option<&str>) -> Op {
    Op {
        op: OWN,
        admission: admission(),
        kind: Kind::Patient,
        in_force: true,
        slot: Some(SLOT),
        role: if before.is_some() { Role::Update } else { Role::Create },
        idempotency: vec![1],
        seq: 4,
        state,
        attempts: TOKEN.0,
        searches: 0,
        before: before.map(resource),
        mark: Mark::Stored,
    }
}

fn book(state: State, before: Option<&str>) -> Book {
    let slot = Slot {
        slot: SLOT,
        key: key(),
        owner: OWN,
        resource: before.map(resource),
        written: i64::from(before.is_some()),
        mark: Mark::Stored,
    };
    Book::new(vec![slot], vec![op(state, before)], at(100), Protections::ALL)
}

fn unknown(since: i64) -> State {
    State::Unknown { token: TOKEN, since: at(since), empty: None }
}

fn doubtful() -> [State; 3] {
    [State::Parked, State::Conflict, unknown(50)]
}

fn hear(book: &mut Book, said: &Said) -> Result<Kind, Unheard> {
    book.hear(admission(), said, at(50), &mut || NEXT)
}

fn there(id: &str) -> Said {
    Said::There { id: id.into() }
}

fn find(decided: &Decided, id: Uuid) -> &Op {
    decided.ops.iter().find(|op| op.op == id).unwrap()
}

#[test]
fn what_is_found_is_done_in_a_round_of_its_own_and_the_slot_knows_it() {
    for state in doubtful() {
        let mut book = book(state.clone(), None);
        assert_eq!(hear(&mut book, &there("p-1")), Ok(Kind::Patient));
        let decided = book.close();
        let (old, new) = (find(&decided, OWN), find(&decided, NEXT));
        assert_eq!((old.in_force, &old.state), (false, &state), "the record stays as it was");
        let done = Resource { id: "p-1".into(), version: None };
        assert_eq!((new.in_force, &new.state, new.mark), (true, &State::Done(done.clone()), Mark::Fresh));
        let slot = &decided.slots[0];
        assert_eq!((slot.owner, slot.resource.as_ref(), slot.written), (NEXT, Some(&done), 4));
        assert_eq!(decided.trail.iter().map(|line| line.event).collect::<Vec<_>>(), ["confirmed"]);
    }
}

#[test]
fn what_is_not_there_may_be_written_and_only_then() {
    for state in doubtful() {
        let mut unheard = book(state.clone(), None);
        let answer = unheard.begin(&wish(), &mut || NEXT);
        assert!(!matches!(answer, Begin::Go(_)), "{state:?}: {answer:?}");

        let mut book = book(state.clone(), None);
        assert_eq!(hear(&mut book, &Said::NotThere), Ok(Kind::Patient));
        let Begin::Go(permit) = book.begin(&wish(), &mut || NEXT) else { panic!("{state:?}") };
        assert_eq!((permit.of().op(), permit.role, permit.token), (NEXT, Role::Create, LeaseToken(1)));
        let decided = book.close();
        let old = find(&decided, OWN);
        assert_eq!((old.in_force, &old.state), (false, &state), "the record stays as it was");
        let events: Vec<_> = decided.trail.iter().map(|line| (line.op, line.event)).collect();
        assert_eq!(events, [(OWN, "denied"), (NEXT, "intent")]);
    }
}

#[test]
fn another_submission_of_the_person_goes_on_after_the_word() {
    let other = BeginEffect { admission: AdmissionId::from_uuid(Uuid::from_u128(8)), ..wish() };
    for state in [State::Parked, State::Conflict] {
        let mut book = book(state.clone(), None);
        assert!(matches!(book.begin(&other, &mut || NEXT), Begin::Parked | Begin::Conflict), "{state:?}");
        assert_eq!(hear(&mut book, &Said::NotThere), Ok(Kind::Patient));
        assert!(matches!(book.begin(&other, &mut || NEXT), Begin::Go(_)), "{state:?}");
    }
}

#[test]
fn a_search_that_comes_back_late_does_not_touch_what_a_person_has_ended() {
    let mut book = book(unknown(50), None);
    let Begin::Resolve(ticket) = book.begin(&wish(), &mut || NEXT) else { panic!("it is in doubt") };
    assert_eq!(hear(&mut book, &Said::NotThere), Ok(Kind::Patient));
    let found = Told::searched(&ticket, super::super::super::SearchResult::Found(resource("p-9")));
    assert!(matches!(book.settle(&found), After::Fenced));
    let decided = book.close();
    assert_eq!(find(&decided, OWN).state, unknown(50));
    assert!(decided.slots.iter().all(|slot| slot.resource.is_none()));
}

#[test]
fn a_change_is_of_what_was_there() {
    let mut book = book(State::Conflict, Some("p-1"));
    assert_eq!(hear(&mut book, &there("p-2")), Err(Unheard::Another));
    assert_eq!(hear(&mut book, &there("p-1")), Ok(Kind::Patient));
    let decided = book.close();
    assert!(matches!(&find(&decided, NEXT).state, State::Done(done) if done.id == "p-1"));
    assert_eq!(decided.slots[0].written, 4);
}

#[test]
fn an_update_that_is_not_there_is_made_over_what_is() {
    let mut book = book(State::Parked, Some("p-1"));
    assert_eq!(hear(&mut book, &Said::NotThere), Ok(Kind::Patient));
    book.order([(admission(), 4)]);
    let Begin::Go(permit) = book.begin(&wish(), &mut || NEXT) else { panic!("it is to be written") };
    assert_eq!((permit.role, permit.resource), (Role::Update, Some(resource("p-1"))));
}

#[test]
fn where_nothing_is_in_doubt_a_word_changes_nothing() {
    let intent = State::Intent { token: TOKEN, until: at(130) };
    for (state, why) in [
        (State::Ready, Unheard::NothingInDoubt),
        (State::Done(resource("p-1")), Unheard::NothingInDoubt),
        (State::Rejected { code: Code::EhrRejected }, Unheard::NothingInDoubt),
        (intent, Unheard::UnderWay),
        // Given up after the person was asked.
        (unknown(51), Unheard::UnderWay),
    ] {
        for said in [there("p-1"), Said::NotThere] {
            let mut book = book(state.clone(), None);
            assert_eq!(hear(&mut book, &said), Err(why), "{state:?}");
            let decided = book.close();
            assert!(decided.ops.is_empty() && decided.slots.is_empty() && decided.trail.is_empty());
        }
    }
    let mut empty = Book::new(vec![], vec![], at(100), Protections::ALL);
    assert_eq!(hear(&mut empty, &Said::NotThere), Err(Unheard::NothingInDoubt));
}

/// Another submission of the person, which has asked and waits for the first.
fn other() -> BeginEffect {
    BeginEffect { admission: AdmissionId::from_uuid(Uuid::from_u128(8)), ..wish() }
}

#[test]
fn who_waits_for_what_nobody_else_can_answer_for_says_it_instead() {
    const WAITS: Uuid = Uuid::from_u128(20);
    for state in doubtful() {
        for said in [there("p-1"), Said::NotThere] {
            let mut book = book(state.clone(), None);
            book.order([(other().admission, 5)]);
            book.begin(&other(), &mut || WAITS);
            assert_eq!(
                book.hear(other().admission, &said, at(50), &mut || NEXT),
                Ok(Kind::Patient),
                "{state:?}"
            );
            match (said, book.begin(&other(), &mut || Uuid::from_u128(30))) {
                (Said::There { id }, Begin::Go(permit)) => assert_eq!(permit.resource.unwrap().id, id),
                (Said::NotThere, Begin::Go(permit)) => assert_eq!(permit.role, Role::Create),
                (_, answer) => panic!("{state:?}: {answer:?}"),
            }
            let decided = book.close();
            let old = find(&decided, OWN);
            assert_eq!((old.in_force, &old.state), (false, &state), "the record stays as it was");
        }
    }
    // It was given up after the person was asked.
    let mut late = book(unknown(51), None);
    late.begin(&other(), &mut || WAITS);
    assert_eq!(
        late.hear(other().admission, &Said::NotThere, at(50), &mut || NEXT),
        Err(Unheard::NothingInDoubt)
    );
    // What is there may be changed whatever is in doubt about an update of it: nobody waits.
    let mut known = book(State::Parked, Some("p-1"));
    known.begin(&other(), &mut || WAITS);
    assert!(known.hear(other().admission, &Said::NotThere, at(50), &mut || NEXT).is_err());
}

#[test]
fn a_patient_named_by_mistake_is_in_doubt_again_and_nobody_writes_there() {
    let mut book = book(State::Parked, None);
    assert_eq!(hear(&mut book, &there("p-7")), Ok(Kind::Patient));
    assert!(!book.refute(&wish(), "p-9", &mut || Uuid::from_u128(40)), "that is not what was named");
    assert!(book.refute(&wish(), "p-7", &mut || Uuid::from_u128(41)));
    assert!(matches!(book.begin(&wish(), &mut || Uuid::from_u128(42)), Begin::Conflict));
    assert!(matches!(book.begin(&other(), &mut || Uuid::from_u128(43)), Begin::Conflict));
    assert_eq!(hear(&mut book, &there("p-1")), Ok(Kind::Patient));
    assert!(matches!(book.begin(&wish(), &mut || NEXT), Begin::Done(done) if done.id == "p-1"));
    let events: Vec<_> = book.close().trail.iter().map(|line| line.event).collect();
    assert_eq!(events, ["confirmed", "refuted", "found_conflict", "confirmed"]);
}

#[test]
fn whoever_was_to_change_what_was_named_by_mistake_holds_it_and_the_first_one_learns_of_it() {
    let mut book = book(State::Parked, None);
    assert_eq!(hear(&mut book, &there("p-7")), Ok(Kind::Patient));
    book.order([(other().admission, 5)]);
    let Begin::Go(permit) = book.begin(&other(), &mut || Uuid::from_u128(40)) else { panic!("an update") };
    assert!(!book.refute(&other(), "p-7", &mut || Uuid::from_u128(41)), "a write is under way");
    book.settle(&Told::wrote(&permit, super::super::super::EffectResult::NotSent));
    assert!(book.refute(&other(), "p-7", &mut || Uuid::from_u128(42)));
    assert!(matches!(book.begin(&other(), &mut || Uuid::from_u128(43)), Begin::Conflict));
    // The first still thinks that it is done.
    assert!(matches!(book.begin(&wish(), &mut || Uuid::from_u128(44)), Begin::Done(_)));
    assert!(!book.refute(&wish(), "p-7", &mut || Uuid::from_u128(45)), "it is known");
    assert!(matches!(book.begin(&wish(), &mut || Uuid::from_u128(46)), Begin::Conflict));
}
