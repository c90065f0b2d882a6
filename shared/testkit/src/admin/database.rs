//! Databases, by SQL.

use reqwest::Url;
use tokio_postgres::{Client, NoTls};

use super::{AdminError, url};

/// A database server that runs already, and access to it as a user who may make databases.
#[derive(Clone)]
pub struct DatabaseAdmin {
    server: Url,
}

impl DatabaseAdmin {
    /// Access by a URL with user, password and any database of the server.
    ///
    /// # Errors
    /// [`AdminError::BadUrl`] names the variable that usually holds it.
    pub fn new(server: &str) -> Result<Self, AdminError> {
        Ok(Self { server: url("DATABASE_URL", server)? })
    }

    /// The URL of a database. The name, here and below, is of small letters, digits and `_`: it needs no quoting.
    pub fn url(&self, database: &str) -> String {
        let mut url = self.server.clone();
        url.set_path(database);
        url.into()
    }

    /// Makes a database, unless it is there.
    ///
    /// # Errors
    /// [`AdminError::Database`].
    pub async fn create(&self, database: &str) -> Result<(), AdminError> {
        if self.list().await?.iter().any(|name| name == database) {
            return Ok(());
        }
        Ok(self.connect().await?.batch_execute(&format!("CREATE DATABASE {database}")).await?)
    }

    /// Removes a database, if it is there, and the roles that were made for it: those whose names are its own, `_` and something. Its
    /// sessions are ended.
    ///
    /// # Errors
    /// [`AdminError::Database`].
    pub async fn remove(&self, database: &str) -> Result<(), AdminError> {
        const ROLES: &str = "SELECT rolname::text FROM pg_roles WHERE starts_with(rolname::text, $1)";
        let client = self.connect().await?;
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await?;
        for row in client.query(ROLES, &[&format!("{database}_")]).await? {
            let role: String = row.try_get(0)?;
            client.batch_execute(&format!("DROP ROLE IF EXISTS {role}")).await?;
        }
        Ok(())
    }

    /// The names of all databases.
    ///
    /// # Errors
    /// [`AdminError::Database`].
    pub async fn list(&self) -> Result<Vec<String>, AdminError> {
        let rows = self.connect().await?.query("SELECT datname::text FROM pg_database", &[]).await?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }

    async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(self.server.as_str(), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}
