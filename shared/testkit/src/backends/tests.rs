//! Both backends for real, where the machine has their programs.

use std::path::Path;

use nix::sys::signal::Signal;

use super::{Broker, BrokerPorts, BrokerPrograms, PortBlock, Postgres, PostgresPrograms, Ready, Running};

fn logs(folder: &Path) -> std::path::PathBuf {
    // The server's user must be able to pass.
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let logs = folder.join("logs");
    std::fs::create_dir_all(&logs).unwrap();
    logs
}

#[tokio::test]
async fn postgres_survives_a_kill_and_keeps_values_out_of_its_log() {
    let Some(programs) = PostgresPrograms::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let logs = logs(folder.path());
    let ports = PortBlock::take(None, 2).unwrap();
    let postgres =
        Postgres::new(programs, (&folder.path().join("postgres"), &logs), ports.address(1), "secret1")
            .unwrap();
    postgres.prepare().await.unwrap();
    let server = Running::start(postgres.server(), postgres.ready()).await.unwrap();
    postgres.create_database().await.unwrap();
    let (client, connection) = tokio_postgres::connect(&postgres.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
        .batch_execute("CREATE TABLE t (v text UNIQUE, n int); INSERT INTO t VALUES ('CANARY-1')")
        .await
        .unwrap();
    for bad in [
        "INSERT INTO t VALUES ('CANARY-1')",
        "INSERT INTO t (n) VALUES ('CANARY-2')",
        "SELECT 'CANARY-3' FROM",
    ] {
        assert!(client.batch_execute(bad).await.is_err());
    }
    assert!(server.stop(Signal::SIGKILL).await.unwrap());

    // A second start, over what the first left behind.
    postgres.prepare().await.unwrap();
    let server = Running::start(postgres.server(), postgres.ready()).await.unwrap();
    postgres.create_database().await.unwrap();
    assert!(server.stop(postgres.server().end).await.unwrap());
    let log = std::fs::read_to_string(logs.join("postgres.log")).unwrap();
    assert!(!log.contains("CANARY") && log.contains("shut down"), "{log}");
    postgres.wipe().unwrap();
}

#[tokio::test]
async fn a_broker_starts_stops_and_leaves_no_port_mapper() {
    let Some(programs) = BrokerPrograms::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let logs = logs(folder.path());
    let block = PortBlock::take(None, 6).unwrap();
    let [amqp, management, metrics, distribution, epmd] = [1, 2, 3, 4, 5].map(|offset| block.address(offset));
    let ports = BrokerPorts { amqp, management, metrics, distribution, epmd };
    let broker = Broker::new(programs, (&folder.path().join("broker"), &logs), ports, ("someone", "secret1"));
    broker.prepare().unwrap();
    let mapper = Running::start(broker.port_mapper(), broker.port_mapper_ready()).await.unwrap();
    let node = Running::start(broker.node(), broker.node_ready()).await.unwrap();
    let connected =
        lapin::Connection::connect(&broker.amqp_url(), lapin::ConnectionProperties::default()).await;
    assert!(connected.is_ok());
    let guest = broker.amqp_url().replace("someone:secret1", "guest:guest");
    assert!(lapin::Connection::connect(&guest, lapin::ConnectionProperties::default()).await.is_err());
    assert!(node.stop(broker.node().end).await.unwrap());
    assert!(mapper.stop(broker.port_mapper().end).await.unwrap());
    for address in [amqp, management, distribution, epmd] {
        assert!(!Ready::Accepts(address).look().await, "{address}");
    }
}
