//! What went wrong in the database, by what can be done about it. The server's message is never kept: it may quote values.

use tokio_postgres::error::SqlState;

/// Why a transaction did not happen, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection, or it went away, or the server is too busy: later. A commit may have happened.
    Down,
    /// Rolled back for another transaction's sake: at once again.
    Contended,
    /// The server refuses a value or a statement: trying again does not help.
    Data,
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(state) = error.code() else {
            // Without a SQLSTATE it is the connection, or a row that is not of the type that we read it as.
            tracing::warn!(db.closed = error.is_closed(), "store.no_answer");
            return Self::Down;
        };
        let failure = classify(state);
        if failure == Self::Contended {
            tracing::debug!(db.response.status_code = state.code(), "store.gave_way");
        } else {
            tracing::warn!(db.response.status_code = state.code(), "store.refused");
        }
        failure
    }
}

fn classify(state: &SqlState) -> Failure {
    if [&SqlState::T_R_DEADLOCK_DETECTED, &SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::UNIQUE_VIOLATION]
        .contains(&state)
    {
        return Failure::Contended;
    }
    match state.code().get(..2) {
        Some("22" | "23" | "42") => Failure::Data,
        _ => Failure::Down,
    }
}

impl From<deadpool_postgres::PoolError> for Failure {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            deadpool_postgres::PoolError::Backend(error) => error.into(),
            _ => {
                tracing::warn!("store.no_connection");
                Self::Down
            }
        }
    }
}

/// Every row was stored, or another process was faster.
pub(crate) fn all(stored: u64, wanted: usize) -> Result<(), Failure> {
    if usize::try_from(stored).is_ok_and(|stored| stored == wanted) {
        Ok(())
    } else {
        Err(Failure::Contended)
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, SqlState, classify};

    #[test]
    fn states_are_told_apart() {
        assert_eq!(classify(&SqlState::UNIQUE_VIOLATION), Failure::Contended);
        assert_eq!(classify(&SqlState::T_R_DEADLOCK_DETECTED), Failure::Contended);
        assert_eq!(classify(&SqlState::CHARACTER_NOT_IN_REPERTOIRE), Failure::Data);
        assert_eq!(classify(&SqlState::CHECK_VIOLATION), Failure::Data);
        assert_eq!(classify(&SqlState::ADMIN_SHUTDOWN), Failure::Down);
        assert_eq!(classify(&SqlState::QUERY_CANCELED), Failure::Down);
    }
}
