//! Negative controls: a leak that is really there, in each sink.

use std::{fs, io::Write as _, process::Stdio};

use axum::{Router, routing::get};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use frontdesk::local::sweep::MARK;
use tokio::{net::TcpListener, process::Child};

use super::{Ears, Sink, database};
use crate::leak::{canary::Canary, person::Person, world::World};

/// A leak that was planted in a sink.
pub struct Control {
    /// Where.
    pub sink: Sink,
    /// Only in places with this in their name; empty: in all of the sink's.
    pub place: &'static str,
    /// What is to be found there.
    pub canary: Canary,
}

/// What keeps planted leaks in place: a process that has one among its arguments. It ends when it is dropped.
pub struct Kept(#[allow(dead_code, reason = "held, and killed when it is dropped")] Child);

/// Plants a leak in each sink, each in another writing.
///
/// # Errors
/// If one cannot be planted.
pub async fn plant(world: &World<'_>, ears: &mut Ears, seed: u64) -> anyhow::Result<(Vec<Control>, Kept)> {
    let mut controls = Vec::new();
    // Numbers behind those of all who were sent.
    let mut number = 2_000;
    let mut value = |sink: Sink| {
        number += 1;
        let word = Person::of(seed, number).city;
        controls.push(Control {
            sink,
            place: "",
            canary: Canary::word(&format!("a control in {sink}"), "word", &word),
        });
        word
    };

    let word = value(Sink::Output);
    world
        .program("/bin/sh", "leak-control.log")
        .args(["-c", "echo \"patient $WORD\" >&2"])
        .env("WORD", &word)
        .run()
        .await?;
    database::said(&world.database, &value(Sink::Output)).await?;

    let export = packed(format!("\x0a\x05name{}", value(Sink::Traces)).as_bytes())?;
    world
        .http
        .post(format!("{}/v1/traces", ears.receiver.url()))
        .body(export)
        .send()
        .await?
        .error_for_status()?;

    ears.metrics.push(labelled(value(Sink::Metrics)).await?);

    let header = value(Sink::Messages);
    ears.tap.plant(&header, &STANDARD.encode(format!("x{}", value(Sink::Messages)))).await?;
    ears.tap.plant("-", &value(Sink::BrokerDisk)).await?;

    database::plant(&world.database, &value(Sink::Dump)).await?;
    database::plant(&world.database, &value(Sink::DatabaseDisk)).await?;

    let begun = value(Sink::DatabaseDisk);
    database::given_up(&world.database, &begun).await?;

    let text = format!("{{\"name\": \"{}\"}}", value(Sink::Files));
    fs::write(world.layout.root().join("leak-control.gz"), packed(text.as_bytes())?)?;

    let talkative = labelled(value(Sink::Answers)).await?;
    world.exchange("a control", world.http.get(talkative)).await?;

    let (argument, variable) = (value(Sink::Processes), value(Sink::Processes));
    let process = tokio::process::Command::new("cat")
        .args(["-", &argument])
        .env(MARK, world.layout.root())
        .env("PATIENT", &variable)
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let begun = Canary::word("a control in the write-ahead log", "word", &begun);
    controls.push(Control { sink: Sink::DatabaseDisk, place: "pg_wal", canary: begun });
    Ok((controls, Kept(process)))
}

/// An endpoint whose metrics have a label with what has no business there.
async fn labelled(word: String) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/metrics", listener.local_addr()?);
    let text = format!("frontdesk_deliveries_total{{patient=\"{word}\"}} 1\n");
    let router = Router::new().route("/metrics", get(async move || text.clone()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

fn packed(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}
