//! E-mail.

use std::{sync::Arc, time::Duration, time::SystemTime};

use async_trait::async_trait;
use domain::{clock::Clock, messages::Channel};
use lettre::{
    Address, Message,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
};

use super::{
    Messenger, Notice, SendOutcome,
    smtp::{Delivery, Relay},
};
use crate::http::Deadline;

/// E-mail through a relay.
pub struct Email {
    relay: Relay,
    from: Mailbox,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl Email {
    pub(super) const fn new(relay: Relay, from: Mailbox, timeout: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { relay, from, timeout, clock }
    }

    /// `None` if the recipient's address is none, or something cannot stand in a header.
    fn compose(&self, notice: &Notice, message_id: &str) -> Option<Message> {
        let to = Mailbox::new(None, notice.to.parse::<Address>().ok()?);
        let now = self.clock.now();
        let builder = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(one_line(&notice.subject))
            .date(SystemTime::from(now))
            .message_id(Some(message_id.to_owned()))
            // RFC 3834: no "out of office" comes back.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        let text = SinglePart::plain(notice.text.clone());
        match &notice.invite {
            None => builder.singlepart(text).ok(),
            Some(invite) => {
                let kind = ContentType::parse("text/calendar; charset=utf-8; method=PUBLISH").ok()?;
                let ics = invite.to_ics(self.from.email.as_ref(), now);
                let calendar = Attachment::new("visit.ics".to_owned()).body(ics, kind);
                builder.multipart(MultiPart::mixed().singlepart(text).singlepart(calendar)).ok()
            }
        }
    }
}

/// A header has one line.
fn one_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl Messenger for Email {
    fn channel(&self) -> Channel {
        Channel::Email
    }

    fn deadline(&self) -> Duration {
        self.timeout
    }

    async fn send(&self, notice: &Notice) -> SendOutcome {
        // The same for every try of the same notice, so that a mailbox can see that it is one.
        let id = format!("<{}@{}>", notice.key, self.from.email.domain());
        let Some(message) = self.compose(notice, &id) else { return SendOutcome::Refused };
        let deadline = Deadline::after(self.timeout);
        match self.relay.deliver(message.envelope(), &message.formatted(), deadline).await {
            Delivery::Taken => SendOutcome::Sent { id },
            Delivery::NotTaken => SendOutcome::NotSent,
            Delivery::Refused => SendOutcome::Refused,
            Delivery::Unknown => SendOutcome::Unknown,
        }
    }
}
