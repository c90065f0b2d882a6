//! One HTTP exchange, told apart by what is known of it afterwards.
//!
//! No retry, no redirect, no proxy from the environment. An error of the client is reduced to whether anything can have
//! been sent: its text would quote the URL.

mod retry_after;
mod span;

use std::time::Duration;

use reqwest::{Client, Request, Url, header::HeaderMap, redirect, retry};
use tokio::time::Instant;
use tracing::Instrument as _;

pub(crate) use retry_after::retry_after;

use crate::setup::SetupError;

/// No answer is larger; a larger one is not read.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// Below the idle time after which servers and balancers cut a connection (60 s and more), so that a request seldom meets a cut.
const IDLE: Duration = Duration::from_secs(20);

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missed {
    /// No connection was made, or there was no time left for one: provably nothing was sent.
    NotSent,
    /// The request may have arrived.
    Unknown,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// `None` if it was cut off or is too large.
    pub(crate) body: Option<Vec<u8>>,
}

impl Answer {
    /// A header's value, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The deadline of one operation, over all its requests.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        Self(Instant::now() + timeout)
    }

    pub(crate) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// Whom a client trusts and what it shows: the section of the settings, and the files that it names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trust {
    pub(crate) section: String,
    pub(crate) files: tls::Files,
}

/// A client for one service. Where there are no files, the system's authorities are trusted; plain HTTP needs none, so that a machine
/// without any can run the sandbox.
pub(crate) fn client(url: &Url, timeout: Duration, trust: &Trust) -> Result<Client, SetupError> {
    let mut builder = Client::builder()
        .user_agent(concat!("frontdesk/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .connect_timeout((timeout / 3).min(Duration::from_secs(5)))
        .pool_idle_timeout(IDLE)
        .no_proxy();
    if url.scheme() == "https" {
        let tls = tls::Client::new(&trust.section, trust.files.clone()).and_then(|client| client.config());
        let tls = tls.map_err(|error| SetupError::tls(&trust.section, error))?;
        builder = builder.tls_backend_preconfigured(tls);
    } else {
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|_| SetupError::new(trust.section.clone(), "no client for it can be made"))
}

/// Sends a request and reads the whole answer before the deadline. The template says on its span what is asked, without any id.
pub(crate) async fn exchange(
    client: &Client,
    request: Request,
    deadline: Deadline,
    template: &str,
) -> Result<Answer, Missed> {
    let span = span::of(&request, template);
    let result = asked(client, request, deadline).instrument(span.clone()).await;
    span::end(&span, &result);
    result
}

async fn asked(client: &Client, mut request: Request, deadline: Deadline) -> Result<Answer, Missed> {
    let left = deadline.left();
    if left.is_zero() {
        return Err(Missed::NotSent);
    }
    *request.timeout_mut() = Some(left);
    let sent = client.execute(request).await;
    let mut response =
        sent.map_err(|error| if error.is_connect() { Missed::NotSent } else { Missed::Unknown })?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_BODY => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(Answer { status, headers, body: Some(body) }),
            Ok(Some(_)) | Err(_) => return Ok(Answer { status, headers, body: None }),
        }
    }
}
