//! Holding what the senders say, the ledger and the EHR against each other: facts in, differences out. Pure.
//!
//! - [`Difference`] is what is found, and what a person is to do about it.
//! - [`open`] finds what did not come to its end; [`missing`], [`twice`] and [`stray`] compare the ledger with the EHR; [`counted()`] the senders with what was admitted.
//! - [`Accepted`] is what a gateway says of itself.
//! - [`Compared`] are the counts that were compared; [`Day`] says when a clinic's day begins and ends.

mod accepted;
mod compared;
mod counted;
mod day;
mod difference;
mod resources;
mod standing;

pub use accepted::Accepted;
pub use compared::Compared;
pub use counted::{Sent, counted};
pub use day::{Day, due};
pub use difference::{Difference, Kind};
pub use resources::{Key, Origin, Seen, Written, absent, missing, stray, twice};
pub use standing::{Open, Standing, open};
