//! The sandbox as its clients see it: over TCP.

mod control;
mod faults;
mod fhir;
mod oauth;
mod payer;
mod smtp;
mod writes;

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::{Member, Sandbox, SandboxConfig, SlotRow};

const SLOTS: &str = "clinic_id,provider,start,minutes\n\
    c1,c1-p1,2027-02-19T14:20:00Z,20\n\
    c1,c1-p1,2027-02-19T14:40:00Z,20\n\
    c1,c1-p2,2027-02-19T14:20:00Z,20\n";

const MEMBERS: &str = "member_id,payer,status,first,last,birth_date\n\
    A100,Aetna,active,Ann,Example,1980-01-02\n\
    I100,Aetna,inactive,Ian,Example,1981-01-02\n\
    N100,Humana,not_found,Ned,Example,1982-01-02\n\
    D100,Humana,payer_down,Dot,Example,1983-01-02\n";

/// A sandbox and a client of its FHIR server.
struct Test {
    sandbox: Sandbox,
    http: reqwest::Client,
}

impl Test {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut SandboxConfig)) -> Self {
        let mut config = SandboxConfig {
            slots: SlotRow::read_csv(SLOTS.as_bytes()).expect("slots"),
            members: Member::read_csv(MEMBERS.as_bytes()).expect("members"),
            ..SandboxConfig::default()
        };
        change(&mut config);
        let sandbox = Sandbox::start(config).await.expect("starts");
        Self { sandbox, http: reqwest::Client::builder().no_proxy().build().expect("client") }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.sandbox.addresses().fhir_url)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path))
    }

    fn create(&self, kind: &str, resource: &Value) -> RequestBuilder {
        self.http
            .post(self.url(kind))
            .header("content-type", "application/fhir+json")
            .body(resource.to_string())
    }

    fn put(&self, path: &str, resource: &Value) -> RequestBuilder {
        self.http
            .put(self.url(path))
            .header("content-type", "application/fhir+json")
            .body(resource.to_string())
    }

    fn find(&self, kind: &str, form: &[(&str, &str)]) -> RequestBuilder {
        self.http.post(self.url(&format!("{kind}/_search"))).form(form)
    }

    async fn found(&self, kind: &str, form: &[(&str, &str)]) -> Value {
        body(self.find(kind, form), StatusCode::OK).await
    }
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

/// The JSON of an answer that has this status.
async fn body(request: RequestBuilder, status: StatusCode) -> Value {
    let response = send(request).await;
    let given = response.status();
    let text = response.text().await.expect("a body");
    assert_eq!(given, status, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn patient(identifier: &str) -> Value {
    json!({
        "resourceType": "Patient",
        "identifier": [{"system": "urn:frontdesk:patient", "value": identifier}],
        "name": [{"family": "Example", "given": ["Ann", "Q"]}],
        "gender": "female",
        "birthDate": "1980-01-02",
        "telecom": [{"system": "phone", "value": "+15555550100"}, {"system": "email", "value": "ann@example.test"}],
    })
}

fn appointment(identifier: &str, patient: &str, slot: &str) -> Value {
    json!({
        "resourceType": "Appointment",
        "identifier": [{"system": "urn:frontdesk:appointment", "value": identifier}],
        "status": "booked",
        "slot": [{"reference": format!("Slot/{slot}")}],
        "start": "2027-02-19T14:20:00Z",
        "end": "2027-02-19T14:40:00Z",
        "participant": [{"actor": {"reference": format!("Patient/{patient}")}, "status": "accepted"}],
    })
}
