//! Looking into a dead letter, and correcting it: the letter's body is opened here, in memory, and whatever is kept of a correction is sealed.

mod effects;
mod make;
mod opened;
mod patch;

pub use make::NoEdit;
pub use opened::Shut;
