//! What people decided, followed to the letter and no further.

use adapters::ehr::{Ehr as _, ReadFault, SlotFound, fake::Mishap};
use domain::{Code, Outcome, envelope::Message, hold::Word, intake::Patient, messages::Checked};
use jiff::{SignedDuration, Timestamp};
use runtime::{Context, Handler};
use testkit::desk::{self, START};

use super::{Desk, End, assert_once, message, somebody};

#[tokio::test]
async fn a_patient_of_the_clinic_who_may_be_the_same_is_who_a_person_says() {
    for (word, patients) in [(Word::SamePerson, 1), (Word::DifferentPerson, 2)] {
        let desk = Desk::open().await;
        let mut message = message(somebody(), "provider-1", "+12025550150");
        desk.admit(&mut message, "s-1").await;
        let mut known = message.secret.expose().intake.patient.clone();
        known.given = "Adah".to_owned();
        let id = desk.ehr.know(known);
        desk.decide(&message, Code::DoubtfulMatch, word, word.takes().map(|_| id.as_str())).await;
        assert_eq!(desk.settle(&message).await, End::Written, "{word}");
        let counts = desk.ehr.counts();
        assert_eq!((counts.patients, counts.appointments), (patients, 1), "{word}");
    }
}

#[tokio::test]
async fn a_taken_slot_is_left_alone_and_the_one_that_a_person_chose_is_booked() {
    let desk = Desk::open().await;
    let first = message(somebody(), "provider-1", "+12025550150");
    assert_eq!(desk.settle(&first).await, End::Written);
    let later = Timestamp::from_second(START).unwrap() + SignedDuration::from_hours(1);
    desk.ehr.offer_slot("provider-1", later, 40);
    let mut second = message(somebody(), "provider-1", "+12025550199");
    desk.admit(&mut second, "s-2").await;
    assert_eq!(desk.settle(&second).await, End::Held(Code::SlotTaken));
    let free = desk.ehr.free_slots("provider-1", later, 1).await.unwrap().remove(0).id;
    desk.decide(&second, Code::SlotTaken, Word::Slot, Some(&free)).await;
    let cx = Context::detached(desk.clock.clone(), desk.keys.clone());
    let Ok(Outcome::Emit(written)) = desk.writer.handle(second, &cx).await else { panic!("it is booked") };
    let told = written.secret.expose();
    assert_eq!((told.intake.appointment.start, told.minutes), (later, 40), "the patient is told of this one");
    let counts = desk.ehr.counts();
    assert_eq!((counts.appointments, counts.busy_slots), (2, 2));
}

#[tokio::test]
async fn what_a_person_closed_is_not_booked_even_if_the_slot_is_free_again() {
    let desk = Desk::open().await;
    let mut message = message(somebody(), "provider-3", "+12025550150");
    desk.admit(&mut message, "s-1").await;
    desk.decide(&message, Code::SlotTaken, Word::Close, None).await;
    desk.ehr.offer_slot("provider-3", Timestamp::from_second(START).unwrap(), 20);
    let before = desk.ehr.counts();
    assert_eq!(desk.settle(&message).await, End::Ended, "a delivery that came late");
    assert_eq!(desk.ehr.counts(), before);
    assert_eq!((before.appointments, before.busy_slots), (0, 0));
}

#[tokio::test]
async fn an_appointment_in_doubt_is_written_again_when_a_person_has_not_found_it() {
    let desk = Desk::open().await;
    let mut message = message(somebody(), "provider-1", "+12025550150");
    desk.admit(&mut message, "s-1").await;
    desk.ehr.after(3, Mishap::LostBefore);
    assert_eq!(desk.once(&message).await, End::Later);
    desk.clock.forward(60);
    desk.ehr.read_fault_after(1, ReadFault::Refused { status: 405, issue: None });
    desk.decide(&message, Code::EhrParked, Word::NotDone, None).await;
    assert_eq!(desk.settle(&message).await, End::Written);
    assert_once(desk.ehr.counts(), "in the end");
}

#[tokio::test]
async fn what_a_person_has_not_found_is_not_written_while_it_may_still_land() {
    let desk = Desk::open().await;
    let mut message = message(somebody(), "provider-1", "+12025550150");
    desk.admit(&mut message, "s-1").await;
    desk.ehr.mishap(Mishap::LostBefore);
    assert_eq!(desk.told(&message).await, (End::Later, Some(Code::EhrParked)));
    desk.clock.forward(5);
    desk.rule(&message, Code::EhrParked, Word::NotDone, None).await;
    assert_eq!(desk.once(&message).await, End::Later);
    desk.clock.forward(4);
    assert_eq!(
        (desk.once(&message).await, desk.ehr.counts().effects),
        (End::Later, 0),
        "nine seconds after it"
    );
    desk.clock.forward(1);
    assert_eq!(desk.once(&message).await, End::Written);
    assert_once(desk.ehr.counts(), "in the end");
}

/// Whom the clinic has besides.
fn somebody_else() -> Patient {
    let patient = desk::intake().patient;
    let born = patient.birth_date.checked_sub(jiff::Span::new().years(11)).unwrap();
    let (given, family) = ("Tobias".to_owned(), "Underwood".to_owned());
    Patient { given, family, birth_date: born, phone: None, email: None, address: None, ..patient }
}

/// The creation of a patient is in doubt and a person names that of somebody else.
async fn named_by_mistake() -> (Desk, Message<Checked>, Message<Checked>) {
    let desk = Desk::open().await;
    let person = somebody();
    let mut first = message(person, "provider-1", "+12025550150");
    desk.admit(&mut first, "s-1").await;
    let mut second = message(person, "provider-2", "+12025550199");
    desk.admit(&mut second, "s-2").await;
    let wrong = desk.ehr.know(somebody_else());
    desk.ehr.mishap(Mishap::LostBefore);
    // The first read looks for an existing patient, the second for the one in doubt.
    desk.ehr.read_fault_after(1, ReadFault::Refused { status: 405, issue: None });
    desk.decide(&first, Code::EhrParked, Word::Done, Some(&wrong)).await;
    (desk, first, second)
}

#[tokio::test]
async fn a_patient_whom_a_person_named_by_mistake_is_not_written_on() {
    let (desk, first, second) = named_by_mistake().await;
    assert_eq!(desk.settle(&first).await, End::Held(Code::EhrConflict));
    assert_eq!(desk.settle(&second).await, End::Held(Code::EhrConflict), "who shares the patient");
    assert_eq!(desk.ehr.counts().effects, 0, "nothing stands on somebody else's record");
    let right = desk.ehr.know(desk::intake().patient);
    desk.decide(&first, Code::EhrConflict, Word::Done, Some(&right)).await;
    assert_eq!(desk.settle(&first).await, End::Written);
    assert_eq!(desk.settle(&second).await, End::Written);
    let counts = desk.ehr.counts();
    assert_eq!((counts.patients, counts.coverages, counts.appointments), (2, 1, 2));
    let there = desk.ehr.read_patient(&right).await.unwrap();
    assert_eq!(there.person.phones, ["+12025550199"], "the second one's change");
}

#[tokio::test]
async fn nor_is_it_by_another_submission_that_comes_first() {
    let (desk, first, second) = named_by_mistake().await;
    assert_eq!(desk.settle(&second).await, End::Held(Code::EhrConflict));
    assert_eq!(desk.settle(&first).await, End::Held(Code::EhrConflict));
    assert_eq!(desk.ehr.counts().effects, 0);
}

#[tokio::test]
async fn a_patient_who_is_not_there_at_all_is_asked_about_again() {
    let desk = Desk::open().await;
    let mut message = message(somebody(), "provider-1", "+12025550150");
    desk.admit(&mut message, "s-1").await;
    desk.ehr.mishap(Mishap::LostBefore);
    desk.ehr.read_fault_after(1, ReadFault::Refused { status: 405, issue: None });
    desk.decide(&message, Code::EhrParked, Word::Done, Some("patient-of-nobody")).await;
    desk.decide(&message, Code::EhrConflict, Word::NotDone, None).await;
    assert_eq!(desk.settle(&message).await, End::Written);
    assert_once(desk.ehr.counts(), "in the end");
}

/// Nothing is free when it is asked for. Of two slots of one time a person chose the second.
async fn second_of_two_slots_is_chosen() -> (Desk, Message<Checked>, Timestamp, Vec<SlotFound>) {
    let desk = Desk::open().await;
    let mut message = message(somebody(), "provider-3", "+12025550150");
    desk.admit(&mut message, "s-1").await;
    let later = Timestamp::from_second(START).unwrap() + SignedDuration::from_hours(1);
    desk.ehr.offer_slot("provider-3", later, 20);
    desk.ehr.offer_slot("provider-3", later, 40);
    let free = desk.ehr.free_slots("provider-3", later, 5).await.unwrap();
    desk.decide(&message, Code::SlotTaken, Word::Slot, Some(&free[1].id)).await;
    (desk, message, later, free)
}

#[tokio::test]
async fn of_several_slots_of_one_time_the_chosen_one_is_booked() {
    let (desk, message, later, free) = second_of_two_slots_is_chosen().await;
    assert_eq!(desk.settle(&message).await, End::Written);
    let left = desk.ehr.free_slots("provider-3", later, 5).await.unwrap();
    assert_eq!(left.iter().map(|slot| &slot.id).collect::<Vec<_>>(), [&free[0].id]);
    assert_once(desk.ehr.counts(), "on the chosen one");
}

#[tokio::test]
async fn a_chosen_slot_that_is_taken_by_now_is_not_replaced_by_its_neighbour() {
    let (desk, message, _, free) = second_of_two_slots_is_chosen().await;
    desk.ehr.claim_slot(&free[1], "somebody").await;
    assert_eq!(desk.settle(&message).await, End::Held(Code::SlotTaken));
}
