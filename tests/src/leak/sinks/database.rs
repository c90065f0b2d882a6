//! The database: its contents, its files, and what its server says of a statement that it refuses.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use testkit::backends::PostgresPrograms;
use tokio_postgres::{Client, NoTls};

use super::{Sink, Written, files};
use crate::leak::world::World;

/// A table that refuses whatever is put into it. A row that breaks a check is never written.
const PROBE: &str = "CREATE TABLE IF NOT EXISTS leak_probe (value text CHECK (value = ''))";
/// What a server says to its log if nobody tells it otherwise.
const TALKATIVE: &str = "SET log_min_messages = warning; SET log_min_error_statement = error; SET log_error_verbosity = default; \
                         SET log_parameter_max_length_on_error = -1";

/// The folder of the cluster, with the dump and every file of it.
pub(super) async fn written(world: &World<'_>) -> anyhow::Result<(PathBuf, Vec<Written>)> {
    let client = connect(&world.database).await?;
    // What was changed is in the write-ahead log already; now it is in the tables' files too.
    client.batch_execute("CHECKPOINT").await?;
    let folder: String = client.query_one("SHOW data_directory", &[]).await?.try_get(0)?;
    let mut all = vec![Written::bytes(Sink::Dump, "pg_dump", dump(&world.database).await?)];
    let folder = PathBuf::from(folder);
    let of_cluster = files::below(&folder)?;
    ensure!(
        of_cluster.iter().any(|path| path.components().any(|part| part.as_os_str() == "pg_wal")),
        "the database's write-ahead log is not where its data is"
    );
    all.extend(of_cluster.into_iter().map(|path| Written::file(Sink::DatabaseDisk, path)));
    Ok((folder, all))
}

/// Everything in the database as text.
async fn dump(url: &str) -> anyhow::Result<Vec<u8>> {
    let programs = PostgresPrograms::find().context("the programs of PostgreSQL are not found")?;
    let program = programs.postgres.with_file_name("pg_dump");
    let url = reqwest::Url::parse(url)?;
    let output = tokio::process::Command::new(&program)
        .env("PGHOST", url.host_str().unwrap_or_default())
        .env("PGPORT", url.port().unwrap_or(5432).to_string())
        .env("PGUSER", url.username())
        .env("PGPASSWORD", url.password().unwrap_or_default())
        .arg(url.path().trim_start_matches('/'))
        .output()
        .await
        .with_context(|| format!("{} cannot be run", program.display()))?;
    ensure!(output.status.success(), "pg_dump: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}

/// Makes the server refuse a value: a check that a row breaks, and a value that is no number. The errors quote it to their client, and nothing may
/// reach the server's log.
///
/// # Errors
/// If the server takes it, or does not quote it: then nothing was tried.
pub async fn refused(url: &str, value: &str) -> anyhow::Result<()> {
    let client = connect(url).await?;
    client.batch_execute(PROBE).await?;
    refuse(&client, value).await?;
    client.batch_execute("DROP TABLE leak_probe").await?;
    Ok(())
}

/// As [`refused`], over a session in which the server logs as servers do unless they are told otherwise.
///
/// # Errors
/// As [`refused`].
pub async fn said(url: &str, value: &str) -> anyhow::Result<()> {
    let client = connect(url).await?;
    client.batch_execute(PROBE).await?;
    client.batch_execute(TALKATIVE).await?;
    refuse(&client, value).await?;
    client.batch_execute("DROP TABLE leak_probe").await?;
    Ok(())
}

async fn refuse(client: &Client, value: &str) -> anyhow::Result<()> {
    let check = client.execute("INSERT INTO leak_probe VALUES ($1)", &[&value]).await;
    let number = client.batch_execute(&format!("SELECT '{value}'::integer")).await;
    for (what, refused) in [("a row", check.map(drop)), ("a value", number)] {
        let Err(error) = refused else { bail!("the database took {what} that breaks its rule") };
        let said =
            error.as_db_error().map(|error| format!("{} {}", error.message(), error.detail().unwrap_or("")));
        ensure!(
            said.is_some_and(|said| said.contains(value)),
            "the database does not quote {what} to its client"
        );
    }
    Ok(())
}

/// Puts a row into a table of its own.
pub(super) async fn plant(url: &str, value: &str) -> anyhow::Result<()> {
    let client = connect(url).await?;
    client.batch_execute("CREATE TABLE IF NOT EXISTS leak_control (value bytea)").await?;
    client.execute("INSERT INTO leak_control VALUES ($1)", &[&value.as_bytes()]).await?;
    Ok(())
}

/// Puts a row there, and takes it back before it counts: the write-ahead log has it.
pub(super) async fn given_up(url: &str, value: &str) -> anyhow::Result<()> {
    let mut client = connect(url).await?;
    let transaction = client.transaction().await?;
    transaction.execute("INSERT INTO leak_control VALUES ($1)", &[&value.as_bytes()]).await?;
    Ok(transaction.rollback().await?)
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("the database")?;
    tokio::spawn(connection);
    Ok(client)
}
