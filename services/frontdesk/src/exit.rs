//! How a command ended, where that is more than done or failed: `main` makes exit codes of it.

/// Nothing that was named is there, or there is nothing to do to it: nothing was done. Exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NothingMatched(pub String);

/// Something was done, and something was not. Exit code 3.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Partly(pub String);

/// A guard ended it, as it was told to. What was not done is as it was. Exit code 5.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoppedByGuard(pub String);

/// It waits for a second person. Exit code 6.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NeedsApproval(pub String);

/// What was compared is not all the same, or not all of it could be compared. Exit code 3.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Differs(pub String);
