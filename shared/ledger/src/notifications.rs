//! Messages to patients: each is sent once, and one whose sending is in doubt is not repeated.

mod begin;
mod settle;

use domain::{AdmissionId, Code, messages::Channel, ports::StoreDown};
use jiff::Timestamp;

pub(crate) use begin::Notifying;
pub(crate) use settle::Notified;

use crate::Store;

/// The right to send one message once.
#[derive(Debug, Clone)]
pub struct SendPermit {
    pub(crate) admission: AdmissionId,
    pub(crate) channel: Channel,
    /// Which attempt this is, from 1: the fencing token.
    pub attempt: u32,
    /// When the right ends.
    pub until: Timestamp,
}

/// What the ledger answers to a worker that wants to send.
#[derive(Debug)]
pub enum BeginSend {
    /// Send now.
    Go(SendPermit),
    /// It was sent.
    AlreadySent,
    /// The messenger refused it for good.
    Refused {
        /// Why.
        code: Code,
    },
    /// Another worker may be sending: come back then.
    Wait {
        /// Not before.
        until: Timestamp,
    },
    /// It may have been sent: a person decides.
    Unknown,
}

/// What came of sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendResult {
    /// The messenger has it.
    Sent {
        /// Its identifier of the message.
        provider_id: Option<String>,
    },
    /// Refused for good.
    Refused {
        /// Why.
        code: Code,
    },
    /// Provably not sent: may be tried again.
    NotSent,
    /// Timeout, cut connection, unreadable answer.
    Unknown,
}

impl Store {
    /// Asks for the right to send; `lease` is longer than the sender's own deadline.
    ///
    /// # Errors
    /// [`StoreDown`]: do not send.
    pub async fn begin_send(
        &self,
        admission: AdmissionId,
        channel: Channel,
        lease: jiff::SignedDuration,
    ) -> Result<BeginSend, StoreDown> {
        self.actors.begin_send.submit(begin::Wish { admission, channel, lease }).await
    }

    /// Says what came of it. `false`: another right was given since; begin again to learn.
    ///
    /// # Errors
    /// [`StoreDown`]: it may or may not be recorded; say it again, for nobody else can know.
    pub async fn settle_send(&self, permit: &SendPermit, result: SendResult) -> Result<bool, StoreDown> {
        self.actors.settle_send.submit(settle::Told { permit: permit.clone(), result }).await
    }
}
