//! The operators' document: its routes, roles and refusals.

use ops::{access::Route, problem::Refusal};

use super::{codes, operations};
use crate::{assert_valid, component, read, texts, validator};

#[test]
fn the_ops_document_has_its_routes_roles_and_refusals() {
    let document = read("openapi.ops.json");
    let routes = Route::ALL.iter().map(|route| format!("{} {}", route.method(), route.path()));
    assert_eq!(operations(&document), routes.collect());
    for route in Route::ALL.iter().copied() {
        let operation = &document["paths"][route.path()][route.method().to_lowercase()];
        let roles = route.roles().iter().map(ToString::to_string).collect();
        assert_eq!(texts(operation["x-roles"].as_array().unwrap()), roles, "{route:?}");
    }
    codes(&document);
    let problem = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let refusals = Refusal::ALL.iter().map(|refusal| refusal.problem()).collect::<Vec<_>>();
    assert_eq!(texts(problem.as_array().unwrap()), refusals.iter().map(|one| one.code.to_owned()).collect());
    let problem = validator(&component(&document, "Problem"));
    for refusal in refusals {
        assert_valid(&problem, &serde_json::to_value(&refusal).unwrap(), refusal.code);
    }
}
