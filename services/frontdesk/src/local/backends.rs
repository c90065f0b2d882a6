//! The broker and the database of a run: on servers that are given, or private ones, from programs on the machine or its packages.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use ledger::grants;
use testkit::{
    admin::{BrokerAdmin, DatabaseAdmin},
    backends::{
        Broker, BrokerPorts, BrokerPrograms, BrokerTls, PortBlock, Postgres, PostgresPrograms, PostgresTls,
        Ready, install,
    },
    process::Program,
    wait,
};

use super::{
    Layout,
    certificates::Certificates,
    records::Tier,
    secrets::Secrets,
    services::Places,
    supervisor::{Supervisor, Unit},
};
use crate::output::{self, Doing};

/// A broker on a machine that is compiling at the same time takes its time.
const PATIENCE: Duration = Duration::from_secs(120);
/// A broker of this age has all that the topology needs.
const OLDEST_BROKER: (u32, u32) = (3, 10);

/// Servers that are given instead of private ones, from `AMQP_URL`, `AMQP_MANAGEMENT_URL` and `DATABASE_URL`.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// AMQP and management URL of a broker.
    pub broker: Option<(String, String)>,
    /// URL of a database server.
    pub database: Option<String>,
}

/// What is wanted of the broker and the database.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// Servers that are given instead of private ones.
    pub given: &'a Given,
    /// Where passwords lie.
    pub secrets: &'a Secrets,
    /// Whether the data of the last run is forgotten.
    pub fresh: bool,
    /// What private ones show to services, which then speak TLS with them.
    pub tls: Option<&'a Certificates>,
}

/// Three URLs, each with user and password.
#[derive(Debug, Clone)]
pub struct Urls {
    /// AMQP, with the virtual host.
    pub amqp: String,
    /// The management API.
    pub management: String,
    /// The database.
    pub postgres: String,
}

/// How the run's broker and database are reached.
pub struct Backends {
    /// AMQP URL with user, password and virtual host.
    pub amqp: String,
    /// Management API with user and password.
    pub management: String,
    /// Prometheus metrics of a private broker.
    pub broker_metrics: Option<String>,
    /// Database URL with user and password.
    pub postgres: String,
    secure: Option<Urls>,
    given: Option<Made>,
    node: Option<Node>,
}

/// A private broker's node.
struct Node {
    data: PathBuf,
    ready: Ready,
}

/// What was made on servers that were given, to be removed at the end.
struct Made {
    name: String,
    broker: Option<BrokerAdmin>,
    database: Option<DatabaseAdmin>,
}

/// Both backends, up and empty, or with the data of an earlier run.
///
/// # Errors
/// One line that says what to do.
pub async fn start(
    layout: &Layout,
    places: &Places,
    supervisor: &Supervisor,
    wanted: Wanted<'_>,
) -> anyhow::Result<Backends> {
    if wanted.tls.is_some() && (wanted.given.broker.is_some() || wanted.given.database.is_some()) {
        bail!(
            "--tls is for a broker and a database of our own: leave AMQP_URL, AMQP_MANAGEMENT_URL and DATABASE_URL out"
        );
    }
    install_missing(layout, wanted.given).await?;
    let name = own_name(layout);
    let (broker, database) = tokio::join!(
        broker(layout, places.block(), supervisor, wanted, &name),
        database(layout, places.block(), supervisor, wanted, &name),
    );
    let (broker, database) = (broker?, database?);
    let StartedBroker { amqp, management, metrics: broker_metrics, secure, admin: broker_admin, node } =
        broker;
    let StartedDatabase { url, secure: secure_database, admin: database_admin } = database;
    let secure = secure.zip(secure_database);
    let secure = secure.map(|((amqp, management), postgres)| Urls { amqp, management, postgres });
    let given = Some(Made { name, broker: broker_admin, database: database_admin });
    Ok(Backends { amqp, management, broker_metrics, postgres: url, secure, given, node })
}

impl Backends {
    /// How services reach them: by TLS where that was wanted.
    pub fn for_services(&self) -> Urls {
        self.secure.clone().unwrap_or_else(|| Urls {
            amqp: self.amqp.clone(),
            management: self.management.clone(),
            postgres: self.postgres.clone(),
        })
    }

    /// What the names of the services' users on the broker begin with: on one that is given, the name of our virtual host.
    pub fn users(&self) -> String {
        let made = self.given.as_ref().filter(|made| made.broker.is_some());
        made.map_or_else(String::new, |made| format!("{}_", made.name))
    }

    /// What the names of the services' roles in the database begin with: on a server that is given, the name of our database.
    pub fn roles(&self) -> String {
        let made = self.given.as_ref().filter(|made| made.database.is_some());
        made.map_or_else(|| grants::PREFIX.to_owned(), |made| made.name.clone())
    }

    /// The folder with a private broker's data.
    pub fn broker_data(&self) -> Option<&Path> {
        self.node.as_ref().map(|node| node.data.as_path())
    }

    /// Waits until a private broker is ready, such as after it was started again. One that is given is not waited for.
    ///
    /// # Errors
    /// If it is not ready after two minutes.
    pub async fn broker_ready(&self) -> anyhow::Result<()> {
        let Some(node) = &self.node else { return Ok(()) };
        wait::until(PATIENCE, || node.ready.look()).await.context("the broker does not become ready")
    }

    /// Removes what was made on servers that were given.
    pub async fn remove(mut self) {
        let Some(made) = self.given.take() else { return };
        if let Some(admin) = made.broker
            && let Err(error) = admin.remove(&made.name).await
        {
            output::line(&format!("the virtual host {} stays: {error}", made.name));
        }
        if let Some(admin) = made.database
            && let Err(error) = admin.remove(&made.name).await
        {
            output::line(&format!("the database {} stays: {error}", made.name));
        }
    }
}

struct StartedBroker {
    amqp: String,
    management: String,
    metrics: Option<String>,
    secure: Option<(String, String)>,
    admin: Option<BrokerAdmin>,
    node: Option<Node>,
}

struct StartedDatabase {
    url: String,
    secure: Option<String>,
    admin: Option<DatabaseAdmin>,
}

async fn broker(
    layout: &Layout,
    ports: &PortBlock,
    supervisor: &Supervisor,
    Wanted { given, secrets, fresh, tls }: Wanted<'_>,
    name: &str,
) -> anyhow::Result<StartedBroker> {
    if let Some((amqp, management)) = &given.broker {
        let admin = BrokerAdmin::new(amqp, management)?;
        if fresh {
            admin.remove(name).await?;
        }
        admin.create(name).await.context("AMQP_URL and AMQP_MANAGEMENT_URL must be an administrator's")?;
        output::line(&format!("broker: the given one, in a virtual host of our own, {name}"));
        return Ok(StartedBroker {
            amqp: admin.amqp_url(name),
            management: admin.management_url().to_owned(),
            metrics: None,
            secure: None,
            admin: Some(admin),
            node: None,
        });
    }
    let programs =
        BrokerPrograms::find().context("the programs of RabbitMQ were installed, but are not found")?;
    let home = layout.root().join("broker");
    if fresh && home.exists() {
        std::fs::remove_dir_all(&home).with_context(|| format!("cannot remove {}", home.display()))?;
    }
    let at = |offset| ports.address(offset);
    let ports =
        BrokerPorts { amqp: at(1), management: at(2), metrics: at(3), distribution: at(4), epmd: at(5) };
    let (user, password) = ("frontdesk", secrets.hex::<16>("broker_password")?);
    let mut broker = Broker::new(programs, (&home, &layout.logs()), ports, (user, &password));
    if let Some(Certificates { ca, identity }) = tls {
        let (ca, identity) = (ca.clone(), identity.clone());
        broker = broker.with_tls(BrokerTls { amqp: at(7), management: at(8), ca, identity, asks: false });
    }
    broker.prepare()?;
    let doing = Doing::begin("broker: starting a private RabbitMQ node");
    keep(supervisor, "epmd", (broker.port_mapper(), broker.port_mapper_ready()), Tier::Support).await?;
    keep(supervisor, "broker", (broker.node(), broker.node_ready()), Tier::Backend).await?;
    let version = version(&broker.management_url()).await?;
    doing.done(&format!("broker: RabbitMQ {version} at {}", ports.amqp));
    Ok(StartedBroker {
        amqp: broker.amqp_url(),
        management: broker.management_url(),
        metrics: Some(format!("http://{}/metrics", ports.metrics)),
        secure: broker.amqps_url().zip(broker.management_tls_url()),
        admin: None,
        // Beside it in the broker's folder lie its configuration and its cookie, which outlive the data.
        node: Some(Node { data: home.join("mnesia"), ready: broker.node_ready() }),
    })
}

async fn database(
    layout: &Layout,
    ports: &PortBlock,
    supervisor: &Supervisor,
    Wanted { given, secrets, fresh, tls }: Wanted<'_>,
    name: &str,
) -> anyhow::Result<StartedDatabase> {
    if let Some(url) = &given.database {
        let admin = DatabaseAdmin::new(url)?;
        if fresh {
            admin.remove(name).await?;
        }
        admin.create(name).await.context("DATABASE_URL must be of a user who may make databases")?;
        output::line(&format!("database: the given server, in a database of our own, {name}"));
        return Ok(StartedDatabase { url: admin.url(name), secure: None, admin: Some(admin) });
    }
    let programs =
        PostgresPrograms::find().context("the programs of PostgreSQL were installed, but are not found")?;
    let version = programs.version.clone();
    let home = layout.root().join("postgres");
    let password = secrets.hex::<16>("postgres_password")?;
    let address = ports.address(6);
    let mut postgres = Postgres::new(programs, (&home, &layout.logs()), address, &password)?;
    if let Some(Certificates { ca, identity }) = tls {
        let (ca, identity) = (ca.clone(), identity.clone());
        // The administrator's own connections stay on loopback, in clear.
        postgres = postgres.with_tls(PostgresTls { ca, identity, asks: false, only: false });
    }
    if postgres.home() != home {
        let elsewhere = postgres.home().display();
        output::line(&format!(
            "database: its user cannot enter this checkout, so its data is in {elsewhere}"
        ));
    }
    if fresh {
        postgres.wipe()?;
    }
    let doing = Doing::begin("database: starting a private PostgreSQL cluster");
    postgres.prepare().await?;
    keep(supervisor, "postgres", (postgres.server(), postgres.ready()), Tier::Backend).await?;
    postgres.create_database().await?;
    doing.done(&format!("database: PostgreSQL {version} at {address}"));
    let secure = tls.map(|_| postgres.tls_url());
    Ok(StartedDatabase { url: postgres.url(), secure, admin: None })
}

async fn keep(
    supervisor: &Supervisor,
    name: &str,
    (program, ready): (Program, Ready),
    tier: Tier,
) -> anyhow::Result<()> {
    supervisor.start(Unit { name: name.to_owned(), program, ready, patience: PATIENCE, tier }).await?;
    Ok(())
}

/// Installs the programs that are neither given nor found.
async fn install_missing(layout: &Layout, given: &Given) -> anyhow::Result<()> {
    let mut missing = Vec::new();
    if given.broker.is_none() && BrokerPrograms::find().is_none() {
        missing.push("rabbitmq-server");
    }
    if given.database.is_none() && PostgresPrograms::find().is_none() {
        missing.push("postgresql");
    }
    if missing.is_empty() {
        return Ok(());
    }
    let instead =
        ", or give AMQP_URL with AMQP_MANAGEMENT_URL, and DATABASE_URL, of servers that run already";
    install(&missing, &layout.logs().join("apt.log"), instead, &|text| output::line(&text)).await?;
    Ok(())
}

/// The broker's version, if it is new enough.
async fn version(management: &str) -> anyhow::Result<String> {
    #[derive(serde::Deserialize)]
    struct Overview {
        rabbitmq_version: String,
    }
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client.get(format!("{management}api/overview")).send().await?;
    let version = answer.json::<Overview>().await?.rabbitmq_version;
    if !is_new_enough(&version) {
        let (major, minor) = OLDEST_BROKER;
        bail!(
            "RabbitMQ {version} is too old: {major}.{minor} or newer is needed; install it, or give AMQP_URL and AMQP_MANAGEMENT_URL"
        );
    }
    Ok(version)
}

fn is_new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= OLDEST_BROKER
}

/// The name of this run's virtual host and database on servers that are given: the same for every run in this folder,
/// so that the next run finds what a killed one left.
fn own_name(layout: &Layout) -> String {
    let mut hasher = DefaultHasher::new();
    layout.root().hash(&mut hasher);
    format!("frontdesk_{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn versions_compare_by_number() {
        assert!(["3.10.8", "3.12.1", "4.0.5", "4.2.0-rc.1"].iter().all(|version| is_new_enough(version)));
        assert!(["3.9.13", "2.20", ""].iter().all(|version| !is_new_enough(version)));
    }
}
