//! What a message carries beside its body. No PHI in any of it.

use domain::{ClinicId, CorrelationId, LaneName, MessageId};
use jiff::Timestamp;
use lapin::{BasicProperties, types::ShortString};

use super::{Headers, PublishError};
use crate::telemetry::Traceparent;

/// Names of our headers.
pub mod header {
    /// W3C trace context.
    pub const TRACEPARENT: &str = "traceparent";
    /// On what comes back after it was put off: the span that did so, in the form of a `traceparent`.
    pub const LINK: &str = "frontdesk-link";
    /// The clinic.
    pub const CLINIC: &str = "frontdesk-clinic";
    /// The lane that the message went through.
    pub const LANE: &str = "frontdesk-lane";
    /// Which attempt the next handling is, from 1; absent means 1.
    pub const ATTEMPT: &str = "frontdesk-attempt";
    /// When the first attempt failed, RFC 3339.
    pub const FIRST_FAILED_AT: &str = "frontdesk-first-failed-at";
    /// The endpoint that the message failed against last.
    pub const FAILED_AGAINST: &str = "frontdesk-failed-against";
    /// When that was, RFC 3339.
    pub const FAILED_AT: &str = "frontdesk-failed-at";
    /// How often in a row.
    pub const FAILED_RUN: &str = "frontdesk-failed-run";
    /// `true` on what a person let go on, and on what was published again: it is late because of that.
    pub const RESUMED: &str = "frontdesk-resumed";
    /// On dead letters: why.
    pub const CODE: &str = "frontdesk-code";
    /// On dead letters: the field in question.
    pub const FIELD: &str = "frontdesk-field";
    /// On dead letters: the stage that gave up.
    pub const STAGE: &str = "frontdesk-stage";
    /// On dead letters: the endpoint in question.
    pub const ENDPOINT: &str = "frontdesk-endpoint";
    /// On dead letters: the template in force, `<id>@<version>`.
    pub const TEMPLATE: &str = "frontdesk-template";
    /// On dead letters: when it died, RFC 3339.
    pub const DIED_AT: &str = "frontdesk-died-at";
    /// On dead letters: the admission, where there is one.
    pub const ADMISSION: &str = "frontdesk-admission";
    /// On dead letters: stage, code, endpoint or field, and template: equal for failures of one cause.
    pub const FINGERPRINT: &str = "frontdesk-fingerprint";
    /// On dead letters: the sender's identifier, as far as it is known.
    pub const SUBMISSION: &str = "frontdesk-submission";
}

/// How the message's trace goes on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Course {
    /// As one more attempt, beside the one before.
    pub(crate) again: bool,
    /// Kept, whatever the dice said.
    pub(crate) failed: bool,
}

/// The AMQP properties of a message to be published. Persistent, always.
#[derive(Debug, Clone)]
pub struct Properties {
    /// This hand-off.
    pub message: MessageId,
    /// The submission's correlation id.
    pub correlation: Option<CorrelationId>,
    /// Schema name and version: the AMQP `type`.
    pub schema: Option<String>,
    /// Content type of the body.
    pub content_type: String,
    /// When it was sent.
    pub timestamp: Timestamp,
    pub(crate) app: &'static str,
    pub(crate) trace: Traceparent,
    pub(crate) course: Course,
    pub(crate) headers: Headers,
}

impl Properties {
    /// Properties of a new message from the service `app`.
    pub fn new(
        message: MessageId,
        app: &'static str,
        content_type: impl Into<String>,
        timestamp: Timestamp,
    ) -> Self {
        Self {
            message,
            correlation: None,
            schema: None,
            content_type: content_type.into(),
            timestamp,
            app,
            trace: Traceparent::default(),
            course: Course::default(),
            headers: Headers::default(),
        }
    }

    /// Sets the correlation id.
    #[must_use]
    pub fn correlation(mut self, id: CorrelationId) -> Self {
        self.correlation = Some(id);
        self
    }

    /// Sets the schema.
    #[must_use]
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Sets the clinic's header.
    #[must_use]
    pub fn clinic(self, clinic: &ClinicId) -> Self {
        self.header(header::CLINIC, Some(clinic))
    }

    /// Sets the lane's header.
    #[must_use]
    pub fn lane(self, lane: &LaneName) -> Self {
        self.header(header::LANE, Some(lane))
    }

    /// Sets a header, if there is a value. Never PHI.
    #[must_use]
    pub fn header(mut self, name: &str, value: Option<impl ToString>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// Goes on with a trace that came in, where no span of that trace is at work.
    #[must_use]
    pub(crate) fn within(mut self, trace: Traceparent) -> Self {
        self.trace = trace;
        self
    }

    /// The message comes back to where it was: it is one more attempt at the same hand-off.
    #[must_use]
    pub(crate) fn put_off(mut self) -> Self {
        self.course.again = true;
        self
    }

    /// Something failed: the rest of the trace is kept, whether it was sampled or not.
    #[must_use]
    pub(crate) fn failed(mut self, failed: bool) -> Self {
        self.course.failed = failed;
        self
    }

    /// As lapin wants them.
    pub(super) fn write(&self) -> Result<BasicProperties, PublishError> {
        let short = |text: &str| ShortString::try_new(text).map_err(|_| PublishError::Unsendable);
        let mut headers = self.headers.clone();
        headers.push(header::TRACEPARENT, self.trace.parent());
        headers.push(header::LINK, self.trace.link());
        let mut properties = BasicProperties::default()
            .with_message_id(short(&self.message.to_string())?)
            .with_app_id(short(self.app)?)
            .with_content_type(short(&self.content_type)?)
            .with_timestamp(self.timestamp.as_second().try_into().unwrap_or(0))
            .with_delivery_mode(2)
            .with_headers(headers.write());
        if let Some(id) = &self.correlation {
            properties = properties.with_correlation_id(short(&id.to_string())?);
        }
        if let Some(schema) = &self.schema {
            properties = properties.with_type(short(schema)?);
        }
        Ok(properties)
    }
}
