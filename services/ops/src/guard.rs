//! The one place where a call is authorised and logged.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};

use domain::CorrelationId;

use crate::{
    App,
    access::{Role, Route},
    problem::Refusal,
    tokens::Principal,
};

/// Lets a call through if its route is in the table and its token has one of the route's roles: handlers find the token's holder and
/// that role in the request's extensions.
pub(crate) async fn check(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let decision = match &path {
        Some(path) => authorise(&app, path, &request),
        None => Err((None, Refusal::NotFound)),
    };
    let (who, response) = match decision {
        Ok((principal, role)) => {
            request.extensions_mut().insert(Arc::clone(&principal));
            request.extensions_mut().insert(role);
            (Some(principal), next.run(request).await)
        }
        Err((who, refusal)) => (who, refusal.into_response()),
    };
    let correlation = CorrelationId::from_uuid(app.clock.fresh_id());
    let refusal = response.extensions().get::<Refusal>().copied();
    let response = refusal.map_or(response, |refusal| refusal.render(correlation));
    tracing::info!(
        frontdesk.correlation = %correlation,
        http.route = path.as_deref().unwrap_or(""),
        http.response.status_code = response.status().as_u16(),
        enduser.id = who.as_ref().map_or("", |who| who.name.as_str()),
        "ops.answered"
    );
    response
}

type Refused = (Option<Arc<Principal>>, Refusal);

fn authorise(app: &App, path: &str, request: &Request) -> Result<(Arc<Principal>, Role), Refused> {
    let token = bearer(request).ok_or((None, Refusal::Unauthorized))?;
    let who = app.tokens.holder(token).ok_or((None, Refusal::Unauthorized))?;
    let Some(route) = Route::find(request.method().as_str(), path) else {
        return Err((Some(who), Refusal::MethodNotAllowed));
    };
    match route.roles().iter().find(|role| who.roles.contains(role)) {
        Some(role) => Ok((who, *role)),
        None => Err((Some(who), Refusal::Forbidden)),
    }
}

fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
