//! A message that kills its consumer, time and again: it is isolated, and its neighbours go on.

use std::{
    collections::BTreeSet, os::unix::process::ExitStatusExt, path::Path, process::Stdio,
    sync::atomic::Ordering,
};

use domain::{
    Code, Exchange, Phi,
    envelope::{CONTENT_TYPE, Message, Secret},
    hop::{Event, Transition},
    ports::SwitchScope,
    suspect::{Alone, COMEBACKS, DEATHS_ALONE},
};
use runtime::amqp::header;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::support::{Act, CANARY, DEADLINE, Fixture, Got, fixture, message};

#[derive(Serialize, Deserialize)]
struct Text {
    text: String,
}

impl Secret for Text {
    const SCHEMA: &'static str = "example.ping.v1";
    const EXCHANGE: Exchange = Exchange::Validated;
}

#[derive(Serialize, Deserialize)]
struct Pong {
    text: String,
}

impl Secret for Pong {
    const SCHEMA: &'static str = "example.pong.v1";
    const EXCHANGE: Exchange = Exchange::Checked;
}

async fn publish(f: &Fixture, text: &str) {
    let meta = message("clinic-n", "", Act::Emit).meta;
    let envelope =
        Message { meta, secret: Phi::new(Text { text: text.to_owned() }) }.seal(&f.keys()).unwrap();
    let properties = f.properties(CONTENT_TYPE).correlation(envelope.meta.correlation);
    f.publish_raw("clinic-n", properties, envelope.to_vec().unwrap()).await;
}

/// The stage as a process that a supervisor starts again, in a folder that outlives it.
struct Supervised<'a> {
    f: &'a Fixture,
    folder: &'a Path,
}

impl Supervised<'_> {
    fn start(&self) -> tokio::process::Child {
        let settings = format!(
            "[tls]\nplain = \"loopback\"\n[amqp]\nurl = \"{}\"\n[keys]\nsealing_dir = \".\"\n[lanes.north]\n[folder]\nfolder = \".\"\n\
             [stage]\nlanes = [\"north\"]\nconcurrency = 8\nprefetch = 16\n",
            self.f.vhost.amqp_url()
        );
        let file = self.folder.join("frontdesk.toml");
        std::fs::write(&file, settings).unwrap();
        std::fs::write(self.folder.join("2026-01.key"), "0a".repeat(32)).unwrap();
        let test = std::env::current_exe().unwrap();
        Command::new(test.parent().unwrap().parent().unwrap().join("examples/poison"))
            .arg("--config")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// Starts it again and again until there is a dead letter; gives that and how often it died.
    async fn until_dead_letter(&self) -> (Got, u32) {
        let mut deaths = 0;
        let mut child = self.start();
        let letter = async {
            loop {
                let status = child.wait().await.unwrap();
                assert_eq!(status.signal(), Some(6), "it dies of nothing but the message");
                deaths += 1;
                assert!(deaths < 10, "it is not isolated");
                child = self.start();
            }
        };
        let letter = tokio::select! {
            () = letter => unreachable!(),
            letter = self.f.take("eligibility.north.dlq") => letter,
        };
        (letter, deaths)
    }
}

#[tokio::test]
async fn what_kills_its_consumer_is_isolated_and_its_neighbours_go_on() {
    let f = fixture().await;
    let folder = tempfile::tempdir().unwrap();
    let poison = format!("poison {CANARY}");
    for text in ["one", "two", &poison, "three", "four"] {
        publish(&f, text).await;
    }
    f.until(async || f.peek.ready("eligibility.north").await == 5).await;
    let supervised = Supervised { f: &f, folder: folder.path() };
    let found = tokio::time::timeout(DEADLINE * 2, supervised.until_dead_letter()).await;
    let (letter, deaths) = found.expect("it is isolated");
    assert_eq!((deaths, COMEBACKS + DEATHS_ALONE), (3, 3));
    assert_eq!(letter.header(header::CODE).as_deref(), Some("poison"));
    assert_eq!(letter.header(header::FINGERPRINT).as_deref(), Some("eligibility/poison/-/-"));
    assert!(!letter.has_clear(CANARY));
    let text: Message<Text> = letter.envelope().open(&f.keys()).unwrap();
    assert_eq!(text.secret.expose().text, poison);

    // Each of the others comes to its end, and none is dead. Whose acknowledgement was not out yet when the process died came again: that
    // is what the stages further down are ready for.
    let _going_on = supervised.start();
    let mut through = BTreeSet::new();
    while through.len() < 4 {
        let pong: Message<Pong> = f.take("ehr-writer.north").await.envelope().open(&f.keys()).unwrap();
        through.insert(pong.secret.into_exposed().text);
    }
    assert_eq!(through, ["one", "two", "three", "four"].map(str::to_owned).into());
    f.until(async || f.peek.ready("eligibility.north").await == 0).await;
    assert_eq!(f.peek.ready("eligibility.north.dlq").await, 0);
    // The crash is on record.
    let hops = std::fs::read_to_string(folder.path().join("hops")).unwrap();
    let died: Vec<&str> = hops.lines().filter(|line| line.starts_with("died")).collect();
    assert_eq!(died.len(), 1, "{hops}");
    assert!(died[0].starts_with("died poison s-"), "{died:?}");
}

#[tokio::test]
async fn a_suspect_is_handled_alone_and_free_once_it_came_to_its_end() {
    let f = fixture().await;
    f.publish("clinic-n", "innocent", Act::Emit).await;
    for _ in 0..COMEBACKS {
        f.until(async || f.peek.die_of("eligibility.north").await).await;
    }
    let running = f.run();
    assert_eq!(f.open(&f.take("ehr-writer.north").await).secret.expose().text, "innocent");
    f.until(async || f.rows.ended() == 1).await;
    let suspect = f.rows.suspects().remove(0);
    assert_eq!((suspect.comebacks, suspect.lane.as_str()), (COMEBACKS, "north"));
    // What comes the first time is no suspect.
    f.publish("clinic-n", "fresh", Act::Emit).await;
    f.take("ehr-writer.north").await;
    assert_eq!(f.rows.suspects().len(), 1);
    f.stop(running).await;
}

#[tokio::test]
async fn others_wait_while_a_suspect_is_in_hand() {
    let f = fixture().await;
    f.publish("clinic-n", "suspect", Act::Gated).await;
    for _ in 0..COMEBACKS {
        f.until(async || f.peek.die_of("eligibility.north").await).await;
    }
    let running = f.run();
    f.until(async || f.toy.seen("suspect") == 1).await;
    f.publish("clinic-n", "other", Act::Emit).await;
    f.publish("clinic-x", "of another lane", Act::Emit).await;
    f.until(async || f.boot.metrics().in_flight.get() == 3).await;
    assert_eq!(f.toy.total(), 1, "they are in hand and not begun");
    f.toy.gate.add_permits(1);
    f.until(async || f.toy.total() == 3).await;
    f.stop(running).await;
}

#[tokio::test]
async fn what_is_proven_dies_unopened_and_what_is_elsewhere_is_waited_for() {
    let f = fixture().await;
    f.rows.knows(Alone::Elsewhere { until: jiff::Timestamp::UNIX_EPOCH });
    f.publish("clinic-n", CANARY, Act::Emit).await;
    for _ in 0..COMEBACKS {
        f.until(async || f.peek.die_of("eligibility.north").await).await;
    }
    let running = f.run();
    f.until(async || f.rows.suspects().len() >= 2).await;
    assert_eq!((f.toy.total(), f.boot.metrics().dead.get()), (0, 0));
    // It waits beside the others, and keeps nobody waiting.
    f.publish("clinic-n", "other", Act::Done).await;
    f.until(async || f.toy.seen("other") == 1).await;
    f.rows.knows(Alone::Proven { deaths: 2, last: jiff::Timestamp::UNIX_EPOCH });
    let letter = f.take("eligibility.north.dlq").await;
    assert_eq!(letter.header(header::CODE).as_deref(), Some("poison"));
    assert_eq!(f.toy.seen(CANARY), 0);
    f.until(async || f.rows.events().contains(&Event::Died)).await;
    let row = f.rows.all().into_iter().find(|row| row.event == Event::Died).unwrap();
    assert!(matches!(row.transition, Some(Transition::Die { code: Code::Poison, .. })));
    assert!(row.submission.is_some(), "what the envelope says in clear is on record");
    assert_eq!(f.boot.metrics().isolated.get(), 1);
    let suspect = f.rows.suspects()[0].id;
    f.until(async || f.rows.isolated() == [suspect]).await;
    f.stop(running).await;
}

#[tokio::test]
async fn a_suspect_is_not_handled_before_that_is_noted() {
    let f = fixture().await;
    f.rows.down.store(true, Ordering::Relaxed);
    f.publish("clinic-n", "suspect", Act::Done).await;
    for _ in 0..COMEBACKS {
        f.until(async || f.peek.die_of("eligibility.north").await).await;
    }
    let running = f.run();
    f.until(async || f.boot.metrics().store_retries.get() >= 2).await;
    assert_eq!(f.toy.total(), 0);
    f.rows.down.store(false, Ordering::Relaxed);
    f.until(async || f.toy.total() == 1 && f.rows.ended() == 1).await;
    f.stop(running).await;
}

#[tokio::test]
async fn what_comes_back_to_a_process_that_lives_is_no_suspect() {
    let f = fixture().await;
    let running = f.run();
    for n in 0..12 {
        f.publish("clinic-n", &format!("note {n}"), Act::Gated).await;
    }
    // Eight are in hand, four were sent ahead: these are given back when the lane is paused.
    f.until(async || f.toy.total() == 8).await;
    f.board.set(&[SwitchScope::Lane("north".parse().unwrap())]);
    f.until(async || f.peek.ready("eligibility.north").await == 4).await;
    f.toy.gate.add_permits(8);
    f.until(async || f.rows.all().len() == 8).await;
    f.board.set(&[]);
    f.until(async || f.toy.total() == 12).await;
    f.toy.gate.add_permits(4);
    f.until(async || f.rows.all().len() == 12).await;
    assert!(f.rows.suspects().is_empty());
    f.stop(running).await;
}
