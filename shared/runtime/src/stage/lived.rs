//! What came back to a process that lives: it did not die of that.
//!
//! The broker counts every way in which a message comes back. Given back when its lane is paused, lost with a connection: nobody died. A
//! process remembers what it had in hand, or was sent ahead, and lived; what another one gave back it cannot know, and suspects.

use std::collections::HashMap;

use domain::{MessageId, suspect::COMEBACKS};
use lapin::{message::Delivery, types::FieldTable};

use super::case::parsed;
use crate::amqp::Headers;

/// Messages that are remembered before the older ones are forgotten, twice over. A message that is forgotten is suspected, no more.
const REMEMBERED: usize = 8192;
/// How the broker counts: quorum queues by the first name; since RabbitMQ 4 the second counts what the first does not.
const COUNTS: [&str; 2] = ["x-delivery-count", "x-acquired-count"];

/// One queue's messages, as one process knows them.
#[derive(Default)]
pub(super) struct Lived {
    /// In hand over the open channel, by tag. Those without an id are not remembered.
    in_hand: HashMap<u64, Held>,
    /// Those that are the broker's again: the newer ones, and the older ones.
    newer: HashMap<MessageId, Held>,
    older: HashMap<MessageId, Held>,
}

#[derive(Clone, Copy)]
struct Held {
    message: MessageId,
    /// How often it had come back, by the broker's count.
    count: u32,
    /// How often of these a process may have died.
    deaths: u32,
}

impl Lived {
    /// A delivery is in hand. If processes may have died of its message often enough for it to be suspected: how often the broker says that
    /// it came back.
    pub(super) fn take(&mut self, delivery: &Delivery) -> Option<u32> {
        let properties = &delivery.properties;
        let count = comebacks(delivery.redelivered, properties.headers().as_ref());
        let deaths = self.receive(delivery.delivery_tag, parsed(properties.message_id()), count);
        (deaths >= COMEBACKS).then_some(count)
    }

    /// Gives how often a process may have died of the message.
    fn receive(&mut self, tag: u64, message: Option<MessageId>, count: u32) -> u32 {
        let Some(message) = message else { return count };
        let known = self.newer.remove(&message).or_else(|| self.older.remove(&message));
        let deaths = match known {
            // A message of the same name that never came back is another one.
            Some(before) if count > 0 => {
                before.deaths.saturating_add(count.saturating_sub(before.count.saturating_add(1)))
            }
            _ => count,
        };
        self.in_hand.insert(tag, Held { message, count, deaths });
        deaths
    }

    /// It came to its end.
    pub(super) fn done(&mut self, tag: u64) {
        self.in_hand.remove(&tag);
    }

    /// It is the broker's again.
    pub(super) fn give_back(&mut self, tag: u64) {
        if let Some(held) = self.in_hand.remove(&tag) {
            self.remember(held);
        }
    }

    /// The channel is gone, and all that was in hand over it is the broker's again.
    pub(super) fn give_all_back(&mut self) {
        for held in std::mem::take(&mut self.in_hand).into_values() {
            self.remember(held);
        }
    }

    fn remember(&mut self, held: Held) {
        if self.newer.len() >= REMEMBERED {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(held.message, held);
    }
}

/// How often the broker says that a message came back. Zero where it does not count; what a sender claims to have come back did not.
fn comebacks(redelivered: bool, headers: Option<&FieldTable>) -> u32 {
    if !redelivered {
        return 0;
    }
    let headers = Headers::read(headers);
    COUNTS.iter().filter_map(|name| headers.parse(name)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use domain::MessageId;
    use lapin::types::{AMQPValue, FieldTable, ShortString};

    use super::{Lived, REMEMBERED, comebacks};

    #[test]
    fn the_larger_of_the_brokers_counts_is_taken() {
        let mut table = FieldTable::default();
        assert_eq!((comebacks(true, None), comebacks(true, Some(&table))), (0, 0));
        table.insert(ShortString::from("x-delivery-count"), AMQPValue::LongLongInt(2));
        assert_eq!((comebacks(true, Some(&table)), comebacks(false, Some(&table))), (2, 0));
        table.insert(ShortString::from("x-acquired-count"), AMQPValue::LongLongInt(3));
        assert_eq!(comebacks(true, Some(&table)), 3);
        table.insert(ShortString::from("x-acquired-count"), AMQPValue::LongLongInt(-3));
        assert_eq!(comebacks(true, Some(&table)), 2);
    }

    fn id(number: u64) -> Option<MessageId> {
        format!("00000000-0000-0000-0000-{number:012x}").parse().ok()
    }

    #[test]
    fn what_this_process_gave_back_it_did_not_die_of() {
        let mut lived = Lived::default();
        assert_eq!(lived.receive(1, id(1), 0), 0);
        lived.give_back(1);
        assert_eq!(lived.receive(2, id(1), 1), 0, "given back");
        lived.give_all_back();
        assert_eq!(lived.receive(1, id(1), 2), 0, "lost with its channel");
        lived.give_all_back();
        assert_eq!(lived.receive(1, id(1), 4), 1, "somebody else had it in between");
        lived.give_back(1);
        assert_eq!(lived.receive(2, id(1), 5), 1);
        lived.give_back(2);
        assert_eq!(lived.receive(3, id(1), 0), 0, "another of the same name");
    }

    #[test]
    fn what_it_never_had_or_finished_or_cannot_name_counts_as_the_broker_says() {
        let mut lived = Lived::default();
        assert_eq!(lived.receive(1, id(1), 1), 1);
        lived.done(1);
        lived.give_all_back();
        assert_eq!(lived.receive(2, id(1), 2), 2);
        assert_eq!(lived.receive(3, None, 3), 3);
        lived.give_all_back();
        assert_eq!(lived.receive(1, None, 4), 4);
    }

    #[test]
    fn a_broker_that_does_not_count_it_all_hides_no_death() {
        let mut lived = Lived::default();
        for tag in 1..4 {
            assert_eq!(lived.receive(tag, id(1), 0), 0);
            lived.give_back(tag);
        }
        assert_eq!(lived.receive(4, id(1), 2), 1);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut lived = Lived::default();
        let total = 2 * REMEMBERED as u64 + 1;
        for tag in 0..total {
            lived.receive(tag, id(tag), 0);
            lived.give_back(tag);
        }
        assert_eq!(lived.newer.len() + lived.older.len(), REMEMBERED + 1);
        assert_eq!(lived.receive(total, id(total - 1), 1), 0);
        assert_eq!(lived.receive(total + 1, id(0), 1), 1);
    }
}
