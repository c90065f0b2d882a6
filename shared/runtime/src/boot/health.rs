//! Liveness, readiness and metrics over HTTP. Without TLS, on a port of its own: who asks, the kubelet among them, has no certificate, and
//! there is nothing of a person in what is answered.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use domain::ports::Pending;
use serde_json::{Map, Value};

use super::Boot;
use crate::config::HealthSection;

/// A check that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(1);

/// One condition of readiness.
pub type Probe = Arc<dyn Fn() -> Pending<bool> + Send + Sync>;

/// The conditions of readiness. Cheap to clone.
#[derive(Clone, Default)]
pub struct Health(Arc<Mutex<Vec<(&'static str, Probe)>>>);

impl Health {
    /// Adds a condition.
    pub fn add(&self, name: &'static str, probe: impl Fn() -> Pending<bool> + Send + Sync + 'static) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((name, Arc::new(probe)));
    }

    /// Every condition and whether it holds now.
    pub async fn check(&self) -> Vec<(&'static str, bool)> {
        let probes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let checks = probes.into_iter().map(|(name, probe)| async move {
            (name, tokio::time::timeout(PATIENCE, probe()).await.unwrap_or(false))
        });
        futures_util::future::join_all(checks).await
    }
}

/// Starts the server if `[health] listen` is set.
pub(super) async fn serve(boot: &Boot) -> anyhow::Result<()> {
    let section: HealthSection = boot.settings().section("health")?;
    let Some(address) = section.listen else { return Ok(()) };
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(|error| anyhow::anyhow!("configuration key `health.listen`: {address}: {error}"))?;
    let chosen = listener.local_addr()?;
    tracing::info!(server.address = %chosen, "health.listening");
    if let Some(file) = section.address_file {
        publish_address(&boot.settings().resolve(&file), chosen)?;
    }
    let app = router(boot.clone());
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "health.stopped");
        }
    });
    Ok(())
}

/// Writes beside and renames, so that a reader never sees half an address.
fn publish_address(file: &std::path::Path, address: std::net::SocketAddr) -> anyhow::Result<()> {
    let part = file.with_extension("part");
    std::fs::write(&part, format!("{address}\n")).and_then(|()| std::fs::rename(&part, file)).map_err(
        |error| anyhow::anyhow!("configuration key `health.address_file`: {}: {error}", file.display()),
    )
}

fn router(boot: Boot) -> Router {
    Router::new()
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(boot)
}

async fn ready(State(boot): State<Boot>) -> (StatusCode, Json<Value>) {
    let checks = boot.health().check().await;
    let all = checks.iter().all(|(_, ok)| *ok) && !boot.shutdown().soft().is_cancelled();
    let detail: Map<String, Value> =
        checks.into_iter().map(|(name, ok)| (name.to_owned(), ok.into())).collect();
    let status = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(serde_json::json!({ "ready": all, "checks": detail })))
}

async fn metrics(State(boot): State<Boot>) -> ([(&'static str, &'static str); 1], String) {
    ([("content-type", "text/plain; version=0.0.4")], boot.metrics().render())
}
