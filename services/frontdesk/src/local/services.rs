//! Our services as processes: which there are, where they listen, how they are run.

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
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
pub const SERVICES: [&str; 6] = ["gateway", "validation", "eligibility", "ehr-writer", "notification", OPS];

/// The one that looks at the broker's queues.
pub const OPS: &str = "ops";

/// Those of them that others call, at an address that only one process can have.
const LISTENING: [&str; 2] = ["gateway", OPS];

/// The program that plays the EHR, the payers, the mail relay and the SMS provider.
pub const SANDBOX: &str = "sandbox";

/// The ports of a run: broker and database take 1 to 6 of the block, and with TLS the broker 7 and 8.
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

    /// Liveness, readiness and metrics of the nth process of ours, from 0.
    fn health(&self, nth: u16) -> Option<SocketAddr> {
        let offset = Self::HEALTH + nth;
        (offset < Self::SIZE).then(|| self.block.address(offset))
    }

    /// Offset of the first of these.
    const HEALTH: u16 = 20;
}

/// One process of a service.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Its name: the service's, and from the second on with its number, such as `validation-2`.
    pub name: String,
    /// The service.
    pub service: &'static str,
    /// Liveness, readiness and metrics.
    pub health: SocketAddr,
}

/// Every service once, and those that `replicas` names as often as it says.
///
/// # Errors
/// If it names none of ours, or one that has an address of its own more than once, or too many.
pub fn instances(places: &Places, replicas: &BTreeMap<String, u16>) -> anyhow::Result<Vec<Instance>> {
    for (name, number) in replicas {
        if !SERVICES.contains(&name.as_str()) {
            bail!("there is no service {name}: there are {}", SERVICES.join(", "));
        }
        if *number == 0 || *number > 1 && LISTENING.contains(&name.as_str()) {
            bail!("{name} cannot run {number} times");
        }
    }
    let first = SERVICES.into_iter().map(|service| (service, service.to_owned()));
    let more = SERVICES.into_iter().flat_map(|service| {
        let number = replicas.get(service).copied().unwrap_or(1);
        (2..=number).map(move |nth| (service, format!("{service}-{nth}")))
    });
    let place = |(nth, (service, name))| {
        let health = places.health(nth).context("so many processes have no room in a block of ports")?;
        Ok(Instance { name, service, health })
    };
    (0..).zip(first.chain(more)).map(place).collect()
}

/// What is done to a service's process before it is first started. Without, nothing.
#[derive(Clone, Default)]
pub struct Dress(Option<Arc<Hook>>);

type Hook = dyn Fn(&str, Program) -> anyhow::Result<Program> + Send + Sync;

impl Dress {
    /// The hook is called for each process with its name and what is to be run, which it may change: such as its environment, to
    /// lead its connections elsewhere. Broker, database and sandbox are up by then, and the files with credentials are written.
    pub fn new(hook: impl Fn(&str, Program) -> anyhow::Result<Program> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    fn put_on(&self, name: &str, program: Program) -> anyhow::Result<Program> {
        match &self.0 {
            Some(hook) => hook(name, program).with_context(|| format!("{name} cannot be dressed")),
            None => Ok(program),
        }
    }
}

impl fmt::Debug for Dress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Dress").field(&self.0.is_some()).finish()
    }
}

/// A service's process as one to be kept running.
///
/// # Errors
/// If its program is not built, or it cannot be dressed.
pub fn unit(
    layout: &Layout,
    instance: &Instance,
    credentials: &Credentials,
    dress: &Dress,
) -> anyhow::Result<Unit> {
    let Instance { name, service, health } = instance;
    let mut program = Program::new(program(service)?, log(layout, name));
    for (variable, file) in credentials.own().of(service) {
        program = program.env(variable, file);
    }
    let program = program
        .arg("--config")
        .arg(layout.settings())
        .env("FRONTDESK__HEALTH__LISTEN", health.to_string())
        .folder(layout.root())
        // Longer than the services' own deadline for what they have in hand.
        .ends_by(Signal::SIGTERM, Duration::from_secs(30));
    Ok(Unit {
        name: name.clone(),
        program: dress.put_on(name, program)?,
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

#[cfg(test)]
mod tests {
    use super::{Dress, Places, SERVICES, instances};
    use std::collections::{BTreeMap, BTreeSet};
    use testkit::process::Program;

    #[test]
    fn further_processes_have_names_and_ports_of_their_own() {
        let places = Places::take(None).unwrap();
        let of = |list: &[(&str, u16)]| {
            let replicas: BTreeMap<String, u16> =
                list.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
            instances(&places, &replicas)
        };
        let all = of(&[("validation", 2), ("ehr-writer", 3)]).unwrap();
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names[..6], SERVICES);
        assert_eq!(names[6..], ["validation-2", "ehr-writer-2", "ehr-writer-3"]);
        assert_eq!(all[8].service, "ehr-writer");
        let ports: BTreeSet<_> = all.iter().map(|one| one.health).collect();
        assert_eq!(ports.len(), all.len());
        for wrong in [("gateway", 2), ("validation", 0), ("nobody", 1), ("eligibility", 50)] {
            assert!(of(&[wrong]).is_err(), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn a_dress_sees_each_process_and_what_it_sets_counts_last() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let shell = Program::new("/bin/sh", &log).args(["-c", "echo $WORD"]).env("WORD", "plain");
        let dress = Dress::new(|name, program| {
            anyhow::ensure!(name != "ops", "not this one");
            Ok(program.env("WORD", name))
        });
        for (dress, said) in [(&Dress::default(), "plain\n"), (&dress, "plain\nvalidation-2\n")] {
            dress.put_on("validation-2", shell.clone()).unwrap().run().await.unwrap();
            assert_eq!(std::fs::read_to_string(&log).unwrap(), said);
        }
        assert!(dress.put_on("ops", shell).is_err());
    }
}
