//! Wiring: from settings to a server.

use std::sync::Arc;

use adapters::ehr::EhrDirectory;
use anyhow::Context as _;
use domain::{matching::person::Matcher, ports::HopLog as _};
use ledger::Store;
use runtime::{
    Boot,
    again::Again,
    config::KeysSection,
    letters,
    topology::{Lanes, Management},
};
use tokio::{net::TcpListener, sync::Notify};

use crate::{
    App,
    config::{OpsConfig, ReconciliationConfig},
    gauges::Gauges,
    names::Names,
    ports::{NoQueues, Queues},
    reconcile::Reconciler,
    releases,
    replay::{Replay, Tools, runner},
    router,
    secure::Secure,
    silence::{Listener, Silences},
    tokens::Tokens,
    watch::watch,
};

/// Serves the API; collects and replays dead letters and publishes what was decided if there is an `[amqp]` section; and reconciles and
/// listens for silence if there are `[clinics]` and `[ehrs]`; until the process is asked to stop.
///
/// # Errors
/// A configuration that cannot be used, named, before anything is connected; an address that is taken.
pub async fn run(boot: Boot) -> anyhow::Result<()> {
    let settings = boot.settings();
    let config: OpsConfig = settings.section("ops")?;
    let tokens = Tokens::load(&settings.resolve(&config.tokens_file))
        .context("configuration key `ops.tokens_file`")?;
    let acceptor = config.acceptor()?;
    let names = Names::read(settings)?;
    let queues: Arc<dyn Queues> = if settings.has("management") {
        Arc::new(Management::from_settings(settings)?)
    } else {
        Arc::new(NoQueues)
    };
    let postgres: ledger::Config = settings.section("postgres")?;
    let store = Store::connect(&postgres, boot.clock()).await?;
    let probe = store.clone();
    boot.health().add("store", move || probe.ready());
    // An API that is to look only needs no broker.
    let replay = if settings.has("amqp") { Some(Arc::new(replay(&boot, store.clone())?)) } else { None };
    let keys: KeysSection = settings.section("keys")?;
    let index = keys.index_file.is_some().then(|| boot.index_key()).transpose()?.map(Arc::new);
    let decided = Arc::new(Notify::new());
    let reconciler = reconciler(&boot, &store, &queues).await?.map(Arc::new);
    let silences = Silences::default();
    let gauges = Gauges::new(
        (store.clone(), Arc::clone(&queues)),
        (Lanes::read(settings)?, names.clone()),
        (boot.clock(), Arc::clone(boot.metrics())),
    );
    let app = App {
        tokens,
        records: Arc::new(store.clone()),
        queues,
        names,
        clock: boot.clock(),
        decided: Arc::clone(&decided),
        replay: replay.clone(),
        index,
        reconciler: reconciler.clone(),
        silences: silences.clone(),
    };
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("configuration key `ops.listen`: {}", config.listen))?;
    tracing::info!(server.address = %listener.local_addr()?, "ops.listening");
    let soft = boot.shutdown().soft().clone();
    let router = router(Arc::new(app));
    let serving = async {
        match acceptor {
            Some(acceptor) => {
                let listener = Secure::listen(listener, acceptor)?;
                axum::serve(listener, router).with_graceful_shutdown(soft.cancelled_owned()).await
            }
            None => axum::serve(listener, router).with_graceful_shutdown(soft.cancelled_owned()).await,
        }
    };
    let serving = async { serving.await.context("serving") };
    let watching = async {
        if let Some(reconciler) = reconciler {
            let (clinics, lanes) = (Arc::clone(&reconciler.clinics), reconciler.lanes.clone());
            let listener = Listener::new(store.clone(), clinics, lanes, silences);
            let tools = (boot.clock(), Arc::clone(boot.metrics()));
            watch(reconciler, listener, tools, boot.shutdown().soft().clone()).await;
        }
        Ok(())
    };
    let telling = async {
        gauges.tell_until(boot.shutdown().soft()).await;
        Ok(())
    };
    let with_broker = async {
        if let Some(replay) = replay {
            let outbox = letters::Replays::new(&boot).await?;
            let replaying = async {
                runner::run(&replay, &outbox, boot.shutdown().soft()).await;
                Ok(())
            };
            let releasing = releases::run(&boot, &store, &decided);
            let collecting = letters::collect(&boot, Arc::new(store.clone()));
            tokio::try_join!(collecting, replaying, releasing)?;
        }
        Ok(())
    };
    let all = async { tokio::try_join!(serving, with_broker, watching, telling).map(drop) };
    tokio::select! {
        done = all => done,
        () = boot.shutdown().hard().cancelled() => Ok(()),
    }
}

/// What is needed to replay: the sealing keys, the key of the blind indexes, the templates.
fn replay(boot: &Boot, store: Store) -> anyhow::Result<Replay> {
    let settings = boot.settings().clone();
    Ok(Replay::new(Tools {
        store,
        templates: Arc::new(move || runtime::clinics::load(&settings)),
        keys: boot.keys()?,
        index: boot.index_key()?,
        matcher: Matcher::bundled()?,
        clock: boot.clock(),
    }))
}

/// What a reconciliation asks, as the ehr-writer is configured; `None` where there are no clinics or no EHRs.
async fn reconciler(
    boot: &Boot,
    store: &Store,
    queues: &Arc<dyn Queues>,
) -> anyhow::Result<Option<Reconciler>> {
    let settings = boot.settings();
    let config = ReconciliationConfig::read(settings)?;
    if !(settings.has("clinics") && settings.has("ehrs")) {
        return Ok(None);
    }
    Ok(Some(Reconciler {
        store: store.clone(),
        clinics: Arc::new(runtime::clinics::load(settings)?),
        ehrs: EhrDirectory::connect(&settings.section("ehrs")?, &boot.clock())?,
        queues: Arc::clone(queues),
        lanes: Lanes::read(settings)?,
        again: if settings.has("amqp") {
            Some(Again::new(boot.publisher().await?, releases::APP, boot.clock()))
        } else {
            None
        },
        clock: boot.clock(),
        config,
    }))
}
