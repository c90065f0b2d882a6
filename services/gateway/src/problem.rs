//! Every way in which the gateway says no, in one table.

use axum::{
    Extension, Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    CorrelationId,
    problem::{CONTENT_TYPE, Problem},
};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $status:literal, $code:literal, $retry:expr, $title:literal, $detail:literal;)*) => {
        /// The kinds of refusal. `schemas/openapi.gateway.json` lists them; a test keeps it complete.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code, as it stands in the problem document.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            /// Seconds after which trying again may work; `None` where it never will.
            pub const fn retry_after_s(self) -> Option<u64> {
                match self { $(Self::$name => $retry),* }
            }

            /// The problem document.
            pub fn problem(self) -> Problem {
                match self { $(Self::$name => Problem::new($status, $code, $title, $detail)),* }
            }
        }
    };
}

// 4xx never works later, save 408, 409 in flight and 429; 503 may. A Make.com scenario retries on just these.
kinds! {
    /// The body is not JSON, and says so.
    MalformedJson = 400, "malformed_json", None, "The body is not JSON",
        "Send one JSON object, encoded as RFC 8259 says.";
    /// The body's bytes are not UTF-8.
    NotUtf8 = 400, "not_utf8", None, "The body is not UTF-8", "Encode the body as UTF-8.";
    /// An object has the same key twice.
    DuplicateKey = 400, "duplicate_key", None, "An object has the same key twice",
        "Send every key of an object once: two readers could see two different forms.";
    /// Nested too deep.
    TooDeep = 400, "too_deep", None, "The body is nested too deep",
        "Nest objects and arrays at most 32 deep.";
    /// `Idempotency-Key` cannot be a submission id.
    InvalidIdempotencyKey = 400, "invalid_idempotency_key", None, "The Idempotency-Key cannot be used",
        "Send one key of 1 to 64 of A-Z, a-z, 0-9, '.', '_', ':' and '-', bare or in double quotes.";
    /// `webhook-id` would be the submission id and cannot.
    InvalidWebhookId = 400, "invalid_webhook_id", None, "The webhook-id cannot be used as a submission id",
        "Use a webhook-id of 1 to 64 of A-Z, a-z, 0-9, '.', '_', ':' and '-', or send an Idempotency-Key.";
    /// No credentials, or none that are known, or a signature that does not hold.
    Unauthorized = 401, "unauthorized", None, "The sender is not known",
        "Sign the request as Standard Webhooks says (webhook-id, webhook-timestamp, webhook-signature), or send the API key as a bearer token or in x-api-key.";
    /// Signed too long ago, or in the future.
    StaleTimestamp = 401, "stale_timestamp", None, "The signature's timestamp is out of range",
        "Sign with the present time, in seconds since 1970, at most 5 minutes off; sign again for each retry.";
    /// The source may not post for this clinic.
    ClinicNotAllowed = 403, "clinic_not_allowed", None, "The sender may not act for this clinic",
        "Ask the operator to add the clinic to this source.";
    /// No clinic of that name is configured.
    UnknownClinic = 404, "unknown_clinic", None, "No such clinic", "Check the clinic's identifier in the address.";
    /// Nothing is known of such a submission.
    UnknownSubmission = 404, "unknown_submission", None, "No such submission",
        "Check the identifier. A submission that was accepted a moment ago may take some seconds to appear.";
    /// No such address.
    NotFound = 404, "not_found", None, "No such address", "Post to /v1/intake/{clinic}, or see the OpenAPI document.";
    /// The address does not take this method.
    MethodNotAllowed = 405, "method_not_allowed", None, "The address does not take this method",
        "Use POST for /v1/intake and GET for /v1/submissions.";
    /// The body did not arrive in time.
    BodyTimeout = 408, "body_timeout", Some(1), "The body did not arrive in time", "Send the request again.";
    /// The same submission is being accepted right now.
    InFlight = 409, "submission_in_flight", Some(1), "The same submission is being accepted right now",
        "Wait for the answer to the first request, or send this one again later.";
    /// A webhook-id came again with something else.
    WebhookIdReused = 409, "webhook_id_reused", None, "The webhook-id was used for another request",
        "Use a new webhook-id for a new message, and the same body for a retry.";
    /// Larger than 256 KiB.
    TooLarge = 413, "too_large", None, "The body is too large", "Send at most 256 KiB; leave attachments out.";
    /// Not JSON by its own account.
    UnsupportedMediaType = 415, "unsupported_media_type", None, "The body's media type is not supported",
        "Send Content-Type: application/json, UTF-8, without Content-Encoding.";
    /// A member is absent.
    MissingField = 422, "missing_field", None, "A required member is absent", "Add the member named in `field`.";
    /// A member breaks its rule.
    InvalidField = 422, "invalid_field", None, "A member cannot be used",
        "Correct the member named in `field`; intake.submission.v1.json has its rule.";
    /// A member that a submission does not have.
    UnknownField = 422, "unknown_field", None, "The submission has a member that is not known",
        "Send the members of intake.submission.v1.json only; put what the form holds inside `form`.";
    /// A bare form is not an object.
    NotAnObject = 422, "not_an_object", None, "The body is not a JSON object", "Send the form as one JSON object.";
    /// The body names another clinic than the address.
    ClinicMismatch = 422, "clinic_mismatch", None, "The body is for another clinic than the address",
        "Make `clinic_id` the clinic in the address.";
    /// The body names another source than the credentials.
    SourceMismatch = 422, "source_mismatch", None, "The body names another source than the credentials",
        "Make `source` the kind that this source is configured with.";
    /// `Idempotency-Key` and `submission_id` disagree.
    IdempotencyKeyMismatch = 422, "idempotency_key_mismatch", None, "The Idempotency-Key is not the submission_id",
        "Send the same value in both, or only one of them.";
    /// The same submission id came with other content.
    SubmissionConflict = 422, "submission_conflict", None, "The same submission came with other content",
        "Use a new submission id for new content, and the same content for a retry.";
    /// This source has too much in flight.
    TooManyRequests = 429, "too_many_requests", Some(1), "Too many requests at once from this source",
        "Send fewer at once, and try again after Retry-After.";
    /// The submission could not be sealed: a fault of ours.
    CannotSeal = 500, "cannot_seal", None, "The submission could not be protected",
        "Tell the operator: the gateway's keys or random numbers are at fault. Nothing was accepted.";
    /// The gateway has too much in flight.
    Busy = 503, "busy", Some(1), "The gateway has too much in hand", "Try again after Retry-After.";
    /// The clinic takes no intake now.
    ClinicPaused = 503, "clinic_paused", Some(60), "The clinic takes no intake now", "Try again after Retry-After.";
    /// The broker did not confirm.
    BrokerUnavailable = 503, "broker_unavailable", Some(5), "The submission could not be stored now",
        "Nothing is lost and nothing was promised: send it again, with the same id, after Retry-After.";
    /// The database did not answer.
    StoreUnavailable = 503, "store_unavailable", Some(5), "The state cannot be read now",
        "Submissions are accepted all the same. Ask again after Retry-After.";
}

/// A refusal: its kind, and what is known about the request. Never a value from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub kind: Kind,
    /// The member of the body that is meant.
    pub field: Option<&'static str>,
    /// The submission's correlation id, once it has one.
    pub correlation: Option<CorrelationId>,
}

impl Kind {
    /// This kind, about a member of the body.
    pub const fn at(self, field: &'static str) -> Refusal {
        Refusal { kind: self, field: Some(field), correlation: None }
    }
}

impl From<Kind> for Refusal {
    fn from(kind: Kind) -> Self {
        Self { kind, field: None, correlation: None }
    }
}

impl Refusal {
    /// The whole response.
    pub fn render(self, request: CorrelationId) -> Response {
        let problem = Problem {
            field: self.field,
            correlation_id: Some(self.correlation.unwrap_or(request)),
            ..self.kind.problem()
        };
        let mut response = Json(problem).into_response();
        *response.status_mut() =
            StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        if let Some(seconds) = self.kind.retry_after_s() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        match self.kind {
            Kind::Unauthorized | Kind::StaleTimestamp => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Kind::MethodNotAllowed => {
                headers.insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
            }
            _ => {}
        }
        response
    }
}

/// Marks the response; [`boundary`](crate::boundary) renders and logs it, once, with the request's correlation id.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        Extension(self).into_response()
    }
}
