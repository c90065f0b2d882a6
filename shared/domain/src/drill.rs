//! Fire drills: named points at which a process can be asked to die or to panic, and protections that can be taken away, so that the
//! chaos suite can break the line where it hurts and can show that it notices.
//!
//! Only builds with debug assertions have them; in a release [`at`] does nothing and [`lacks`] is always false, both at no cost.
//! Who drills (the runtime, when its settings say so) [`install`]s a [`Drill`]; without one nothing happens.

use std::fmt;

#[cfg(debug_assertions)]
static DRILL: std::sync::OnceLock<Box<dyn Drill>> = std::sync::OnceLock::new();

/// What a drill does.
pub trait Drill: Send + Sync {
    /// The process has come to this point. May not return.
    fn at(&self, point: Point);
    /// Whether the protection is taken away.
    fn lacks(&self, protection: Protection) -> bool;
}

/// Installs the process's drill; the first one stays. In a release nothing is installed.
pub fn install(drill: Box<dyn Drill>) {
    #[cfg(debug_assertions)]
    drop(DRILL.set(drill));
    #[cfg(not(debug_assertions))]
    drop(drill);
}

/// Says that the process has come to this point.
#[inline]
pub fn at(point: Point) {
    #[cfg(debug_assertions)]
    if let Some(drill) = DRILL.get() {
        drill.at(point);
    }
    #[cfg(not(debug_assertions))]
    let _ = point;
}

/// Whether the protection is taken away.
#[inline]
pub fn lacks(protection: Protection) -> bool {
    #[cfg(debug_assertions)]
    return DRILL.get().is_some_and(|drill| drill.lacks(protection));
    #[cfg(not(debug_assertions))]
    {
        let _ = protection;
        false
    }
}

macro_rules! named {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in requests, settings and reports.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = Unknown;
            fn from_str(text: &str) -> Result<Self, Unknown> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or(Unknown)
            }
        }
    };
}

named! {
    /// Where a process can be asked to die.
    Point {
        /// A stage is about to handle a message that it has opened.
        BeforeHandling = "handler.before",
        /// Admissions are decided, not committed.
        AdmissionBeforeCommit = "admission.before_commit",
        /// Admissions are committed, nobody was told.
        AdmissionAfterCommit = "admission.after_commit",
        /// A payer's answer is about to be kept for the day.
        AnswerBeforeCommit = "answer.before_commit",
        /// It is kept.
        AnswerAfterCommit = "answer.after_commit",
        /// Journal rows are written, not committed.
        JournalBeforeCommit = "journal.before_commit",
        /// Journal rows are committed, nobody was told.
        JournalAfterCommit = "journal.after_commit",
        /// Leases are given, not committed.
        IntentBeforeCommit = "intent.before_commit",
        /// Leases are committed, nothing was sent.
        IntentAfterCommit = "intent.after_commit",
        /// The outcome of a write or a search is written, not committed.
        OutcomeBeforeCommit = "outcome.before_commit",
        /// The outcome is committed, nobody was told.
        OutcomeAfterCommit = "outcome.after_commit",
        /// The right to send a message to a patient is given, not committed.
        SendIntentBeforeCommit = "send_intent.before_commit",
        /// It is committed, nothing was sent.
        SendIntentAfterCommit = "send_intent.after_commit",
        /// What came of a message to a patient is written, not committed.
        SendOutcomeBeforeCommit = "send_outcome.before_commit",
        /// It is committed.
        SendOutcomeAfterCommit = "send_outcome.after_commit",
        /// A request that writes is about to go to the EHR.
        EhrBeforeWrite = "ehr.before_write",
        /// The EHR has answered a write, nobody was told.
        EhrAfterWrite = "ehr.after_write",
        /// A message to a patient is about to go out.
        MessageBeforeSend = "message.before_send",
        /// Its provider has answered, nobody was told.
        MessageAfterSend = "message.after_send",
        /// A message to the broker is about to be published.
        BeforePublish = "publish.before",
        /// The broker has confirmed it, nobody was told.
        AfterPublish = "publish.after",
        /// A delivery is about to be acknowledged.
        BeforeAck = "ack.before",
        /// The acknowledgement is on its way.
        AfterAck = "ack.after",
    }
}

named! {
    /// What keeps the promises, and can be taken away to see that they break.
    Protection {
        /// A delivery is acknowledged only after what it promises is committed. Without: as soon as it is received.
        AckAfterCommit = "ack-after-commit",
        /// Nothing leaves for the EHR before its intent is committed. Without: the write first, the intent after it.
        IntentBeforeWrite = "intent-before-write",
        /// An unknown outcome is answered by searches. Without: by writing again at once.
        SearchBeforeRewrite = "search-before-rewrite",
        /// What several submissions of one person share is written by one at a time. Without: by everyone.
        PatientSlot = "patient-slot",
        /// A publish counts when the broker has confirmed it. Without: when it was handed to the socket.
        Confirms = "confirms",
        /// An outcome is believed only from the holder of the live lease. Without: from anyone.
        Fencing = "fencing",
    }
}

/// No point and no protection has that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown; the names are in the documentation of domain::drill")]
pub struct Unknown;

#[cfg(test)]
mod tests {
    use super::{Point, Protection};

    #[test]
    fn names_are_read_as_they_are_written() {
        for point in Point::ALL {
            assert_eq!(point.as_str().parse(), Ok(*point));
        }
        for protection in Protection::ALL {
            assert_eq!(protection.as_str().parse(), Ok(*protection));
        }
        assert!("".parse::<Point>().is_err());
    }

    #[test]
    fn without_a_drill_nothing_happens() {
        super::at(Point::BeforeAck);
        assert!(!super::lacks(Protection::Fencing));
    }
}
