//! The model test of the EHR-writer's ledger: [`domain::effect::Book`] in a world where everything goes wrong.
//!
//! The world is small and made of the same parts as the real one. Workers take deliveries, ask the book, write, search and
//! tell. What the book decides is committed at once or not at all, since its rows are locked; whether the worker learns of
//! the commit is another matter. The EHR may never see a request, do it late, lose the answer, or show it late to searches.
//! Leases end while their holders sleep, who then wake and tell. Deliveries come twice.
//!
//! Time has no numbers. It is always the same moment; when time passes, everything recorded moves one tick into the past, and
//! what is too long ago to matter is not told apart. So the world has finitely many states, once the faults are bounded.
//!
//! What it takes for granted, because the worker and the [`Policy`](domain::effect::Policy) promise it:
//! - a worker sends only before its lease ends: it checks the clock right before the first byte leaves;
//! - what was sent lands within the lateness, or never;
//! - what has landed shows in searches within the index lag;
//! - an update is done only to the version that it names;
//! - a person who decides looks into the EHR when nothing is on its way to it any more, and says what is there.
//!
//! `exhaustive` goes through every state that two workers and two submissions of one person can come to, as far as a few faults
//! lead; `random` goes far into larger worlds. Both also run with one protection less, and have to find what breaks then.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it did, and ends where it is wrong"
)]

mod act;
mod ehr;
mod exhaustive;
mod fingerprint;
mod laws;
mod random;
mod setup;
mod store;
mod time;
mod worker;
mod world;
