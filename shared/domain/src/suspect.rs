//! Messages that their consumers may have died of. No PHI in any of it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{
    LaneName, MessageId, Stage,
    digest::of_parts,
    ids::{ProcessId, SuspectId},
};

/// So often a message must have come back from a process that may have died of it for it to be handled with nothing else in hand. Until then its
/// neighbours are as much to blame.
pub const COMEBACKS: u32 = 1;
/// So often a process must have died with nothing but the message in hand. One such death may be anybody's doing: a machine that fails, a
/// person who kills the process.
pub const DEATHS_ALONE: u32 = 2;
/// How often a process that handles a message alone says that it lives.
pub const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// A process that has not said so for this long is dead. Longer than a machine pauses, and than the broker takes to give a
/// message to another process while the first is still at work.
pub const SILENCE: SignedDuration = SignedDuration::from_secs(30);

/// A message that came back too often, about to be handled alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// The message in its queue.
    pub id: SuspectId,
    /// The hand-off.
    pub message: MessageId,
    /// Where.
    pub stage: Stage,
    /// In which lane.
    pub lane: LaneName,
    /// How often the broker says that it came back.
    pub comebacks: u32,
    /// Who handles it.
    pub process: ProcessId,
    /// Now.
    pub at: Timestamp,
}

impl SuspectId {
    /// The same at every delivery of a message: made of the queue, the message's id if its sender named one, and the body.
    pub fn of(queue: &str, message: Option<MessageId>, body: &[u8]) -> Self {
        let message = message.map(|id| id.as_uuid().into_bytes()).unwrap_or_default();
        Self::from_uuid(of_parts(&[queue.as_bytes(), &message, body]))
    }
}

/// What is known of a suspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alone {
    /// It may be handled, with nothing else in hand.
    Begun,
    /// Another process may still be at it: to be asked again then.
    Elsewhere {
        /// When.
        until: Timestamp,
    },
    /// Processes died of it, with nothing else in hand. It is not to be handled any more.
    Proven {
        /// How many.
        deaths: u32,
        /// When the last of them said that it lived.
        last: Timestamp,
    },
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use crate::{MessageId, ids::SuspectId};

    #[test]
    fn a_suspect_is_known_again_and_taken_for_no_other() {
        let message = Some(MessageId::from_uuid(Uuid::from_u128(1)));
        let id = SuspectId::of("validation.a", message, b"x");
        assert_eq!(id, SuspectId::of("validation.a", message, b"x"));
        for other in [
            SuspectId::of("validation.b", message, b"x"),
            SuspectId::of("validation.a", None, b"x"),
            SuspectId::of("validation.a", message, b"y"),
        ] {
            assert_ne!(id, other);
        }
    }
}
