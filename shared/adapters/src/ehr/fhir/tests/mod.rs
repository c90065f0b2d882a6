//! The adapter against a scripted server: every status, every way of losing an answer.

mod oauth;
mod ours;
mod reads;
mod slots;
mod updates;
mod writes;

use std::{sync::Arc, time::Duration};

use domain::clock::SystemClock;
use serde_json::{Value, json};

use super::FhirEhr;
use crate::{
    ehr::Profile,
    setup::secure_url,
    testserver::{Reply, TestServer},
};

/// Long enough for a loopback answer on a busy machine; where a test waits for it to pass, it passes `HASTE` instead.
const PATIENCE: Duration = Duration::from_secs(20);
const HASTE: Duration = Duration::from_secs(1);

fn adapter(url: &str, profile: Profile, timeout: Duration) -> FhirEhr {
    let base = secure_url("url", &format!("{url}/fhir"), false).unwrap();
    FhirEhr::new(base, profile, None, (timeout, &crate::http::Trust::default()), Arc::new(SystemClock))
        .unwrap()
}

fn ehr(server: &TestServer) -> FhirEhr {
    adapter(&server.url(""), Profile::FHIR, PATIENCE)
}

/// A search result; with `more`, there is a next page.
fn bundle(resources: &[Value], more: bool) -> Reply {
    let entries: Vec<_> = resources.iter().map(|resource| json!({ "resource": resource })).collect();
    let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries });
    if more {
        bundle["link"] = json!([{ "relation": "next", "url": "http://ignored" }]);
    }
    Reply::json(200, &bundle)
}

fn outcome(code: &str) -> Value {
    json!({ "resourceType": "OperationOutcome", "issue": [
        { "severity": "information", "code": "informational" },
        { "severity": "error", "code": code, "diagnostics": "Zelda O'Conform was born on 2015-02-28" },
    ]})
}
