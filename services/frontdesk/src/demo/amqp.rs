//! Publishing to the ingest exchange, as an AMQP client would: plain JSON, confirmed, pipelined, in order.

use std::{collections::VecDeque, path::Path, pin::Pin, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use domain::{
    Exchange, MessageId,
    clock::{Clock, SystemClock},
    submission::SCHEMA,
};
use futures_util::future::{MaybeDone, maybe_done, poll_immediate};
use runtime::{
    Boot, Settings,
    amqp::{Properties, PublishError, Publisher},
};
use testkit::wait;

use super::{
    plan::{Door, Sent},
    samples::Line,
};
use crate::output::Doing;

/// Messages published and not yet confirmed, at most.
const WINDOW: usize = 256;
/// The name that its messages carry.
const APP: &str = "demo";
/// The routing key of what names no clinic: it goes, by the alternate exchange, to the lane `default`.
const NOWHERE: &str = "clinic.unknown";

/// Publishes the lines, as the user whose URL is in the file. Every one is confirmed when this returns.
///
/// # Errors
/// If the broker does not take one of them.
pub async fn publish(url_file: &Path, lines: &[Line], doing: &Doing) -> anyhow::Result<Vec<Sent>> {
    let clock = SystemClock;
    let text = toml::to_string(&toml::Table::from_iter([(
        "amqp".to_owned(),
        toml::Table::from_iter([("url_file".to_owned(), toml::Value::from(url_file.display().to_string()))])
            .into(),
    )]))?;
    let boot = Boot::new(APP, Settings::from_toml(&text, Path::new("/"))?, Arc::new(clock))?;
    let publisher = boot.publisher().await?;
    wait::until(Duration::from_secs(30), || async { publisher.link().is_up() })
        .await
        .context("the broker does not take a connection")?;
    let mut window: VecDeque<(Sent, Pin<Box<MaybeDone<_>>>)> = VecDeque::with_capacity(WINDOW);
    let mut sent = Vec::with_capacity(lines.len());
    for line in lines {
        if window.len() == WINDOW {
            confirmed(&mut window, &mut sent).await?;
        }
        let at = clock.now();
        let mut one = Box::pin(maybe_done(send(&publisher, line, clock)));
        // Polled once here: so the frames are queued in the order of the lines.
        let _ = poll_immediate(&mut one).await;
        window.push_back((Sent { number: line.number, door: Door::Amqp, at, refused: None }, one));
        doing.goes(format!("sending: {} of {} to the exchange", sent.len(), lines.len()));
    }
    while !window.is_empty() {
        confirmed(&mut window, &mut sent).await?;
    }
    boot.close().await;
    Ok(sent)
}

/// Publishes one line, on its own connection's publisher: for what the gateway refused.
///
/// # Errors
/// [`PublishError`].
async fn send(publisher: &Publisher, line: &Line, clock: SystemClock) -> Result<(), PublishError> {
    let message = MessageId::from_uuid(clock.fresh_id());
    let properties = Properties::new(message, APP, "application/json", clock.now()).schema(SCHEMA);
    let key = line.clinic.as_ref().map_or_else(|| NOWHERE.to_owned(), Exchange::routing_key);
    publisher.publish(Exchange::Ingest.as_str(), &key, properties, line.body.clone()).await
}

/// Waits for the confirm of the oldest.
async fn confirmed<F>(
    window: &mut VecDeque<(Sent, Pin<Box<MaybeDone<F>>>)>,
    sent: &mut Vec<Sent>,
) -> anyhow::Result<()>
where
    F: Future<Output = Result<(), PublishError>>,
{
    let Some((one, mut publish)) = window.pop_front() else { return Ok(()) };
    publish.as_mut().await;
    match publish.as_mut().take_output() {
        Some(Ok(())) => sent.push(one),
        Some(Err(error)) => bail!("line {} was not taken: {error}", one.number),
        None => bail!("line {} was not sent", one.number),
    }
    Ok(())
}
