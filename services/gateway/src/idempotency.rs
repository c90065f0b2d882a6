//! Harmless retries: the same submission again gets the same answer, other content under its name is refused where
//! that is cheaply known. The memory is this process's and bounded; the real guard is validation's row per submission.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use domain::{ClinicId, SubmissionId};
use jiff::{SignedDuration, Timestamp};

use crate::{auth::webhook::TOLERANCE, memory::Memory};

/// Submissions remembered, about 300 bytes each.
const CAPACITY: usize = 50_000;
/// How long a submission is remembered.
const KEEP: SignedDuration = SignedDuration::from_hours(1);

/// SHA-256 of parts, each preceded by its length.
pub(crate) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

type Key = (ClinicId, SubmissionId);

#[derive(Clone, Copy)]
struct Known {
    content: [u8; 32],
    accepted: bool,
}

/// The submissions that this process has in hand or accepted lately.
#[derive(Clone)]
pub struct Submissions(Arc<Mutex<Memory<Key, Known>>>);

/// What is known of a submission that comes in.
pub(crate) enum Claimed {
    /// Nothing: take it, and tell the ticket when it is accepted.
    New(Ticket),
    /// The same one was accepted lately.
    Accepted,
    /// The same one is being accepted now.
    InHand,
    /// One with other content has this name.
    OtherContent,
}

/// The place of a submission in hand. Dropped without [`Ticket::accepted`], the submission is forgotten, and a retry
/// starts afresh: that is what happens when the broker does not confirm or the sender hangs up.
pub(crate) struct Ticket {
    submissions: Submissions,
    key: Key,
    content: [u8; 32],
    settled: bool,
}

impl Default for Submissions {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Memory::new(CAPACITY, KEEP))))
    }
}

impl Submissions {
    pub(crate) fn claim(
        &self,
        clinic: &ClinicId,
        submission: &SubmissionId,
        content: [u8; 32],
        now: Timestamp,
    ) -> Claimed {
        let key = (clinic.clone(), submission.clone());
        let mut memory = self.lock();
        match memory.get(&key, now).copied() {
            Some(known) if known.content != content => Claimed::OtherContent,
            Some(known) if known.accepted => Claimed::Accepted,
            Some(_) => Claimed::InHand,
            None => {
                memory.put(key.clone(), Known { content, accepted: false }, now);
                drop(memory);
                Claimed::New(Ticket { submissions: self.clone(), key, content, settled: false })
            }
        }
    }

    /// Whether the submission was accepted here lately.
    pub(crate) fn accepted(&self, clinic: &ClinicId, submission: &SubmissionId, now: Timestamp) -> bool {
        self.lock().get(&(clinic.clone(), submission.clone()), now).is_some_and(|known| known.accepted)
    }

    fn lock(&self) -> MutexGuard<'_, Memory<Key, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// The broker has it.
    pub(crate) fn accepted(mut self, now: Timestamp) {
        self.settled = true;
        let known = Known { content: self.content, accepted: true };
        self.submissions.lock().put(self.key.clone(), known, now);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.settled {
            self.submissions.lock().remove(&self.key);
        }
    }
}

/// The webhook-ids seen within the time in which their signatures are good: a captured request cannot be turned into
/// another one by changing what the signature does not cover.
pub struct Replays(Mutex<Memory<(String, String), [u8; 32]>>);

impl Default for Replays {
    fn default() -> Self {
        Self(Mutex::new(Memory::new(CAPACITY, TOLERANCE.saturating_mul(2))))
    }
}

impl Replays {
    /// Whether the source uses this webhook-id for the first time, or for the very same request again.
    pub(crate) fn first_or_same(&self, source: &str, id: &str, request: [u8; 32], now: Timestamp) -> bool {
        let key = (source.to_owned(), id.to_owned());
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match memory.get(&key, now) {
            Some(known) => *known == request,
            None => {
                memory.put(key, request, now);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{ClinicId, SubmissionId};
    use jiff::Timestamp;

    use super::{Claimed, Submissions};

    #[test]
    fn a_dropped_ticket_leaves_nothing() {
        let (clinic, id) = (ClinicId::parse("c1").unwrap(), SubmissionId::parse("s1").unwrap());
        let submissions = Submissions::default();
        let claim = |content| submissions.claim(&clinic, &id, [content; 32], Timestamp::UNIX_EPOCH);
        let Claimed::New(ticket) = claim(1) else { panic!("new") };
        assert!(matches!(claim(1), Claimed::InHand));
        assert!(matches!(claim(2), Claimed::OtherContent));
        drop(ticket);
        let Claimed::New(ticket) = claim(2) else { panic!("forgotten") };
        ticket.accepted(Timestamp::UNIX_EPOCH);
        assert!(matches!(claim(2), Claimed::Accepted));
        assert!(submissions.accepted(&clinic, &id, Timestamp::UNIX_EPOCH));
    }
}
