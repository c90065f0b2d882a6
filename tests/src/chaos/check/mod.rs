//! What is left of the promises, seen from the outside.
//!
//! [`gather`] collects the facts: the senders' own list, the ledger and the journal by plain SQL, the EHR's contents, its log of
//! writes and the messages from the sandbox, the queues from the broker. [`verdict`] judges them, without any IO: as sets,
//! never as counts alone. What is found wrong is named by opaque ids; no name, address or number of a person is in a verdict.

mod book;
mod facts;
mod gather;
mod judge;

#[cfg(test)]
mod quiet;
#[cfg(test)]
mod samples;

pub use facts::{
    Appointment, Attempt, Coverage, Dead, Ehr, Facts, Hops, Ledger, Notice, Op, Patient, Queue, Slot, Step,
    Submission, Told,
};
pub use gather::{Sources, gather};

use book::Book;

/// How many of the wrong ones are named.
const NAMED: usize = 20;

/// One promise, and what breaks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What must hold.
    pub name: &'static str,
    /// How many things were looked at.
    pub looked_at: u64,
    /// The first twenty that are wrong: what is wrong, and opaque ids.
    pub wrong: Vec<String>,
    /// How many are wrong in all.
    pub violations: u64,
    /// How many of them are second copies of something that must be there once.
    pub duplicates: u64,
}

impl Check {
    const fn new(name: &'static str) -> Self {
        Self { name, looked_at: 0, wrong: Vec::new(), violations: 0, duplicates: 0 }
    }

    /// Whether it holds.
    pub const fn holds(&self) -> bool {
        self.violations == 0
    }

    fn look(&mut self) {
        self.looked_at += 1;
    }

    fn wrong(&mut self, what: impl FnOnce() -> String) {
        self.violations += 1;
        if self.wrong.len() < NAMED {
            self.wrong.push(what());
        }
    }

    /// There are so many of what must be there once.
    fn too_many(&mut self, there: usize, what: impl FnOnce() -> String) {
        self.duplicates += u64::try_from(there.saturating_sub(1)).unwrap_or(u64::MAX);
        self.wrong(what);
    }
}

/// All that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Promise by promise.
    pub checks: Vec<Check>,
    /// Accepted submissions that left no row, or whose appointment is not in the EHR.
    pub lost: u64,
    /// Second patients, coverages, appointments and messages.
    pub duplicates: u64,
    /// Submissions that wait for a person only because a message to the patient may or may not have been sent: that is how it
    /// should be, but it is to be shown.
    pub parked: u64,
}

impl Verdict {
    /// Whether every promise holds.
    pub fn holds(&self) -> bool {
        self.lost == 0 && self.duplicates == 0 && self.checks.iter().all(Check::holds)
    }
}

/// Judges the facts.
pub fn verdict(facts: &Facts) -> Verdict {
    let book = Book::new(facts);
    let checks = judge::all(&book);
    let duplicates = checks.iter().map(|check| check.duplicates).sum();
    Verdict { lost: judge::lost(&book), duplicates, parked: judge::parked(&book), checks }
}
