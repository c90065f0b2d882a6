//! Roles that may log in.

use std::collections::BTreeMap;

use postgres_protocol::password::scram_sha_256;

use super::{GRANTS, checked, role};
use crate::{
    Config,
    migrate::{MigrateError, Session, refused},
};

/// Makes the roles of those services that a password is given for, or sets the password of those that are there. They may log in, and
/// nothing else until they are permitted more. The server gets no password in clear.
///
/// # Errors
/// [`MigrateError`], such as where the configured user may not make roles, or the prefix is not of small letters, digits and `_`.
pub async fn make_roles(
    config: &Config,
    prefix: &str,
    passwords: &BTreeMap<String, String>,
) -> Result<(), MigrateError> {
    let prefix = checked(prefix)?;
    let session = Session::open(config).await?;
    for grants in GRANTS {
        let Some(password) = passwords.get(grants.service) else { continue };
        let name = role(prefix, grants.service);
        let there = session
            .client
            .query("SELECT FROM pg_roles WHERE rolname = $1", &[&name])
            .await
            .map_err(|error| refused(&error))?;
        let verb = if there.is_empty() { "CREATE" } else { "ALTER" };
        // Of letters, digits and `+/=$:-`: it needs no escaping.
        let verifier = scram_sha_256(password.as_bytes());
        let sql =
            format!("{verb} ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{verifier}'");
        session.client.batch_execute(&sql).await.map_err(|error| refused(&error))?;
    }
    session.close().await;
    Ok(())
}
