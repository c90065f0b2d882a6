use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Test, body, send};
use crate::sandbox::payer::question as question_270;
use crate::sandbox::{Class, Fault, Rule};

fn question(member: &str) -> Value {
    json!({
        "controlNumber": "000000001",
        "tradingPartnerServiceId": "AETNA",
        "provider": {"npi": "1234567893", "organizationName": "Example Clinic"},
        "subscriber": {"firstName": "Ann", "lastName": "Example", "memberId": member, "dateOfBirth": "19800102"},
        "encounter": {"serviceTypeCodes": ["30"]},
    })
}

fn post(test: &Test, question: &Value) -> reqwest::RequestBuilder {
    test.http.post(&test.sandbox.addresses().payer_json_url).json(question)
}

#[tokio::test]
async fn json_answers_by_the_members_standing() {
    let test = Test::start().await;
    let active = body(post(&test, &question("a100")), StatusCode::OK).await;
    assert_eq!(active["planStatus"][0]["statusCode"], "1");
    assert_eq!(active["benefitsInformation"][0]["code"], "1");
    assert_eq!(active["controlNumber"], "000000001");
    assert!(active["planDateInformation"]["planBegin"].as_str().is_some_and(|day| day.len() == 8));
    let codes: Vec<_> =
        active["benefitsInformation"].as_array().into_iter().flatten().map(|one| &one["code"]).collect();
    assert!(codes.contains(&&json!("B")) && codes.contains(&&json!("C")));
    let inactive = body(post(&test, &question("I100")), StatusCode::OK).await;
    assert_eq!(inactive["planStatus"][0]["statusCode"], "6");
    for unknown in ["Z999", "N100"] {
        let answer = body(post(&test, &question(unknown)), StatusCode::OK).await;
        assert_eq!(answer["errors"][0]["code"], "75");
    }
    let mut down = question("D100");
    down["tradingPartnerServiceId"] = json!("Humana");
    assert_eq!(body(post(&test, &down), StatusCode::OK).await["errors"][0]["code"], "42");
    body(post(&test, &json!({"subscriber": {}})), StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn faults_and_tokens_work_for_payers_and_texts_too() {
    let test = Test::with(|config| {
        config.payer_token = Some("payer-secret".to_owned());
        config.sms_token = Some("sms-secret".to_owned());
    })
    .await;
    body(post(&test, &question("A100")), StatusCode::UNAUTHORIZED).await;
    let aaa = Rule::new(Class::Payer, Fault::Aaa { code: "80".to_owned() }).times(1);
    let throttle = Rule::new(Class::Payer, Fault::Throttle { retry_after_s: None }).times(1);
    test.sandbox.set_faults(vec![aaa, throttle]).expect("rules");
    let asked = || post(&test, &question("A100")).header("authorization", "Key payer-secret");
    assert_eq!(body(asked(), StatusCode::OK).await["errors"][0]["code"], "80");
    body(asked(), StatusCode::TOO_MANY_REQUESTS).await;
    assert_eq!(body(asked(), StatusCode::OK).await["planStatus"][0]["statusCode"], "1");

    let text = json!({"to": "+15555550100", "body": "See you", "idempotency_key": "k1"});
    let sms = |text: &Value, token: &str| {
        test.http.post(&test.sandbox.addresses().sms_url).bearer_auth(token).json(text)
    };
    body(sms(&text, "wrong"), StatusCode::UNAUTHORIZED).await;
    let first = body(sms(&text, "sms-secret"), StatusCode::CREATED).await;
    assert_eq!(body(sms(&text, "sms-secret"), StatusCode::OK).await, first);
    let mut other = text.clone();
    other["body"] = json!("Changed");
    body(sms(&other, "sms-secret"), StatusCode::CONFLICT).await;
    other["to"] = json!("5555550100");
    body(sms(&other, "sms-secret"), StatusCode::BAD_REQUEST).await;
    let opt_outs = format!("{}/opt-outs", test.sandbox.addresses().control_url);
    body(test.http.put(opt_outs).json(&json!(["+15555550100"])), StatusCode::OK).await;
    let stopped = body(sms(&text, "sms-secret"), StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(stopped["error"], "recipient_opted_out");
    assert_eq!(test.sandbox.counts().sms, 1);
}

#[tokio::test]
async fn x12_goes_over_http() {
    let test = Test::start().await;
    let x12 = |text: String| {
        test.http
            .post(&test.sandbox.addresses().payer_x12_url)
            .header("content-type", "application/edi-x12")
            .body(text)
    };
    let question = question_270('*', ':', '~', "A100");
    let response = send(x12(question)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(super::header(&response, "content-type"), "application/edi-x12");
    let answer = response.text().await.expect("a body");
    assert!(answer.contains("~EB*1*IND*30**SANDBOX PPO~"), "{answer}");
    body(x12("not x12".to_owned()), StatusCode::BAD_REQUEST).await;
    let aaa = Rule::new(Class::Payer, Fault::Aaa { code: "72".to_owned() }).times(1);
    test.sandbox.set_faults(vec![aaa]).expect("a rule");
    let rejected = send(x12(question_270('*', ':', '~', "A100"))).await;
    assert!(rejected.text().await.expect("a body").contains("~AAA*N**72*C~"));
}
