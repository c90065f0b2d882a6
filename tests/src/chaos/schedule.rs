//! What strikes, and when: drawn from the seed alone, so that a run can be repeated.

mod draw;

use std::time::Duration;

use domain::drill::{Point, Protection};
use testkit::proxy::Direction;

pub use draw::Schedule;

/// A service's processes in a run: two where two at once are what is to be tried.
pub const INSTANCES: [&str; 8] = [
    "gateway",
    "validation",
    "validation-2",
    "eligibility",
    "ehr-writer",
    "ehr-writer-2",
    "notification",
    "ops",
];

/// The name under which the senders' own connections go.
pub const SENDER: &str = "sender";

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// The broker.
    Broker,
    /// The database.
    Database,
    /// The EHR, the payer or the SMS provider.
    Outside,
    /// The mail relay.
    Mail,
}

impl Peer {
    /// Whom a service talks to.
    pub fn of(instance: &str) -> &'static [Self] {
        match service(instance) {
            "gateway" => &[Self::Broker],
            // To both doors: the other is the gateway.
            SENDER => &[Self::Broker, Self::Outside],
            // The management API, which operators look through, is not proxied.
            "validation" | "ops" => &[Self::Broker, Self::Database],
            "notification" => &[Self::Broker, Self::Database, Self::Outside, Self::Mail],
            _ => &[Self::Broker, Self::Database, Self::Outside],
        }
    }
}

/// The service of which an instance is one.
pub fn service(instance: &str) -> &str {
    instance.trim_end_matches(|letter: char| letter == '-' || letter.is_ascii_digit())
}

/// One thing that strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// SIGKILL.
    Kill(&'static str),
    /// A process is asked to kill itself at the nth passage of a point.
    CrashAt(&'static str, Point, u32),
    /// SIGSTOP, and SIGCONT after this time.
    Freeze(&'static str, Duration),
    /// A process is asked to stop itself at the nth passage of a point, and gets SIGCONT after this time.
    FreezeAt(&'static str, Point, u32, Duration),
    /// SIGKILL of the broker's node.
    KillBroker,
    /// SIGKILL of the database's postmaster.
    KillDatabase,
    /// A connection is reset.
    Cut(&'static str, Peer),
    /// A connection swallows what goes one way, and is then reset.
    Blackhole(&'static str, Peer, Direction, Duration),
    /// A connection becomes slow for a while.
    Delay(&'static str, Peer, Duration, Duration),
    /// The next confirm of the broker is lost, and the connection with it.
    LoseConfirm(&'static str),
    /// The reply to the next COMMIT is lost, and the connection with it.
    LoseCommit(&'static str),
}

impl Action {
    /// All names, as in the table.
    pub const NAMES: [&str; 10] = [
        "process killed at random",
        "process asked to die at a named point",
        "process stopped past its lease, and continued",
        "broker node killed",
        "postmaster killed",
        "connections of one process to one peer cut",
        "connections black-holed one way",
        "connections delayed",
        "next publisher confirm to be lost",
        "next reply to COMMIT to be lost",
    ];

    /// Its name in the table.
    pub const fn name(&self) -> &'static str {
        let [kill, crash, freeze, broker, database, cut, blackhole, delay, confirm, commit] = Self::NAMES;
        match self {
            Self::Kill(_) => kill,
            Self::CrashAt(..) => crash,
            Self::Freeze(..) | Self::FreezeAt(..) => freeze,
            Self::KillBroker => broker,
            Self::KillDatabase => database,
            Self::Cut(..) => cut,
            Self::Blackhole(..) => blackhole,
            Self::Delay(..) => delay,
            Self::LoseConfirm(_) => confirm,
            Self::LoseCommit(_) => commit,
        }
    }
}

/// How often which action strikes: weights, and the pause between two.
#[derive(Debug, Clone, PartialEq)]
pub struct Mix {
    /// The mean pause between two actions.
    pub pause: Duration,
    /// Weight of [`Action::Kill`].
    pub kill: u32,
    /// Weight of [`Action::CrashAt`].
    pub crash: u32,
    /// Weight of [`Action::Freeze`] and [`Action::FreezeAt`] together.
    pub freeze: u32,
    /// The points at which processes are asked to die or to stop themselves. Where none is named: any to die, and any moment to stop.
    pub at: &'static [Point],
    /// Weight of [`Action::KillBroker`].
    pub broker: u32,
    /// Weight of [`Action::KillDatabase`].
    pub database: u32,
    /// Weight of cuts, black holes and delays together.
    pub network: u32,
    /// Weight of lost confirms and lost COMMIT replies together.
    pub replies: u32,
    /// Whether each kind of action strikes once, in an order of the seed's, before the weights decide.
    pub each: bool,
    /// Whether the senders' own connections are struck too.
    pub senders: bool,
    /// Which instances are struck.
    pub victims: Vec<&'static str>,
}

impl Mix {
    /// Everything.
    pub fn full(pause: Duration) -> Self {
        Self {
            pause,
            kill: 24,
            crash: 30,
            freeze: 6,
            at: &[],
            broker: 3,
            database: 5,
            network: 18,
            replies: 12,
            each: true,
            senders: true,
            victims: INSTANCES.to_vec(),
        }
    }

    /// Nothing.
    pub const fn calm(pause: Duration) -> Self {
        Self {
            pause,
            kill: 0,
            crash: 0,
            freeze: 0,
            at: &[],
            broker: 0,
            database: 0,
            network: 0,
            replies: 0,
            each: false,
            senders: false,
            victims: Vec::new(),
        }
    }

    /// What brings to light that a protection is missing, soon and surely.
    pub fn against(protection: Protection) -> Self {
        let often = Self::calm(Duration::from_millis(1500));
        match protection {
            // Where what was taken in is sure to be in hand.
            Protection::AckAfterCommit => Self {
                kill: 1,
                crash: 2,
                at: &[Point::AdmissionBeforeCommit, Point::IntentBeforeCommit, Point::JournalBeforeCommit],
                victims: vec!["validation", "eligibility", "ehr-writer", "notification"],
                ..often
            },
            // Only the gateway's sender is told of an acceptance over another connection than the one that is cut.
            Protection::Confirms => Self { network: 1, victims: vec!["gateway"], ..often },
            Protection::IntentBeforeWrite => {
                Self { kill: 1, victims: vec!["ehr-writer", "ehr-writer-2"], ..often }
            }
            // What the EHR answers, and pairs of submissions of one person, are enough.
            Protection::SearchBeforeRewrite | Protection::PatientSlot => often,
            // Where it has an answer that it will tell when it goes on. One of the two, so that the other takes over what it holds.
            Protection::Fencing => {
                Self { freeze: 1, at: &[Point::EhrAfterWrite], victims: vec!["ehr-writer"], ..often }
            }
        }
    }
}

/// The points that a service passes.
pub fn points(instance: &str) -> Vec<Point> {
    use Point as P;
    let broker = [P::BeforePublish, P::AfterPublish];
    let stage = [P::BeforeHandling, P::JournalBeforeCommit, P::JournalAfterCommit, P::BeforeAck, P::AfterAck];
    let own: &[Point] = match service(instance) {
        "gateway" => return broker.to_vec(),
        "validation" => &[P::AdmissionBeforeCommit, P::AdmissionAfterCommit],
        "ehr-writer" => &[
            P::IntentBeforeCommit,
            P::IntentAfterCommit,
            P::OutcomeBeforeCommit,
            P::OutcomeAfterCommit,
            P::EhrBeforeWrite,
            P::EhrAfterWrite,
        ],
        "eligibility" => &[P::AnswerBeforeCommit, P::AnswerAfterCommit],
        "notification" => &[
            P::SendIntentBeforeCommit,
            P::SendIntentAfterCommit,
            P::SendOutcomeBeforeCommit,
            P::SendOutcomeAfterCommit,
            P::MessageBeforeSend,
            P::MessageAfterSend,
        ],
        // It collects dead letters, and dies at any moment as well as at one.
        _ => return Vec::new(),
    };
    own.iter().copied().chain(broker).chain(stage).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::drill::Point;

    use super::{INSTANCES, points};

    #[test]
    fn every_point_is_passed_by_some_service() {
        let passed: BTreeSet<Point> = INSTANCES.iter().flat_map(|instance| points(instance)).collect();
        assert_eq!(passed, Point::ALL.iter().copied().collect());
    }
}
