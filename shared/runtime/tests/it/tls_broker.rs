//! The broker over TLS: a private one that wants certificates.

use std::{path::Path, sync::Arc, time::Duration};

use runtime::{
    Settings,
    amqp::Link,
    config::AmqpSection,
    telemetry::Metrics,
    topology::{Management, Topology},
};
use testkit::{
    backends::{Broker, BrokerPorts, BrokerPrograms, BrokerTls, PortBlock, Running},
    certificates::Authority,
    wait,
};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(60);

/// A connection with these settings, and what stops it.
fn link(text: &str, folder: &Path) -> (Link, Arc<Metrics>, CancellationToken) {
    let settings = Settings::from_toml(text, folder).unwrap();
    let (section, url) = AmqpSection::read(&settings).unwrap();
    let (metrics, stop) = (Arc::<Metrics>::default(), CancellationToken::new());
    let link = Link::start(&section, &url, "test", Arc::clone(&metrics), stop.clone()).unwrap();
    (link, metrics, stop)
}

/// Whether it is connected to; a refusal must show within a few tries.
async fn comes_up(text: &str, folder: &Path) -> bool {
    let (link, _, stop) = link(text, folder);
    let up = tokio::time::timeout(Duration::from_secs(3), link.connected()).await.is_ok();
    stop.cancel();
    link.closed().await;
    up
}

#[tokio::test]
async fn the_broker_is_spoken_to_over_tls_and_new_files_count_for_the_next_connection() {
    let Some(programs) = BrokerPrograms::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let (ours, theirs) = (Authority::new("ours").unwrap(), Authority::new("theirs").unwrap());
    let ca = ours.write(here, "ca").unwrap();
    theirs.write(here, "other").unwrap();
    let identity = ours.issue(here, "broker", &["localhost"]).unwrap();
    ours.issue(here, "someone", &[]).unwrap();
    theirs.issue(here, "stranger", &[]).unwrap();
    let block = PortBlock::take(None, 8).unwrap();
    let at = |offset| block.address(offset);
    let ports =
        BrokerPorts { amqp: at(1), management: at(2), metrics: at(3), distribution: at(4), epmd: at(5) };
    let tls = BrokerTls { amqp: at(6), management: at(7), ca, identity, asks: true };
    let broker = Broker::new(programs, (&here.join("broker"), here), ports, ("someone", "secret1"));
    let broker = broker.with_tls(tls);
    let running = Running::broker(&broker).await.unwrap();
    let (url, management) = (broker.amqps_url().unwrap(), broker.management_tls_url().unwrap());

    let files = |ca: &str, own: &str| match own {
        "" => format!("ca_file = '{ca}.pem'\n"),
        own => {
            format!("ca_file = '{ca}.pem'\nclient_cert_file = '{own}.pem'\nclient_key_file = '{own}.key'\n")
        }
    };
    let amqp = |url: &str, files: &str| format!("[amqp]\nurl = '{url}'\n{files}");
    let good = files("ca", "someone");
    let by_address = url.replace("localhost", "127.0.0.1");
    let plainly = broker.amqp_url().replace("amqp://", "amqps://");
    for (what, text, taken) in [
        ("a password", amqp(&url, &good), true),
        (
            "no password",
            amqp(&format!("{}?auth_mechanism=external", url.replace("someone:secret1@", "")), &good),
            true,
        ),
        ("no certificate of ours", amqp(&url, &files("ca", "")), false),
        ("one of another authority", amqp(&url, &files("ca", "stranger")), false),
        ("a broker of another authority", amqp(&url, &files("other", "someone")), false),
        ("another host name", amqp(&by_address, &good), false),
        ("a listener without TLS", amqp(&plainly, &good), false),
        ("no TLS", amqp(&url.replace("amqps://", "amqp://"), &good), false),
    ] {
        assert_eq!(comes_up(&text, here).await, taken, "{what}");
    }

    let topology = Topology::derive(&runtime::topology::Lanes::default());
    let ask = |files: &str| {
        let text = format!("{}[management]\nurl = '{management}'\n{files}", amqp(&url, &good));
        Management::from_settings(&Settings::from_toml(&text, here).unwrap()).unwrap()
    };
    assert!(!ask(&good).plan(&topology).await.unwrap().is_empty());
    for (ca, own) in [("ca", ""), ("other", "someone"), ("ca", "stranger")] {
        assert!(ask(&files(ca, own)).plan(&topology).await.is_err(), "{ca} {own}");
    }

    // One that is refused, until its files are others; then one that stays up whatever becomes of them.
    for name in ["turning.pem", "turning.key"] {
        std::fs::copy(here.join(name.replace("turning", "stranger")), here.join(name)).unwrap();
    }
    let (link, metrics, stop) = link(&amqp(&url, &files("ca", "turning")), here);
    assert!(tokio::time::timeout(Duration::from_secs(2), link.connected()).await.is_err());
    for name in ["turning.pem", "turning.key"] {
        std::fs::copy(here.join(name.replace("turning", "someone")), here.join(name)).unwrap();
    }
    tls::look();
    let session = tokio::time::timeout(PATIENCE, link.connected()).await.unwrap().unwrap();
    std::fs::write(here.join("turning.pem"), "rubbish").unwrap();
    let standings = tls::look();
    assert!(standings.iter().any(|one| one.section == "amqp" && one.refused.is_some()), "{standings:?}");
    assert!(link.is_up() && metrics.connections.get() == 1);
    // Its next connection is made with what could be used last.
    drop(session);
    drop_connections(&broker).await;
    wait::until(PATIENCE, || async { metrics.connections.get() > 1 && link.is_up() }).await.unwrap();
    stop.cancel();
    link.closed().await;
    drop(running);
}

/// Has the broker close every connection.
async fn drop_connections(broker: &Broker) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = broker.management_url();
    let open = || async {
        let all: serde_json::Value =
            client.get(format!("{base}api/connections")).send().await.ok()?.json().await.ok()?;
        let names: Vec<String> =
            all.as_array()?.iter().filter_map(|one| Some(one["name"].as_str()?.to_owned())).collect();
        (!names.is_empty()).then_some(names)
    };
    for name in wait::until_some(PATIENCE, open).await.unwrap() {
        let mut url: reqwest::Url = format!("{base}api/connections").parse().unwrap();
        url.path_segments_mut().unwrap().push(&name);
        client.delete(url).send().await.unwrap();
    }
}
