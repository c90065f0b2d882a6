//! Both protocols over HTTP, against a scripted server.

use std::{sync::Arc, time::Duration};

use domain::{
    clock::SystemClock,
    messages::EligibilityStatus::{self, Active, Inactive, NotFound, Undetermined},
};
use jiff::civil::date;
use serde_json::{Value, json};

use super::{Inquiry, Payer, PayerConfig, PayerFault, conformance::inquiry};
use crate::testserver::{Reply, Seen, TestServer, nobody};

const ACTIVE_271: &str = include_str!("../../tests/x12/271-active.edi");

fn payer(protocol: &str, url: &str, timeout_ms: u64) -> Arc<dyn Payer> {
    let config: PayerConfig = toml::from_str(&format!(
        "protocol = \"{protocol}\"\nurl = \"{url}\"\norganisation = \"Desk\"\nnpi = \"1234567893\"\n\
         timeout_ms = {timeout_ms}\noriginator = \"9123456789\"\n[ids]\nAetna = \"60054\""
    ))
    .unwrap();
    config.connect("p", Arc::new(SystemClock)).unwrap()
}

fn zelda() -> Inquiry {
    inquiry("Aetna", "W123456789")
}

async fn ask(
    protocol: &str,
    script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> Result<EligibilityStatus, PayerFault> {
    let server = TestServer::start(script).await;
    let answer = payer(protocol, &server.url("/p"), 20_000).eligibility(&zelda()).await;
    assert_eq!(server.seen().len(), 1);
    answer.map(|eligibility| eligibility.status)
}

#[tokio::test]
async fn each_status_means_the_same_in_both() {
    for protocol in ["json", "x12"] {
        for (status, expected) in [
            (200, PayerFault::Unreadable),
            (400, PayerFault::Refused),
            (401, PayerFault::Refused),
            (403, PayerFault::Refused),
            (404, PayerFault::Refused),
            (408, PayerFault::Unavailable),
            (422, PayerFault::Refused),
            (429, PayerFault::Throttled { after: Duration::from_secs(3) }),
            (500, PayerFault::Unavailable),
            (502, PayerFault::Unavailable),
            (503, PayerFault::Unavailable),
        ] {
            let found = ask(protocol, move |_| Reply::text(status, "garbage").with("Retry-After", "3")).await;
            assert_eq!(found, Err(expected), "{protocol} {status}");
        }
        assert_eq!(ask(protocol, |_| Reply::Cut).await, Err(PayerFault::Unavailable));
        assert_eq!(ask(protocol, |_| Reply::CutBody { status: 200 }).await, Err(PayerFault::Unavailable));
        let server = TestServer::answering(|| Reply::Hang).await;
        let hasty = payer(protocol, &server.url("/"), 300);
        assert_eq!(hasty.eligibility(&zelda()).await.err(), Some(PayerFault::Unavailable));
        let nobody = payer(protocol, &nobody().await, 20_000);
        assert_eq!(nobody.eligibility(&zelda()).await.err(), Some(PayerFault::Unavailable));
    }
}

#[tokio::test]
async fn x12_goes_raw_and_comes_back() {
    let server = TestServer::start(|seen| {
        let trace = seen.body.split("TRN*1*").nth(1).and_then(|tail| tail.split('*').next()).unwrap();
        Reply::text(200, &ACTIVE_271.replace("0196F0000000700080000000000000AB", trace))
    })
    .await;
    let payer = payer("x12", &server.url("/x12"), 20_000);
    assert_eq!(payer.eligibility(&zelda()).await.ok().map(|found| found.status), Some(Active));
    let seen = server.last();
    assert_eq!(seen.header("content-type"), Some("application/edi-x12"));
    assert!(seen.body.starts_with("ISA*00*") && seen.body.contains("NM1*PR*2*AETNA*****PI*60054~"));
    assert!(seen.body.contains("NM1*1P*2*DESK*****XX*1234567893~"));
    // An answer to somebody else's question.
    assert_eq!(ask("x12", |_| Reply::text(200, ACTIVE_271)).await, Err(PayerFault::Unreadable));
}

#[tokio::test]
async fn json_asks_in_the_older_shape() {
    let server =
        TestServer::answering(|| Reply::json(200, &json!({ "planStatus": [{ "statusCode": "1" }] }))).await;
    let payer = payer("json", &server.url("/json"), 20_000);
    assert_eq!(payer.eligibility(&zelda()).await.ok().map(|found| found.status), Some(Active));
    let mut sent = server.last().json();
    let control = sent["controlNumber"].take();
    assert!(
        control
            .as_str()
            .is_some_and(|number| number.len() == 9 && number.parse::<u32>().is_ok_and(|n| n > 0))
    );
    assert_eq!(
        sent,
        json!({
            "controlNumber": null,
            "tradingPartnerServiceId": "60054",
            "provider": { "npi": "1234567893", "organizationName": "Desk" },
            "subscriber": { "firstName": "Zelda", "lastName": "Nuñez", "memberId": "W123456789",
                            "dateOfBirth": "19800228", "gender": "F" },
            "encounter": { "dateOfService": "20270201", "serviceTypeCodes": ["30"] },
        })
    );
}

fn problem(code: &str, location: &str) -> Value {
    json!({ "errors": [{ "field": "AAA", "code": code, "followupAction": "Please Correct and Resubmit", "location": location }],
            "planStatus": [], "benefitsInformation": [] })
}

#[tokio::test]
async fn json_rejections_come_as_200_or_400() {
    for (code, location, expected) in [
        ("75", "Loop 2100C", Ok(NotFound)),
        ("72", "Loop 2100C", Ok(NotFound)),
        ("73", "Loop 2100C", Ok(Undetermined)),
        ("42", "Loop 2100A", Err(PayerFault::NotNow)),
        ("80", "", Err(PayerFault::NotNow)),
        ("79", "Loop 2100A", Err(PayerFault::Refused)),
        ("79", "", Err(PayerFault::Refused)),
        ("43", "Loop 2100B", Err(PayerFault::Refused)),
    ] {
        for status in [200, 400] {
            let found = ask("json", move |_| Reply::json(status, &problem(code, location))).await;
            assert_eq!(found, expected, "{code} {location} {status}");
        }
    }
    let inner = json!({ "subscriber": { "aaaErrors": [{ "code": "75" }] } });
    assert_eq!(ask("json", move |_| Reply::json(200, &inner)).await, Ok(NotFound));
}

#[tokio::test]
async fn json_benefits() {
    let body = json!({
        "planDateInformation": { "planBegin": "20260101", "eligibility": "20250101-20261231" },
        "planStatus": [{ "statusCode": "1", "status": "Active Coverage", "planDetails": "GOLD", "serviceTypeCodes": ["30"] }],
        "benefitsInformation": [
            { "code": "1", "serviceTypeCodes": ["30"] },
            { "code": "B", "serviceTypeCodes": ["98"], "benefitAmount": "25", "inPlanNetworkIndicatorCode": "Y" },
            { "code": "C", "serviceTypeCodes": ["30"], "benefitAmount": 1500.5, "timeQualifierCode": "23", "coverageLevelCode": "IND" },
            { "code": "A", "serviceTypeCodes": ["98"], "benefitPercent": "0.2" },
        ],
    });
    let server = TestServer::answering(move || Reply::json(200, &body)).await;
    let found = payer("json", &server.url("/"), 20_000).eligibility(&zelda()).await.ok().unwrap();
    assert_eq!((found.status, found.plan.as_deref()), (Active, Some("GOLD")));
    assert_eq!((found.copay_cents, found.deductible_cents), (Some(2_500), Some(150_050)));
    assert_eq!(found.coinsurance_percent, Some(20));
    assert_eq!((found.plan_begin, found.plan_end), (Some(date(2026, 1, 1)), Some(date(2026, 12, 31))));

    let inactive = json!({ "benefitsInformation": [{ "code": "6", "serviceTypeCodes": ["30"] }] });
    assert_eq!(ask("json", move |_| Reply::json(200, &inactive)).await, Ok(Inactive));
    assert_eq!(
        ask("json", |_| Reply::text(200, "{\"benefitsInformation\": 7}")).await,
        Err(PayerFault::Unreadable)
    );
}
