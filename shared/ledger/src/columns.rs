//! Rows as arrays, for `unnest`: one statement for a whole batch.

/// The columns of some rows, each as an array, in the order of the statement's parameters.
macro_rules! columns {
    ($rows:expr; $($value:expr),+ $(,)?) => {
        [$(&$rows.iter().map($value).collect::<Vec<_>>() as &(dyn tokio_postgres::types::ToSql + Sync)),+]
    };
}
pub(crate) use columns;
