//! The last stage: tells the patient, over the channels that they consented to, once.
//!
//! [`notice`] composes a message with the minimum of PHI, [`send`] sends it under the ledger's permission.

mod config;
mod notice;
mod send;

pub use config::Config;

use std::{collections::BTreeMap, sync::Arc};

use adapters::messenger::Messenger;
use domain::{
    Code, Endpoint, Fault, Hold, Outcome, Settled, Stage,
    blind::IndexKey,
    clock::Clock,
    envelope::Message,
    intake::Intake,
    messages::{Channel, Notified, Written},
    template::{Clinic, Clinics},
};
use jiff::SignedDuration;
use ledger::Store;
use runtime::{Context, Handler};

use send::Sent;

/// The stage.
pub struct Notification {
    clinics: Arc<Clinics>,
    messengers: BTreeMap<Channel, Arc<dyn Messenger>>,
    store: Store,
    index: Arc<IndexKey>,
    clock: Arc<dyn Clock>,
    config: Config,
}

impl Notification {
    /// What the stage works with: at most one messenger a channel.
    pub fn new(
        config: Config,
        clinics: Arc<Clinics>,
        messengers: impl IntoIterator<Item = Arc<dyn Messenger>>,
        store: Store,
        index: Arc<IndexKey>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let messengers = messengers.into_iter().map(|messenger| (messenger.channel(), messenger)).collect();
        Self { clinics, messengers, store, index, clock, config }
    }
}

/// Over which channels the patient is to be told: consented to, and with an address.
fn channels(intake: &Intake) -> Vec<(Channel, &str)> {
    let patient = &intake.patient;
    let email = patient.email.as_deref().filter(|_| intake.consents.email).map(|to| (Channel::Email, to));
    let sms = patient.phone.as_deref().filter(|_| intake.consents.sms).map(|to| (Channel::Sms, to));
    email.into_iter().chain(sms).collect()
}

impl Handler for Notification {
    const STAGE: Stage = Stage::Notification;
    type Input = Message<Written>;
    type Output = Notified;

    fn endpoints(&self, input: &Message<Written>) -> Vec<Endpoint> {
        channels(&input.secret.expose().intake).into_iter().map(|(channel, _)| endpoint(channel)).collect()
    }

    async fn handle(
        &self,
        input: Message<Written>,
        cx: &Context,
    ) -> Result<Outcome<Message<Notified>>, Fault> {
        let Message { meta, secret } = input;
        let admission = meta.admission.ok_or(Fault::permanent(Code::Malformed))?;
        let clinic = self.clinics.get(&meta.clinic).ok_or(Fault::permanent(Code::Misconfigured))?;
        let written = secret.expose();
        let (mut told, mut doubtful, mut wait, mut failed) = (Vec::new(), false, None, None);
        for (channel, to) in channels(&written.intake) {
            if let Some(quiet) = self.silence(clinic, channel) {
                wait = wait.max(Some(quiet));
                continue;
            }
            match self.tell(clinic, admission, channel, to, written, cx).await {
                Ok(Sent::Yes) => told.push(channel),
                Ok(Sent::Refused) => {}
                Ok(Sent::Doubtful) => doubtful = true,
                Ok(Sent::NotYet(pause)) => wait = wait.max(Some(pause)),
                Err(fault) => failed = failed.or(Some(fault)),
            }
        }
        // One channel's trouble keeps no other silent: only now is it decided what is left to do. Should it be for the last time, a person
        // answers for what is in doubt.
        cx.doubts(doubtful.then_some(Code::NotificationParked));
        if let Some(fault) = failed {
            return Err(fault);
        }
        if let Some(wait) = wait {
            return Ok(Outcome::Snooze(wait));
        }
        cx.record(|facts| facts.notified = Some(told));
        if doubtful {
            return Ok(Outcome::Hold(Hold::because(Code::NotificationParked)));
        }
        Ok(Outcome::Done(Settled::Completed))
    }
}

impl Notification {
    /// How long text messages must keep silent. E-mail wakes nobody.
    fn silence(&self, clinic: &Clinic, channel: Channel) -> Option<std::time::Duration> {
        let hours =
            clinic.notification.quiet_hours.filter(|_| self.config.quiet_hours && channel == Channel::Sms)?;
        let now = self.clock.now();
        let end = hours.end(now, &clinic.time_zone)?;
        std::time::Duration::try_from(end.duration_since(now)).ok()
    }
}

/// The endpoint of a channel, for breakers and switches.
fn endpoint(channel: Channel) -> Endpoint {
    Endpoint::messenger(channel.as_str())
}

/// Time for our own work and for clocks that differ, within a lease.
const MARGIN: SignedDuration = SignedDuration::from_secs(5);
