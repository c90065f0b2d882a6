//! The one boot for every binary.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     runtime::main("example", |boot| async move {
//!         boot.shutdown().soft().cancelled().await;
//!         Ok(())
//!     })
//! }
//! ```

mod args;
mod certificates;
mod cores;
mod health;
mod panic;
mod shutdown;

use std::{future::Future, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use domain::{
    blind::IndexKey,
    clock::{Clock, SystemClock},
    seal::Keyring,
};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

pub use cores::no_core_dumps;
pub use health::{Health, Probe};
pub use shutdown::Shutdown;

use crate::{
    amqp::{Link, Publisher},
    config::{
        self, AmqpSection, ConfigError, RetrySection, Secret, Settings, StageSection, TelemetrySection,
        TlsSection,
    },
    drill,
    keys::{self, Follower, Keys},
    telemetry::{self, Metrics, Origin},
    topology::{ConsumedLane, Lanes},
};

/// How long the process may take to end by itself after the hard deadline.
const GRACE: Duration = Duration::from_secs(2);

/// What a service gets from its boot. Cheap to clone.
#[derive(Clone)]
pub struct Boot {
    inner: Arc<Inner>,
}

struct Inner {
    name: &'static str,
    settings: Settings,
    clock: Arc<dyn Clock>,
    amqp: Option<(AmqpSection, Secret)>,
    stage: StageSection,
    retry: RetrySection,
    lanes: Vec<ConsumedLane>,
    keys: Option<Keys>,
    shutdown: Shutdown,
    health: Health,
    origin: Origin,
    metrics: Arc<Metrics>,
    publisher: OnceCell<Publisher>,
    close_link: CancellationToken,
}

impl Boot {
    /// Checks the runtime's own sections, and loads the sealing keys if `[keys]` names a folder of them.
    /// Connects to nothing. [`main`] calls it; tests and tools may too.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn new(name: &'static str, settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let amqp = settings.has("amqp").then(|| AmqpSection::read(&settings)).transpose()?;
        let stage = StageSection::read(&settings)?;
        let origin = Origin { service: name, instance: clock.fresh_id().to_string() };
        let metrics = Arc::new(Metrics::new(origin.clone(), &TelemetrySection::read(&settings)?)?);
        let inner = Inner {
            name,
            origin,
            amqp,
            lanes: Lanes::read(&settings)?.consumed(&stage)?,
            stage,
            retry: RetrySection::read(&settings)?,
            keys: keys::of(&settings, clock.now(), &metrics)?,
            metrics,
            settings,
            clock,
            shutdown: Shutdown::default(),
            health: Health::default(),
            publisher: OnceCell::new(),
            close_link: CancellationToken::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The service's name.
    pub fn name(&self) -> &'static str {
        self.inner.name
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The clock, to be handed on: nothing else tells the time.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.inner.clock.clone()
    }

    /// The sealing keys.
    ///
    /// # Errors
    /// [`ConfigError`] if there is neither `[keys] sealing_dir` nor `[keys.vault]`.
    pub fn keys(&self) -> Result<Arc<Keyring>, ConfigError> {
        let keys = self.inner.keys.as_ref().map(|keys| keys.ring.clone());
        keys.ok_or_else(|| ConfigError::key("keys.sealing_dir", "missing; give it or [keys.vault]"))
    }

    /// What looks for new keys, if there are any.
    pub(crate) fn follower(&self) -> Option<Follower> {
        self.inner.keys.as_ref().map(|keys| keys.follower.clone())
    }

    /// Sees that there are sealing keys, and takes up new ones for as long as the process lives.
    async fn follow_keys(&self) -> anyhow::Result<()> {
        keys::warn_of_open_files(self.settings())?;
        if let Some(keys) = &self.inner.keys {
            keys.follower.first(&*self.inner.clock).await.context("the sealing keys")?;
            tokio::spawn(keys.follower.clone().run(self.clock()));
        }
        Ok(())
    }

    /// The key of the blind indexes.
    ///
    /// # Errors
    /// [`ConfigError`] names the key and the file.
    pub fn index_key(&self) -> Result<IndexKey, ConfigError> {
        config::index_key(&self.inner.settings)
    }

    /// `[stage]`, checked.
    pub fn stage(&self) -> &StageSection {
        &self.inner.stage
    }

    /// `[retry]`, checked.
    pub fn retry(&self) -> &RetrySection {
        &self.inner.retry
    }

    /// The lanes that this process consumes, and how.
    pub fn lanes(&self) -> &[ConsumedLane] {
        &self.inner.lanes
    }

    /// When to stop.
    pub fn shutdown(&self) -> &Shutdown {
        &self.inner.shutdown
    }

    /// Who tells, to a collector.
    pub fn origin(&self) -> &Origin {
        &self.inner.origin
    }

    /// What readiness depends on: add to it.
    pub fn health(&self) -> &Health {
        &self.inner.health
    }

    /// The process's counters.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.inner.metrics
    }

    /// The publisher, over the process's one connection, which the first call starts. Readiness then includes the connection.
    ///
    /// # Errors
    /// [`ConfigError`] if there is no usable `[amqp]` section. A broker that is down is not an error: it connects later.
    pub async fn publisher(&self) -> Result<Publisher, ConfigError> {
        let start = || async {
            let (section, url) = self
                .inner
                .amqp
                .as_ref()
                .ok_or_else(|| ConfigError::key("amqp.url", "missing; give it or url_file"))?;
            let (metrics, stop) = (self.metrics().clone(), self.inner.close_link.clone());
            let link = Link::start(section, url, self.name(), metrics, stop)?;
            let up = link.clone();
            self.health().add("broker", move || {
                let up = up.is_up();
                Box::pin(async move { up })
            });
            Ok(Publisher::start(link, section, self.metrics().clone()))
        };
        self.inner.publisher.get_or_try_init(start).await.cloned()
    }

    /// Closes the broker connection, if there is one, and waits for that (a second at most).
    pub async fn close(&self) {
        self.inner.close_link.cancel();
        if let Some(publisher) = self.inner.publisher.get() {
            let _ = tokio::time::timeout(Duration::from_secs(1), publisher.link().closed()).await;
        }
    }
}

/// Runs a service: reads `--config FILE` (or `FRONTDESK_CONFIG`), sets up logs, traces, signals and health, runs `run` on a
/// single-threaded runtime, and says by its exit code whether that went well.
///
/// The first SIGTERM or SIGINT asks `run` to finish; the second, or `[stage] drain_s` seconds, tells it to stop at once.
pub fn main<F, Fut>(name: &'static str, run: F) -> ExitCode
where
    F: FnOnce(Boot) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let args = args::Args::parse(name);
    panic::log_location_only();
    if let Err(error) = no_core_dumps() {
        say(name, &anyhow::Error::new(error).context("core dumps cannot be forbidden"));
        return ExitCode::FAILURE;
    }
    // The one TLS stack. Already installed means that a test did.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match start(name, &args, run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // To both: a person reads stderr, a collector reads stdout.
            tracing::error!(error = format!("{error:#}"), "service.failed");
            say(name, &error);
            ExitCode::FAILURE
        }
    }
}

#[allow(clippy::print_stderr, reason = "the last words of a program that could not start, for a person")]
fn say(name: &str, error: &anyhow::Error) {
    eprintln!("{name}: {error:#}");
}

fn start<F, Fut>(name: &'static str, args: &args::Args, run: F) -> anyhow::Result<()>
where
    F: FnOnce(Boot) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let settings = Settings::load(&args.config)?;
    let section = TelemetrySection::read(&settings)?;
    let boot = Boot::new(name, settings, Arc::new(SystemClock))?;
    let _telemetry = telemetry::init(&boot.inner.origin, &section, boot.metrics())?;
    drill::install(boot.settings())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(live(boot, run))
}

async fn live<F, Fut>(boot: Boot, run: F) -> anyhow::Result<()>
where
    F: FnOnce(Boot) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    tracing::info!(
        service.name = boot.name(),
        service.version = env!("CARGO_PKG_VERSION"),
        "service.starting"
    );
    shutdown::on_signals(boot.shutdown().clone(), Duration::from_secs(boot.stage().drain_s))?;
    health::serve(&boot).await?;
    boot.follow_keys().await?;
    let reload = TlsSection::read(boot.settings())?.reload();
    tokio::spawn(certificates::follow(Arc::clone(boot.metrics()), reload));
    let overdue = async {
        boot.shutdown().hard().cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let result = tokio::select! {
        result = run(boot.clone()) => result,
        () = overdue => Err(anyhow::anyhow!("did not stop within its deadline")),
    };
    boot.close().await;
    if result.is_ok() {
        tracing::info!(service.name = boot.name(), "service.stopped");
    }
    result
}
