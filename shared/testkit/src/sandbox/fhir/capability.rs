//! What the server says it can do.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::outcome::FHIR_JSON;
use crate::sandbox::app::App;
use crate::sandbox::http::{answer, json_answer};
use crate::sandbox::store::{Kind, Parameter};

pub(super) async fn metadata(State(app): State<Arc<App>>) -> Response {
    let resources: Vec<Value> = Kind::ALL.into_iter().map(resource).collect();
    let statement = json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": app.now().to_string(),
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "software": {"name": "sandbox", "version": env!("CARGO_PKG_VERSION")},
        "implementation": {
            "description": "In-memory server for tests and demonstrations only",
            "url": app.addresses.fhir_url,
        },
        "rest": [{
            "mode": "server",
            "security": {
                "service": [{"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                    "code": "SMART-on-FHIR",
                }]}],
                "extension": [{
                    "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                    "extension": [{"url": "token", "valueUri": app.addresses.token_url}],
                }],
            },
            "resource": resources,
        }],
    });
    answer(StatusCode::OK, FHIR_JSON, statement.to_string())
}

fn resource(kind: Kind) -> Value {
    let codes = ["create", "read", "vread", "update", "search-type"];
    let interactions: Vec<Value> = codes.iter().map(|code| json!({"code": code})).collect();
    let parameters: Vec<Value> = kind.parameters().iter().map(parameter).collect();
    json!({
        "type": kind.as_str(),
        "interaction": interactions,
        "versioning": "versioned-update",
        "readHistory": true,
        "updateCreate": false,
        "conditionalCreate": true,
        "conditionalUpdate": false,
        "conditionalDelete": "not-supported",
        "searchParam": parameters,
    })
}

fn parameter(parameter: &Parameter) -> Value {
    json!({"name": parameter.name, "type": parameter.type_name()})
}

pub(super) async fn smart(State(app): State<Arc<App>>) -> Response {
    json_answer(
        StatusCode::OK,
        &json!({
            "token_endpoint": app.addresses.token_url,
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
            "grant_types_supported": ["client_credentials"],
            "scopes_supported": ["system/*.crus", "system/*.read", "system/*.write"],
            "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::super::search::understood;
    use crate::sandbox::store::Kind;

    #[test]
    fn every_advertised_parameter_is_understood() {
        for kind in Kind::ALL {
            for parameter in kind.parameters() {
                assert!(understood(kind, parameter.name), "{} {}", kind.as_str(), parameter.name);
            }
        }
    }
}
