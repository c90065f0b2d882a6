//! `GET /v1/submissions/{id}`.

use axum::http::StatusCode;
use domain::{Code, CorrelationId, FieldPath};
use gateway::ports::Standing;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::support::{Door, clinic, get, keyed, signed, submission};

fn standing(at: &str, state: &str, code: Option<Code>) -> Standing {
    Standing {
        clinic_id: clinic(at),
        state: state.to_owned(),
        code,
        field: code.map(|_| FieldPath::known("patient.given")),
        correlation_id: CorrelationId::from_uuid(Uuid::nil()),
        received_at: Timestamp::UNIX_EPOCH,
    }
}

#[tokio::test]
async fn the_sender_sees_the_clinics_it_acts_for() {
    let door = Door::open();
    *door.standings.0.lock().unwrap() = Some(vec![
        standing("clinic-01", "rejected", Some(Code::MissingField)),
        standing("clinic-02", "completed", None),
    ]);
    let answer = door.send(get("/v1/submissions/s-1")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.body,
        json!({"submission_id": "s-1", "admissions": [{
            "clinic_id": "clinic-01", "state": "rejected", "code": "missing_field", "field": "patient.given",
            "correlation_id": "00000000-0000-0000-0000-000000000000", "received_at": "1970-01-01T00:00:00Z"
        }]})
    );
    let mut request = signed("/v1/submissions/s-1?clinic=clinic-02", "msg_1", "");
    *request.method_mut() = axum::http::Method::GET;
    let answer = door.send(request).await;
    assert_eq!(answer.body["admissions"].as_array().unwrap().len(), 1);
    assert_eq!(answer.body["admissions"][0]["state"], "completed");
}

#[tokio::test]
async fn what_was_accepted_a_moment_ago_is_in_flight() {
    let door = Door::open();
    *door.standings.0.lock().unwrap() = Some(vec![]);
    let accepted = door.send(keyed("/v1/intake/clinic-01", submission("s-1").to_string())).await;
    let url =
        accepted.body["status_url"].as_str().unwrap().strip_prefix("https://intake.example.org").unwrap();
    let answer = door.send(get(url)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["admissions"][0]["state"], "in_flight");
    assert_eq!(answer.body["admissions"][0]["correlation_id"], accepted.body["correlation_id"]);
}
