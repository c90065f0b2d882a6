//! What comes, as the stage's input.

use domain::{
    Fault, Meta,
    arrival::{self, Came},
    seal::Keyring,
};
use runtime::{Context, Incoming, Input};

/// One submission to be judged.
pub struct Arrival(pub(crate) arrival::Arrival);

impl Input for Arrival {
    fn open(incoming: &Incoming<'_>, keys: &Keyring, cx: &Context) -> Result<Self, Fault> {
        let came = Came {
            body: incoming.body,
            schema: incoming.schema,
            content_type: incoming.content_type,
            received_at: incoming.received_at,
            correlation: cx.correlation(),
        };
        arrival::Arrival::read(came, keys).map(Self)
    }

    fn meta(&self) -> &Meta {
        &self.0.meta
    }
}
