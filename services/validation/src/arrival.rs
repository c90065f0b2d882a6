//! What comes, as the stage's input.

use domain::{
    Fault, Meta,
    arrival::{self, Came},
    seal::Keyring,
    template::Clinics,
};
use runtime::{Context, Incoming, Input};

/// One submission to be judged.
pub struct Arrival(pub(crate) arrival::Arrival);

impl Input for Arrival {
    fn open(incoming: &Incoming<'_>, keys: &Keyring, cx: &Context) -> Result<Self, Fault> {
        arrival::Arrival::read(came(incoming, cx), keys).map(Self)
    }

    fn meta(&self) -> &Meta {
        &self.0.meta
    }
}

impl Arrival {
    /// What came for one of these clinics, or for none.
    pub(crate) fn at(
        clinics: &Clinics,
        incoming: &Incoming<'_>,
        keys: &Keyring,
        cx: &Context,
    ) -> Result<Self, Fault> {
        arrival::Arrival::read_at(Some(clinics), came(incoming, cx), keys).map(Self)
    }
}

fn came<'a>(incoming: &Incoming<'a>, cx: &Context) -> Came<'a> {
    Came {
        body: incoming.body,
        schema: incoming.schema,
        content_type: incoming.content_type,
        received_at: incoming.received_at,
        correlation: cx.correlation(),
    }
}
