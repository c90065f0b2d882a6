//! What is held, and what is decided about it.

use domain::{
    AdmissionId, ClinicId, Code, CorrelationId, FieldPath, PersonId, Stage, SubmissionId,
    effect::Kind,
    hold::{Candidate, Offer, Word},
    messages::Channel,
};
use jiff::Timestamp;
use ledger::{
    holds::{Decided, DecisionRow, Doubt, Held, HoldPage, HoldRow},
    read::{State, Thread},
};
use ops::views::{Hold, Ruling};
use uuid::Uuid;

use super::{admissions::admission, describes};
use crate::{read, texts};

#[test]
fn the_ops_document_describes_holds() {
    let document = read("openapi.ops.json");
    let (at, some) = (Timestamp::UNIX_EPOCH, || Some("x".to_owned()));
    let (id, stage, code) = (AdmissionId::from_uuid(Uuid::nil()), Stage::EhrWriter, Code::EhrParked);
    let row = HoldRow {
        admission_id: id,
        submission_id: SubmissionId::parse("s-1").unwrap(),
        clinic_id: ClinicId::parse("clinic-01").unwrap(),
        stage,
        lane: "default".parse().unwrap(),
        code,
        field: Some(FieldPath::known("consents.part2")),
        since: at,
        appointment_at: Some(at),
    };
    describes(&document, "HoldRow", &row);
    describes(&document, "HoldPage", &HoldPage { holds: vec![row.clone()], next: Some(id) });
    let candidate = Candidate {
        id: "p".to_owned(),
        agrees: vec!["sex".to_owned()],
        differs: vec!["given:near".to_owned()],
    };
    describes(&document, "Candidate", &candidate);
    let offer = Offer { id: "slot-1".to_owned(), start: at, minutes: 20 };
    describes(&document, "Offer", &offer);
    let kind = Kind::Patient;
    let role = "update".to_owned();
    let doubt = Doubt { admission_id: id, kind, role, state: "parked".to_owned(), resource: some() };
    describes(&document, "Doubt", &doubt);
    let (word, actor) = (Word::SamePerson, "on-call".to_owned());
    let decision =
        DecisionRow { at, stage, code, decision: word, names: some(), actor, reason: "x".to_owned() };
    describes(&document, "Decision", &decision);
    let held = Held {
        row: row.clone(),
        person: Some(PersonId::from_uuid(Uuid::nil())),
        candidates: vec![candidate],
        slots: vec![offer],
        doubts: vec![doubt],
        channels: vec![Channel::Sms],
        decisions: vec![decision],
    };
    let hold = Hold { admission: Some(admission()), ..Hold::new(held, None) };
    describes(&document, "Hold", &hold);
    let thread = Thread { correlation: CorrelationId::from_uuid(Uuid::nil()), trace_id: None };
    let decided = Decided { row, state: State::InFlight, effect: Some(kind), thread };
    describes(&document, "Ruling", &Ruling::new(word, &decided));
    let schemas = &document["components"]["schemas"];
    for name in ["Decision", "Said", "Ruling"] {
        let listed = texts(schemas[name]["properties"]["decision"]["enum"].as_array().unwrap());
        assert_eq!(listed, Word::ALL.iter().map(ToString::to_string).collect(), "{name}");
    }
}
