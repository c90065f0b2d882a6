//! Our services as processes: which there are, where they listen, how they are run.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use testkit::{
    backends::{PortBlock, Ready},
    process::Program,
};

use super::{Layout, access::Credentials, records::Tier, supervisor::Unit};

/// The services, in the order in which they are named to a person.
pub const SERVICES: [&str; 6] = ["gateway", "validation", "eligibility", "ehr-writer", "notification", "ops"];

/// The program that plays the EHR, the payers, the mail relay and the SMS provider.
pub const SANDBOX: &str = "sandbox";

/// The ports of a run: broker and database take 1 to 6 of the block.
pub struct Places {
    block: PortBlock,
}

impl Places {
    /// How many ports a run needs.
    const SIZE: u16 = 40;

    /// Takes a free block, or the one at `base`.
    ///
    /// # Errors
    /// If a port of the block at `base` is in use, which it names.
    pub fn take(base: Option<u16>) -> anyhow::Result<Self> {
        Ok(Self { block: PortBlock::take(base, Self::SIZE)? })
    }

    /// The block.
    pub const fn block(&self) -> &PortBlock {
        &self.block
    }

    /// The gateway's front door.
    pub fn gateway(&self) -> SocketAddr {
        self.block.address(10)
    }

    /// The ops API.
    pub fn ops(&self) -> SocketAddr {
        self.block.address(11)
    }

    /// The sandbox's HTTP.
    pub fn sandbox(&self) -> SocketAddr {
        self.block.address(12)
    }

    /// The sandbox's mail relay.
    pub fn smtp(&self) -> SocketAddr {
        self.block.address(13)
    }

    /// Liveness, readiness and metrics of a service.
    pub fn health(&self, service: &str) -> SocketAddr {
        let at = SERVICES.iter().position(|name| *name == service).unwrap_or_default();
        self.block.address(20 + u16::try_from(at).unwrap_or_default())
    }
}

/// A service as a process to be kept running.
///
/// # Errors
/// If its program is not built.
pub fn unit(
    layout: &Layout,
    places: &Places,
    service: &str,
    credentials: &Credentials,
) -> anyhow::Result<Unit> {
    let health = places.health(service);
    let program = Program::new(program(service)?, log(layout, service))
        .arg("--config")
        .arg(layout.settings())
        .env("FRONTDESK__HEALTH__LISTEN", health.to_string())
        // Each as its own user of the broker, who may do what the topology lets it do and no more.
        .env("FRONTDESK__AMQP__URL_FILE", credentials.amqp_of(service))
        .folder(layout.root())
        // Longer than the services' own deadline for what they have in hand.
        .ends_by(Signal::SIGTERM, Duration::from_secs(30));
    Ok(Unit {
        name: service.to_owned(),
        program,
        ready: Ready::Answers(format!("http://{health}/health/ready")),
        patience: Duration::from_secs(60),
        tier: Tier::Service,
    })
}

/// The program beside this one.
///
/// # Errors
/// If it is not there.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("where is this program?")?;
    let path = own.parent().unwrap_or(Path::new(".")).join(name);
    if !path.is_file() {
        bail!("{} is not built: run ./dev, or cargo build --workspace --bins", path.display());
    }
    Ok(path)
}

/// The file with a process's output.
pub fn log(layout: &Layout, name: &str) -> PathBuf {
    layout.logs().join(format!("{name}.log"))
}
