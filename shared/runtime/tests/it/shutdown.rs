//! Stopping: what is in hand or was sent ahead is finished, nothing else is taken.

use runtime::StageError;

use crate::support::{Act, fixture, fixture_with};

#[tokio::test]
async fn what_was_sent_is_finished_and_nothing_comes_back() {
    let f = fixture().await;
    let total = 40;
    for n in 0..total {
        f.publish("clinic-n", &format!("m{n}"), Act::Gated).await;
    }
    let running = f.run();
    f.until(async || f.toy.total() == 8 && f.peek.ready("eligibility.north").await == total - 16).await;
    // Eight are in hand, eight were sent ahead.
    f.boot.shutdown().soft().cancel();
    f.toy.gate.add_permits(100);
    running.await.unwrap().unwrap();
    assert_eq!(f.toy.total(), 16, "nothing else was taken");
    assert_eq!(f.peek.ready("ehr-writer.north").await, 16);
    assert_eq!(f.peek.ready("eligibility.north").await, total - 16);
    assert_eq!(f.peek.redelivered("eligibility.north").await, 0, "nobody is suspected of anything");
}

#[tokio::test]
async fn what_cannot_be_begun_in_time_is_given_back() {
    let f = fixture_with("[stage]\nconcurrency = 8\nprefetch = 16\ndrain_s = 2\n").await;
    let total = 40;
    for n in 0..total {
        f.publish("clinic-n", &format!("m{n}"), Act::Gated).await;
    }
    let running = f.run();
    f.until(async || f.toy.total() == 8).await;
    f.boot.shutdown().soft().cancel();
    f.until(async || f.peek.ready("eligibility.north").await == total - 8).await;
    assert!(!running.is_finished(), "eight are in hand");
    f.toy.gate.add_permits(100);
    running.await.unwrap().unwrap();
    assert_eq!(f.toy.total(), 8);
    assert_eq!(f.peek.ready("ehr-writer.north").await, 8);
}

#[tokio::test]
async fn the_hard_deadline_lets_go() {
    let f = fixture().await;
    f.publish("clinic-n", "stuck", Act::Gated).await;
    let running = f.run();
    f.until(async || f.toy.total() == 1).await;
    f.boot.shutdown().hard().cancel();
    running.await.unwrap().unwrap();
    f.until(async || f.peek.ready("eligibility.north").await == 1).await;
}

#[tokio::test]
async fn a_stage_without_its_queues_says_what_is_missing() {
    let f = fixture().await;
    f.peek.delete_queue("eligibility.north").await;
    f.peek.delete_exchange("wait.2m").await;
    let Err(StageError::Missing(missing)) = f.run().await.unwrap() else { panic!("ran") };
    assert_eq!(missing, ["queue eligibility.north", "exchange wait.2m"]);
}

#[tokio::test]
async fn readiness_follows_the_connection_and_the_store() {
    let f = fixture().await;
    let running = f.run();
    let ready = async || f.boot.health().check().await.into_iter().all(|(_, ok)| ok);
    f.until(async || f.boot.health().check().await.len() >= 4 && ready().await).await;
    f.rows.down.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(!ready().await);
    f.rows.down.store(false, std::sync::atomic::Ordering::Relaxed);
    assert!(ready().await);
    f.stop(running).await;
}
