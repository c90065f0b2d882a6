//! What is held, what people decide about it, and what the stages then follow.

use domain::{
    AdmissionId, Code, FieldPath, PersonId, Stage,
    clock::Clock,
    hold::{Offer, Verdict, Word},
    hop::{Event, Hop, Transition},
    ports::HopLog,
};
use ledger::{
    Admission, Decision, Proposed, Store,
    acts::{ActFilter, Actor, What},
    holds::{Decided, HoldFilter, NewDecision, Undecided},
    read::State,
};

use crate::support::{Fixture, admit, bare, clinic, fresh_admission, hop, request, submission};

pub(crate) fn new(admission: AdmissionId, word: Word, names: Option<&str>) -> NewDecision {
    NewDecision {
        admission,
        verdict: Verdict::new(word, names).unwrap(),
        actor: Actor { name: "sam".into(), role: "operator".into() },
        reason: "looked it up".into(),
    }
}

pub(crate) async fn decide(
    store: &Store,
    admission: AdmissionId,
    word: Word,
    names: Option<&str>,
) -> Result<Decided, Undecided> {
    store.decide(&new(admission, word, names)).await
}

/// The hop of a stage that holds it.
pub(crate) async fn hold(store: &Store, admission: AdmissionId, stage: Stage, code: Code) {
    let transition = Some(Transition::Hold { code, field: None });
    let parked = Some(b"sealed".to_vec());
    store.append(Hop { transition, parked, ..hop(admission, stage, Event::Held) }).await.unwrap();
}

async fn stands(store: &Store, admission: AdmissionId) -> (State, Option<Code>) {
    let status = store.admission(admission).await.unwrap().unwrap();
    (status.state, status.code)
}

fn person(admission: &Admission) -> PersonId {
    match admission.decision {
        Decision::Admitted { person, .. } => person,
        ref other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_doubtful_match_is_decided_both_ways_and_admitted_as_decided() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let ada = person(&admit(&store, &request("s-1", "Ada Lovelace", "9:00")).await);
    let (eve, joe) = (request("s-2", "Eve Lovelace", "10:00"), request("s-3", "Joe Lovelace", "11:00"));
    let mut held = Vec::new();
    for one in [&eve, &joe] {
        let admission = admit(&store, one).await;
        assert_eq!(admission.decision, Decision::Held { code: Code::DoubtfulMatch, field: None });
        assert_eq!(decide(&store, admission.admission, Word::Close, None).await, Err(Undecided::NotHeld));
        hold(&store, admission.admission, Stage::Validation, Code::DoubtfulMatch).await;
        held.push(admission.admission);
    }
    let shown = store.hold(held[0]).await.unwrap().unwrap();
    assert_eq!((shown.row.stage, shown.row.code), (Stage::Validation, Code::DoubtfulMatch));
    let candidate = &shown.candidates[0];
    assert_eq!((shown.candidates.len(), candidate.id.clone()), (1, ada.to_string()));
    assert_eq!(candidate.differs, ["given:different", "phone:typo"]);

    // What is not asked, or names nobody who was offered, changes nothing.
    let nobody = fresh_admission().to_string();
    for (word, names, why) in [
        (Word::NotDone, None, Undecided::NotAllowed(Code::DoubtfulMatch)),
        (Word::SamePerson, Some(nobody.as_str()), Undecided::NotOffered),
    ] {
        assert_eq!(decide(&store, held[0], word, names).await, Err(why));
    }
    assert_eq!(decide(&store, fresh_admission(), Word::Close, None).await, Err(Undecided::Unknown));
    assert_eq!(admit(&store, &eve).await.decision, Decision::Held { code: Code::DoubtfulMatch, field: None });
    assert_eq!(stands(&store, held[0]).await, (State::Held, Some(Code::DoubtfulMatch)));

    let same = decide(&store, held[0], Word::SamePerson, Some(&ada.to_string())).await.unwrap();
    assert_eq!((same.state, same.row.admission_id), (State::InFlight, held[0]));
    decide(&store, held[1], Word::DifferentPerson, None).await.unwrap();
    assert_eq!(decide(&store, held[0], Word::DifferentPerson, None).await, Err(Undecided::NotHeld));
    assert_eq!(stands(&store, held[0]).await, (State::InFlight, None));
    assert!(store.hold(held[0]).await.unwrap().is_none());

    // The original comes again under its own name, as often as it likes.
    for _ in 0..2 {
        let eve = admit(&store, &eve).await;
        assert_eq!((eve.admission, eve.again), (held[0], true));
        assert_eq!(eve.decision, Decision::Admitted { person: ada, new_person: false });
    }
    let joe = admit(&store, &joe).await;
    assert!(matches!(joe.decision, Decision::Admitted { new_person: true, .. }), "{joe:?}");
    // Both are known from now on.
    assert_eq!(person(&admit(&store, &request("s-4", "Eve Lovelace", "12:00")).await), ada);
    assert_eq!(person(&admit(&store, &request("s-5", "Joe Lovelace", "12:00")).await), person(&joe));
    assert_eq!(fixture.count("SELECT count(*) FROM person").await, 2);
    assert_eq!(fixture.count("SELECT count(*) FROM held").await, 0);
}

#[tokio::test]
async fn whom_a_person_has_not_seen_is_still_compared_with() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    admit(&store, &request("s-1", "Ada Lovelace", "9:00")).await;
    let twins = [request("s-2", "Kim Lovelace", "10:00"), request("s-3", "Kim Lovelace", "11:00")];
    let mut people = Vec::new();
    for one in &twins {
        let held = admit(&store, one).await.admission;
        hold(&store, held, Stage::Validation, Code::DoubtfulMatch).await;
        people.push(held);
    }
    // Neither is Ada; but the second is the first, whom nobody knew when it was held.
    for held in people {
        decide(&store, held, Word::DifferentPerson, None).await.unwrap();
    }
    let [first, second] = [admit(&store, &twins[0]).await, admit(&store, &twins[1]).await];
    assert_eq!(person(&first), person(&second));
    assert_eq!(fixture.count("SELECT count(*) FROM person").await, 2);
}

#[tokio::test]
async fn a_consent_on_paper_lets_it_go_on_and_what_is_closed_ends() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let field = FieldPath::known("consents.part2");
    let mut ids = Vec::new();
    for id in ["s-1", "s-2"] {
        let mut first = bare(id, id);
        first.proposed = Proposed::Hold { code: Code::ConsentMissing, field: Some(field.clone()) };
        let held = admit(&store, &first).await.admission;
        let transition = Some(Transition::Hold { code: Code::ConsentMissing, field: Some(field.clone()) });
        let parked = Some(b"sealed".to_vec());
        let hop = Hop { transition, parked, ..hop(held, Stage::Validation, Event::Held) };
        store.append(hop).await.unwrap();
        ids.push((held, first));
    }
    decide(&store, ids[0].0, Word::ConsentGiven, Some("paper-17")).await.unwrap();
    let closed = decide(&store, ids[1].0, Word::Close, None).await.unwrap();
    assert_eq!(closed.state, State::Rejected);
    assert_eq!(store.consents(&clinic(), &submission("s-1")).await.unwrap(), std::slice::from_ref(&field));
    assert!(store.consents(&clinic(), &submission("s-2")).await.unwrap().is_empty());

    // Validation sees the consent and proposes to match.
    let again = |(_, first): &(AdmissionId, ledger::AdmissionRequest)| {
        let mut again = request("s-1", "Ada Lovelace", "9:00");
        (again.submission, again.message, again.content) =
            (first.submission.clone(), first.message, first.content);
        again
    };
    let admitted = admit(&store, &again(&ids[0])).await;
    assert!(matches!(admitted.decision, Decision::Admitted { new_person: true, .. }), "{admitted:?}");
    assert_eq!(admitted.admission, ids[0].0);
    // What was closed is not held again, by whatever message.
    for message in [ids[1].1.message, crate::support::fresh_message()] {
        let mut stray = ids[1].1.clone();
        stray.message = message;
        let rejected = Decision::Rejected { code: Code::ConsentMissing, field: Some(field.clone()) };
        let decision = admit(&store, &stray).await.decision;
        assert!(decision == rejected || decision == Decision::Repeat, "{decision:?}");
    }
    assert_eq!(stands(&store, ids[1].0).await, (State::Rejected, Some(Code::ConsentMissing)));
    let decided = store.decided(ids[0].0).await.unwrap();
    assert_eq!((decided[0].names.as_deref(), decided[0].actor.as_str()), (Some("paper-17"), "sam"));
}

#[tokio::test]
async fn what_goes_on_waits_to_be_published_until_that_is_told() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let mut held = Vec::new();
    for (id, slot) in [("s-1", "9:00"), ("s-2", "10:00"), ("s-3", "11:00")] {
        let request = request(id, "Ada Lovelace", slot);
        let id = admit(&store, &request).await.admission;
        hold(&store, id, Stage::EhrWriter, Code::SlotTaken).await;
        held.push((id, request));
    }
    decide(&store, held[0].0, Word::Again, None).await.unwrap();
    decide(&store, held[1].0, Word::Close, None).await.unwrap();
    decide(&store, held[2].0, Word::Again, None).await.unwrap();
    // As another process finds it.
    let other = fixture.store().await;
    let waiting = other.releases(0, 10).await.unwrap();
    let ids: Vec<_> = waiting.iter().map(|one| (one.admission, one.message)).collect();
    assert_eq!(ids, [(held[0].0, held[0].1.message), (held[2].0, held[2].1.message)]);
    assert_eq!(waiting[0].original.as_ref(), Some(&held[0].1.original));
    assert_eq!(other.releases(waiting[0].decision, 10).await.unwrap().len(), 1);
    for _ in 0..2 {
        other.released(waiting[0].decision).await.unwrap();
    }
    assert_eq!(store.releases(0, 10).await.unwrap().len(), 1);
    // What has not come to its end is what `recover` brings back, and it is not held again.
    let unfinished = store.unfinished(None, None).await.unwrap();
    assert!(unfinished.iter().any(|one| one.admission == held[0].0));
    assert!(matches!(admit(&store, &held[0].1).await.decision, Decision::Admitted { .. }));

    fixture.sql().await.batch_execute("DELETE FROM submission_body").await.unwrap();
    hold(&store, held[0].0, Stage::EhrWriter, Code::SlotTaken).await;
    assert_eq!(decide(&store, held[0].0, Word::Again, None).await, Err(Undecided::OriginalGone));
    assert!(decide(&store, held[0].0, Word::Close, None).await.is_ok());
}

#[tokio::test]
async fn another_slot_is_one_that_was_offered_and_moves_the_visit() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let id = admit(&store, &request("s-1", "Ada Lovelace", "9:00")).await.admission;
    let offer = |id: &str, hour: &str| Offer {
        id: id.into(),
        start: format!("2026-11-23T{hour}:00:00Z").parse().unwrap(),
        minutes: 20,
    };
    store.note_slots(id, &[offer("old", "08")]).await.unwrap();
    let offers = [offer("slot-1", "10"), offer("slot-2", "11")];
    store.note_slots(id, &offers).await.unwrap();
    hold(&store, id, Stage::EhrWriter, Code::SlotTaken).await;
    assert_eq!(store.hold(id).await.unwrap().unwrap().slots, offers);
    assert_eq!(decide(&store, id, Word::Slot, Some("old")).await, Err(Undecided::NotOffered));
    fixture.clock.forward(25 * 3600);
    assert_eq!(
        decide(&store, id, Word::Slot, Some("slot-1")).await,
        Err(Undecided::NotOffered),
        "it is past"
    );
    decide(&store, id, Word::Slot, Some("slot-2")).await.unwrap();
    let chosen = store.decisions(id).await.unwrap().slot.unwrap();
    assert_eq!((chosen.id.as_str(), chosen.start), ("slot-2", offers[1].start));
    let moved = store.unfinished(None, None).await.unwrap().remove(0).appointment_at;
    assert_eq!(moved, Some(offers[1].start));
    // Taken as well: the last choice counts.
    let others = [offer("slot-3", "12"), offer("slot-4", "13")];
    store.note_slots(id, &others).await.unwrap();
    hold(&store, id, Stage::EhrWriter, Code::SlotTaken).await;
    decide(&store, id, Word::Slot, Some("slot-3")).await.unwrap();
    assert_eq!(store.decisions(id).await.unwrap().slot.unwrap().id, "slot-3");
    assert_eq!(store.decided(id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_decision_is_an_act_and_a_line_of_the_timeline_or_nothing_at_all() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let id = admit(&store, &request("s-1", "Ada Lovelace", "9:00")).await.admission;
    hold(&store, id, Stage::EhrWriter, Code::EhrCannotBook).await;
    let mut silent = new(id, Word::Done, Some("appointment-7"));
    silent.reason.clear();
    assert!(store.decide(&silent).await.is_err(), "the tables take no decision without a reason");
    assert_eq!(stands(&store, id).await, (State::Held, Some(Code::EhrCannotBook)));
    assert!(store.hold(id).await.unwrap().is_some() && store.releases(0, 10).await.unwrap().is_empty());

    decide(&store, id, Word::Done, Some("appointment-7")).await.unwrap();
    assert_eq!(store.decisions(id).await.unwrap().booked.as_deref(), Some("appointment-7"));
    let acts = store.acts(&ActFilter::default(), None, 10).await.unwrap();
    assert_eq!(acts.len(), 1);
    assert_eq!((acts[0].what, acts[0].scope.clone()), (What::Decided, format!("admission:{id}")));
    let line = store.timeline(id).await.unwrap().hops.pop().unwrap();
    assert_eq!((line.event.as_str(), line.stage.as_str()), ("decided", "ehr-writer"));
    assert_eq!((line.actor.as_deref(), line.state.as_deref()), (Some("sam"), Some("in_flight")));
    let sql = fixture.sql().await;
    for change in
        ["UPDATE hold_decision SET actor = 'kim'", "DELETE FROM hold_decision", "TRUNCATE hold_decision"]
    {
        assert!(sql.batch_execute(change).await.is_err(), "{change}");
    }
}

#[tokio::test]
async fn two_people_decide_at_once_and_one_of_them_is_heard() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.store().await, fixture.store().await);
    for n in 0..10 {
        let request = request(&format!("s-{n}"), "Ada Lovelace", &n.to_string());
        let id = admit(&one, &request).await.admission;
        hold(&one, id, Stage::EhrWriter, Code::SlotTaken).await;
        let (a, b) = tokio::join!(decide(&one, id, Word::Again, None), decide(&other, id, Word::Close, None));
        assert!(
            matches!((&a, &b), (Ok(_), Err(Undecided::NotHeld)) | (Err(Undecided::NotHeld), Ok(_))),
            "{a:?} {b:?}"
        );
        assert_eq!(one.decided(id).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn holds_are_listed_by_time_to_the_visit_page_by_page_and_by_each_filter() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let mut ids = Vec::new();
    for (n, visit) in [None, Some("15:00"), Some("11:00"), Some("15:00")].into_iter().enumerate() {
        let mut request = request(&format!("s-{n}"), "Ada Lovelace", &n.to_string());
        request.appointment_at = visit.map(|at| format!("2026-11-23T{at}:00Z").parse().unwrap());
        let id = admit(&store, &request).await.admission;
        let stage = if n == 2 { Stage::Notification } else { Stage::EhrWriter };
        hold(&store, id, stage, if n == 2 { Code::NotificationParked } else { Code::SlotTaken }).await;
        ids.push(id);
    }
    let mut seen = Vec::new();
    let mut after = None;
    for size in [3, 1] {
        let page = store.holds(&HoldFilter::default(), after, 3).await.unwrap();
        assert_eq!(page.holds.len(), size);
        seen.extend(page.holds.iter().map(|row| row.admission_id));
        after = page.next;
    }
    assert_eq!((seen, after), (vec![ids[2], ids[1], ids[3], ids[0]], None));
    let none = HoldFilter::default;
    for (filter, count) in [
        (HoldFilter { clinic: Some(clinic()), ..none() }, 4),
        (HoldFilter { clinic: Some("clinic-02".parse().unwrap()), ..none() }, 0),
        (HoldFilter { stage: Some(Stage::Notification), ..none() }, 1),
        (HoldFilter { code: Some(Code::SlotTaken), ..none() }, 3),
    ] {
        assert_eq!(store.holds(&filter, None, 10).await.unwrap().holds.len(), count, "{filter:?}");
    }
    assert_eq!(store.hold(ids[0]).await.unwrap().unwrap().row.since, fixture.clock.now());
}

#[tokio::test]
async fn who_it_is_stays_decided_when_something_else_is_decided_since() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let ada = person(&admit(&store, &request("s-1", "Ada Lovelace", "9:00")).await);
    let eve = request("s-2", "Eve Lovelace", "10:00");
    let held = admit(&store, &eve).await.admission;
    hold(&store, held, Stage::Validation, Code::DoubtfulMatch).await;
    decide(&store, held, Word::SamePerson, Some(&ada.to_string())).await.unwrap();
    // The template has changed: it wants a consent now.
    let field = Some(FieldPath::known("consents.part2"));
    let mut asks = eve.clone();
    asks.proposed = Proposed::Hold { code: Code::ConsentMissing, field: field.clone() };
    assert!(matches!(admit(&store, &asks).await.decision, Decision::Held { code: Code::ConsentMissing, .. }));
    hold(&store, held, Stage::Validation, Code::ConsentMissing).await;
    decide(&store, held, Word::ConsentGiven, Some("paper-17")).await.unwrap();
    assert_eq!(store.persons(&clinic(), &submission("s-2")).await.unwrap().same, Some(ada));
    assert_eq!(admit(&store, &eve).await.decision, Decision::Admitted { person: ada, new_person: false });
}
