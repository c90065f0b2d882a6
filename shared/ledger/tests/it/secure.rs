//! The database over TLS: a private one that wants certificates.

use std::{path::Path, sync::Arc, time::Duration};

use domain::{clock::SystemClock, ports::HopLog as _};
use ledger::{Config, Store, migrate};
use testkit::{
    backends::{PortBlock, Postgres, PostgresPrograms, PostgresTls, Running},
    certificates::Authority,
    wait,
};

const PATIENCE: Duration = Duration::from_secs(60);

fn config(url: &str, folder: &Path, ca: &str, own: &str) -> Config {
    let mut config = Config::with_url(url);
    config.ca_file = (!ca.is_empty()).then(|| folder.join(format!("{ca}.pem")));
    if !own.is_empty() {
        config.client_cert_file = Some(folder.join(format!("{own}.pem")));
        config.client_key_file = Some(folder.join(format!("{own}.key")));
    }
    config
}

#[tokio::test]
async fn the_database_is_spoken_to_over_tls_and_new_files_count_for_the_next_connection() {
    let Some(programs) = PostgresPrograms::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    // The server's user must be able to pass.
    std::fs::set_permissions(here, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (ours, theirs) = (Authority::new("ours").unwrap(), Authority::new("theirs").unwrap());
    let ca = ours.write(here, "ca").unwrap();
    theirs.write(here, "other").unwrap();
    let identity = ours.issue(here, "server", &["localhost"]).unwrap();
    ours.issue(here, "someone", &[]).unwrap();
    theirs.issue(here, "stranger", &[]).unwrap();
    let block = PortBlock::take(None, 2).unwrap();
    let postgres = Postgres::new(programs, (&here.join("postgres"), here), block.address(1), "secret1");
    let postgres = postgres.unwrap().with_tls(PostgresTls { ca, identity, asks: true, only: true });
    let running = Running::postgres(&postgres).await.unwrap();

    let url = postgres.tls_url();
    let by_address = url.replace("localhost", "127.0.0.1");
    let plain = url.replace("sslmode=require", "sslmode=disable");
    for (what, config, taken) in [
        ("certificates on both sides", config(&url, here, "ca", "someone"), true),
        ("no certificate of ours", config(&url, here, "ca", ""), false),
        ("one of another authority", config(&url, here, "ca", "stranger"), false),
        ("a server of another authority", config(&url, here, "other", "someone"), false),
        ("another host name", config(&by_address, here, "ca", "someone"), false),
        ("no TLS", config(&plain, here, "", ""), false),
    ] {
        assert_eq!(migrate(&config).await.is_ok(), taken, "{what}");
    }

    for name in ["pem", "key"] {
        std::fs::copy(here.join(format!("stranger.{name}")), here.join(format!("turning.{name}"))).unwrap();
    }
    let turning = config(&url, here, "ca", "turning");
    let store = Store::connect(&turning, Arc::new(SystemClock)).await.unwrap();
    assert!(!store.ready().await);
    for name in ["pem", "key"] {
        std::fs::copy(here.join(format!("someone.{name}")), here.join(format!("turning.{name}"))).unwrap();
    }
    assert!(!store.ready().await, "nobody has looked");
    tls::look();
    wait::until(PATIENCE, || store.ready()).await.unwrap();
    drop(running);
    postgres.wipe().unwrap();
}
