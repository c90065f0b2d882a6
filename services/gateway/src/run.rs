//! Wiring: from settings to a server.

use std::{
    collections::HashSet,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context as _;
use domain::{ClinicId, ports::SwitchBoard};
use ledger::Store;
use runtime::Boot;
use tokio::{net::TcpListener, sync::Semaphore};

use crate::{
    App, Counter, Entrance, Pauses, Replays, Submissions,
    config::GatewayConfig,
    count::Counting,
    line::{Line, NoStore},
    ports::Standings,
    router, serve,
    sources::Sources,
};

/// Serves the door until the process is asked to stop.
///
/// # Errors
/// A configuration that cannot be used, named, before anything is connected; an address that is taken.
pub async fn run(boot: Boot) -> anyhow::Result<()> {
    let settings = boot.settings();
    let config = GatewayConfig::read(settings)?;
    let sources = Sources::load(&settings.resolve(&config.sources_file), config.in_flight_per_source)
        .context("configuration key `gateway.sources_file`")?;
    let acceptor = config.acceptor()?;
    let clinics = runtime::clinics::load(settings)?;
    let clinics: HashSet<ClinicId> = clinics.iter().map(|clinic| clinic.id.clone()).collect();
    for (source, clinic) in sources.strangers(&clinics) {
        tracing::warn!(frontdesk.source = source, frontdesk.clinic = %clinic, "gateway.source_names_unknown_clinic");
    }
    let store = store(&boot).await?;
    let counting = counting(&boot, &config, store.is_some())?;
    let (standings, switches) = neighbours(store.as_ref());
    let keys = boot.keys()?;
    let index = Arc::new(boot.index_key()?);
    let publisher = boot.publisher().await?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("configuration key `gateway.listen`: {}", config.listen))?;
    tracing::info!(server.address = %listener.local_addr()?, "gateway.listening");

    let pauses = Arc::new(Pauses::default());
    let line = Line { publisher, clock: boot.clock(), app: boot.name(), patience: config.confirm_timeout() };
    let app = Arc::new(App {
        sources,
        clinics,
        pauses: Arc::clone(&pauses),
        submissions: Submissions::default(),
        replays: Replays::default(),
        keys,
        index,
        ingest: Arc::new(line),
        count: counting.count(),
        standings,
        clock: boot.clock(),
        metrics: Arc::clone(boot.metrics()),
        places: Arc::new(Semaphore::new(config.in_flight)),
        read_timeout: config.read_timeout(),
        public_url: config.public_url.clone().unwrap_or_default(),
        stopping: AtomicBool::new(false),
    });
    let (soft, hard) = (boot.shutdown().soft().clone(), boot.shutdown().hard().clone());
    let stopping = async {
        soft.cancelled().await;
        app.stopping.store(true, Ordering::Relaxed);
        // The switches are followed for as long as requests are served: this ends with the server.
        std::future::pending::<()>().await;
    };
    let entrance = Entrance { listener, acceptor, head_timeout: config.read_timeout() };
    let clock = boot.clock();
    tokio::select! {
        () = serve(entrance, router(Arc::clone(&app)), soft.clone(), hard) => {}
        () = stopping => {}
        () = pauses.follow(switches) => {}
        () = counting.follow(store.as_ref(), &*clock) => {}
    }
    counting.close(store.as_ref(), &*clock).await;
    Ok(())
}

/// Counts where there is a folder for it and a database that it can be told to. A disk that cannot be used keeps nobody out: the count is
/// missed. Two gateways in one folder are a mistake of the configuration.
fn counting(boot: &Boot, config: &GatewayConfig, told: bool) -> anyhow::Result<Counting> {
    let Some(folder) = config.count_dir.as_ref().filter(|_| told) else {
        tracing::warn!("gateway.not_counting");
        return Ok(Counting::Not);
    };
    let folder = boot.settings().resolve(folder);
    match Counter::open(&folder, &*boot.clock()) {
        Ok(counter) => Ok(Counting::Counts(counter)),
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            Err(error).with_context(|| format!("configuration key `gateway.count_dir`: {}", folder.display()))
        }
        Err(error) => {
            tracing::error!(%error, "gateway.count_not_opened");
            Ok(Counting::Missed(boot.clock().fresh_id()))
        }
    }
}

type Neighbours = (Arc<dyn Standings>, Arc<dyn SwitchBoard>);

fn neighbours(store: Option<&Store>) -> Neighbours {
    match store {
        Some(store) => (Arc::new(store.clone()), Arc::new(store.clone())),
        None => (Arc::new(NoStore), Arc::new(NoStore)),
    }
}

/// The ledger, if one is configured. It need not answer, now or ever, for submissions to be accepted.
async fn store(boot: &Boot) -> anyhow::Result<Option<Store>> {
    let settings = boot.settings();
    if !settings.has("postgres") {
        return Ok(None);
    }
    let config: ledger::Config = settings.section("postgres")?;
    Ok(Some(Store::connect(&config, boot.clock()).await?))
}
