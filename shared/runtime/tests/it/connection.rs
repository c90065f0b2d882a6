//! Connections that are lost while messages flow.

use std::{collections::HashSet, time::Duration};

use testkit::proxy::Proxy;

use crate::support::{Act, Fixture, fixture};

/// Closes the stage's connections through the management API; the peek's has no name of ours. Returns how many.
async fn kill_connections(f: &Fixture) -> usize {
    let client = reqwest::Client::new();
    let mut base = reqwest::Url::parse(f.vhost.management_url()).unwrap();
    let (user, password) = (base.username().to_owned(), base.password().unwrap().to_owned());
    base.set_username("").unwrap();
    base.set_password(None).unwrap();
    let at = |path: &[&str]| {
        let mut url = base.clone();
        url.path_segments_mut().unwrap().pop_if_empty().push("api").extend(path);
        url
    };
    let url = at(&["vhosts", f.vhost.name(), "connections"]);
    let response = client.get(url).basic_auth(&user, Some(&password)).send().await.unwrap();
    let list: Vec<serde_json::Value> = response.json().await.unwrap();
    let mut killed = 0;
    for connection in list.iter().filter(|one| one["client_properties"]["connection_name"] == "eligibility") {
        let url = at(&["connections", connection["name"].as_str().unwrap()]);
        let done = client.delete(url).basic_auth(&user, Some(&password)).send().await.unwrap();
        killed += usize::from(done.status().is_success());
    }
    killed
}

#[tokio::test]
async fn nothing_is_lost_when_the_connection_is_killed_under_load() {
    let f = fixture().await;
    let running = f.run();
    let total = 600;
    for n in 0..total {
        if n % 200 == 100 {
            // The broker lists connections a few seconds late.
            f.until(async || kill_connections(&f).await > 0).await;
        }
        // Published over the very connection that is killed: what fails is published again, as a gateway's client would.
        while !publish(&f, n).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let mut arrived = HashSet::new();
    f.until(async || {
        while let Some(got) = f.peek.get("ehr-writer.north").await {
            arrived.insert(f.open(&got).secret.expose().text.clone());
        }
        arrived.len() == total
    })
    .await;
    assert!(f.boot.metrics().connections.get() >= 4, "reconnected after each of three");
    f.until(async || f.peek.ready("eligibility.north").await == 0).await;
    assert_eq!(f.peek.ready("eligibility.north.dlq").await, 0);
    f.stop(running).await;
}

async fn publish(f: &Fixture, n: usize) -> bool {
    let envelope = crate::support::message("clinic-n", &format!("m{n}"), Act::Emit).seal(&f.keys()).unwrap();
    let properties = f.properties(domain::envelope::CONTENT_TYPE).schema(envelope.schema.as_str());
    f.publisher
        .publish("intake.validated", "clinic.clinic-n", properties, envelope.to_vec().unwrap())
        .await
        .is_ok()
}

#[tokio::test]
async fn a_delivery_whose_connection_is_lost_in_hand_is_handled_again() {
    let f = fixture().await;
    let running = f.run();
    f.publish("clinic-n", "twice", Act::Gated).await;
    f.until(async || f.toy.seen("twice") == 1).await;
    f.until(async || kill_connections(&f).await > 0).await;
    f.until(async || f.toy.seen("twice") == 2).await;
    f.toy.gate.add_permits(2);
    assert_eq!(f.open(&f.take("ehr-writer.north").await).secret.expose().text, "twice");
    f.until(async || f.boot.metrics().in_flight.get() == 0).await;
    assert_eq!(f.boot.metrics().emitted.get(), 1, "the lost one did nothing more");
    f.stop(running).await;
}

#[tokio::test]
async fn a_broker_that_goes_away_and_comes_back_is_reported_and_ends_no_process() {
    let f = fixture().await;
    let (proxy, url) = Proxy::before(f.vhost.amqp_url(), 5672).unwrap();
    let boot = f.boot_by(&url);
    let running = f.run_as(&boot);
    for text in ["one", "two", "three"] {
        f.until(async || boot.health().check().await.into_iter().all(|(_, holds)| holds)).await;
        f.publish("clinic-n", text, Act::Emit).await;
        assert_eq!(f.open(&f.take("ehr-writer.north").await).secret.expose().text, text);
        proxy.refuse(true);
        proxy.cut();
        f.until(async || {
            let checks = boot.health().check().await;
            let gone = |name| checks.iter().filter(|one| one.0 == name).all(|one| !one.1);
            gone("broker") && gone("consuming")
        })
        .await;
        proxy.refuse(false);
    }
    f.until(async || boot.metrics().connections.get() == 4).await;
    assert!(!running.is_finished());
    boot.shutdown().soft().cancel();
    running.await.unwrap().unwrap();
    boot.close().await;
}
