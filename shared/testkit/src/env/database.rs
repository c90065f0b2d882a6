//! A database of one test's own.

use super::{EnvError, blocking, fresh_name, is_stale, seconds_now, variable};
use crate::admin::DatabaseAdmin;

/// A fresh, empty database on the server of `DATABASE_URL`, whose user must be allowed to make databases. It is
/// dropped, and its connections ended, when this is dropped.
pub struct TestDatabase {
    name: String,
    url: String,
    admin: DatabaseAdmin,
}

impl TestDatabase {
    /// Makes one.
    ///
    /// # Errors
    /// [`EnvError`] if the variable is absent or the server does not do it.
    pub async fn create() -> Result<Self, EnvError> {
        let admin = DatabaseAdmin::new(&variable("DATABASE_URL")?)?;
        let now = seconds_now();
        for stale in admin.list().await?.iter().filter(|name| is_stale(name, now)) {
            // Another test may be dropping the same one.
            admin.remove(stale).await.ok();
        }
        let name = fresh_name();
        admin.create(&name).await?;
        Ok(Self { url: admin.url(&name), name, admin })
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The database's URL, with user and password.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), std::mem::take(&mut self.name));
        blocking(move || async move {
            admin.remove(&name).await.ok();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::TestDatabase;
    use tokio_postgres::NoTls;

    #[tokio::test]
    async fn a_database_lives_as_long_as_its_value_and_ends_with_open_connections() {
        let database = TestDatabase::create().await.unwrap();
        let url = database.url().to_owned();
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let row = client.query_one("SELECT current_database()::text", &[]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), database.name());
        drop(database);
        assert!(connection.await.unwrap().is_err());
        assert!(tokio_postgres::connect(&url, NoTls).await.is_err());
    }
}
