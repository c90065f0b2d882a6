//! Sending one message once. A sending whose outcome is unknown is not repeated.

use std::time::Duration;

use adapters::messenger::SendOutcome;
use domain::{
    AdmissionId, Code, Fault,
    drill::{self, Point},
    messages::{Channel, Written},
    template::Clinic,
};
use jiff::SignedDuration;
use ledger::notifications::{BeginSend, SendPermit, SendResult};
use runtime::Context;

use crate::{MARGIN, Notification, endpoint, notice};

/// What became of one message.
pub(crate) enum Sent {
    /// It was sent, now or before.
    Yes,
    /// It, or its recipient, is refused for good, or there is no such channel here.
    Refused,
    /// It may have been sent: a person decides.
    Doubtful,
    /// Another worker may be sending it.
    NotYet(Duration),
}

/// How long to stay away when it is somebody else's turn.
const TURN: Duration = Duration::from_secs(1);
/// The pause before an outcome is told to the ledger again.
const AGAIN: Duration = Duration::from_millis(200);

const STORE: Fault = Fault::transient(Code::StoreUnavailable);

impl Notification {
    pub(crate) async fn tell(
        &self,
        clinic: &Clinic,
        admission: AdmissionId,
        channel: Channel,
        to: &str,
        written: &Written,
        cx: &Context,
    ) -> Result<Sent, Fault> {
        // A clinic's network that sends no texts, say: the patient is told over the other channel.
        let Some(messenger) = self.messengers.get(&channel) else { return Ok(Sent::Refused) };
        let key = self.index.index("notice", &[&admission.to_string(), channel.as_str()]).to_hex();
        let notice = notice::compose(clinic, channel, to, key, written)?;
        let deadline = SignedDuration::try_from(messenger.deadline()).unwrap_or(SignedDuration::MAX);
        let lease = deadline.saturating_add(MARGIN);
        let permit = match self.store.begin_send(admission, channel, lease).await.map_err(|_| STORE)? {
            BeginSend::Go(permit) => permit,
            BeginSend::AlreadySent => return Ok(Sent::Yes),
            BeginSend::Refused { .. } => return Ok(Sent::Refused),
            BeginSend::Unknown => return Ok(Sent::Doubtful),
            // The other worker's right ends later, but its work usually sooner.
            BeginSend::Wait { .. } => return Ok(Sent::NotYet(TURN)),
        };
        drill::at(Point::MessageBeforeSend);
        let outcome = messenger.send(&notice).await;
        drill::at(Point::MessageAfterSend);
        let endpoint = endpoint(channel);
        let (result, fault) = match outcome {
            SendOutcome::Sent { id } => {
                cx.succeeded(&endpoint);
                (SendResult::Sent { provider_id: Some(id) }, None)
            }
            SendOutcome::Refused => {
                tracing::warn!(frontdesk.channel = channel.as_str(), "notification.refused");
                (SendResult::Refused { code: Code::MessengerRefused }, None)
            }
            SendOutcome::NotSent => {
                (SendResult::NotSent, Some(Fault::transient_at(Code::MessengerUnavailable, endpoint)))
            }
            SendOutcome::Throttled { after } => {
                let code = Code::MessengerUnavailable;
                (SendResult::NotSent, Some(Fault::Throttled { code, after, endpoint: Some(endpoint) }))
            }
            SendOutcome::Unknown => (SendResult::Unknown, None),
        };
        let said = match &result {
            SendResult::Sent { .. } => Sent::Yes,
            SendResult::Refused { .. } => Sent::Refused,
            SendResult::NotSent | SendResult::Unknown => Sent::Doubtful,
        };
        let believed = self.settle(&permit, result).await?;
        match fault {
            Some(fault) => Err(fault),
            None if believed => Ok(said),
            // The right had run out: what the ledger knows now is learnt by asking it again.
            None => Ok(Sent::NotYet(TURN)),
        }
    }

    /// Tells the ledger an outcome, and again while the database does not answer: nobody else knows it, and a message
    /// cannot be searched for. Telling twice changes nothing.
    async fn settle(&self, permit: &SendPermit, result: SendResult) -> Result<bool, Fault> {
        loop {
            match self.store.settle_send(permit, result.clone()).await {
                Ok(believed) => return Ok(believed),
                Err(_) if self.clock.now() < permit.until => tokio::time::sleep(AGAIN).await,
                Err(_) => return Err(STORE),
            }
        }
    }
}
