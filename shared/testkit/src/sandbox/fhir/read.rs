//! Read and vread.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::outcome::outcome;
use super::prefer::Return;
use super::{admit, refuse, reply};
use crate::sandbox::app::{App, lock};
use crate::sandbox::faults::{Class, Interaction, Request, serve};
use crate::sandbox::http::finish;
use crate::sandbox::listener::Cutter;
use crate::sandbox::oauth::Right;

pub(super) async fn read(
    State(app): State<Arc<App>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    look(app, cutter, name, id, None, headers).await
}

pub(super) async fn version(
    State(app): State<Arc<App>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    Path((name, id, version)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    look(app, cutter, name, id, Some(version), headers).await
}

async fn look(
    app: Arc<App>,
    cutter: Cutter,
    name: String,
    id: String,
    version: Option<String>,
    headers: HeaderMap,
) -> Response {
    let kind = match admit(&app, &headers, &name, Right::Read) {
        Ok(kind) => kind,
        Err(response) => return *response,
    };
    let request = Request { resource: Some(kind.as_str()), ..Request::plain(Class::Ehr, Interaction::Read) };
    let injection = app.faults.decide(&request);
    let reader = Arc::clone(&app);
    let served = serve(injection, &app.stop, move || {
        let store = lock(&reader.store);
        let stored = match &version {
            None => store.read(kind, &id),
            Some(version) => version.parse().ok().and_then(|version| store.version(kind, &id, version)),
        };
        drop(store);
        stored.map_or_else(
            || {
                outcome(
                    StatusCode::NOT_FOUND,
                    "not-found",
                    &format!("{}/{id} is not known", kind.as_str()),
                    None,
                )
            },
            |stored| reply::resource(&reader, StatusCode::OK, kind, &stored, Return::Representation),
        )
    })
    .await;
    finish(&cutter, served, refuse)
}
