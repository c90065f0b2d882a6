//! A small server that speaks as much of Vault's HTTP API as its transit engine's keys need: describing, exporting and rotating one key.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::AbortHandle};

/// One version: seconds since 1970, and the key.
type Version = (i64, [u8; 32]);

struct Engine {
    token: String,
    name: String,
    exportable: bool,
    /// From 1.
    versions: Mutex<BTreeMap<u32, Version>>,
    least: Mutex<u32>,
    /// Whether it is rotated once the next request is answered.
    rotates: AtomicBool,
    /// Whether it tells no version's time.
    forgets: AtomicBool,
}

/// The server; it ends when it is dropped.
pub struct Vault {
    engine: Arc<Engine>,
    url: String,
    task: AbortHandle,
}

impl Vault {
    /// A vault with one key at the mount `transit`, of one version, which whoever has the token may use.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn start(token: &str, name: &str, exportable: bool) -> std::io::Result<Self> {
        let engine = Arc::new(Engine {
            token: token.to_owned(),
            name: name.to_owned(),
            exportable,
            versions: Mutex::new(BTreeMap::from([(1, (now(), [1; 32]))])),
            least: Mutex::new(1),
            rotates: AtomicBool::new(false),
            forgets: AtomicBool::new(false),
        });
        let router = Router::new()
            .route("/v1/transit/keys/{name}", get(describe))
            .route("/v1/transit/export/encryption-key/{name}", get(export))
            .route("/v1/transit/keys/{name}/rotate", post(rotate))
            .layer(middleware::from_fn_with_state(engine.clone(), check))
            .with_state(engine.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.ok();
        });
        Ok(Self { engine, url, task: task.abort_handle() })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes a new version as soon as the next request is answered: between two requests of one look.
    pub fn rotate_after_the_next_answer(&self) {
        self.engine.rotates.store(true, Ordering::SeqCst);
    }

    /// Tells no version's time until [`Vault::remember_times`].
    pub fn forget_times(&self) {
        self.engine.forgets.store(true, Ordering::SeqCst);
    }

    /// Tells them again.
    pub fn remember_times(&self) {
        self.engine.forgets.store(false, Ordering::SeqCst);
    }

    /// Retires all versions before this one.
    pub fn retire_before(&self, version: u32) {
        *self.engine.least.lock().unwrap_or_else(PoisonError::into_inner) = version;
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn check(
    State(engine): State<Arc<Engine>>,
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let token = request.headers().get("x-vault-token").and_then(|value| value.to_str().ok());
    if token == Some(engine.token.as_str()) {
        let answer = next.run(request).await;
        if engine.rotates.swap(false, Ordering::SeqCst) {
            engine.rotate();
        }
        Ok(answer)
    } else {
        Err(StatusCode::FORBIDDEN)
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    SystemClock.now().as_second()
}

impl Engine {
    fn rotate(&self) {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let next = u32::try_from(versions.len()).unwrap_or(u32::MAX).saturating_add(1);
        versions.insert(next, (now(), [u8::try_from(next % 256).unwrap_or(0); 32]));
    }

    fn of(&self, name: &str) -> Result<BTreeMap<u32, Version>, StatusCode> {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if name == self.name { Ok(versions.clone()) } else { Err(StatusCode::NOT_FOUND) }
    }
}

async fn describe(
    State(engine): State<Arc<Engine>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let mut versions = engine.of(&name)?;
    let latest = versions.len();
    if engine.forgets.load(Ordering::SeqCst) {
        versions.clear();
    }
    let keys: BTreeMap<String, i64> =
        versions.iter().map(|(at, (made, _))| (at.to_string(), *made)).collect();
    let least = *engine.least.lock().unwrap_or_else(PoisonError::into_inner);
    let (kind, exportable) = ("aes256-gcm96", engine.exportable);
    Ok(Json(json!({ "data": {
        "name": name, "type": kind, "exportable": exportable, "latest_version": latest,
        "min_decryption_version": least, "keys": keys,
    } })))
}

async fn export(
    State(engine): State<Arc<Engine>>,
    Path(name): Path<String>,
) -> Result<Json<Value>, StatusCode> {
    if !engine.exportable {
        return Err(StatusCode::BAD_REQUEST);
    }
    let keys: BTreeMap<String, String> =
        engine.of(&name)?.iter().map(|(at, (_, bytes))| (at.to_string(), STANDARD.encode(bytes))).collect();
    Ok(Json(json!({ "data": { "name": name, "type": "aes256-gcm96", "keys": keys } })))
}

async fn rotate(
    State(engine): State<Arc<Engine>>,
    Path(name): Path<String>,
) -> Result<StatusCode, StatusCode> {
    engine.of(&name)?;
    engine.rotate();
    Ok(StatusCode::NO_CONTENT)
}
