//! Dead letters over a real broker and a real database: committed, then acknowledged.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use domain::{
    Code, MessageId,
    clock::{Clock, SystemClock},
    letter::DeadLetter,
    ports::{LetterBox, Pending, StoreDown},
};
use ledger::{Config, Store, letters::LetterFilter};
use reqwest::Url;
use runtime::{
    Boot, Settings,
    amqp::{Properties, header},
    letters,
    topology::{Lanes, Management, Topology},
};
use testkit::{
    env::{TestDatabase, TestVhost},
    proxy::Proxy,
    wait,
};
use tokio::task::JoinHandle;

const DEADLINE: Duration = Duration::from_secs(60);
const QUEUE: &str = "ehr-writer.default.dlq";

/// A proxy before the server of a URL, and the URL that leads through it.
fn before(url: &str) -> (Proxy, String) {
    let mut url = Url::parse(url).unwrap();
    let behind = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let proxy = Proxy::start(behind.parse::<SocketAddr>().unwrap()).unwrap();
    url.set_port(Some(proxy.address().port())).unwrap();
    (proxy, url.to_string())
}

struct Fixture {
    boot: Boot,
    /// Past the proxies.
    store: Store,
    /// Over the proxy.
    reached: Store,
    broker: Proxy,
    database: Proxy,
    management: Management,
    other: Boot,
    _kept: (TestDatabase, TestVhost, tempfile::TempDir),
}

impl Fixture {
    async fn new() -> Self {
        let (data, vhost) = (TestDatabase::create().await.unwrap(), TestVhost::create().await.unwrap());
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("2026-01.key"), "0a".repeat(32)).unwrap();
        let (broker, amqp) = before(vhost.amqp_url());
        let (database, postgres) = before(data.url());
        let boot = |name, amqp: &str| {
            let text = format!(
                "[amqp]\nurl = {amqp:?}\n[management]\nurl = {:?}\n[keys]\nsealing_dir = \".\"\n",
                vhost.management_url()
            );
            let settings = Settings::from_toml(&text, folder.path()).unwrap();
            Boot::new(name, settings, Arc::new(SystemClock)).unwrap()
        };
        let (other, boot) = (boot("tests", vhost.amqp_url()), boot("ops", &amqp));
        let management = Management::from_settings(other.settings()).unwrap();
        management.apply(&Topology::derive(&Lanes::default())).await.unwrap();
        let config = Config { statement_timeout_s: 2, ..Config::with_url(&postgres) };
        let direct = Config::with_url(data.url());
        ledger::migrate(&direct).await.unwrap();
        let store = Store::connect(&direct, Arc::new(SystemClock)).await.unwrap();
        let reached = Store::connect(&config, Arc::new(SystemClock)).await.unwrap();
        Self { boot, store, reached, broker, database, management, other, _kept: (data, vhost, folder) }
    }

    /// As a stage that gives up.
    async fn die(&self) -> MessageId {
        let message = MessageId::from_uuid(SystemClock.fresh_id());
        let now = SystemClock.now();
        let properties = Properties::new(message, "ehr-writer", "application/json", now)
            .header(header::CODE, Some(Code::EhrRejected))
            .header(header::DIED_AT, Some(now));
        let publisher = self.other.publisher().await.unwrap();
        publisher.link().connected().await.unwrap();
        publisher.publish("ehr-writer.default.dlx", "x", properties, b"{}".to_vec()).await.unwrap();
        message
    }

    fn collect(&self, kept: Arc<dyn LetterBox>) -> JoinHandle<()> {
        let boot = self.boot.clone();
        tokio::spawn(async move { letters::collect(&boot, kept).await.unwrap() })
    }

    /// Messages in the queue, ready and in hand, as the broker counts them every few seconds.
    async fn on_the_broker(&self) -> Option<u64> {
        let depths = self.management.depths().await.ok()?;
        depths.iter().find(|depth| depth.queue == QUEUE).map(|depth| depth.ready + depth.unacked)
    }

    async fn kept(&self) -> u64 {
        self.store.letters_kept().await.unwrap()
    }

    async fn until(&self, condition: impl AsyncFn() -> bool) {
        wait::until(DEADLINE, || condition()).await.unwrap();
    }

    async fn stop(&self, collecting: JoinHandle<()>) {
        self.boot.shutdown().soft().cancel();
        collecting.await.unwrap();
        self.boot.close().await;
        self.other.close().await;
    }
}

/// Loses the connection to the broker right after the first commit.
struct Unlucky {
    store: Store,
    broker: Proxy,
    boot: Boot,
    calls: Arc<AtomicUsize>,
}

impl LetterBox for Unlucky {
    fn keep(&self, letter: DeadLetter) -> Pending<Result<(), StoreDown>> {
        let first = self.calls.fetch_add(1, Ordering::SeqCst) == 0;
        let (kept, broker, boot) = (self.store.keep(letter), self.broker.clone(), self.boot.clone());
        Box::pin(async move {
            kept.await?;
            if first {
                broker.cut();
                // Whoever waits for this answer is on the new connection by then, if he is at all.
                wait::until(DEADLINE, || async { boot.metrics().connections.get() >= 2 }).await.unwrap();
            }
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_letter_whose_acknowledgement_was_lost_is_kept_once() {
    let f = Fixture::new().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let unlucky = Unlucky {
        store: f.reached.clone(),
        broker: f.broker.clone(),
        boot: f.boot.clone(),
        calls: calls.clone(),
    };
    let collecting = f.collect(Arc::new(unlucky));
    let message = f.die().await;
    f.until(async || f.boot.metrics().collected.get() == 1).await;
    assert_eq!(calls.load(Ordering::SeqCst), 2, "it came again");
    let page = f.store.letters(&LetterFilter::default(), None, 10).await.unwrap();
    assert_eq!(page.letters.iter().map(|row| row.message_id).collect::<Vec<_>>(), [Some(message)]);
    assert_eq!(page.letters[0].fingerprint, "ehr-writer/ehr_rejected/-/-");
    f.until(async || f.on_the_broker().await == Some(0)).await;
    f.stop(collecting).await;
}

#[tokio::test]
async fn while_the_database_is_down_the_letters_stay_on_the_broker() {
    let f = Fixture::new().await;
    f.database.refuse(true);
    f.database.cut();
    let collecting = f.collect(Arc::new(f.reached.clone()));
    for _ in 0..20 {
        f.die().await;
    }
    f.until(async || f.boot.metrics().store_retries.get() >= 2).await;
    f.until(async || f.on_the_broker().await == Some(20)).await;
    assert_eq!((f.kept().await, f.boot.metrics().collected.get()), (0, 0));
    f.database.heal();
    f.database.refuse(false);
    f.until(async || f.kept().await == 20 && f.boot.metrics().collected.get() == 20).await;
    f.until(async || f.on_the_broker().await == Some(0)).await;
    f.stop(collecting).await;
}

#[tokio::test]
async fn without_keys_nothing_is_collected() {
    let settings = Settings::from_toml("[amqp]\nurl = \"amqp://127.0.0.1\"\n", Path::new("/")).unwrap();
    let boot = Boot::new("ops", settings, Arc::new(SystemClock)).unwrap();
    let config = Config::with_url("postgres://nobody@127.0.0.1:9/none");
    let store = Store::connect(&config, Arc::new(SystemClock)).await.unwrap();
    let error = letters::collect(&boot, Arc::new(store)).await.unwrap_err().to_string();
    assert!(error.contains("keys.sealing_dir"), "{error}");
}
