//! A database that goes away and comes back.

use std::{sync::Arc, time::Duration};

use domain::{
    Stage,
    clock::SystemClock,
    hop::Event,
    ports::{HopLog, StoreDown},
};
use ledger::{Config, Store};
use testkit::{
    proxy::{Direction, Proxy},
    wait::{TimedOut, until},
};
use tokio::time::timeout;

use crate::support::{Fixture, admit, fresh_admission, hop, matcher, request};

const LIMIT: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(3600);
/// Who waits for a lock now.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

#[tokio::test]
async fn killed_connections_are_replaced() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let sql = fixture.sql().await;
    for n in 0..5 {
        assert!(store.ready().await);
        admit(&store, &request(&format!("s-{n}"), &format!("Ada Name{n}"), "9:00")).await;
        sql.batch_execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
        // At once: every connection in the pool is dead.
        store.append(hop(fresh_admission(), Stage::Validation, Event::Emitted)).await.unwrap();
    }
}

#[tokio::test]
async fn a_transaction_whose_connection_is_killed_is_reported_and_repeated_without_harm() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let sql = fixture.sql().await;
    // Someone else holds the clinic, so that the admission waits within its transaction.
    sql.batch_execute("BEGIN; LOCK TABLE submission IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let asked = request("s-1", "Ada Lovelace", "9:00");
    let waiting = tokio::spawn({
        let (store, asked) = (store.clone(), asked.clone());
        async move { store.admit(asked, matcher()).await }
    });
    let killer = fixture.sql().await;
    let killed = timeout(LIMIT, async {
        loop {
            let rows = killer
                .query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock'",
                    &[],
                )
                .await
                .unwrap();
            if !rows.is_empty() {
                break;
            }
            tokio::task::yield_now().await;
        }
    });
    killed.await.unwrap();
    assert!(waiting.await.unwrap().is_err());
    sql.batch_execute("ROLLBACK").await.unwrap();
    assert!(!admit(&store, &asked).await.again, "nothing had been admitted");
}

#[tokio::test]
async fn a_lock_that_is_never_freed_holds_nobody_up_forever() {
    let fixture = Fixture::new().await;
    let config = Config { statement_timeout_s: 1, ..fixture.config() };
    let store = Store::connect(&config, fixture.clock.clone()).await.unwrap();
    let sql = fixture.sql().await;
    sql.batch_execute("BEGIN; LOCK TABLE journal IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let appended = store.append(hop(fresh_admission(), Stage::Validation, Event::Emitted));
    assert_eq!(timeout(LIMIT, appended).await.unwrap(), Err(StoreDown));
    sql.batch_execute("ROLLBACK").await.unwrap();
    store.append(hop(fresh_admission(), Stage::Validation, Event::Emitted)).await.unwrap();
}

/// A store whose connections go over a proxy.
async fn by_proxy(fixture: &Fixture) -> (Proxy, Store) {
    let (proxy, url) = Proxy::before(fixture.database.url(), 5432).unwrap();
    let config = Config { url: Some(url), statement_timeout_s: 2, ..fixture.config() };
    (proxy, Store::connect(&config, fixture.clock.clone()).await.unwrap())
}

async fn append(store: &Store) -> Result<(), StoreDown> {
    let appended = store.append(hop(fresh_admission(), Stage::Validation, Event::Emitted));
    timeout(LIMIT, appended).await.unwrap()
}

async fn is_ready(store: &Store) -> bool {
    timeout(LIMIT, store.ready()).await.unwrap()
}

#[tokio::test]
async fn a_database_that_refuses_connections_is_not_ready_until_it_takes_them_again() {
    let fixture = Fixture::new().await;
    let (proxy, store) = by_proxy(&fixture).await;
    for _ in 0..3 {
        until(LIMIT, || is_ready(&store)).await.unwrap();
        append(&store).await.unwrap();
        proxy.refuse(true);
        proxy.cut();
        assert!(!is_ready(&store).await);
        assert_eq!(append(&store).await, Err(StoreDown));
        assert!(!is_ready(&store).await);
        proxy.refuse(false);
    }
    until(LIMIT, || is_ready(&store)).await.unwrap();
}

/// What is said over the proxy gets nowhere, for so long. Connections that have lost something by then stay silent, whatever
/// the next call says.
fn silence(proxy: &Proxy, lasting: Duration) {
    proxy.blackhole(Direction::ToServer, lasting);
    proxy.blackhole(Direction::ToClient, lasting);
}

/// Waits until so many connections have fallen silent, and ends it for all others.
async fn silent(proxy: &Proxy, connections: u64) -> Result<(), TimedOut> {
    let fell = until(LIMIT, || async { proxy.counts().blackholed >= connections }).await;
    silence(proxy, Duration::ZERO);
    fell
}

#[tokio::test]
async fn connections_that_fell_silent_are_given_up() {
    let fixture = Fixture::new().await;
    let (proxy, store) = by_proxy(&fixture).await;
    let (one, ready) = tokio::join!(append(&store), is_ready(&store));
    assert!(one.is_ok() && ready);
    // Idle connections, or new ones. Nothing resets them: for this test the hour does not end.
    silence(&proxy, HOUR);
    let (_, ready, fell) = tokio::join!(append(&store), is_ready(&store), silent(&proxy, 2));
    assert_eq!((ready, fell), (false, Ok(())));
    until(LIMIT, || async { append(&store).await.is_ok() }).await.unwrap();
    until(LIMIT, || is_ready(&store)).await.unwrap();
    // One falls silent within a transaction: what became of that is not known, and it is said so.
    let sql = fixture.sql().await;
    sql.batch_execute("BEGIN; LOCK TABLE journal IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let silenced = async {
        until(LIMIT, || async { fixture.count(WAITING).await > 0 }).await.unwrap();
        let before = proxy.counts().blackholed;
        silence(&proxy, HOUR);
        sql.batch_execute("ROLLBACK").await.unwrap();
        silent(&proxy, before + 1).await
    };
    assert_eq!(tokio::join!(append(&store), silenced), (Err(StoreDown), Ok(())));
    append(&store).await.unwrap();
    until(LIMIT, || is_ready(&store)).await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_down_at_start_is_not_fatal() {
    // Nothing listens on the discard port of this machine.
    let config = Config::with_url("postgres://nobody@127.0.0.1:9/none");
    let store = Store::connect(&config, Arc::new(SystemClock)).await.unwrap();
    assert!(!store.ready().await);
    let appended = store.append(hop(fresh_admission(), Stage::Validation, Event::Emitted));
    assert_eq!(timeout(LIMIT, appended).await.unwrap(), Err(StoreDown));
    let error = ledger::migrate(&config).await.unwrap_err();
    assert_eq!(error.to_string(), "the database does not do it (no answer)");
}

#[tokio::test]
async fn several_processes_may_migrate_at_once_and_again() {
    let database = testkit::env::TestDatabase::create().await.unwrap();
    let config = Config::with_url(database.url());
    let (a, b, c) =
        tokio::join!(ledger::migrate(&config), ledger::migrate(&config), ledger::migrate(&config));
    assert!(a.is_ok() && b.is_ok() && c.is_ok(), "{a:?} {b:?} {c:?}");
    ledger::migrate(&config).await.unwrap();
}
