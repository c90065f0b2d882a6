//! Submissions by anything that names them.

use domain::{
    Code, Stage,
    hop::{Event, Facts},
    ports::HopLog,
};
use ledger::{
    Decision, Store,
    acts::{ActFilter, Actor, Outcome, What},
    look_up::{LookUp, Naming},
};

use crate::support::{Fixture, admit, bare, blind, clinic, fresh_message, hop, request};

async fn named(store: &Store, name: &str) -> Vec<(Naming, String)> {
    let found = store.named(name, None, 10).await.unwrap();
    found.into_iter().map(|(by, status)| (by, status.submission.to_string())).collect()
}

#[tokio::test]
async fn every_id_of_a_submission_names_it() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let wanted = request("s-1", "Ada Lovelace", "nine");
    let admission = admit(&store, &wanted).await.admission;
    admit(&store, &request("s-2", "Grace Hopper", "ten")).await;
    let (message, trace) = (fresh_message(), "0af7651916cd43dd8448eb211c80319c");
    let mut done = hop(admission, Stage::EhrWriter, Event::Emitted);
    done.message = message;
    done.trace_id = Some(trace.to_owned());
    done.facts = Facts { appointment: Some("Appointment-7".to_owned()), ..Facts::default() };
    for _ in 0..2 {
        store.append(done.clone()).await.unwrap();
    }
    for (name, by) in [
        ("s-1", Naming::Submission),
        ("Appointment-7", Naming::Appointment),
        (&admission.to_string(), Naming::Admission),
        (&wanted.correlation.to_string(), Naming::Correlation),
        (&message.to_string(), Naming::Message),
        (trace, Naming::Trace),
        (&trace.to_uppercase(), Naming::Trace),
    ] {
        assert_eq!(named(&store, name).await, [(by, "s-1".to_owned())], "{name}");
    }
    for nothing in ["s-3", "appointment-7", &fresh_message().to_string()] {
        assert!(named(&store, nothing).await.is_empty(), "{nothing}");
    }
}

#[tokio::test]
async fn several_are_told_in_their_order_and_up_to_a_limit() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let mut first = bare("s-1", "one");
    let elsewhere = "clinic-02".parse().unwrap();
    let other = ledger::AdmissionRequest { clinic: elsewhere, ..bare("s-1", "two") };
    admit(&store, &first).await;
    admit(&store, &other).await;
    first.content = blind("other content");
    first.message = fresh_message();
    assert!(matches!(
        admit(&store, &first).await.decision,
        Decision::Held { code: Code::SubmissionConflict, .. } | Decision::Rejected { .. }
    ));
    let all = store.named("s-1", None, 10).await.unwrap();
    let told: Vec<_> = all.iter().map(|(_, status)| (status.clinic.as_str(), status.copy)).collect();
    assert_eq!(told, [("clinic-01", false), ("clinic-02", false), ("clinic-01", true)]);
    assert_eq!(store.named("s-1", None, 2).await.unwrap().len(), 2);
    assert_eq!(store.named("s-1", Some(&clinic()), 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_person_is_found_by_a_blind_index_and_that_is_an_act() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    // The key is the family name: two requests of one person, one of another with the same key, one of nobody.
    admit(&store, &request("s-1", "Ada Lovelace", "nine")).await;
    admit(&store, &request("s-2", "ada lovelace", "ten")).await;
    admit(&store, &request("s-3", "Grace Hopper", "ten")).await;
    let look_up = async |key: &str, at: &str| {
        let actor = Actor { name: "sam".into(), role: "auditor".into() };
        let indexes = vec![(at.parse().unwrap(), blind(key))];
        let wanted = LookUp { by: Naming::Phone, indexes, actor, purpose: "the patient calls".into() };
        let found = store.look_up(&wanted, 10).await.unwrap();
        found.iter().map(|status| status.submission.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(look_up("Lovelace", "clinic-01").await, ["s-1", "s-2"]);
    assert!(look_up("Lovelace", "clinic-02").await.is_empty());
    let acts =
        store.acts(&ActFilter { what: Some(What::LookedUp), ..ActFilter::default() }, None, 9).await.unwrap();
    let told: Vec<_> =
        acts.iter().map(|act| (act.scope.as_str(), act.outcome, act.reason.as_str())).collect();
    let purpose = "the patient calls";
    assert_eq!(
        told,
        [
            ("phone at clinic:clinic-02", Outcome::Nothing, purpose),
            ("phone at clinic:clinic-01", Outcome::Done, purpose)
        ]
    );
    assert!(acts.iter().all(|act| act.actor.name == "sam" && act.actor.role == "auditor"));
}

#[tokio::test]
async fn nobody_is_shown_whose_look_up_is_not_on_record() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    admit(&store, &request("s-1", "Ada Lovelace", "nine")).await;
    let actor = Actor { name: "sam".into(), role: "auditor".into() };
    let indexes = vec![(clinic(), blind("Lovelace"))];
    let wanted = LookUp { by: Naming::Email, indexes, actor, purpose: String::new() };
    assert!(store.look_up(&wanted, 10).await.is_err(), "the table takes no act without a reason");
}
