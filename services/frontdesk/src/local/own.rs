//! Each service's own user of the broker and role of the database: it may do what it needs and no more, here as in production.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context as _, anyhow};
use ledger::grants::{self, GRANTS};
use reqwest::Url;
use runtime::topology::{Permission, permissions};
use testkit::admin::BrokerAdmin;

use super::{backends::Backends, secrets::Secrets, services::OPS};

/// The name of the sender whose user on the broker may only publish to the ingest exchange.
pub const SENDER: &str = "source";

/// The services' users and roles. On servers that are given their names begin with the run's, and they go when it goes.
pub struct Own {
    broker: BrokerAdmin,
    vhost: String,
    /// What the users' names begin with.
    users: String,
    /// What the roles' names begin with.
    roles: String,
    passwords: BTreeMap<String, String>,
    /// Of a service, the variable that names a file, and the file.
    files: BTreeMap<String, Vec<(&'static str, PathBuf)>>,
}

impl Own {
    /// Writes their credentials.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn make(secrets: &Secrets, backends: &Backends) -> anyhow::Result<Self> {
        let urls = backends.for_services();
        let mut own = Self {
            broker: BrokerAdmin::new(&backends.amqp, &backends.management)?,
            vhost: Url::parse(&backends.amqp)?.path().trim_start_matches('/').to_owned(),
            users: backends.users(),
            roles: backends.roles(),
            passwords: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        for Permission { service, .. } in permissions() {
            let password = secrets.hex::<16>(&format!("password_{service}"))?;
            let user = format!("{}{service}", own.users);
            let mut put = |variable, name: &str, url: &str, user: &str| {
                let url = as_user(url, user, &password)?;
                let file = secrets.put(&format!("{name}_{service}"), &url)?;
                own.files.entry(service.clone()).or_default().push((variable, file));
                Ok::<_, anyhow::Error>(())
            };
            put("FRONTDESK__AMQP__URL_FILE", "amqp_url", &urls.amqp, &user)?;
            if service == OPS {
                put("FRONTDESK__MANAGEMENT__URL_FILE", "management_url", &urls.management, &user)?;
            }
            if GRANTS.iter().any(|grants| grants.service == service) {
                let role = grants::role(&own.roles, &service);
                put("FRONTDESK__POSTGRES__URL_FILE", "postgres_url", &urls.postgres, &role)?;
            }
            own.passwords.insert(service, password);
        }
        Ok(own)
    }

    /// What a service's environment says of where its credentials are.
    pub fn of(&self, service: &str) -> impl Iterator<Item = (&'static str, String)> {
        let files = self.files.get(service).into_iter().flatten();
        files.map(|(variable, file)| (*variable, file.display().to_string()))
    }

    /// Makes the users on the broker, with exactly the permissions that the topology gives them.
    ///
    /// # Errors
    /// If the broker does not do it.
    pub async fn permit_on_broker(&self) -> anyhow::Result<()> {
        for Permission { service, configure, write, read } in permissions() {
            let Some(password) = self.passwords.get(&service) else { continue };
            let (user, tags) =
                (format!("{}{service}", self.users), if service == OPS { "management" } else { "" });
            self.broker.user(&user, password, tags).await?;
            self.broker.permit(&self.vhost, &user, [&configure, &write, &read]).await?;
        }
        Ok(())
    }

    /// Makes the roles of the database, with exactly the grants that the ledger gives them. The schema must be there.
    ///
    /// # Errors
    /// If the database does not do it.
    pub async fn permit_on_database(&self, config: &ledger::Config) -> anyhow::Result<()> {
        grants::make_roles(config, &self.roles, &self.passwords)
            .await
            .context("DATABASE_URL must be of a user who may make databases and roles")?;
        grants::permit(config, &self.roles, true).await?;
        Ok(())
    }
}

/// The same server, as another user.
fn as_user(url: &str, user: &str, password: &str) -> anyhow::Result<String> {
    let mut url = Url::parse(url)?;
    let set = url.set_username(user).and_then(|()| url.set_password(Some(password)));
    set.map_err(|()| anyhow!("a server's URL takes no user"))?;
    Ok(url.into())
}
