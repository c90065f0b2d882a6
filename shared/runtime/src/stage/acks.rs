//! Which deliveries of one channel are unsettled, and the fewest acknowledgements that tell the broker which are settled.

use std::collections::BTreeSet;

/// One `basic.ack`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ack {
    pub(super) tag: u64,
    /// All up to and including the tag.
    pub(super) multiple: bool,
}

/// The deliveries of one channel that are in hand.
#[derive(Debug, Default)]
pub(super) struct Acks {
    unsettled: BTreeSet<u64>,
}

impl Acks {
    /// A delivery was taken in hand.
    pub(super) fn take(&mut self, tag: u64) {
        self.unsettled.insert(tag);
    }

    /// A delivery was given back.
    pub(super) fn give_back(&mut self, tag: u64) {
        self.unsettled.remove(&tag);
    }

    /// Whether the delivery is in hand.
    pub(super) fn holds(&self, tag: u64) -> bool {
        self.unsettled.contains(&tag)
    }

    /// Whether nothing is in hand.
    pub(super) fn is_empty(&self) -> bool {
        self.unsettled.is_empty()
    }

    /// These are settled: one acknowledgement for all below the first unsettled delivery, one for each of the rest.
    pub(super) fn settle(&mut self, tags: &[u64]) -> Vec<Ack> {
        for tag in tags {
            self.unsettled.remove(tag);
        }
        let first = self.unsettled.first().copied().unwrap_or(u64::MAX);
        let prefix = tags.iter().copied().filter(|tag| *tag < first).max();
        let single = tags.iter().copied().filter(|tag| *tag > first);
        prefix
            .map(|tag| Ack { tag, multiple: true })
            .into_iter()
            .chain(single.map(|tag| Ack { tag, multiple: false }))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{Ack, Acks};

    /// The broker's side: what is unacknowledged.
    fn apply(broker: &mut BTreeSet<u64>, ack: Ack) {
        if ack.multiple {
            *broker = broker.split_off(&(ack.tag + 1));
        } else {
            assert!(broker.remove(&ack.tag), "acknowledged twice: {}", ack.tag);
        }
    }

    proptest! {
        #[test]
        fn the_broker_knows_what_we_know(order in Just((1..60_u64).collect::<Vec<_>>()).prop_shuffle(), batch in 1_usize..9) {
            let mut acks = Acks::default();
            let mut broker: BTreeSet<u64> = order.iter().copied().collect();
            order.iter().for_each(|tag| acks.take(*tag));
            for tags in order.chunks(batch) {
                acks.settle(tags).into_iter().for_each(|ack| apply(&mut broker, ack));
                prop_assert_eq!(&broker, &acks.unsettled);
            }
            prop_assert!(acks.is_empty());
        }
    }

    #[test]
    fn a_prefix_takes_one_acknowledgement() {
        let mut acks = Acks::default();
        (1..=5).for_each(|tag| acks.take(tag));
        assert_eq!(acks.settle(&[3, 1, 2]), [Ack { tag: 3, multiple: true }]);
        assert_eq!(acks.settle(&[5]), [Ack { tag: 5, multiple: false }]);
        assert_eq!(acks.settle(&[4]), [Ack { tag: 4, multiple: true }]);
    }
}
