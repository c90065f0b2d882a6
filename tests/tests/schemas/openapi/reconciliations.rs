//! What a day differs in from what the EHRs have.

use domain::{
    AdmissionId, ClinicId, Code, SubmissionId,
    ids::LetterId,
    reconcile::{Compared, Difference, Kind},
};
use jiff::Timestamp;
use ops::{
    reconcile::{Left, Redriven, Why},
    views::{DifferenceCount, Found, Run, RunSummary},
};
use serde_json::Value;
use uuid::Uuid;

use super::describes;
use crate::{read, texts};

fn difference() -> Difference {
    Difference {
        kind: Kind::TwiceInEhr,
        clinic_id: ClinicId::parse("clinic-01").ok(),
        admission_id: Some(AdmissionId::from_uuid(Uuid::nil())),
        submission_id: SubmissionId::parse("s-1").ok(),
        letter_id: Some(LetterId::from_uuid(Uuid::nil())),
        source: "web_form".parse().ok(),
        ehr: Some("main".to_owned()),
        resources: vec!["Patient/1".to_owned()],
        code: Some(Code::EhrConflict),
        count: 2,
        since: Some(Timestamp::UNIX_EPOCH),
    }
}

#[test]
fn the_ops_document_describes_reconciliations() {
    let document = read("openapi.ops.json");
    let (at, date) = (Timestamp::UNIX_EPOCH, jiff::civil::date(2026, 11, 22));
    let clinic = || ClinicId::parse("clinic-01").unwrap();
    let compared = Compared {
        clinic_id: clinic(),
        from: at,
        until: at,
        sent: Some(1),
        accepted: Some(1),
        journalled: 1,
        admitted: 1,
        in_flight: 0,
        completed: 1,
        duplicate: 0,
        rejected: 0,
        held: 0,
        dead: 0,
        written: 3,
        in_ehr: None,
        notified: 1,
    };
    describes(&document, "Compared", &compared);
    let found = Found { difference: difference(), advice: "Merge them.".to_owned(), redriven_at: Some(at) };
    describes(&document, "Difference", &found);
    let run = Run {
        id: Uuid::nil(),
        date,
        clinic_id: Some(clinic()),
        daily: false,
        actor: "on-call".to_owned(),
        begun_at: at,
        ended_at: at,
        compared: vec![compared],
        gaps: vec!["ehr:main: no answer".to_owned()],
        differences: vec![found],
    };
    describes(&document, "Run", &run);
    let summary = RunSummary {
        id: run.id,
        date,
        clinic_id: Some(clinic()),
        daily: true,
        actor: "ops".to_owned(),
        begun_at: at,
        ended_at: at,
        gaps: Vec::new(),
        differences: vec![DifferenceCount { kind: Kind::Held, clinic_id: Some(clinic()), count: 2 }],
    };
    describes(&document, "RunSummary", &summary);
    let left = Left { admission_id: AdmissionId::from_uuid(Uuid::nil()), why: Why::MayWait };
    describes(&document, "Left", &left);
    let redriven = Redriven { redriven: vec![left.admission_id], left: vec![left] };
    describes(&document, "Redriven", &redriven);
    let schemas = &document["components"]["schemas"];
    let listed = |value: &Value| texts(value["enum"].as_array().unwrap());
    let kinds = Kind::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(listed(&schemas["DifferenceKind"]), kinds);
    let whys = Why::ALL.iter().map(|why| serde_json::to_value(why).unwrap().as_str().unwrap().to_owned());
    assert_eq!(listed(&schemas["Left"]["properties"]["why"]), whys.collect());
}
