//! Carrying out a decision: what is published, what is journalled, and whether the delivery may be acknowledged.
//!
//! A delivery is acknowledged only after its onward message is confirmed and routed **and** its journal row is committed.
//! While the broker or the store does not take something, the delivery stays in hand and the step is repeated; if the delivery
//! is lost or the process stops meanwhile, it is let go unacknowledged, and comes again.

mod steady;
mod tally;

use std::time::Duration;

use domain::{
    Code, Endpoint, Exchange, Fault, FieldPath,
    envelope::{CONTENT_TYPE, Envelope},
    hop::{Event, Transition},
    letter::Cause,
};

use super::{
    Context,
    case::{Case, Core},
    executor::Decision,
    failed::Failed,
    hop::{Entry, row},
    parcel,
    pauses::PAUSED_WAIT,
    retry::{Wait, chance},
};
use crate::amqp::{Properties, header};
use steady::Stuck;

/// What becomes of the delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Acknowledge it.
    Done,
    /// Acknowledge it; it waits this long for an endpoint that is paused or down.
    HeldBack(Duration),
    /// Do not acknowledge it.
    LetGo,
}

/// Carries out a decision.
pub(super) async fn carry_out(core: &Core, case: &Case, decision: Decision) -> Verdict {
    if case.lost.is_cancelled() {
        // The broker gives it to someone again: doing more here would only do it twice.
        return let_go(core, case);
    }
    let held = if let Decision::HeldBack(time) = decision { Some(time) } else { None };
    let done = match decision {
        Decision::Emit(envelope) => emit(core, case, *envelope).await,
        Decision::Settle(settled) => {
            let transition = Some(Transition::Settle(settled.clone()));
            let entry = Entry { transition, ..Entry::of(Event::Settled) };
            let done = steady::append(core, case, row(core, case, entry)).await;
            done.inspect(|()| tally::settled(core, case, &settled))
        }
        Decision::Hold { code, field } => hold(core, case, code, field).await,
        Decision::Snooze(time) => {
            let waits = Wait::at_least(time);
            let done = wait(core, case, Entry::of(Event::Snoozed), waits, Next::same(case)).await;
            done.inspect(|()| tally::put_off(case, &core.metrics.snoozed, "snoozed"))
        }
        Decision::HeldBack(time) => {
            let done = put_off(core, case, Wait::at_least(time), Next::same(case)).await;
            done.inspect(|()| tally::put_off(case, &core.metrics.held_back, "held_back"))
        }
        Decision::Paused => {
            let done = put_off(core, case, Wait::at_least(PAUSED_WAIT), Next::same(case)).await;
            done.inspect(|()| tally::put_off(case, &core.metrics.held_back, "held_back"))
        }
        Decision::Retry { code, endpoint, after } => retry(core, case, code, endpoint, after).await,
        Decision::Die { code, field, endpoint } => end(core, case, code, field, endpoint).await,
    };
    match (done, held) {
        (Ok(()), None) => Verdict::Done,
        (Ok(()), Some(time)) => Verdict::HeldBack(time),
        (Err(_), _) => let_go(core, case),
    }
}

/// It is not ours any more.
pub(super) fn let_go(core: &Core, case: &Case) -> Verdict {
    core.metrics.abandoned.add(&[case.lane_label()]);
    case.ends_as("abandoned");
    Verdict::LetGo
}

/// Publish onward ∥ journal row. The row may so be committed after rows of later stages: the ledger lets no earlier stage's row
/// lift what a later stage holds or has killed.
async fn emit(core: &Core, case: &Case, envelope: Envelope) -> Result<(), Stuck> {
    let Ok(body) = envelope.to_vec() else { return die(core, case, Code::Malformed, None, None).await };
    let exchange = core.stage.writes().as_str();
    let key = Exchange::routing_key(&envelope.meta.clinic);
    let publish = async {
        let message = domain::MessageId::from_uuid(core.clock.fresh_id());
        let properties = Properties::new(message, core.app, CONTENT_TYPE, core.clock.now())
            .correlation(envelope.meta.correlation)
            .schema(envelope.schema.as_str())
            .clinic(&envelope.meta.clinic)
            .lane(&case.lane)
            .header(header::RESUMED, case.resumed.then_some(true))
            .within(case.trace.clone());
        steady::hand_on(core, case, exchange, &key, properties, body).await
    };
    let journal = steady::append(core, case, row(core, case, Entry::of(Event::Emitted)));
    match tokio::join!(publish, journal) {
        (Ok(()), Ok(())) => {
            tally::emitted(core, case);
            Ok(())
        }
        // Nobody took it. Its row says "emitted" and the next one says why not; the copy that waits is emitted again.
        (Err(Stuck::Refused), Ok(())) => retry(core, case, Code::BrokerRefused, None, None).await,
        (Err(stuck), _) | (_, Err(stuck)) => Err(stuck),
    }
}

async fn hold(core: &Core, case: &Case, code: Code, field: Option<FieldPath>) -> Result<(), Stuck> {
    let parked = match parcel::sealed(core, case) {
        Ok(parcel) => parcel.body,
        Err(fault) => return unsealable(&fault),
    };
    tracing::info!(frontdesk.code = code.as_str(), "delivery.held");
    let transition = Some(Transition::Hold { code, field: field.clone() });
    let entry = Entry { code: Some(code), field, transition, parked: Some(parked), ..Entry::of(Event::Held) };
    let done = steady::append(core, case, row(core, case, entry)).await;
    done.inspect(|()| tally::held(core, case, code))
}

/// It has had its chances. What its handler is in doubt about a person has to answer: a dead letter nobody could.
async fn end(
    core: &Core,
    case: &Case,
    code: Code,
    field: Option<FieldPath>,
    endpoint: Option<Endpoint>,
) -> Result<(), Stuck> {
    match case.cx.doubt() {
        Some(doubt) => {
            tracing::warn!(frontdesk.code = code.as_str(), "delivery.in_doubt");
            hold(core, case, doubt, None).await
        }
        None => die(core, case, code, field, endpoint).await,
    }
}

async fn retry(
    core: &Core,
    case: &Case,
    code: Code,
    endpoint: Option<Endpoint>,
    after: Option<Duration>,
) -> Result<(), Stuck> {
    let first_failed_at = case.cx.first_failed_at.unwrap_or_else(|| case.cx.now());
    let against = endpoint.clone().and_then(|one| Some((case.cx.failed_at(&one)?, one)));
    let outage = against.as_ref().is_some_and(|(at, one)| core.breakers.was_down(one, *at));
    // To be throttled, or in an outage, is no failed attempt, but it has its time too.
    let attempt = if after.is_some() || outage { 0 } else { case.cx.attempt };
    let failed = against.map(|(at, one)| Failed::again(case.failed.as_ref(), one, at, &core.breakers));
    let silent = failed.as_ref().map_or(0, Failed::silent);
    let clinic = case.meta.as_ref().map(|meta| &meta.clinic);
    if core.retry.exhausted(clinic, (attempt, silent), first_failed_at, case.cx.now()) {
        return end(core, case, code, None, endpoint).await;
    }
    let wait_for =
        after.map_or_else(|| core.retry.wait(case.cx.attempt, chance(&*core.clock)), Wait::at_least);
    tracing::warn!(
        frontdesk.code = code.as_str(),
        frontdesk.endpoint = endpoint.as_ref().map(Endpoint::as_str),
        frontdesk.wait = wait_for.name(),
        "delivery.retried"
    );
    let mut next = Next { first_failed_at: Some(first_failed_at), retried: true, ..Next::same(case) };
    if after.is_none() {
        next.attempt = next.attempt.saturating_add(1);
        next.failed = failed;
    }
    let entry = Entry { code: Some(code), endpoint, ..Entry::of(Event::Retried) };
    let done = wait(core, case, entry, wait_for, next).await;
    done.inspect(|()| tally::retried(core, case, code))
}

/// What the copy that waits says about its past.
struct Next {
    attempt: u32,
    first_failed_at: Option<jiff::Timestamp>,
    failed: Option<Failed>,
    /// After a fault.
    retried: bool,
}

impl Next {
    fn same(case: &Case) -> Self {
        let Context { attempt, first_failed_at, .. } = case.cx;
        Self { attempt, first_failed_at, failed: case.failed.clone(), retried: false }
    }
}

/// Journal row, then the copy that waits: while the store is down no copies are made, so that an outage does not multiply messages.
async fn wait(core: &Core, case: &Case, entry: Entry, wait: Wait, next: Next) -> Result<(), Stuck> {
    steady::append(core, case, row(core, case, entry)).await?;
    put_off(core, case, wait, next).await
}

async fn put_off(core: &Core, case: &Case, wait: Wait, next: Next) -> Result<(), Stuck> {
    let parcel = match parcel::sealed(core, case) {
        Ok(parcel) => parcel,
        Err(fault) => return unsealable(&fault),
    };
    let properties = parcel::properties(core, case, &parcel.schema)
        .put_off()
        .failed(next.retried)
        .header(header::RESUMED, (!case.resumed && case.cx.told().paused).then_some(true))
        .header(header::ATTEMPT, Some(next.attempt))
        .header(header::FIRST_FAILED_AT, next.first_failed_at);
    let properties = Failed::write(next.failed.as_ref(), properties);
    steady::publish(core, case, wait.name(), &core.stage.queue(&case.lane), properties, parcel.body).await
}

async fn die(
    core: &Core,
    case: &Case,
    code: Code,
    field: Option<FieldPath>,
    endpoint: Option<Endpoint>,
) -> Result<(), Stuck> {
    let parcel = match parcel::sealed(core, case) {
        Ok(parcel) => parcel,
        Err(fault) => return unsealable(&fault),
    };
    let transition = Some(Transition::Die { code, field: field.clone() });
    let entry = Entry { code: Some(code), field, endpoint, transition, ..Entry::of(Event::Died) };
    // The row says where and of what; the letter says the same.
    let hop = row(core, case, entry);
    let (field, endpoint, template) = (hop.field.as_ref(), hop.endpoint.as_ref(), hop.template.as_ref());
    let fingerprint = Cause { stage: core.stage, code: Some(code), endpoint, field, template }.fingerprint();
    tracing::warn!(frontdesk.code = code.as_str(), frontdesk.fingerprint = fingerprint, "delivery.died");
    let properties = parcel::properties(core, case, &parcel.schema)
        .failed(true)
        .header(header::CODE, Some(code))
        .header(header::FIELD, field)
        .header(header::ENDPOINT, endpoint)
        .header(header::TEMPLATE, template)
        .header(header::ADMISSION, hop.admission)
        .header(header::DIED_AT, Some(hop.finished_at))
        .header(header::STAGE, Some(core.stage))
        .header(header::FINGERPRINT, Some(&fingerprint))
        .header(header::SUBMISSION, case.meta.as_ref().map(|meta| &meta.submission))
        .header(header::ATTEMPT, Some(case.cx.attempt))
        .header(header::FIRST_FAILED_AT, case.cx.first_failed_at);
    let exchange = core.stage.dead_letter_exchange(&case.lane);
    let queue = core.stage.queue(&case.lane);
    let (published, journalled) = tokio::join!(
        steady::publish(core, case, &exchange, &queue, properties, parcel.body),
        steady::append(core, case, hop.clone()),
    );
    published.and(journalled).inspect(|()| tally::died(core, case, code))
}

/// Only a process without random numbers cannot seal; nothing that is not sealed leaves it.
fn unsealable(fault: &Fault) -> Result<(), Stuck> {
    tracing::error!(frontdesk.code = fault.code().as_str(), "delivery.unsealable");
    Err(Stuck::Gone)
}
