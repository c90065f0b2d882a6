//! The gateway's document.

use domain::{ClinicId, Code, CorrelationId, FieldPath};
use gateway::{
    config::{MAX_BODY, MAX_DEPTH},
    ports::Standing,
    problem::Kind,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{codes, describes, operations};
use crate::{assert_valid, component, read, texts, validator};

#[test]
fn the_gateways_document_has_its_routes_and_refusals() {
    let document = read("openapi.gateway.json");
    let routes =
        gateway::Route::ALL.iter().map(|route| format!("{} {}", route.method().to_uppercase(), route.path()));
    assert_eq!(operations(&document), routes.collect());
    codes(&document);
    let schemas = &document["components"]["schemas"];
    let listed = texts(schemas["Problem"]["properties"]["code"]["enum"].as_array().unwrap());
    assert_eq!(listed, Kind::ALL.iter().map(|kind| kind.code().to_owned()).collect());
    let problem = validator(&component(&document, "Problem"));
    for kind in Kind::ALL {
        assert_valid(&problem, &serde_json::to_value(kind.problem()).unwrap(), kind.code());
        let response = &document["components"]["responses"][kind.status().to_string()];
        let text = response["description"].as_str().unwrap();
        assert!(text.contains(&format!("`{}`", kind.code())), "{} is not told of", kind.code());
        assert!(kind.retry_after_s().is_none() || response["headers"].get("retry-after").is_some(), "{text}");
    }
    let text = document["paths"]["/v1/intake/{clinic}"]["post"]["requestBody"]["description"].to_string();
    for limit in [format!("{} KiB", MAX_BODY / 1024), format!("at most {MAX_DEPTH} deep")] {
        assert!(text.contains(&limit), "{limit}");
    }
}

#[test]
fn the_gateways_document_describes_a_standing() {
    let standing = Standing {
        clinic_id: ClinicId::parse("clinic-01").unwrap(),
        state: "rejected".to_owned(),
        code: Some(Code::MissingField),
        field: Some(FieldPath::known("patient.given")),
        correlation_id: CorrelationId::from_uuid(Uuid::nil()),
        received_at: Timestamp::UNIX_EPOCH,
    };
    describes(&read("openapi.gateway.json"), "Standing", &standing);
}
