//! `POST /v1/intake/…`: from a request to a confirmed message.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    ClinicId, CorrelationId, Meta, Phi, SubmissionId, envelope::Message, meta::Mode, reconcile,
    submission::SubmittedForm,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tracing::{Instrument as _, Span};

use crate::{
    app::App,
    auth::Claim,
    body,
    boundary::Visit,
    idempotency::{Claimed, digest},
    problem::{Kind, Refusal},
    sources::Source,
    submission::{self, Address, Entry},
};

/// What the address says.
#[derive(Deserialize)]
pub(crate) struct Place {
    clinic: String,
    form: Option<String>,
}

/// The answer to an accepted submission.
#[derive(Serialize)]
struct Accepted {
    submission_id: SubmissionId,
    correlation_id: CorrelationId,
    status_url: String,
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let correlation = HeaderValue::from_str(&self.correlation_id.to_string());
        let location = HeaderValue::from_str(&self.status_url);
        let mut response = (StatusCode::ACCEPTED, Json(self)).into_response();
        if let (Ok(correlation), Ok(location)) = (correlation, location) {
            response.headers_mut().insert("x-correlation-id", correlation);
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

/// Takes a submission. Refuses as early as it can, and answers 202 only after the broker's confirm.
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    Extension(visit): Extension<Visit>,
    place: Result<Path<Place>, PathRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let _place = app.place()?;
    let Ok(Path(place)) = place else { return Err(Kind::UnknownClinic.into()) };
    let (parts, body) = request.into_parts();
    let now = app.clock.now();
    body::check(&parts.headers)?;
    let claim = Claim::read(&parts.headers, now)?;
    if matches!(claim, Claim::Key(_)) {
        // A stranger's body is not worth reading; a signature needs it.
        app.sources.verify(&claim, &[])?;
    }
    let body = body::read(body, app.read_timeout).await?;
    let source = app.sources.verify(&claim, &body)?;
    let span = visit.of(&source, &parts.headers);
    take(&app, &source, (&claim, &parts.headers), &place, &body, now).instrument(span).await
}

/// Takes the submission of a source that is known.
async fn take(
    app: &App,
    source: &Source,
    (claim, headers): (&Claim, &HeaderMap),
    place: &Place,
    body: &[u8],
    now: Timestamp,
) -> Result<Response, Refusal> {
    let _place_of_source = place_of(source)?;
    let clinic = app.clinic(&place.clinic, source)?;
    Span::current().record("frontdesk.clinic", clinic.as_str());
    let address = Address { clinic: &clinic, form_version: place.form.as_deref(), source: &source.kind };
    let entry = submission::read(body, &address)?;
    let id = name(app, headers, claim, &address, &entry, body)?;
    refuse_replay(app, claim, source, &address, &id, body, now)?;
    let accepted = Accepted {
        correlation_id: app.correlation(&clinic, &id),
        status_url: app.status_url(&clinic, &id),
        submission_id: id,
    };
    Span::current().record("frontdesk.correlation", tracing::field::display(accepted.correlation_id));
    hand_over(app, source, clinic, entry, &accepted, now)
        .await
        .map_err(|kind| Refusal { correlation: Some(accepted.correlation_id), ..kind.into() })?;
    Ok(accepted.into_response())
}

fn place_of(source: &Source) -> Result<OwnedSemaphorePermit, Refusal> {
    Arc::clone(&source.places).try_acquire_owned().map_err(|_| Kind::TooManyRequests.into())
}

/// The submission's identifier: the body's, else `Idempotency-Key`, else `webhook-id`, else a keyed hash of the
/// unchanged body.
fn name(
    app: &App,
    headers: &HeaderMap,
    claim: &Claim,
    at: &Address<'_>,
    entry: &Entry,
    body: &[u8],
) -> Result<SubmissionId, Refusal> {
    let key = headers
        .get("idempotency-key")
        .map(|value| submission::idempotency_key(value.as_bytes()))
        .transpose()?;
    match (&entry.submission, key) {
        (Some(own), Some(key)) if *own != key => return Err(Kind::IdempotencyKeyMismatch.into()),
        (Some(own), _) => return Ok(own.clone()),
        (None, Some(key)) => return Ok(key),
        (None, None) => {}
    }
    if let Some(id) = claim.webhook_id() {
        return SubmissionId::parse(id).map_err(|_| Kind::InvalidWebhookId.into());
    }
    let text = std::str::from_utf8(body).map_err(|_| Kind::NotUtf8)?;
    let parts = [at.clinic.as_str(), at.source.as_str(), at.form_version.unwrap_or_default(), text];
    let hash = app.index.index("submission", &parts).to_hex();
    SubmissionId::parse(&hash).map_err(|_| Kind::CannotSeal.into())
}

/// A webhook-id names one request: its body and also what the signature leaves open, the address and the submission id.
fn refuse_replay(
    app: &App,
    claim: &Claim,
    source: &Source,
    at: &Address<'_>,
    id: &SubmissionId,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(webhook_id) = claim.webhook_id() else { return Ok(()) };
    let form = at.form_version.unwrap_or_default();
    let request = digest(&[at.clinic.as_str().as_bytes(), form.as_bytes(), id.as_str().as_bytes(), body]);
    if app.replays.first_or_same(&source.name, webhook_id, request, now) {
        Ok(())
    } else {
        Err(Kind::WebhookIdReused.into())
    }
}

async fn hand_over(
    app: &App,
    source: &Source,
    clinic: ClinicId,
    entry: Entry,
    accepted: &Accepted,
    now: Timestamp,
) -> Result<(), Kind> {
    let content = content(source, &entry.secret)?;
    let ticket = match app.submissions.claim(&clinic, &accepted.submission_id, content, now) {
        Claimed::New(ticket) => Some(ticket),
        // Published once more: whoever asks again does not believe the first answer, and may be right, if the broker lost its disk
        // since. Admission knows a submission that it has.
        Claimed::Accepted => None,
        Claimed::InHand => return Err(Kind::InFlight),
        Claimed::OtherContent => return Err(Kind::SubmissionConflict),
    };
    if app.pauses.paused(&clinic) {
        // What was accepted before the pause was.
        return if ticket.is_none() { Ok(()) } else { Err(Kind::ClinicPaused) };
    }
    let meta = Meta {
        submission: accepted.submission_id.clone(),
        clinic,
        source: source.kind.clone(),
        submitted_at: entry.submitted_at.unwrap_or(now),
        received_at: now,
        correlation: accepted.correlation_id,
        admission: None,
        person: None,
        template: None,
        mode: Mode::Live,
        appointment_at: None,
    };
    let message = Message { meta, secret: Phi::new(entry.secret) };
    let counted = reconcile::Accepted {
        submission: message.meta.submission.clone(),
        clinic: message.meta.clinic.clone(),
        source: message.meta.source.clone(),
        received_at: now,
    };
    let envelope = message.seal(&app.keys).map_err(|_| Kind::CannotSeal)?;
    app.ingest.publish(envelope).await.map_err(|_| Kind::BrokerUnavailable)?;
    // Also what comes again: the process that counted it first may have been another, or none.
    app.count.accepted(counted).await;
    if let Some(ticket) = ticket {
        ticket.accepted(app.clock.now());
    }
    Ok(())
}

/// What makes two submissions the same, as validation sees it: source, form version and form, not the time.
fn content(source: &Source, secret: &SubmittedForm) -> Result<[u8; 32], Kind> {
    let form = serde_json::to_vec(&secret.form).map_err(|_| Kind::CannotSeal)?;
    Ok(digest(&[source.kind.as_str().as_bytes(), secret.form_version.as_bytes(), &form]))
}
