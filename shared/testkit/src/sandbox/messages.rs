//! The messages that patients would have got.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How a message was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A text.
    Sms,
    /// A mail.
    Email,
}

/// One message. What patients read is PHI: hence no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// How it was sent.
    pub channel: Channel,
    /// When it arrived.
    pub at: Timestamp,
    /// The provider's id; of a mail, its queue id.
    pub id: String,
    /// Recipients: telephone numbers or mailboxes.
    pub to: Vec<String>,
    /// The envelope sender of a mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The idempotency key of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Subject of a mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `Message-ID` of a mail, as it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The text, or the mail's first `text/plain` part; at most 4,096 characters.
    pub body: String,
    /// The calendar part of a mail, at most 4,096 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// Whether a mail has a calendar part.
    #[serde(default)]
    pub has_calendar: bool,
    /// Bytes of a mail as sent, or of a text.
    pub size: usize,
}

/// What became of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    New(String),
    Repeated(String),
    /// The key was used for another text.
    Conflict,
    /// The number said STOP.
    OptedOut,
}

/// All messages.
pub(crate) struct Outbox {
    messages: Vec<Message>,
    sms: usize,
    keys: HashMap<String, usize>,
    stopped: BTreeSet<String>,
}

impl Outbox {
    pub(crate) fn new(stopped: Vec<String>) -> Self {
        Self { messages: Vec::new(), sms: 0, keys: HashMap::new(), stopped: stopped.into_iter().collect() }
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new(std::mem::take(&mut self.stopped).into_iter().collect());
    }

    pub(crate) fn stop(&mut self, numbers: Vec<String>) {
        self.stopped = numbers.into_iter().collect();
    }

    /// Texts and mails.
    pub(crate) const fn counts(&self) -> (usize, usize) {
        (self.sms, self.messages.len() - self.sms)
    }

    pub(crate) fn all(&self) -> &[Message] {
        &self.messages
    }

    pub(crate) fn text(&mut self, to: String, body: String, key: Option<String>, at: Timestamp) -> Sent {
        if self.stopped.contains(&to) {
            return Sent::OptedOut;
        }
        let known = key.as_ref().and_then(|key| self.messages.get(*self.keys.get(key)?));
        if let Some(known) = known {
            let same = known.to.first() == Some(&to) && known.body == body;
            return if same { Sent::Repeated(known.id.clone()) } else { Sent::Conflict };
        }
        self.sms += 1;
        let id = format!("sms-{}", self.sms);
        if let Some(key) = &key {
            self.keys.insert(key.clone(), self.messages.len());
        }
        self.messages.push(Message {
            channel: Channel::Sms,
            at,
            id: id.clone(),
            to: vec![to],
            from: None,
            idempotency_key: key,
            subject: None,
            message_id: None,
            size: body.len(),
            body,
            calendar: None,
            has_calendar: false,
        });
        Sent::New(id)
    }

    /// Keeps a mail and gives it a queue id.
    pub(crate) fn mail(&mut self, mut mail: Message) -> String {
        mail.id = format!("mail-{}", self.messages.len() - self.sms + 1);
        let id = mail.id.clone();
        self.messages.push(mail);
        id
    }
}
