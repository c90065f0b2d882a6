//! A private RabbitMQ node.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::sys::signal::Signal;

use super::{BackendError, BrokerPrograms, BrokerTls, Ready, folder, write_private};
use crate::process::Program;

/// The node's addresses, all on loopback.
#[derive(Debug, Clone, Copy)]
pub struct BrokerPorts {
    /// AMQP.
    pub amqp: SocketAddr,
    /// Management API.
    pub management: SocketAddr,
    /// Prometheus metrics.
    pub metrics: SocketAddr,
    /// Erlang's distribution.
    pub distribution: SocketAddr,
    /// Erlang's port mapper.
    pub epmd: SocketAddr,
}

/// A RabbitMQ node in a folder of its own, and the port mapper that it needs. It runs as the user who starts it.
pub struct Broker {
    programs: BrokerPrograms,
    home: PathBuf,
    logs: PathBuf,
    ports: BrokerPorts,
    user: String,
    password: String,
    tls: Option<BrokerTls>,
}

impl Broker {
    /// A node with its data in `home` and its logs in `logs`. User and password are letters and digits.
    pub fn new(
        programs: BrokerPrograms,
        (home, logs): (&Path, &Path),
        ports: BrokerPorts,
        (user, password): (&str, &str),
    ) -> Self {
        let (home, logs) = (home.to_owned(), logs.to_owned());
        Self { programs, home, logs, ports, user: user.to_owned(), password: password.to_owned(), tls: None }
    }

    /// Lets it listen with TLS too.
    #[must_use]
    pub fn with_tls(mut self, tls: BrokerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Writes the node's configuration.
    ///
    /// # Errors
    /// [`BackendError::File`].
    pub fn prepare(&self) -> Result<(), BackendError> {
        for path in [&self.home, &self.home.join("gen")] {
            folder(path, 0o700)?;
        }
        let files = [
            ("rabbitmq.conf", self.configuration()),
            ("advanced.config", "[].\n".to_owned()),
            ("enabled_plugins", format!("[rabbitmq_management,rabbitmq_prometheus{}].\n", self.plugins())),
            ("env.conf", String::new()),
        ];
        for (name, text) in files {
            let path = self.home.join(name);
            write_private(&path, &text).map_err(BackendError::file(&path))?;
        }
        Ok(())
    }

    fn plugins(&self) -> &'static str {
        if self.tls.is_some() { ",rabbitmq_auth_mechanism_ssl" } else { "" }
    }

    fn configuration(&self) -> String {
        let BrokerPorts { amqp, management, metrics, .. } = self.ports;
        let (user, password) = (&self.user, &self.password);
        // The user is made at the node's first start, in place of `guest`.
        format!(
            "listeners.tcp.1 = {amqp}\n\
             management.tcp.ip = {}\nmanagement.tcp.port = {}\n\
             prometheus.tcp.ip = {}\nprometheus.tcp.port = {}\n\
             default_user = {user}\ndefault_pass = {password}\ndefault_user_tags.administrator = true\n\
             disk_free_limit.absolute = 1GB\nraft.wal_max_size_bytes = 64000000\n\
             log.console = false\nlog.file = broker-node.log\nlog.file.level = info\n{}",
            management.ip(),
            management.port(),
            metrics.ip(),
            metrics.port(),
            self.tls.as_ref().map(BrokerTls::configuration).unwrap_or_default(),
        )
    }

    /// The port mapper, to be started before the node and ended after it.
    pub fn port_mapper(&self) -> Program {
        let BrokerPorts { epmd, .. } = self.ports;
        Program::new(&self.programs.epmd, self.logs.join("epmd.log"))
            .args(["-address", &epmd.ip().to_string(), "-port", &epmd.port().to_string()])
            .folder(&self.home)
            .ends_by(Signal::SIGTERM, Duration::from_secs(3))
    }

    /// The port mapper's sign.
    pub fn port_mapper_ready(&self) -> Ready {
        Ready::Accepts(self.ports.epmd)
    }

    /// The node.
    pub fn node(&self) -> Program {
        let at = |name: &str| self.home.join(name).into_os_string();
        let BrokerPorts { distribution, epmd, .. } = self.ports;
        Program::new(&self.programs.server, self.logs.join("broker.log"))
            .env("RABBITMQ_CONF_ENV_FILE", at("env.conf"))
            .env("RABBITMQ_NODENAME", "frontdesk@localhost")
            .env("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", at("advanced.config"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", at("enabled_plugins"))
            .env("RABBITMQ_MNESIA_BASE", at("mnesia"))
            .env("RABBITMQ_LOG_BASE", &self.logs)
            .env("RABBITMQ_PID_FILE", at("rabbit.pid"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", at("gen"))
            .env("RABBITMQ_DIST_PORT", distribution.port().to_string())
            .env("ERL_EPMD_PORT", epmd.port().to_string())
            .env("ERL_EPMD_ADDRESS", epmd.ip().to_string())
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}")
            // The script then becomes the node, instead of standing before it: the process number is the node's.
            .env("RUNNING_UNDER_SYSTEMD", "true")
            .env("HOME", &self.home)
            .env("LC_ALL", "C.UTF-8")
            .folder(&self.home)
            .ends_by(Signal::SIGTERM, Duration::from_secs(40))
    }

    /// The node's sign.
    pub fn node_ready(&self) -> Ready {
        let overview = format!("{}api/overview", self.management_url());
        Ready::All(vec![Ready::Accepts(self.ports.amqp), Ready::Answers(overview)])
    }

    /// The AMQPS URL of the default virtual host, with user and password, if it listens with TLS.
    pub fn amqps_url(&self) -> Option<String> {
        let tls = self.tls.as_ref()?;
        Some(format!("amqps://{}:{}@localhost:{}/%2f", self.user, self.password, tls.amqp.port()))
    }

    /// The management API's base over TLS, likewise.
    pub fn management_tls_url(&self) -> Option<String> {
        let tls = self.tls.as_ref()?;
        Some(format!("https://{}:{}@localhost:{}/", self.user, self.password, tls.management.port()))
    }

    /// The AMQP URL of the default virtual host, with user and password.
    pub fn amqp_url(&self) -> String {
        format!("amqp://{}:{}@{}/%2f", self.user, self.password, self.ports.amqp)
    }

    /// The management API's base, with user and password and a slash at its end.
    pub fn management_url(&self) -> String {
        format!("http://{}:{}@{}/", self.user, self.password, self.ports.management)
    }
}
