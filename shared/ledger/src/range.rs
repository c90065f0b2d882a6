//! Timestamps that senders choose, within what Postgres stores and we read back.

use jiff::Timestamp;

/// The first moment that a `timestamptz` holds: 4714-11-24 BC, Julian day 0.
const EARLIEST: Timestamp = Timestamp::constant(-210_866_803_200, 0);
/// The last whole second of our own range. Postgres would round what follows it up to a moment that does not read back.
const LATEST: Timestamp = Timestamp::constant(253_402_207_200, 0);

/// The nearest moment that can be stored. A value that Postgres refuses would be refused at every attempt, and the message that
/// carries it would never come to an end.
pub(crate) fn storable(at: Timestamp) -> Timestamp {
    at.clamp(EARLIEST, LATEST)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{EARLIEST, LATEST, storable};

    #[test]
    fn only_what_cannot_be_stored_is_moved() {
        assert_eq!((storable(Timestamp::MIN), storable(Timestamp::MAX)), (EARLIEST, LATEST));
        for at in [EARLIEST, LATEST, Timestamp::UNIX_EPOCH] {
            assert_eq!(storable(at), at);
        }
        assert_eq!(EARLIEST.to_string(), "-004713-11-24T00:00:00Z");
    }
}
