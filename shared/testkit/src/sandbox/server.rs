//! Starts and stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use axum::{Router, serve};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::address::Addresses;
use super::app::{App, lock};
use super::config::SandboxConfig;
use super::error::SandboxError;
use super::faults::{FaultReport, Rule};
use super::listener::{Cutter, Listener};
use super::messages::Message;
use super::oauth::{ClientConfig, ClientKey, PublicKeys};
use super::store::{Counts, Kind, Write};
use super::{control, fhir, oauth, payer, sms, smtp};

/// What the client that is made at start may do: the EHR-writer's needs, and not more.
const CLIENT_SCOPES: &str = "system/Patient.crus system/Coverage.crus system/Appointment.crus \
    system/RelatedPerson.crus system/Slot.rus";
/// Largest request body in bytes: control files are the largest.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// How long a stop waits for connections that are under way.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// A running sandbox. Dropping it stops it; [`Sandbox::stop`] also waits for that.
pub struct Sandbox {
    app: Arc<App>,
    client_key: Option<ClientKey>,
    smtp_ca_pem: Option<String>,
    tasks: Vec<JoinHandle<()>>,
}

impl Sandbox {
    /// Opens both listeners and serves, on the runtime of the caller.
    ///
    /// # Errors
    /// [`SandboxError`]: an address that is not loopback or not free, a key or a rule that makes no sense.
    pub async fn start(mut config: SandboxConfig) -> Result<Self, SandboxError> {
        config.check()?;
        let (http, http_addr) = bind(config.listen).await?;
        let (mail, mail_addr) = bind(config.smtp_listen).await?;
        let client_key = register_client(&mut config)?;
        let identity = config.smtp_starttls.then(smtp::Identity::generate).transpose().map_err(|error| {
            SandboxError::ClientKey { client: "smtp".to_owned(), reason: error.to_string() }
        })?;
        let mut addresses = Addresses::new(http_addr, mail_addr, config.auth.enabled);
        addresses.sms_token.clone_from(&config.sms_token);
        addresses.payer_token.clone_from(&config.payer_token);
        if let Some(key) = &client_key {
            addresses.client_id = Some(key.client_id.clone());
            addresses.client_key_id = Some(key.key_id.clone());
            addresses.client_key_algorithm = Some(key.algorithm.as_str().to_owned());
        }
        let app = Arc::new(App::new(config, addresses)?);
        let (smtp_ca_pem, acceptor) =
            identity.map(|identity| (identity.certificate_pem, identity.acceptor)).unzip();
        let web = tokio::spawn(web(Arc::clone(&app), http));
        let mail = tokio::spawn(smtp::listen(Arc::clone(&app), mail, acceptor));
        Ok(Self { app, client_key, smtp_ca_pem, tasks: vec![web, mail] })
    }

    /// Where everything is.
    pub fn addresses(&self) -> &Addresses {
        &self.app.addresses
    }

    /// The client that was made at start: only with authentication on and no client given.
    pub const fn client_key(&self) -> Option<&ClientKey> {
        self.client_key.as_ref()
    }

    /// The certificate that clients of STARTTLS trust, in PEM, if STARTTLS is on.
    pub fn smtp_ca_pem(&self) -> Option<&str> {
        self.smtp_ca_pem.as_deref()
    }

    /// How much is stored.
    pub fn counts(&self) -> Counts {
        self.app.counts()
    }

    /// All resources of a kind, in order of creation.
    pub fn contents(&self, kind: Kind) -> Vec<Value> {
        let bodies = lock(&self.app.store).all(kind);
        bodies.iter().filter_map(|body| serde_json::from_slice(body).ok()).collect()
    }

    /// Every write that the FHIR server saw, from this number on.
    pub fn writes(&self, since: u64) -> Vec<Write> {
        lock(&self.app.store).writes.since(since).to_vec()
    }

    /// All texts and mails.
    pub fn messages(&self) -> Vec<Message> {
        lock(&self.app.outbox).all().to_vec()
    }

    /// Puts these rules in place of all.
    ///
    /// # Errors
    /// [`SandboxError::Rule`] if one makes no sense; then none is changed.
    pub fn set_faults(&self, rules: Vec<Rule>) -> Result<(), SandboxError> {
        for (index, rule) in rules.iter().enumerate() {
            rule.check().map_err(|reason| SandboxError::Rule { index, reason })?;
        }
        self.app.faults.replace(rules);
        Ok(())
    }

    /// Heals everything.
    pub fn clear_faults(&self) {
        self.app.faults.replace(Vec::new());
    }

    /// The faults in force and what they did.
    pub fn faults(&self) -> FaultReport {
        self.app.faults.report()
    }

    /// Forgets resources, writes, messages and faults; slots are free again, members and tokens stay.
    pub fn reset(&self) {
        self.app.reset();
    }

    /// Stops: requests that hang are cut, the listeners are closed when this returns.
    pub async fn stop(mut self) {
        self.app.stop.cancel();
        for mut task in std::mem::take(&mut self.tasks) {
            if tokio::time::timeout(STOP_PATIENCE, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.app.stop.cancel();
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), SandboxError> {
    let wrong = |source| SandboxError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(wrong)?;
    let bound = listener.local_addr().map_err(wrong)?;
    Ok((listener, bound))
}

/// Makes a client if one is needed and none is given.
fn register_client(config: &mut SandboxConfig) -> Result<Option<ClientKey>, SandboxError> {
    if !config.auth.enabled || !config.auth.clients.is_empty() {
        return Ok(None);
    }
    let key = ClientKey::generate("frontdesk", config.auth.algorithm)?;
    config.auth.clients.push(ClientConfig {
        client_id: key.client_id.clone(),
        keys: PublicKeys::Jwks(key.jwks.clone()),
        scopes: CLIENT_SCOPES.to_owned(),
    });
    Ok(Some(key))
}

async fn web(app: Arc<App>, listener: TcpListener) {
    let router = Router::new()
        .route("/oauth/token", post(oauth::token))
        .route("/payer/json/eligibility", post(payer::eligibility))
        .route("/payer/x12", post(payer::exchange))
        .route("/sms/messages", post(sms::send))
        .merge(fhir::routes())
        .merge(control::routes())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::clone(&app));
    let service = router.into_make_service_with_connect_info::<Cutter>();
    let stop = app.stop.clone();
    // Serving ends without an error: what goes wrong on one connection stays there.
    let _ = serve(Listener(listener), service).with_graceful_shutdown(stop.cancelled_owned()).await;
}
