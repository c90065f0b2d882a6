//! The gateway's addresses: one list, from which the router is made and to which the OpenAPI document is held.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    middleware,
    routing::{MethodRouter, get, post},
};

use runtime::telemetry::Metrics;

use crate::{
    app::App,
    boundary, intake,
    problem::{Kind, Refusal},
    status,
};

/// One address and method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// A full submission, or a bare form of the first version.
    Intake,
    /// A bare form of a named version.
    IntakeForm,
    /// A submission's state.
    Submission,
    /// Whether the process runs.
    Live,
    /// Whether submissions can be taken.
    Ready,
}

impl Route {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Intake, Self::IntakeForm, Self::Submission, Self::Live, Self::Ready];

    /// The address's template.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Intake => "/v1/intake/{clinic}",
            Self::IntakeForm => "/v1/intake/{clinic}/{form}",
            Self::Submission => "/v1/submissions/{id}",
            Self::Live => "/health/live",
            Self::Ready => "/health/ready",
        }
    }

    /// The method, as OpenAPI spells it.
    pub const fn method(self) -> &'static str {
        match self {
            Self::Intake | Self::IntakeForm => "post",
            Self::Submission | Self::Live | Self::Ready => "get",
        }
    }

    fn handler(self) -> MethodRouter<Arc<App>> {
        match self {
            Self::Intake | Self::IntakeForm => post(intake::post),
            Self::Submission => get(status::get),
            Self::Live => get(async || StatusCode::OK),
            Self::Ready => get(ready),
        }
    }
}

/// The whole gateway as a service.
pub fn router(app: Arc<App>) -> Router {
    appear(&app.metrics);
    Route::ALL
        .into_iter()
        .fold(Router::new(), |router, route| router.route(route.path(), route.handler()))
        .fallback(async || Refusal::from(Kind::NotFound))
        .method_not_allowed_fallback(async || Refusal::from(Kind::MethodNotAllowed))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), boundary::around))
        .with_state(app)
}

/// Tells at zero what the promise of an open door is reckoned from: the first refusals of all are to be seen.
fn appear(metrics: &Metrics) {
    let refusals = Kind::ALL.iter().filter(|kind| kind.status() >= 500);
    let answers: Vec<_> = refusals.map(|kind| (kind.status().to_string(), kind.code())).collect();
    for route in [Route::Intake, Route::IntakeForm] {
        let tell = |status: &str, problem: &str| {
            metrics.http_requests.appear(&[
                ("route", route.path()),
                ("status", status),
                ("problem", problem),
            ]);
        };
        tell("202", "none");
        answers.iter().for_each(|(status, problem)| tell(status, problem));
    }
}

async fn ready(State(app): State<Arc<App>>) -> StatusCode {
    if app.ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
