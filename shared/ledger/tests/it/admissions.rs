//! Each submission once, each person once, each request once, whoever else admits at the same moment.

use std::{collections::HashSet, sync::Arc};

use domain::{
    Code, FieldPath, Stage,
    hop::{Event, Transition},
    outcome::Settled,
    ports::HopLog,
};
use jiff::Timestamp;
use ledger::{
    Admission, AdmissionRequest, AdmitError, Decision, MatchDecision, Proposed, Store, eligibility::Recheck,
    read::State,
};

use crate::support::{
    Fixture, admit, admit_at_once, bare, clinic, fresh_message, hop, matcher, request, submission,
};

fn redelivered(request: &AdmissionRequest) -> AdmissionRequest {
    request.clone()
}

fn sent_again(request: &AdmissionRequest) -> AdmissionRequest {
    AdmissionRequest { message: fresh_message(), ..request.clone() }
}

/// What validation's hop (and, for what goes on, everybody's) commits.
async fn ended(store: &Store, admission: &Admission) {
    let mut hop = hop(admission.admission, Stage::Validation, Event::Settled);
    if matches!(admission.decision, Decision::Admitted { .. }) {
        hop.transition = Some(Transition::Settle(Settled::Completed));
    }
    store.append(hop).await.unwrap();
}

#[tokio::test]
async fn a_redelivery_gets_the_same_decision_and_a_repeat_changes_nothing() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let mut rejected = bare("s-2", "no name");
    rejected.proposed =
        Proposed::Reject { code: Code::MissingField, field: Some(FieldPath::known("patient.family")) };
    let mut held = bare("s-3", "no consent");
    held.proposed = Proposed::Hold { code: Code::ConsentMissing, field: None };
    let asked = [
        request("s-1", "Ada Lovelace", "9:00"),
        rejected,
        held,
        request("s-4", "ADA LOVELACE", "9:00"),
        request("s-5", "Bob Lovelace", "9:00"),
    ];
    let mut firsts = Vec::new();
    for one in &asked {
        let first = admit(&store, one).await;
        assert!(!first.again);
        firsts.push(first);
    }
    assert!(matches!(firsts[0].decision, Decision::Admitted { new_person: true, .. }));
    assert_eq!(
        firsts[1].decision,
        Decision::Rejected { code: Code::MissingField, field: Some(FieldPath::known("patient.family")) }
    );
    assert_eq!(firsts[2].decision, Decision::Held { code: Code::ConsentMissing, field: None });
    assert_eq!(firsts[3].decision, Decision::Duplicate { of: submission("s-1") });
    assert_eq!(firsts[4].decision, Decision::Held { code: Code::DoubtfulMatch, field: None });

    let other_process = fixture.store().await;
    for (one, first) in asked.iter().zip(&firsts) {
        // Nobody knows whether the first was handed on: also under another message id it is carried out again.
        for again in [redelivered(one), sent_again(one)] {
            let again = admit(&other_process, &again).await;
            assert!(again.again);
            assert_eq!((again.admission, &again.decision), (first.admission, &first.decision));
        }
        ended(&store, first).await;
        assert_eq!(admit(&store, &redelivered(one)).await.decision, first.decision);
        let repeat = admit(&other_process, &sent_again(one)).await;
        assert_eq!((repeat.admission, repeat.decision), (first.admission, Decision::Repeat));
    }
    assert_eq!(fixture.count("SELECT count(*) FROM submission").await, 5);
    assert_eq!(fixture.count("SELECT count(*) FROM submission_body").await, 5);
    assert_eq!(fixture.count("SELECT count(*) FROM person").await, 1);
    assert_eq!(fixture.count("SELECT count(*) FROM request").await, 1);
    let status = store.submission(None, &submission("s-4")).await.unwrap();
    assert_eq!(status[0].state, State::Duplicate);
    assert_eq!(status[0].duplicate_of, Some(submission("s-1")));
}

#[tokio::test]
async fn strangers_who_number_alike_are_each_rejected() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let stranger = |name| {
        let proposed = Proposed::Reject { code: Code::InvalidField, field: None };
        AdmissionRequest { proposed, clinic: "unknown".parse().unwrap(), ..bare("row-2", name) }
    };
    let rejected = Decision::Rejected { code: Code::InvalidField, field: None };
    let (one, other) = (stranger("Ada Lovelace"), stranger("Ben King"));
    let first = admit(&store, &one).await;
    let second = admit(&store, &other).await;
    assert_ne!(first.admission, second.admission);
    assert_eq!((&first.decision, &second.decision), (&rejected, &rejected));
    // At a clinic that is there a person looks, whatever is wrong with it.
    let known = |name| AdmissionRequest { clinic: clinic(), ..stranger(name) };
    admit(&store, &known("Ada Lovelace")).await;
    let conflict = admit(&store, &known("Ben King")).await.decision;
    assert_eq!(conflict, Decision::Held { code: Code::SubmissionConflict, field: None });
    ended(&store, &second).await;
    let repeat = admit(&store, &sent_again(&other)).await;
    assert_eq!((repeat.admission, repeat.decision), (second.admission, Decision::Repeat));
}

#[tokio::test]
async fn other_content_is_a_conflict_with_a_row_of_its_own() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let first = admit(&store, &request("s-1", "Ada Lovelace", "9:00")).await;
    let other = request("s-1", "Ada King", "9:00");
    let conflict = admit(&store, &other).await;
    assert_ne!(conflict.admission, first.admission);
    assert_eq!(conflict.decision, Decision::Held { code: Code::SubmissionConflict, field: None });
    let again = admit(&store, &redelivered(&other)).await;
    assert!(again.again);
    assert_eq!((again.admission, &again.decision), (conflict.admission, &conflict.decision));
    ended(&store, &conflict).await;
    let repeat = admit(&store, &sent_again(&other)).await;
    assert_eq!((repeat.admission, repeat.decision), (conflict.admission, Decision::Repeat));
    let third = admit(&store, &request("s-1", "Ada Byron", "9:00")).await;
    assert_ne!(third.admission, conflict.admission);

    let rows = store.submission(Some(&crate::support::clinic()), &submission("s-1")).await.unwrap();
    let seen: Vec<_> = rows.iter().map(|row| (row.copy, row.state)).collect();
    assert_eq!(seen, [(false, State::InFlight), (true, State::Held), (true, State::Held)]);
    assert_eq!(fixture.count("SELECT count(*) FROM person").await, 1, "a refused copy makes no person");
}

#[tokio::test]
async fn pairs_of_one_new_person_at_the_same_instant_are_one_person() {
    const PAIRS: usize = 60;
    let fixture = Fixture::new().await;
    let stores = [fixture.store().await, fixture.store().await];
    let mut asked = Vec::new();
    for n in 0..PAIRS {
        asked.push(request(&format!("a-{n}"), &format!("Ada Name{n}"), "9:00"));
        // Next to it, so that it goes through the other process; half ask for the same, half for something else.
        asked.push(request(
            &format!("b-{n}"),
            &format!("ADA NAME{n}"),
            if n % 2 == 0 { "9:00" } else { "10:00" },
        ));
    }
    let admissions = admit_at_once(&stores, &asked).await;
    for (n, pair) in admissions.chunks(2).enumerate() {
        let mut persons = HashSet::new();
        let mut new = 0;
        let mut duplicates = 0;
        for one in pair {
            match &one.decision {
                Decision::Admitted { person, new_person } => {
                    persons.insert(*person);
                    new += usize::from(*new_person);
                }
                Decision::Duplicate { of } => {
                    assert!([submission(&format!("a-{n}")), submission(&format!("b-{n}"))].contains(of));
                    duplicates += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((persons.len(), new, duplicates), (1, 1, usize::from(n % 2 == 0)), "pair {n}");
    }
    assert_eq!(fixture.count("SELECT count(*) FROM person").await, 60);
    assert_eq!(fixture.count("SELECT count(DISTINCT seq) FROM submission").await, 120);
}

#[tokio::test]
async fn the_same_submission_at_the_same_instant_is_admitted_once() {
    let fixture = Fixture::new().await;
    let stores = [fixture.store().await, fixture.store().await];
    let mut asked = Vec::new();
    for n in 0..40 {
        let one = request(&format!("s-{n}"), &format!("Ada Name{n}"), "9:00");
        asked.extend([
            one.clone(),
            sent_again(&one),
            redelivered(&one),
            request(&format!("s-{n}"), "Eve Other", "1:00"),
        ]);
    }
    let admissions = admit_at_once(&stores, &asked).await;
    for four in admissions.chunks(4) {
        let firsts = four.iter().filter(|one| !one.again && one.decision != Decision::Repeat).count();
        assert_eq!(firsts, 2, "the first and one conflict: {four:?}");
    }
    assert_eq!(fixture.count("SELECT count(*) FROM submission WHERE NOT copy").await, 40);
    assert_eq!(fixture.count("SELECT count(*) FROM submission WHERE copy").await, 40);
}

#[tokio::test]
async fn a_known_person_is_found_by_what_they_said_later_and_records_stay_few() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let first = admit(&store, &request("s-0", "Ada Lovelace", "0:00")).await;
    let Decision::Admitted { person, .. } = first.decision else { panic!() };
    for n in 1..20 {
        // Each time the person is recognised, and brings one key more.
        let mut known = request(&format!("s-{n}"), "ada lovelace", &format!("{n}:00"));
        let Proposed::Match(wanted) = &mut known.proposed else { panic!() };
        wanted.blocks.push(crate::support::blind(&format!("phone {n}")));
        let admission = admit(&store, &known).await;
        assert_eq!(admission.decision, Decision::Admitted { person, new_person: false }, "{n}");
    }
    assert_eq!(fixture.count("SELECT count(*) FROM person_record").await, 8);
    let mut moved = request("s-20", "Ada Lovelace", "20:00");
    let Proposed::Match(wanted) = &mut moved.proposed else { panic!() };
    wanted.blocks = vec![crate::support::blind("phone 3")];
    assert_eq!(admit(&store, &moved).await.decision, Decision::Admitted { person, new_person: false });
}

#[tokio::test]
async fn a_record_that_cannot_be_read_admits_nothing_and_spoils_nothing() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let unreadable = store.admit(
        request("s-1", "Ada Lovelace", "9:00"),
        Arc::new(|_: &AdmissionRequest, _: &[_]| MatchDecision::Unreadable(Code::UnknownKey)),
    );
    let good = store.admit(request("s-2", "Bob Boole", "9:00"), matcher());
    let (unreadable, good) = tokio::join!(unreadable, good);
    assert!(matches!(unreadable, Err(AdmitError::Unreadable(Code::UnknownKey))));
    assert!(matches!(good.unwrap().decision, Decision::Admitted { .. }));
    assert!(store.submission(None, &submission("s-1")).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_several_submissions_of_one_batch_say_of_a_person_is_all_kept() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let with = |id: &str, slot: &str, key: &str| {
        let mut request = request(id, "Ada Lovelace", slot);
        let Proposed::Match(wanted) = &mut request.proposed else { panic!() };
        wanted.blocks.push(crate::support::blind(key));
        request
    };
    admit(&store, &request("s-0", "Ada Lovelace", "0:00")).await;
    let batch =
        [with("s-1", "1:00", "phone 1"), with("s-2", "2:00", "phone 2"), with("s-3", "3:00", "phone 2")];
    admit_at_once(&[store], &batch).await;
    assert_eq!(fixture.count("SELECT count(*) FROM person_block").await, 4);
    assert_eq!(fixture.count("SELECT count(*) FROM person").await, 1);
}

#[tokio::test]
async fn times_that_postgres_cannot_hold_are_stored_as_the_nearest_and_read_back() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    for (id, at) in [("s-1", Timestamp::MIN), ("s-2", Timestamp::MAX)] {
        let mut strange = request(id, &format!("Ada {id}"), "9:00");
        (strange.submitted_at, strange.appointment_at) = (at, Some(at));
        let admission = admit(&store, &strange).await;
        assert!(matches!(admission.decision, Decision::Admitted { .. }));
        let row = fixture
            .sql()
            .await
            .query_one("SELECT submitted_at, appointment_at FROM submission WHERE submission_id = $1", &[&id])
            .await
            .unwrap();
        let (submitted, appointment): (Timestamp, Timestamp) = (row.get(0), row.get(1));
        assert_eq!(submitted, appointment);
        let recheck = Recheck {
            admission: admission.admission,
            clinic: clinic(),
            due_at: at,
            before: at,
            envelope: vec![7],
        };
        store.schedule_recheck(&recheck).await.unwrap();
    }
    assert!(store.due_rechecks(10, jiff::SignedDuration::from_secs(1)).await.unwrap().is_empty());
}
