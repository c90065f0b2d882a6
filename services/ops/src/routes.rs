//! The router, made from [`Route::ALL`].

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{MethodRouter, get, post},
};

use crate::{
    App, access::Route, acts, edits, ends, guard, holds, letters, looking, outcomes, plans, problem::Refusal,
    reconciliations, switches, traces,
};

/// Largest body of a request, bytes.
const MAX_BODY: usize = 128 * 1024;

fn handler(route: Route) -> MethodRouter<Arc<App>> {
    match route {
        Route::Outcomes => get(outcomes::get),
        Route::Submission => get(looking::submission),
        Route::Reconciliation => get(looking::reconciliation),
        Route::Status => get(looking::status),
        Route::Switches => get(switches::get),
        Route::Scopes => get(switches::scopes),
        Route::Pause => post(switches::pause),
        Route::Resume => post(switches::resume),
        Route::Acts => get(acts::get),
        Route::LetterGroups => get(letters::groups),
        Route::Letters => get(letters::list),
        Route::Letter => get(letters::show),
        Route::MakePlan => post(plans::make),
        Route::Plans => get(plans::list),
        Route::Plan => get(plans::show),
        Route::PlanItems => get(plans::items),
        Route::Replay => post(plans::start),
        Route::CancelReplay => post(plans::cancel),
        Route::Archive => post(ends::archive),
        Route::Restore => post(ends::restore),
        Route::RequestDiscard => post(ends::request),
        Route::Discards => get(ends::waiting),
        Route::ApproveDiscard => post(ends::approve),
        Route::Reveal => post(edits::reveal),
        Route::Edit => post(edits::edit),
        Route::WithdrawEdit => post(edits::withdraw),
        Route::Edits => get(edits::waiting),
        Route::ApproveEdit => post(edits::approve),
        Route::Trace => get(traces::by_id),
        Route::LookUp => post(traces::by_contact),
        Route::Holds => get(holds::list),
        Route::Hold => get(holds::show),
        Route::Decide => post(holds::decide),
        Route::Compare => post(reconciliations::compare),
        Route::Runs => get(reconciliations::list),
        Route::Run => get(reconciliations::show),
        Route::Redrive => post(reconciliations::redrive),
    }
}

/// The whole API as a service.
pub fn router(app: Arc<App>) -> Router {
    Route::ALL
        .iter()
        .copied()
        .fold(Router::new(), |router, route| router.route(route.path(), handler(route)))
        .fallback(async || Refusal::NotFound)
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard::check))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(app)
}
