//! One database role for each service, which may do what its statements need and no more.

mod roles;
mod table;

use std::fmt::Write as _;

pub use roles::make_roles;
pub use table::{GRANTS, Grant, Grants};

use crate::{
    Config,
    migrate::{MigrateError, Session, refused},
};

/// What the names of the roles begin with, unless a run has roles of its own.
pub const PREFIX: &str = "frontdesk";

/// The role of a service, such as `frontdesk_ehr_writer`.
pub fn role(prefix: &str, service: &str) -> String {
    format!("{prefix}_{}", service.replace('-', "_"))
}

/// What became of the grants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permitted {
    /// Roles that may now do what their services need.
    pub granted: Vec<String>,
    /// Roles that are not there.
    pub missing: Vec<String>,
}

/// Lets each service's role do what the service needs, as far as the roles are there: in one transaction, and safe to repeat. With `only`
/// what they need no more is taken from them: not before the last process of an older version is gone.
///
/// # Errors
/// [`MigrateError`], also if the prefix is not of small letters, digits and `_`.
pub async fn permit(config: &Config, prefix: &str, only: bool) -> Result<Permitted, MigrateError> {
    let prefix = checked(prefix)?;
    let mut session = Session::open(config).await?;
    let roles: Vec<(String, &Grants)> =
        GRANTS.iter().map(|grants| (role(prefix, grants.service), grants)).collect();
    let names: Vec<&str> = roles.iter().map(|(name, _)| name.as_str()).collect();
    let rows = session
        .client
        .query("SELECT rolname::text FROM pg_roles WHERE rolname = ANY($1)", &[&names])
        .await
        .map_err(|error| refused(&error))?;
    let there: Vec<String> = rows.iter().filter_map(|row| row.try_get(0).ok()).collect();
    let mut permitted = Permitted::default();
    // Nobody makes tables here but the owner.
    let mut sql = "REVOKE CREATE ON SCHEMA public FROM PUBLIC;".to_owned();
    for (name, grants) in roles {
        if there.contains(&name) {
            sql.push_str(&statements(&name, grants, only));
            permitted.granted.push(name);
        } else {
            permitted.missing.push(name);
        }
    }
    let transaction = session.client.transaction().await.map_err(|error| refused(&error))?;
    transaction.batch_execute(&sql).await.map_err(|error| refused(&error))?;
    transaction.commit().await.map_err(|error| refused(&error))?;
    session.close().await;
    Ok(permitted)
}

fn statements(role: &str, grants: &Grants, only: bool) -> String {
    let mut sql = String::new();
    if only {
        for all in ["TABLES", "SEQUENCES"] {
            let _ = write!(sql, "REVOKE ALL ON ALL {all} IN SCHEMA public FROM {role};");
        }
    }
    let _ = write!(sql, "GRANT USAGE ON SCHEMA public TO {role};");
    for Grant { table, privileges } in grants.all() {
        let _ = write!(sql, "GRANT {} ON {table} TO {role};", privileges.join(", "));
    }
    if grants.appends() {
        let _ = write!(sql, "GRANT USAGE ON SEQUENCE journal_seq TO {role};");
    }
    sql
}

/// A prefix that needs no quoting.
fn checked(prefix: &str) -> Result<&str, MigrateError> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if prefix.starts_with(|first: char| first.is_ascii_lowercase()) && prefix.bytes().all(fits) {
        Ok(prefix)
    } else {
        Err(MigrateError::Prefix)
    }
}
