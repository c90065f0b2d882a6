//! Which messages the broker has returned, by their own id: the confirm that carries a returned message need not be its own.

use std::collections::HashSet;

use domain::MessageId;
use lapin::Confirmation;

#[derive(Default)]
pub(super) struct Returns(HashSet<MessageId>);

impl Returns {
    /// Notes the returned message that a confirm carries.
    pub(super) fn note(&mut self, fate: Option<&Confirmation>) {
        let Some(Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned))) = fate else {
            return;
        };
        let id = returned.properties.message_id().as_ref().and_then(|id| id.as_str().parse().ok());
        if let Some(id) = id {
            tracing::warn!(
                messaging.message.id = %id,
                messaging.destination.name = returned.exchange.as_str(),
                messaging.rabbitmq.destination.routing_key = returned.routing_key.as_str(),
                "publish.returned"
            );
            self.0.insert(id);
        }
    }

    /// Whether the message was returned.
    pub(super) fn take(&mut self, message: MessageId) -> bool {
        self.0.remove(&message)
    }
}
