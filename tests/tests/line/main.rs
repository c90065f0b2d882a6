//! The promises, end to end: real processes on a real broker and database, seen from outside.
#![allow(clippy::unwrap_used, reason = "a test ends where it finds what it did not expect")]

mod accepted;
mod bad_input;
mod configuration;
mod dead_letters;
mod doors;
mod editing;
mod ehr_faults;
mod holds;
mod keys;
mod lanes;
mod observed;
mod outage;
mod previous;
mod privileges;
mod profiles;
mod readme;
mod reconciling;
mod replay;
mod retries;
mod rollout;
mod runbooks;
mod secure;
mod switches;
mod trace;
