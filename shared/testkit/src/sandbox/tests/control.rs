use reqwest::StatusCode;
use serde_json::json;

use super::{MEMBERS, SLOTS, Test, body, patient, send};
use crate::sandbox::{
    Class, Control, ControlError, Counts, Fault, Kind, Rule, Sandbox, SandboxConfig, SandboxError,
};

#[tokio::test]
async fn the_control_api_shows_and_changes_everything() -> Result<(), ControlError> {
    let test = Test::with(|config| {
        config.slots.clear();
        config.members.clear();
    })
    .await;
    let control = Control::new(&test.sandbox.addresses().control_url)?;
    control.load_slots(SLOTS.to_owned()).await?;
    control.load_members(MEMBERS.to_owned()).await?;
    body(test.create("Patient", &patient("p1")), StatusCode::CREATED).await;
    let expected = Counts { patients: 1, slots_free: 3, ..Counts::default() };
    assert_eq!(control.counts().await?, expected);
    assert_eq!(control.contents(Kind::Patient).await?[0]["identifier"][0]["value"], "p1");
    assert_eq!(control.writes(0).await?.len(), 1);
    assert!(control.messages().await?.is_empty());

    let rule = Rule::new(Class::Ehr, Fault::Unauthorized).times(1);
    let report = control.set_faults(std::slice::from_ref(&rule)).await?;
    assert_eq!(report.rules[0].rule, rule);
    control.add_faults(&[Rule::new(Class::Sms, Fault::Unauthorized)]).await?;
    send(test.get("Slot")).await;
    let report = control.faults().await?;
    assert_eq!((report.rules.len(), report.rules[0].injected), (2, 1));
    let cleared = control.clear_faults().await?;
    assert_eq!((cleared.rules.len(), cleared.injected["ehr.unauthorized"]), (0, 1));
    let nonsense = control.set_faults(&[rule.chance(2.0)]).await;
    assert!(
        matches!(nonsense, Err(ControlError::Refused { status: 400, reason }) if reason.contains("probability"))
    );

    control.reset().await?;
    assert_eq!(control.counts().await?, Counts { slots_free: 3, ..Counts::default() });
    assert!(control.writes(0).await?.is_empty());
    assert!(control.load_slots("x\n1\n".to_owned()).await.is_err());
    Ok(())
}

#[tokio::test]
async fn it_is_alive_and_says_where_it_is() {
    let test = Test::start().await;
    let addresses = test.sandbox.addresses();
    assert_eq!(send(test.http.get(&addresses.health_url)).await.status(), StatusCode::OK);
    let told = body(test.http.get(&addresses.control_url), StatusCode::OK).await;
    assert_eq!(told["fhir_url"], addresses.fhir_url.as_str());
    let rules = test.http.put(format!("{}/faults", addresses.control_url)).body("[{\"class\": \"ehr\"}]");
    assert_eq!(send(rules).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let config = SandboxConfig { listen: ([0, 0, 0, 0], 0).into(), ..SandboxConfig::default() };
    assert!(matches!(Sandbox::start(config).await, Err(SandboxError::NotLoopback { .. })));
    let test = Test::start().await;
    let taken = test.sandbox.addresses().smtp_addr;
    let config = SandboxConfig { smtp_listen: taken, ..SandboxConfig::default() };
    assert!(
        matches!(Sandbox::start(config).await, Err(SandboxError::Listen { address, .. }) if address == taken)
    );
}

#[tokio::test]
async fn what_somebody_plants_is_there_and_what_somebody_takes_is_gone() -> Result<(), ControlError> {
    let test = Test::start().await;
    let control = Control::new(&test.sandbox.addresses().control_url)?;
    let made = body(test.create("Patient", &patient("p1")), StatusCode::CREATED).await;
    let planted = control.plant(Kind::Patient, &patient("p2")).await?;
    let found = test.found("Patient", &[("identifier", "urn:frontdesk:patient|")]).await;
    assert_eq!((found["total"].as_u64(), control.writes(0).await?.len()), (Some(2), 1), "no write is logged");

    control.remove(Kind::Patient, made["id"].as_str().unwrap_or_default()).await?;
    let gone = control.remove(Kind::Patient, made["id"].as_str().unwrap_or_default()).await;
    assert!(matches!(gone, Err(ControlError::Refused { status: 404, .. })));
    let found =
        test.found("Patient", &[("identifier", "urn:frontdesk:patient|p1,urn:frontdesk:patient|p2")]).await;
    assert_eq!(
        (found["total"].as_u64(), found["entry"][0]["resource"]["id"].as_str()),
        (Some(1), Some(planted.as_str()))
    );
    assert_eq!(control.counts().await?.patients, 1);
    let read = send(test.get(&format!("Patient/{}", made["id"].as_str().unwrap_or_default()))).await;
    assert_eq!(read.status(), StatusCode::NOT_FOUND);
    let busy = control.plant(Kind::Slot, &json!({"resourceType": "Slot", "status": "busy"})).await?;
    assert_eq!(control.counts().await?.slots_busy, 1);
    control.remove(Kind::Slot, &busy).await?;
    assert_eq!(control.counts().await?.slots_busy, 0);
    // An id is not given twice.
    let next = control.plant(Kind::Patient, &patient("p3")).await?;
    assert_ne!(next, planted);
    Ok(())
}
