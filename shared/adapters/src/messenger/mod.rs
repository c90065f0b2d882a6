//! What reaches the patient: e-mail and text messages, with the minimum of PHI.

mod calendar;
mod config;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod email;
#[cfg(any(test, feature = "conformance"))]
pub mod fake;
mod sms;
mod smtp;
#[cfg(test)]
mod tests;
mod text;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use domain::messages::Channel;

pub use calendar::Invite;
pub use config::{SmsConfig, SmtpConfig, SmtpSecurity};
pub use email::Email;
pub use sms::Sms;
pub use text::{NoticeFacts, TextError, check_text, render_text};

/// A way to reach the patient.
#[async_trait]
pub trait Messenger: Send + Sync + 'static {
    /// Which way.
    fn channel(&self) -> Channel;

    /// The longest that one call takes: a lease must be longer.
    fn deadline(&self) -> Duration;

    /// Sends once: never tries again by itself.
    async fn send(&self, notice: &Notice) -> SendOutcome;
}

/// A message to a patient. PHI: no `Debug`.
#[derive(Clone)]
pub struct Notice {
    /// Our opaque idempotency value: the SMS provider's key, the e-mail's `Message-ID`.
    pub key: String,
    /// E-mail address, or phone in E.164.
    pub to: String,
    /// Subject; unused for text messages.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The visit, attached to an e-mail; unused for text messages.
    pub invite: Option<Invite>,
}

/// What came of sending.
#[derive(Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The relay or provider took it.
    Sent {
        /// The provider's id of it, or the `Message-ID`.
        id: String,
    },
    /// Provably not sent: the relay or provider could not be reached, or takes nothing now. Try later.
    NotSent,
    /// Not sent, and asked to wait.
    Throttled {
        /// At least this long.
        after: Duration,
    },
    /// This message, or its recipient, is refused for good.
    Refused,
    /// It may or may not have been sent: park it, do not send again.
    Unknown,
}

impl fmt::Debug for SendOutcome {
    /// Without the id, which stands for a person's message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent { .. } => f.write_str("Sent"),
            Self::NotSent => f.write_str("NotSent"),
            Self::Throttled { after } => f.debug_struct("Throttled").field("after", after).finish(),
            Self::Refused => f.write_str("Refused"),
            Self::Unknown => f.write_str("Unknown"),
        }
    }
}
