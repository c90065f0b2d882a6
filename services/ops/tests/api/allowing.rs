//! Who may do what, for every route and every role.

use axum::http::StatusCode;
use ops::access::{Role, Route};

use crate::support::{Api, TestRecords, token};

fn address(route: Route) -> String {
    route.path().replace("{id}", "s-1").replace("{scope}", "clinic:clinic-01")
}

#[tokio::test]
async fn every_route_lets_in_its_roles_and_nobody_else() {
    let api = Api::open(TestRecords::default());
    for route in Route::ALL.iter().copied() {
        let path = address(route);
        for nobody in [None, Some("viewer-token2"), Some("")] {
            let answer = api.call(nobody, route.method(), &path, "").await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{route:?}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
        for role in Role::ALL {
            let answer = api.call(Some(&token(role)), route.method(), &path, "").await;
            let let_in = !matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
            assert_eq!(let_in, route.roles().contains(&role), "{role} at {route:?}: {answer:?}");
        }
    }
}

#[test]
fn the_table() {
    let lines: Vec<String> = Route::ALL
        .iter()
        .map(|route| {
            let roles: Vec<String> = route.roles().iter().map(ToString::to_string).collect();
            format!("{} {} {}", route.method(), route.path(), roles.join(" "))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    GET /v1/outcomes viewer operator approver auditor
    GET /v1/submissions/{id} viewer operator approver auditor
    GET /v1/reconciliation viewer operator approver auditor
    GET /v1/status viewer operator approver auditor
    GET /v1/switches viewer operator approver auditor
    GET /v1/scopes viewer operator approver auditor
    POST /v1/switches operator
    POST /v1/switches/{scope}/resume operator
    GET /v1/acts viewer auditor
    GET /v1/dead-letters/groups viewer operator approver auditor
    GET /v1/dead-letters viewer operator approver auditor
    GET /v1/dead-letters/{id} viewer operator approver auditor
    POST /v1/plans operator
    GET /v1/plans viewer operator approver auditor
    GET /v1/plans/{id} viewer operator approver auditor
    GET /v1/plans/{id}/items viewer operator approver auditor
    POST /v1/plans/{id}/replay operator
    POST /v1/plans/{id}/cancel operator
    POST /v1/dead-letters/archive operator
    POST /v1/dead-letters/restore operator
    POST /v1/discards operator
    GET /v1/discards viewer operator approver auditor
    POST /v1/discards/{id}/approve approver
    POST /v1/dead-letters/{id}/reveal operator approver
    POST /v1/dead-letters/{id}/edit operator
    POST /v1/dead-letters/{id}/withdraw-edit operator
    GET /v1/edits viewer operator approver auditor
    POST /v1/edits/{id}/approve approver
    GET /v1/traces/{id} viewer operator approver auditor
    POST /v1/look-ups operator auditor
    GET /v1/holds viewer operator approver auditor
    GET /v1/holds/{id} viewer operator approver auditor
    POST /v1/holds/{id}/decide operator
    POST /v1/reconciliations operator auditor
    GET /v1/reconciliations viewer operator approver auditor
    GET /v1/reconciliations/{id} viewer operator approver auditor
    POST /v1/reconciliations/{id}/redrive operator
    ");
}

#[tokio::test]
async fn what_is_not_in_the_table_is_closed() {
    let api = Api::open(TestRecords::default());
    let operator = token(Role::Operator);
    for (method, path, status) in [
        ("HEAD", "/v1/outcomes", StatusCode::METHOD_NOT_ALLOWED),
        ("PUT", "/v1/switches", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "/v1/nothing", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(api.call(Some(&operator), method, path, "").await.status, status, "{method} {path}");
    }
    assert_eq!(api.call(None, "HEAD", "/v1/outcomes", "").await.status, StatusCode::UNAUTHORIZED);
}
