//! The chaos suite: the whole line under faults, and a look from the outside at what is left of its promises.
//!
//! - [`people`] makes up persons and plans what is sent, by a seed; [`senders`] sends it through both doors as honest clients do, and
//!   keeps the list of what was accepted.
//! - [`schedule`] draws what strikes and when; [`injector`] strikes: processes, the broker, the database, connections ([`routes`]) and the
//!   world outside ([`weather`]).
//! - [`run`] is one trial from start to verdict, [`controls`] are trials with a protection taken away.
//! - [`check`] holds the senders' list, the ledger, the journal, the EHR, the messages and the queues against each other; [`report`] tells.

pub mod ambiguity;
pub mod args;
pub mod back;
pub mod check;
pub mod clinics;
pub mod controls;
pub mod drain;
pub mod injector;
pub mod look;
pub mod people;
pub mod report;
pub mod routes;
pub mod run;
pub mod schedule;
pub mod senders;
pub mod settings;
pub mod strikes;
pub mod weather;
