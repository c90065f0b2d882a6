//! Plans of replays, and the ends that dead letters come to.

use std::collections::BTreeSet;

use domain::{
    ClinicId, Code, SubmissionId,
    ids::{DiscardId, EditId, LetterId, PlanId},
};
use jiff::Timestamp;
use ledger::{
    letters::{Changed, DiscardRow, LetterState, NotThat},
    replay::{Because, Forecast, ItemOutcome, ItemPage, ItemRow, ItemState, PlanRow, PlanState, Tally, Why},
};
use serde_json::Value;
use uuid::Uuid;

use super::describes;
use crate::{read, texts};

#[test]
fn the_ops_document_describes_plans_and_ends() {
    let document = read("openapi.ops.json");
    let (at, some) = (Timestamp::UNIX_EPOCH, || Some("x".to_owned()));
    let tally = Tally { letters: 1, forecast: [("refused", 1)].into(), skipped: 1, ..Tally::default() };
    describes(&document, "Tally", &tally);
    let plan = PlanRow {
        id: PlanId::from_uuid(Uuid::nil()),
        made_at: at,
        actor: "on-call".to_owned(),
        reason: "mended".to_owned(),
        state: PlanState::Stopped,
        canary: Some(5),
        rate: Some(20),
        stop_on: Some(10),
        started_by: some(),
        started_at: Some(at),
        ended_at: Some(at),
        stopped_because: Some(Because::Silence),
        tally,
    };
    describes(&document, "Plan", &plan);
    let id = LetterId::from_uuid(Uuid::nil());
    let item = ItemRow {
        nth: 1,
        letter_id: id,
        fingerprint: "validation/malformed/-/-".to_owned(),
        clinic_id: Some(ClinicId::parse("clinic-01").unwrap()),
        submission_id: Some(SubmissionId::parse("s-1").unwrap()),
        appointment_at: Some(at),
        edit_id: Some(EditId::from_uuid(Uuid::nil())),
        forecast: Forecast::WouldCreate,
        code: Some(Code::DoubtfulMatch),
        field: some(),
        why: Some(Why::InDoubt),
        state: ItemState::Published,
        published_at: Some(at),
        outcome: Some(ItemOutcome::Failed),
        outcome_code: Some(Code::EhrRejected),
    };
    describes(&document, "Item", &item);
    describes(&document, "ItemPage", &ItemPage { items: vec![item], next: Some(1) });
    let left = NotThat { id, state: Some(LetterState::Archived) };
    describes(&document, "NotThat", &left);
    describes(&document, "Changed", &Changed { done: vec![id], left: vec![left] });
    let discard = DiscardRow {
        id: DiscardId::from_uuid(Uuid::nil()),
        requested_at: at,
        requester: "on-call".to_owned(),
        reason: "spam".to_owned(),
        letters: vec![id],
    };
    describes(&document, "Discard", &discard);
    let schemas = &document["components"]["schemas"];
    let listed = |value: &Value| texts(value.as_array().unwrap());
    let all = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let item = &schemas["Item"]["properties"];
    for (enumerated, names) in [
        (&schemas["LetterState"], all(LetterState::ALL.iter().map(|one| one.as_str()).collect())),
        (&schemas["Forecast"], all(Forecast::ALL.iter().map(|one| one.as_str()).collect())),
        (
            &schemas["Plan"]["properties"]["state"],
            all(PlanState::ALL.iter().map(|one| one.as_str()).collect()),
        ),
        (
            &schemas["Plan"]["properties"]["stopped_because"],
            all(Because::ALL.iter().map(|one| one.as_str()).collect()),
        ),
        (&item["why"], all(Why::ALL.iter().map(|one| one.as_str()).collect())),
        (&item["state"], all(ItemState::ALL.iter().map(|one| one.as_str()).collect())),
        (&item["outcome"], all(ItemOutcome::ALL.iter().map(|one| one.as_str()).collect())),
    ] {
        assert_eq!(listed(&enumerated["enum"]), names);
    }
}
