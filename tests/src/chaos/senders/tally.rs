//! The senders' own list.

use std::{collections::HashSet, sync::Arc};

use uuid::Uuid;

use crate::chaos::people::{Asked, Door};

/// Messages that were no submissions.
#[derive(Debug, Clone, Default)]
pub struct Poisoned {
    /// By their message ids: the exchange took them.
    pub accepted: Vec<Uuid>,
    /// Published and never confirmed: the exchange may have them.
    pub doubtful: Vec<Uuid>,
    /// Refused by the gateway.
    pub refused: u64,
    /// Taken by the gateway, which is wrong: the clinics.
    pub taken: Vec<String>,
}

/// What became of everything that was sent.
#[derive(Default)]
pub struct Tally {
    /// Accepted, each once, in no order: the line owes each an end.
    pub sent: Vec<Arc<Asked>>,
    /// Sent, and neither accepted nor refused when the time was up: the line may have them.
    pub doubtful: Vec<Arc<Asked>>,
    /// Refused for good, which is wrong: submission and the status of the answer.
    pub refused: Vec<(String, u16)>,
    /// What was no submission.
    pub poison: Poisoned,
    /// Client retries that were accepted.
    pub retries: u64,
    /// Second deliveries of one message that the exchange confirmed.
    pub duplicates: u64,
    /// The names in `sent`.
    names: HashSet<String>,
}

/// What became of one parcel.
pub(super) enum Fate {
    Submission {
        asked: Arc<Asked>,
        /// A client's retry.
        again: bool,
        /// How many times.
        accepted: Option<u32>,
        /// It may be there although nobody said so.
        doubtful: bool,
        refused: Option<u16>,
    },
    Poison {
        message: Uuid,
        clinic: String,
        door: Door,
        accepted: bool,
        doubtful: bool,
        refused: bool,
    },
}

impl Tally {
    pub(super) fn add(&mut self, fates: Vec<Fate>) {
        for fate in fates {
            match fate {
                Fate::Submission { asked, again, accepted, doubtful, refused } => {
                    if let Some(status) = refused {
                        self.refused.push((asked.submission.clone(), status));
                    }
                    match accepted {
                        Some(copies) => self.accept(asked, again, copies),
                        None if doubtful => self.doubtful.push(asked),
                        None => {}
                    }
                }
                Fate::Poison { message, clinic, door, accepted, doubtful, refused } => {
                    self.poison.refused += u64::from(refused);
                    match (door, accepted) {
                        (Door::Amqp, true) => self.poison.accepted.push(message),
                        (Door::Gateway, true) => self.poison.taken.push(clinic),
                        (Door::Amqp, false) if doubtful => self.poison.doubtful.push(message),
                        _ => {}
                    }
                }
            }
        }
    }

    fn accept(&mut self, asked: Arc<Asked>, again: bool, copies: u32) {
        self.retries += u64::from(again);
        self.duplicates += u64::from(copies.saturating_sub(1));
        if self.names.insert(asked.submission.clone()) {
            self.sent.push(asked);
        }
    }
}
