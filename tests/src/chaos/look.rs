//! Looking at the database, directly and each time over a connection of its own: between two looks the server may have been killed.

use anyhow::Context as _;
use tokio_postgres::{NoTls, Row, types::ToSql};

/// The rows of one statement.
///
/// # Errors
/// If the database does not answer, or refuses.
pub async fn rows(database: &str, sql: &str, values: &[&(dyn ToSql + Sync)]) -> anyhow::Result<Vec<Row>> {
    let (client, connection) = tokio_postgres::connect(database, NoTls).await.context("the database")?;
    let connection = tokio::spawn(connection);
    let rows = client.query(sql, values).await?;
    drop(client);
    connection.await.ok();
    Ok(rows)
}

/// The counts in the one row of a statement.
///
/// # Errors
/// As [`rows`], and if there is another number of columns or they are no counts.
pub async fn counts<const N: usize>(database: &str, sql: &str) -> anyhow::Result<[u64; N]> {
    let rows = rows(database, sql, &[]).await?;
    let row = rows.first().context("there is no row")?;
    let counts: Vec<u64> = (0..row.len())
        .map(|index| Ok(u64::try_from(row.try_get::<_, i64>(index)?)?))
        .collect::<anyhow::Result<_>>()?;
    <[u64; N]>::try_from(counts).ok().context("other columns than expected")
}
