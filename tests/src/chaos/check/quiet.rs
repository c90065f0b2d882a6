//! Without any fault a real line keeps every promise, and the check of it is not empty.

use std::{path::Path, sync::Arc, time::Duration};

use domain::clock::{Clock as _, SystemClock};
use testkit::{sandbox::Control, wait};
use tokio::time::Instant;

use super::{Sources, gather, verdict};
use crate::{
    Line, PATIENCE,
    chaos::{
        people::{Clinic, load, offers, plan},
        senders::{Doors, Flight, Pace, Tally, send},
    },
};

const SEED: u64 = 11;
const COUNT: u64 = 150;

async fn sent(line: &Line, control_url: &str) -> anyhow::Result<Tally> {
    let begin = SystemClock.now();
    let clinics = Clinic::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"))?;
    load(&Control::new(control_url)?, offers(SEED, COUNT, begin, &clinics)?).await?;
    let doors = Doors {
        amqp_url_file: line.endpoints.amqp.url_file.clone(),
        connections: 2,
        gateway: line.endpoints.gateway.clone(),
    };
    let pace = Pace {
        a_second: None,
        // Nobody tells the flight what is settled.
        unsettled: u64::MAX,
        at_once: 32,
        deadline: Instant::now() + PATIENCE,
        grace: Duration::from_secs(5),
    };
    send(plan(SEED, COUNT, begin, clinics)?, &doors, &pace, &Arc::new(Flight::default())).await
}

#[tokio::test]
async fn a_quiet_line_keeps_every_promise() -> anyhow::Result<()> {
    let line = Line::up(&[]).await?;
    let control_url = line.endpoints.sandbox.as_ref().unwrap()["control_url"].as_str().unwrap().to_owned();
    let tally = sent(&line, &control_url).await?;
    assert_eq!(tally.sent.len() as u64, COUNT);
    assert!(tally.retries > 0 && tally.duplicates > 0, "{} and {}", tally.retries, tally.duplicates);
    assert!(tally.doubtful.is_empty() && tally.refused.is_empty(), "{:?}", tally.refused);
    let drained = async || {
        let rows = line.ops.outcomes().await.unwrap_or_default();
        let queues = line.ops.status().await.ok().and_then(|status| status.queues).unwrap_or_default();
        rows.iter().filter(|row| row.state != "in_flight").count() as u64 == COUNT
            && queues.iter().map(|queue| queue.ready + queue.unacknowledged).sum::<u64>() == 0
    };
    let in_time = wait::until(PATIENCE, drained).await;
    let sources = Sources {
        database_url: line.endpoints.postgres.url()?,
        control_url,
        management_url: line.endpoints.management.url()?,
        vhost: line.endpoints.amqp.name.clone(),
    };
    let facts = gather(&sources, tally).await?;
    let found = verdict(&facts);
    assert!(found.holds(), "{found:#?}");
    assert!(in_time.is_ok());
    assert_eq!(found.parked, 0);
    assert!(found.checks.iter().all(|check| check.looked_at > 0), "{found:#?}");
    Ok(())
}
