//! Eligibility by JSON, in the older of Stedi's shapes.

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, authorized};
use crate::sandbox::app::{App, lock};
use crate::sandbox::faults::{Class, Interaction, Request, Served, serve};
use crate::sandbox::http::{finish, json_answer, problem};
use crate::sandbox::listener::Cutter;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    #[serde(default)]
    control_number: Option<String>,
    trading_partner_service_id: String,
    #[serde(default)]
    trading_partner_name: Option<String>,
    provider: Value,
    subscriber: Person,
    #[serde(default)]
    dependents: Vec<Value>,
    #[serde(default)]
    encounter: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    #[serde(default)]
    member_id: Option<String>,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
    #[serde(default)]
    date_of_birth: Option<String>,
}

/// `POST /payer/json/eligibility`.
pub(crate) async fn eligibility(
    State(app): State<Arc<App>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !authorized(&app, &headers) {
        return problem(StatusCode::UNAUTHORIZED, "unauthorized");
    }
    let Some(question) = serde_json::from_slice::<Question>(&body).ok().filter(Question::is_whole) else {
        return problem(StatusCode::BAD_REQUEST, "invalid_request");
    };
    let injection = app.faults.decide(&Request::plain(Class::Payer, Interaction::Ask));
    let today = app.now().to_zoned(TimeZone::UTC).date();
    let asked = Arc::clone(&app);
    let question = Arc::new(question);
    let kept = Arc::clone(&question);
    let served = serve(injection, &app.stop, move || {
        let payers: Vec<&str> = std::iter::once(question.trading_partner_service_id.as_str())
            .chain(question.trading_partner_name.as_deref())
            .collect();
        let member = question.subscriber.member_id.as_deref().unwrap_or_default();
        let answer = lock(&asked.members).ask(member, &payers);
        match answer {
            // As a clearinghouse says it, which is up itself.
            Answer::Down => json_answer(StatusCode::OK, &rejected(&question, "42")),
            Answer::NotFound => json_answer(StatusCode::OK, &rejected(&question, "75")),
            Answer::Active | Answer::Inactive => {
                json_answer(StatusCode::OK, &benefits(&question, answer == Answer::Active, today))
            }
        }
    })
    .await;
    match served {
        Served::Aaa(code) => json_answer(StatusCode::OK, &rejected(&kept, &code)),
        served => finish(&cutter, served, |status| problem(status, "payer_unavailable")),
    }
}

impl Question {
    fn is_whole(&self) -> bool {
        let filled = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
        let digits = |text: &str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
        let npi = self.provider["npi"].as_str().is_some_and(|npi| npi.len() == 10);
        let person = &self.subscriber;
        // The shape's dates are CCYYMMDD.
        let dated = person.date_of_birth.as_deref().is_none_or(digits);
        npi && dated && (filled(&person.member_id) || filled(&person.last_name))
    }

    /// What every answer repeats.
    fn head(&self) -> Value {
        let person = &self.subscriber;
        json!({
            "controlNumber": self.control_number,
            "tradingPartnerServiceId": self.trading_partner_service_id,
            "provider": self.provider,
            "payer": {
                "entityIdentifier": "Payer",
                "entityType": "Non-Person Entity",
                "name": self.trading_partner_name.as_deref().unwrap_or(&self.trading_partner_service_id),
            },
            "subscriber": {
                "memberId": person.member_id,
                "firstName": person.first_name,
                "lastName": person.last_name,
                "dateOfBirth": person.date_of_birth,
                "entityIdentifier": "Insured or Subscriber",
                "entityType": "Person",
            },
            "dependents": self.dependents,
        })
    }
}

/// An AAA rejection at the level where the code belongs.
fn rejected(question: &Question, code: &str) -> Value {
    let (description, follow_up, location) = match code {
        "42" => ("Unable to Respond at Current Time", "Resubmission Allowed", "Loop 2100A"),
        "72" => ("Invalid/Missing Subscriber/Insured ID", "Please Correct and Resubmit", "Loop 2100C"),
        "73" => ("Invalid/Missing Subscriber/Insured Name", "Please Correct and Resubmit", "Loop 2100C"),
        "75" => ("Subscriber/Insured Not Found", "Please Correct and Resubmit", "Loop 2100C"),
        "79" => (
            "Invalid Participant Identification",
            "Do Not Resubmit; Inquiry Initiated to a Third Party",
            "Loop 2100A",
        ),
        "80" => ("No Response received - Transaction Terminated", "Resubmission Allowed", "Loop 2100A"),
        _ => ("Rejected", "Please Correct and Resubmit", "Loop 2100C"),
    };
    let mut answer = question.head();
    answer["planStatus"] = json!([]);
    answer["benefitsInformation"] = json!([]);
    answer["errors"] = json!([{
        "field": "AAA",
        "code": code,
        "description": description,
        "followupAction": follow_up,
        "location": location,
    }]);
    answer
}

fn benefits(question: &Question, active: bool, today: Date) -> Value {
    let asked = &question.encounter["serviceTypeCodes"];
    let codes =
        if asked.as_array().is_some_and(|codes| !codes.is_empty()) { asked.clone() } else { json!(["30"]) };
    let (code, name) = if active { ("1", "Active Coverage") } else { ("6", "Inactive") };
    let mut answer = question.head();
    answer["planDateInformation"] = dates(active, today);
    answer["planStatus"] = json!([{
        "statusCode": code,
        "status": name,
        "planDetails": "SANDBOX PPO",
        "serviceTypeCodes": codes,
    }]);
    let mut lines = vec![json!({
        "code": code,
        "name": name,
        "coverageLevelCode": "IND",
        "coverageLevel": "Individual",
        "serviceTypeCodes": codes,
        "planCoverage": "SANDBOX PPO",
    })];
    if active {
        lines.extend(amounts());
    }
    answer["benefitsInformation"] = Value::Array(lines);
    answer["errors"] = json!([]);
    answer
}

/// Plan begin (346) and, for who is no longer covered, plan end (347), as CCYYMMDD.
fn dates(active: bool, today: Date) -> Value {
    let day = |year: i16, month: i8, day: i8| format!("{year:04}{month:02}{day:02}");
    if active {
        json!({"planBegin": day(today.year(), 1, 1), "planEnd": day(today.year(), 12, 31)})
    } else {
        json!({"planBegin": day(today.year() - 2, 1, 1), "planEnd": day(today.year() - 1, 12, 31)})
    }
}

fn amounts() -> [Value; 4] {
    let level = |mut line: Value| {
        line["coverageLevelCode"] = json!("IND");
        line["coverageLevel"] = json!("Individual");
        line["inPlanNetworkIndicatorCode"] = json!("Y");
        line
    };
    [
        level(json!({"code": "B", "name": "Co-Payment", "serviceTypeCodes": ["98"],
            "benefitAmount": "25", "timeQualifierCode": "27", "timeQualifier": "Visit"})),
        level(json!({"code": "C", "name": "Deductible", "serviceTypeCodes": ["30"],
            "benefitAmount": "1500", "timeQualifierCode": "23", "timeQualifier": "Calendar Year"})),
        level(json!({"code": "C", "name": "Deductible", "serviceTypeCodes": ["30"],
            "benefitAmount": "600", "timeQualifierCode": "29", "timeQualifier": "Remaining"})),
        level(
            json!({"code": "A", "name": "Co-Insurance", "serviceTypeCodes": ["30"], "benefitPercent": "0.2"}),
        ),
    ]
}
