//! One proof: start the line, send everything on its path, gather, search; then plant a leak in each sink, and search again.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use frontdesk::{
    local::{Dress, Layout, Options, Stack, run::run, supervisor::Supervisor},
    output::{self, Doing},
};
use testkit::{sandbox::Kind, wait};
use toml::{Table, toml};

use super::{
    paths,
    report::{Found, Report},
    search::Search,
    sinks::{Control, Ears, Receiver, Sink, Tap, Watch, Written, exported, gather, last_words, plant},
    world::{Door, Planted, World},
};
use crate::{PATIENCE, chaos::routes::request_file, program::own_line};

/// Processes that can be asked to panic.
const STAGES: [&str; 4] = ["validation", "eligibility", "ehr-writer", "notification"];

/// Does it, in a folder of its own.
///
/// # Errors
/// If the line cannot be started, or a submission does not take its path. A leak is none: the report says it.
pub async fn prove(layout: &Layout, seed: u64) -> anyhow::Result<Report> {
    run(layout, async |supervisor| {
        layout.fresh_logs()?;
        // Logs of the run before are none of this one's.
        for emptied in [layout.root().join("drill"), layout.logs().join("last")] {
            std::fs::remove_dir_all(emptied).ok();
        }
        std::fs::remove_file(layout.root().join("leak-control.gz")).ok();
        std::fs::create_dir_all(layout.root().join("drill"))?;
        let receiver = Receiver::start().await?;
        let stack = Stack::start(layout, supervisor, &options(layout, receiver.url())).await?;
        let report = proof(layout, supervisor, &stack, receiver, seed).await;
        stack.remove().await;
        report
    })
    .await
}

fn options(layout: &Layout, collector: &str) -> Options {
    let mut extra: Table = toml! {
        // What fails is tried again at once, and not for long: whatever becomes of it is to become of it soon.
        [retry]
        base_ms = 200
        max_ms = 1000
        [ehrs.sandbox]
        timeout_ms = 2000
        lateness_ms = 3000
        search_lag_ms = 500
        [telemetry]
        log = "debug"
        sample_ratio = 1.0
        metrics_every_s = 1
    };
    if let Some(toml::Value::Table(telemetry)) = extra.get_mut("telemetry") {
        telemetry.insert("otlp_endpoint".to_owned(), collector.into());
    }
    let folder = layout.clone();
    let dress = Dress::new(move |instance, program| {
        let file = request_file(&folder, instance);
        Ok(if STAGES.contains(&instance) {
            program.env("FRONTDESK__DRILL__REQUEST_FILE", file)
        } else {
            program
        })
    });
    Options { extra, dress, ..own_line(layout) }
}

async fn proof(
    layout: &Layout,
    supervisor: &Supervisor,
    stack: &Stack,
    receiver: Receiver,
    seed: u64,
) -> anyhow::Result<Report> {
    let world = World::new(layout, supervisor, stack, seed).await?;
    let endpoints = &stack.endpoints;
    let tap = Tap::open(&endpoints.management.url()?, &endpoints.amqp.name).await?;
    let mut ears = Ears { tap, receiver, watch: Watch::begin(layout.root()), metrics: Vec::new() };
    no_core_dumps(supervisor)?;
    let walked = paths::walk(&world, &ears.tap).await?;
    wait::until(PATIENCE, || async { ears.receiver.exports() > 0 }).await?;
    let planted = world.planted();
    arrived(&world, &planted).await?;

    let doing = Doing::begin("searching");
    let written = gather(&world, &ears).await?;
    let mut found = searched(&written, &planted)?;
    let heard = in_clear(&written, &planted)?;
    ensure!(heard > 0, "the tap did not hear what was published in clear: it hears nothing");
    everywhere(&written)?;
    doing.done(&format!("searched {} places for {} values", written.len(), planted.len()));

    let (controls, _kept) = plant(&world, &mut ears, seed).await?;
    let blind = blind(&gather(&world, &ears).await?, &controls)?;
    world.close().await;
    // What they say when they end is said too.
    supervisor.stop().await;
    found.extend(searched(&last_words(&world, &ears)?, &planted)?);
    Ok(Report {
        seed,
        paths: walked,
        planted: planted.len(),
        heard,
        sizes: sizes(&written),
        found,
        controls: controls.len(),
        blind,
    })
}

/// No process of ours may leave its memory on a disk.
fn no_core_dumps(supervisor: &Supervisor) -> anyhow::Result<()> {
    for service in frontdesk::local::services::SERVICES {
        let process = supervisor.process(service).with_context(|| format!("{service} has no process"))?;
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.pid))?;
        let none = |line: &str| line.split_whitespace().rev().skip(1).take(2).all(|limit| limit == "0");
        let forbidden = limits.lines().any(|line| line.starts_with("Max core file size") && none(line));
        ensure!(forbidden, "{service} may dump core");
    }
    Ok(())
}

/// What may not be there, and is.
fn searched(written: &[Written], planted: &[Planted]) -> anyhow::Result<Vec<Found>> {
    let everything = Search::of(planted.iter().map(|(_, canary)| canary))?;
    let by_gateway = planted.iter().filter(|(door, _)| *door == Door::Gateway);
    let sealed = Search::of(by_gateway.map(|(_, canary)| canary))?;
    let mut found = Vec::new();
    for one in written {
        let hits = one.search(if one.clear { &sealed } else { &everything })?;
        found.extend(hits.into_iter().map(|hit| Found { sink: one.sink, place: one.place.clone(), hit }));
    }
    Ok(found)
}

/// How many values that came by AMQP the tap heard, where they may be in clear: it would hear others as well.
fn in_clear(written: &[Written], planted: &[Planted]) -> anyhow::Result<usize> {
    let by_amqp = planted.iter().filter(|(door, _)| *door == Door::Amqp);
    let clear = Search::of(by_amqp.map(|(_, canary)| canary))?;
    let mut heard = std::collections::BTreeSet::new();
    for one in written.iter().filter(|one| one.sink == Sink::Messages && one.clear) {
        heard.extend(one.search(&clear)?.into_iter().map(|hit| hit.canary));
    }
    Ok(heard.len())
}

/// The tap heard every exchange of the line, a wait queue and dead letters; the logs are of every service.
fn everywhere(written: &[Written]) -> anyhow::Result<()> {
    let messages = [
        "publish.intake.ingest",
        "publish.intake.validated",
        "publish.intake.checked",
        "publish.intake.written",
    ]
    .into_iter()
    .chain([
        "publish.wait.",
        "deliver.validation.",
        "deliver.notification.",
        "publish.validation.",
        "publish.ehr-writer.",
    ]);
    for begin in messages {
        let heard = written.iter().any(|one| one.sink == Sink::Messages && one.place.starts_with(begin));
        ensure!(heard, "the tap heard nothing of {begin}: nothing was tried there");
    }
    for service in frontdesk::local::services::SERVICES {
        let log = written.iter().any(|one| one.place.ends_with(&format!("/{service}.log")) && one.size() > 0);
        ensure!(log, "{service} has no log: nothing was tried there");
        for signal in ["traces", "metrics"] {
            let told = written.iter().any(|one| exported(one, signal, service));
            ensure!(told, "{service} exported no {signal}: nothing was tried there");
        }
    }
    Ok(())
}

/// The sinks in which a planted leak was not found.
fn blind(written: &[Written], controls: &[Control]) -> anyhow::Result<Vec<String>> {
    let mut blind = Vec::new();
    for Control { sink, place, canary } in controls {
        let search = Search::of([canary])?;
        let mut of_sink = written.iter().filter(|one| one.sink == *sink && one.place.contains(place));
        let mut found = false;
        while let Some(one) = of_sink.next().filter(|_| !found) {
            found = !one.search(&search)?.is_empty();
        }
        if !found {
            blind.push(if place.is_empty() { sink.to_string() } else { format!("{sink}: {place}") });
        }
    }
    Ok(blind)
}

fn sizes(written: &[Written]) -> BTreeMap<Sink, (usize, u64)> {
    let mut sizes: BTreeMap<Sink, (usize, u64)> = BTreeMap::new();
    for one in written {
        let (places, bytes) = sizes.entry(one.sink).or_default();
        (*places, *bytes) = (*places + 1, *bytes + one.size());
    }
    sizes
}

/// The values were really under way: they are in the EHR and with the patients.
async fn arrived(world: &World<'_>, planted: &[Planted]) -> anyhow::Result<()> {
    let mut outside = String::new();
    for kind in [Kind::Patient, Kind::Coverage, Kind::Appointment] {
        let resources = world.control.contents(kind).await?;
        resources.iter().for_each(|resource| outside += &resource.to_string());
    }
    for message in world.control.messages().await? {
        outside += &message.to.join(" ");
    }
    let hits = Search::of(planted.iter().map(|(_, canary)| canary))?.bytes(outside.as_bytes())?;
    let fields = ["given", "family", "birth_date", "phone", "email", "address.lines", "address.city"];
    let happy = ["happy by the gateway", "happy by AMQP"];
    let sent = happy.iter().flat_map(|path| fields.map(|field| format!("patient.{field} of {path}")));
    let corrected = [Door::Gateway, Door::Amqp].map(paths::correction);
    for name in sent.chain(corrected.map(|path| format!("patient.email of {path}"))) {
        ensure!(hits.iter().any(|hit| hit.canary == name), "{name} did not arrive: nothing was tried");
    }
    output::line(&format!("{} of {} values are in the EHR or with a patient", hits.len(), planted.len()));
    Ok(())
}
