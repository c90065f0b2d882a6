//! What the runtime needs from a store, as traits, so that the crate that knows AMQP and the crate that knows
//! Postgres do not know each other. Declared here; implemented elsewhere. No IO.

use std::{fmt, future::Future, pin::Pin, str::FromStr};

use crate::{
    ClinicId, Endpoint, LaneName, Stage,
    breaker::BreakerReport,
    hop::Hop,
    ids::{ProcessId, SuspectId},
    letter::{Again, DeadLetter},
    suspect::{Alone, Suspect},
    template::Retry,
};

/// A boxed future that owns what it needs.
pub type Pending<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// The store could not do it now. Whether a commit happened may be unknown: every operation is safe to repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the database did not answer")]
pub struct StoreDown;

/// Where hops are committed. Resolves after the commit, which many hops may share.
pub trait HopLog: Send + Sync + 'static {
    /// Commits the hop's journal row, its transition and its facts, all or nothing.
    fn append(&self, hop: Hop) -> Pending<Result<(), StoreDown>>;
    /// Whether the store answers: part of readiness.
    fn ready(&self) -> Pending<bool>;
}

/// What a stage's process leaves behind beside its hops: for people who look, and for whoever comes after it.
pub trait StageLog: HopLog {
    /// Puts the process's breakers that are not closed in the place of those that it told of before.
    fn breakers(&self, report: BreakerReport) -> Pending<Result<(), StoreDown>>;
    /// Notes that a message is about to be handled alone, and tells what is known of it. To be said again every
    /// [`suspect::SIGN_OF_LIFE`](crate::suspect::SIGN_OF_LIFE) while it lasts.
    fn begin_alone(&self, suspect: Suspect) -> Pending<Result<Alone, StoreDown>>;
    /// Its handling came to an end, whichever: the process lives, so nothing is held against the message any more.
    fn end_alone(&self, suspect: SuspectId, process: ProcessId) -> Pending<Result<(), StoreDown>>;
    /// It is with the dead letters, because processes died of it. Should it be replayed, nothing is held against it any more.
    fn isolated(&self, suspect: SuspectId, at: jiff::Timestamp) -> Pending<Result<(), StoreDown>>;
}

/// Each clinic's own limits of retries: those of its template.
pub trait RetryLimits: Send + Sync + 'static {
    /// A clinic's. Nothing is limited otherwise than the configuration says for one that nobody knows.
    fn of(&self, clinic: &ClinicId) -> Retry;
}

/// Where dead letters are kept. Resolves after the commit, which many letters may share.
pub trait LetterBox: Send + Sync + 'static {
    /// Keeps a letter. One that is kept already is left as it is, so that every delivery of it may be kept again.
    fn keep(&self, letter: DeadLetter) -> Pending<Result<(), StoreDown>>;
}

/// Why a dead letter is not in its stage's queue again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// There is no such queue, or the message cannot be sent: trying again does not help.
    #[error("no queue takes the message")]
    NoQueue,
    /// The broker did not confirm it. It may be there all the same: to send it again does no harm.
    #[error("the broker did not confirm the message")]
    Unconfirmed,
}

/// Where dead letters go when they are replayed. Resolves once the broker has confirmed the message and put it into a queue.
pub trait Outbox: Send + Sync + 'static {
    /// Sends a letter to the queue that it died in.
    fn send(&self, letter: Again) -> Pending<Result<(), NotSent>>;
}

/// What a switch pauses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SwitchScope {
    /// A whole stage.
    Stage(Stage),
    /// A lane at every stage.
    Lane(LaneName),
    /// A clinic at every stage, and at the gateway.
    Clinic(ClinicId),
    /// An EHR, payer or messenger.
    Endpoint(Endpoint),
}

/// The text is no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a scope: stage:<stage>, lane:<lane>, clinic:<clinic>, ehr:<name>, payer:<name> or messenger:<name>"
)]
pub struct UnknownScope;

/// `<kind>:<name>`, as rows, commands and addresses have it.
impl fmt::Display for SwitchScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage(stage) => write!(f, "stage:{stage}"),
            Self::Lane(lane) => write!(f, "lane:{lane}"),
            Self::Clinic(clinic) => write!(f, "clinic:{clinic}"),
            Self::Endpoint(endpoint) => endpoint.fmt(f),
        }
    }
}

impl FromStr for SwitchScope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let (kind, name) = text.split_once(':').filter(|(_, name)| !name.is_empty()).ok_or(UnknownScope)?;
        Ok(match kind {
            "stage" => Self::Stage(name.parse().map_err(|_| UnknownScope)?),
            "lane" => Self::Lane(name.parse().map_err(|_| UnknownScope)?),
            "clinic" => Self::Clinic(name.parse().map_err(|_| UnknownScope)?),
            "ehr" => Self::Endpoint(Endpoint::ehr(name)),
            "payer" => Self::Endpoint(Endpoint::payer(name)),
            "messenger" => Self::Endpoint(Endpoint::messenger(name)),
            _ => return Err(UnknownScope),
        })
    }
}

/// What is paused now.
pub trait SwitchBoard: Send + Sync + 'static {
    /// All scopes that are paused and not expired.
    fn paused(&self) -> Pending<Result<Vec<SwitchScope>, StoreDown>>;
}

#[cfg(test)]
mod tests {
    use super::{SwitchScope, UnknownScope};

    #[test]
    fn scopes_read_back() {
        for text in [
            "stage:ehr-writer",
            "lane:default",
            "clinic:clinic-01",
            "ehr:main",
            "payer:aetna:tx",
            "messenger:smtp",
        ] {
            assert_eq!(text.parse::<SwitchScope>().unwrap().to_string(), text);
        }
        for bad in ["", "stage", "stage:x", "lane:", "ehr:", "clinic:A", "other:x"] {
            assert_eq!(bad.parse::<SwitchScope>(), Err(UnknownScope), "{bad}");
        }
    }
}
