//! Looking into queues, as a person with a tool would.

use domain::envelope::Envelope;
use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{
        BasicGetOptions, BasicNackOptions, ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions,
    },
    types::{AMQPValue, FieldTable},
};

/// A connection beside the runtime's.
pub(crate) struct Peek {
    channel: Channel,
    _connection: Connection,
}

/// A message as it lay in a queue.
pub(crate) struct Got {
    pub(crate) body: Vec<u8>,
    pub(crate) properties: lapin::BasicProperties,
    pub(crate) routing_key: String,
}

impl Peek {
    pub(crate) async fn connect(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
        Self { channel: connection.create_channel().await.unwrap(), _connection: connection }
    }

    /// Takes a message, if there is one.
    pub(crate) async fn get(&self, queue: &str) -> Option<Got> {
        let got = self.channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await.unwrap()?;
        Some(Got {
            routing_key: got.delivery.routing_key.to_string(),
            properties: got.delivery.properties.clone(),
            body: got.delivery.data,
        })
    }

    /// Takes all that is ready in a queue, and says how much of it had been given to somebody before.
    pub(crate) async fn redelivered(&self, queue: &str) -> u32 {
        let mut again = 0;
        loop {
            let got = self.channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await.unwrap();
            let Some(got) = got else { return again };
            again += u32::from(got.delivery.redelivered);
        }
    }

    /// Messages that are ready in a queue.
    pub(crate) async fn ready(&self, queue: &str) -> u32 {
        self.look(queue).await.message_count()
    }

    /// Consumers of a queue.
    pub(crate) async fn consumers(&self, queue: &str) -> u32 {
        self.look(queue).await.consumer_count()
    }

    /// Takes a message and gives it back, as a consumer does that dies of it. `false`: there is none.
    pub(crate) async fn die_of(&self, queue: &str) -> bool {
        let got = self.channel.basic_get(queue.into(), BasicGetOptions::default()).await.unwrap();
        let Some(got) = got else { return false };
        let options = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
        self.channel.basic_nack(got.delivery.delivery_tag, options).await.unwrap();
        true
    }

    async fn look(&self, queue: &str) -> lapin::Queue {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        self.channel.queue_declare(queue.into(), options, FieldTable::default()).await.unwrap()
    }
}

impl Peek {
    pub(crate) async fn delete_queue(&self, queue: &str) {
        self.channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
    }

    pub(crate) async fn delete_exchange(&self, exchange: &str) {
        self.channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default()).await.unwrap();
    }
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        match self.properties.headers().as_ref()?.inner().get(name)? {
            AMQPValue::LongString(text) => Some(text.to_string()),
            _ => None,
        }
    }

    pub(crate) fn envelope(&self) -> Envelope {
        Envelope::from_slice(&self.body).unwrap()
    }

    pub(crate) fn has_clear(&self, text: &str) -> bool {
        let all = format!("{}{:?}", String::from_utf8_lossy(&self.body), self.properties);
        all.contains(text)
    }
}
