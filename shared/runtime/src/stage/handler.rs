//! The two traits that a stage implements. Neither knows AMQP.

use std::future::Future;

use domain::{
    CorrelationId, Endpoint, Fault, MessageId, Meta, Outcome, Stage,
    envelope::{Envelope, Message, Secret},
    seal::Keyring,
};
use jiff::Timestamp;

pub use domain::envelope::RAW_SCHEMA;

use super::Context;

/// A delivery as it came, before it is opened. Its body may be PHI in clear: it has no `Debug`.
pub struct Incoming<'a> {
    /// The body.
    pub body: &'a [u8],
    /// The AMQP `type`, if the sender set one.
    pub schema: Option<&'a str>,
    /// The content type, if the sender set one.
    pub content_type: Option<&'a str>,
    /// The correlation id, if the sender set a usable one. [`Context::correlation`] always has one.
    pub correlation: Option<CorrelationId>,
    /// This hand-off; one of our own making if the sender set none.
    pub message: MessageId,
    /// Whether the broker has given it before.
    pub redelivered: bool,
    /// When it was taken in hand.
    pub received_at: Timestamp,
}

/// What a stage reads. Implemented for every [`Message`]; a stage that also reads bodies in clear implements it itself.
pub trait Input: Sized + Send + 'static {
    /// Schema under which a body that came in clear is sealed before it goes anywhere (to wait, to a person, to the dead letters).
    /// [`Input::open`] must read the result as it reads the body.
    const CLEAR: &'static str = RAW_SCHEMA;

    /// Opens the delivery.
    ///
    /// # Errors
    /// A [`Fault`]; a permanent one goes to the dead letters at once.
    fn open(incoming: &Incoming<'_>, keys: &Keyring, cx: &Context) -> Result<Self, Fault>;

    /// The clear metadata.
    fn meta(&self) -> &Meta;
}

impl<S: Secret> Input for Message<S> {
    fn open(incoming: &Incoming<'_>, keys: &Keyring, _: &Context) -> Result<Self, Fault> {
        Envelope::from_slice(incoming.body)?.open(keys)
    }

    fn meta(&self) -> &Meta {
        &self.meta
    }
}

/// A stage.
pub trait Handler: Send + Sync + 'static {
    /// Which.
    const STAGE: Stage;
    /// What it reads.
    type Input: Input;
    /// What it hands on. A stage that never emits names the next exchange's message all the same.
    type Output: Secret;

    /// Decides about one message. It must be safe to call again for the same message: deliveries repeat.
    ///
    /// The future never acknowledges, publishes, or retries; it may be dropped at any await when the process is told to stop at once.
    fn handle(
        &self,
        input: Self::Input,
        cx: &Context,
    ) -> impl Future<Output = Result<Outcome<Message<Self::Output>>, Fault>> + Send;

    /// Opens a delivery. A stage that reads what strangers write, and knows what they may say, opens it by that.
    ///
    /// # Errors
    /// As [`Input::open`].
    fn open(&self, incoming: &Incoming<'_>, keys: &Keyring, cx: &Context) -> Result<Self::Input, Fault> {
        Self::Input::open(incoming, keys, cx)
    }

    /// The endpoints without which handling this message is pointless. If one is paused or known to be down the message waits,
    /// unhandled, and burns no attempt. A stage that has an answer even then asks [`Context::held_back`] in `handle` instead.
    fn endpoints(&self, input: &Self::Input) -> Vec<Endpoint> {
        let _ = input;
        Vec::new()
    }
}
