//! Production's configuration, on a broker and a database that speak TLS: one submission goes through the line, and nothing gets in without.

use std::{
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use frontdesk::kubernetes::SERVICES;
use serde_json::Value;
use testkit::{
    backends::{
        Broker, BrokerPorts, BrokerPrograms, BrokerTls, PortBlock, Postgres, PostgresPrograms, PostgresTls,
        Running,
    },
    certificates::Front,
    wait,
};
use tls::{Acceptor, Files};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::Child,
};

use super::{
    demo::frontdesk,
    path, read,
    starts::{self, PATIENCE},
};

/// What a line over TLS runs on, for as long as a test does.
struct World {
    folder: tempfile::TempDir,
    broker: Broker,
    postgres: Postgres,
    /// AMQPS.
    amqps: SocketAddr,
    gateway: SocketAddr,
    ops: SocketAddr,
    config: PathBuf,
    _block: PortBlock,
    _front: Front,
    _running: (Child, (Running, Running), Running),
}

impl World {
    /// A private broker and database with certificates, and the sandbox behind TLS; `None` where their programs are not.
    async fn new() -> Option<Self> {
        let (broker, postgres) = (BrokerPrograms::find()?, PostgresPrograms::find()?);
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        // The database's user must be able to pass.
        std::fs::set_permissions(here, std::fs::Permissions::from_mode(0o755)).unwrap();
        let authority = starts::certificates(here);
        let ca = authority.write(here, "ca").unwrap();
        let identity = authority.issue(here, "server", &["localhost"]).unwrap();
        let block = PortBlock::take(None, 14).unwrap();
        let at = |offset| block.address(offset);

        let ports =
            BrokerPorts { amqp: at(1), management: at(2), metrics: at(3), distribution: at(4), epmd: at(5) };
        let tls = BrokerTls {
            amqp: at(6),
            management: at(7),
            ca: ca.clone(),
            identity: identity.clone(),
            asks: false,
        };
        let broker = Broker::new(broker, (&here.join("broker"), here), ports, ("frontdesk", "secret1"));
        let broker = broker.with_tls(tls);
        let tls = PostgresTls { ca: ca.clone(), identity: identity.clone(), asks: false, only: true };
        let postgres = Postgres::new(postgres, (&here.join("postgres"), here), at(8), "secret1").unwrap();
        let postgres = postgres.with_tls(tls);
        let (nodes, server) = tokio::join!(Running::broker(&broker), Running::postgres(&postgres));

        let files = Files { ca: None, cert: Some(identity.cert), key: Some(identity.key) };
        let front = Front::start(Acceptor::new("front", files).unwrap(), at(9)).await.unwrap();
        let outside = format!("https://localhost:{}", front.address().port());
        let text = read("k8s/overlays/production/config/frontdesk.toml")
            .replace("https://ehr.example.org", &outside)
            .replace("https://payers.example.org/x12", &format!("{outside}/payer/x12"))
            .replace("https://payers.example.org", &format!("{outside}/payer/json"))
            .replace("https://sms.example.org", &format!("{outside}/sms"))
            .replace("mail.example.org", "localhost")
            .replace("port = 587", &format!("port = {}", at(10).port()))
            .replace("0.0.0.0:8443", &at(11).to_string())
            .replace("0.0.0.0:8444", &at(12).to_string());
        let config = starts::laid_out(here, &text);
        let audience = format!("--audience={outside}/oauth/token");
        let (sandbox, told) =
            starts::sandbox(here, [at(9), at(10)], &[&audience, "--smtp-starttls=on"]).await;
        // What the system trusts is this authority, and the mail relay's own certificate.
        let relay = std::fs::read_to_string(told.addresses["smtp_ca_file"].as_str().unwrap()).unwrap();
        std::fs::write(here.join("system.pem"), format!("{}{relay}", authority.pem())).unwrap();
        for (file, url) in [
            ("amqp_url", broker.amqps_url().unwrap()),
            ("management_url", broker.management_tls_url().unwrap()),
            ("postgres_url", postgres.tls_url()),
        ] {
            std::fs::write(here.join("services/frontdesk").join(file), url).unwrap();
        }
        let (amqps, gateway, ops) = (at(6), at(11), at(12));
        let running = (sandbox, nodes.unwrap(), server.unwrap());
        Some(Self {
            folder,
            broker,
            postgres,
            amqps,
            gateway,
            ops,
            config,
            _block: block,
            _front: front,
            _running: running,
        })
    }

    fn at(&self) -> &Path {
        self.folder.path()
    }

    fn system(&self) -> PathBuf {
        self.at().join("system.pem")
    }

    /// What a command said that went well.
    async fn done(&self, args: &[&str]) -> String {
        let output = frontdesk(self.at(), args).env("SSL_CERT_FILE", self.system()).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{args:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    fn service(&self, name: &str) -> tokio::process::Command {
        let mut command = starts::command(name, self.at(), &self.config, &self.postgres.tls_url());
        command.env("SSL_CERT_FILE", self.system());
        // Nobody sleeps here.
        command.env("FRONTDESK__NOTIFICATION__QUIET_HOURS", "false");
        command
    }

    /// A submission through the front door, until its patient is told.
    async fn submit(&self) {
        let (door, secret) = (
            format!("https://localhost:{}", self.gateway.port()),
            self.at().join("services/sources/make.secret"),
        );
        let example = path("docs/examples/intake.json");
        let submit =
            ["submit", "--url", &door, "--secret-file", secret.to_str().unwrap(), example.to_str().unwrap()];
        assert!(self.done(&submit).await.contains("\"tour-01\""));
        let (api, token) =
            (format!("https://localhost:{}", self.ops.port()), self.at().join("services/ops/ops_token"));
        let trace = ["trace", "tour-01", "--url", &api, "--token-file", token.to_str().unwrap()];
        let completed = || async {
            let output =
                frontdesk(self.at(), &trace).env("SSL_CERT_FILE", self.system()).output().await.ok()?;
            String::from_utf8_lossy(&output.stdout).contains("completed").then_some(())
        };
        wait::until_some(PATIENCE, completed).await.unwrap();
    }

    /// Every connection that the broker has is encrypted.
    async fn all_is_encrypted(&self) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}api/connections", self.broker.management_url());
        let open = || async {
            let all: Vec<Value> = client.get(&url).send().await.ok()?.json().await.ok()?;
            (all.len() >= SERVICES.len()).then_some(all)
        };
        let open = wait::until_some(PATIENCE, open).await.unwrap();
        assert!(open.iter().all(|one| one["ssl"] == true), "{open:?}");
    }

    /// Who does not speak TLS is not spoken to: at no door, by the broker, by the database.
    async fn nothing_gets_in_without(&self) {
        for (address, word) in [
            (self.gateway, "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"),
            (self.ops, "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"),
            (self.amqps, "AMQP\0\0\u{9}\u{1}"),
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(word.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            // The listener may cut the line after its alert.
            let _ = stream.read_to_end(&mut answer).await;
            assert!(answer.is_empty() || answer[0] == 21, "an alert at most: {answer:?}");
        }
        let plain = self.postgres.tls_url().replace("sslmode=require", "sslmode=disable");
        let refused = tokio_postgres::connect(&plain, tokio_postgres::NoTls).await.err().unwrap();
        assert_eq!(refused.code().map(|code| code.code()), Some("28000"), "{refused}");
    }

    /// No service starts that is told to go without.
    async fn nobody_goes_without(&self) {
        let plain = self.at().join("plain_url");
        std::fs::write(&plain, self.broker.amqp_url()).unwrap();
        let database = self.postgres.tls_url().replace("?sslmode=require", "");
        for service in SERVICES {
            for (variable, value, key) in [
                ("FRONTDESK__AMQP__URL_FILE", plain.to_str().unwrap(), "amqp.url_file"),
                ("FRONTDESK__POSTGRES__URL", database.as_str(), "postgres.url"),
            ] {
                let output = self.service(service.name).env(variable, value).output().await.unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(1), "{}: {said}", service.name);
                assert!(said.contains(&format!("`{key}`: goes without TLS")), "{}: {said}", service.name);
                assert!(!said.contains("secret1"), "{}: {said}", service.name);
            }
        }
    }
}

#[tokio::test]
async fn the_line_of_production_goes_over_tls_and_refuses_what_does_not() {
    let Some(world) = World::new().await else { return };
    world.done(&["migrate"]).await;
    world.done(&["topology", "apply"]).await;
    let children: Vec<Child> =
        SERVICES.iter().map(|service| world.service(service.name).spawn().unwrap()).collect();
    for service in SERVICES {
        let ready = || async {
            let address = std::fs::read_to_string(world.at().join(service.name)).ok()?;
            let url = format!("http://{}/health/ready", address.trim());
            frontdesk(world.at(), &["health", &url]).output().await.ok()?.status.success().then_some(())
        };
        wait::until_some(PATIENCE, ready).await.unwrap_or_else(|_| panic!("{} is not ready", service.name));
    }
    world.submit().await;
    world.all_is_encrypted().await;
    world.nothing_gets_in_without().await;
    drop(children);
    world.nobody_goes_without().await;
    world.postgres.wipe().unwrap();
}
