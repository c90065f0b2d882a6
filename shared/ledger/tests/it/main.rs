//! The ledger against a real Postgres. Two stores on one database stand for two processes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod accepted;
mod activity;
mod admissions;
mod discards;
mod edited_replay;
mod edits;
mod effects;
mod eligibility;
mod expand;
mod given_back;
mod grants;
mod held_effects;
mod history;
mod holds;
mod hops;
mod late_hops;
mod letters;
mod look_up;
mod lost_replays;
mod notifications;
mod open;
mod outages;
mod put_aside;
mod reconcile;
mod replay;
mod reveals;
mod secure;
mod shared_effects;
mod support;
mod switches;
mod unfinished;
mod watch;
