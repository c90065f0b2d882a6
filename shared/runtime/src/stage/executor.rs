//! One delivery from receipt to verdict, as a pipeline of named steps.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use domain::{
    Code, Endpoint, Fault, FieldPath, LaneName, Outcome, Settled, Stage,
    drill::{self, Point},
    envelope::{Envelope, Message, Secret},
};
use futures_util::FutureExt;
use jiff::Timestamp;
use lapin::message::Delivery;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    Context, Handler, Input, alone,
    case::{Case, Core},
    effect::{self, Verdict},
    pauses::PAUSED_WAIT,
};
use crate::keys::Follower;

/// How long a message waits for a key: as long again as it has waited, within these. It is no attempt: that the keys cannot be read is not the
/// message's fault.
const KEY_WAIT: Duration = Duration::from_secs(5);
const LONGEST_KEY_WAIT: Duration = Duration::from_secs(120);

/// What is to be done with a delivery. All that a handler can want, and all that can go wrong, is one of these.
pub(super) enum Decision {
    /// Hand on.
    Emit(Box<Envelope>),
    /// It came to an end.
    Settle(Settled),
    /// A person decides.
    Hold { code: Code, field: Option<FieldPath> },
    /// Not yet.
    Snooze(Duration),
    /// Not yet, because an endpoint is paused or known to be down: nothing was done and nothing is journalled.
    HeldBack(Duration),
    /// Not yet, because its clinic is paused. The others of its lane are not.
    Paused,
    /// Try again. Without `after` the policy says when, and it counts as an attempt.
    Retry { code: Code, endpoint: Option<Endpoint>, after: Option<Duration> },
    /// To the dead letters.
    Die { code: Code, field: Option<FieldPath>, endpoint: Option<Endpoint> },
}

/// receive → decode → open → handle → effect. What processes may have died of comes with how often it came back, and is handled with nothing
/// else in hand.
pub(super) async fn deliver<H: Handler>(
    core: Arc<Core>,
    handler: Arc<H>,
    lane: LaneName,
    (delivery, comebacks): (Delivery, Option<u32>),
    lost: CancellationToken,
) -> Verdict {
    let begin = Instant::now();
    core.metrics.received.add(&[("lane", lane.as_str())]);
    let mut case = Case::decode(&core, &lane, delivery, lost);
    let span = case.span.clone();
    let verdict = async {
        if let Some(comebacks) = comebacks {
            return alone::deliver(&core, &*handler, &mut case, comebacks).await;
        }
        let _beside_others = core.room.beside_others().await;
        to_the_end(&core, &*handler, &mut case).await
    }
    .instrument(span)
    .await;
    if verdict == Verdict::Done {
        core.metrics.duration.took(begin.elapsed(), &[("lane", lane.as_str())]);
    }
    verdict
}

/// handle → effect.
pub(super) async fn to_the_end<H: Handler>(core: &Core, handler: &H, case: &mut Case) -> Verdict {
    let decision = decide(core, handler, case).await;
    effect::carry_out(core, case, decision).await
}

async fn decide<H: Handler>(core: &Core, handler: &H, case: &mut Case) -> Decision {
    let changes = core.follower.as_ref().map_or(0, Follower::changes);
    // What a panic says is dropped unread: it may quote PHI. The panic hook has logged where it was.
    match AssertUnwindSafe(open_and_handle(core, handler, case)).catch_unwind().await {
        Ok(Ok(decision)) => decision,
        Ok(Err(fault)) if fault.code() == Code::UnknownKey && key_may_come(core, changes).await => {
            // Its row says whose it is, where that is known or we wrote it: what comes to validation anybody may have written.
            if case.meta.is_none() && core.stage != Stage::Validation {
                case.meta = alone::meta(core, &case.body);
            }
            let after = key_wait(case.cx.first_failed_at, case.cx.now());
            Decision::Retry { code: Code::UnknownKey, endpoint: None, after: Some(after) }
        }
        Ok(Err(fault)) => from_fault(&case.cx, fault),
        Err(_) => Decision::Die { code: Code::HandlerPanic, field: None, endpoint: None },
    }
}

/// Whether a key that this process does not have may be there all the same: it has come meanwhile, or nobody can look.
async fn key_may_come(core: &Core, changes: u64) -> bool {
    match &core.follower {
        Some(follower) => follower.may_come(changes, &*core.clock).await,
        None => false,
    }
}

fn key_wait(first_failed_at: Option<Timestamp>, now: Timestamp) -> Duration {
    let waited = first_failed_at.map(|at| now.duration_since(at));
    let waited = waited.and_then(|time| Duration::try_from(time).ok()).unwrap_or_default();
    waited.clamp(KEY_WAIT, LONGEST_KEY_WAIT)
}

async fn open_and_handle<H: Handler>(core: &Core, handler: &H, case: &mut Case) -> Result<Decision, Fault> {
    if case.body.len() > core.max_body {
        return Err(Fault::permanent(Code::TooLarge));
    }
    let input = handler.open(&case.incoming(), &core.keys, &case.cx)?;
    case.meta = Some(input.meta().clone());
    if case.cx.pauses.clinic(&input.meta().clinic) {
        case.cx.told().paused = true;
        return Ok(Decision::Paused);
    }
    let held_back = |one: &Endpoint| {
        let wait = case.cx.held_back(one)?;
        core.breakers.stops(one, &case.lane);
        // Whoever waits longer than the endpoint is down makes the outage longer.
        Some(wait.min(PAUSED_WAIT))
    };
    if let Some(wait) = handler.endpoints(&input).iter().filter_map(held_back).max() {
        return Ok(Decision::HeldBack(wait));
    }
    drill::at(Point::BeforeHandling);
    let outcome = handler.handle(input, &case.cx).await?;
    from_outcome(core, case, outcome)
}

fn from_outcome<S: Secret>(
    core: &Core,
    case: &mut Case,
    outcome: Outcome<Message<S>>,
) -> Result<Decision, Fault> {
    Ok(match outcome {
        Outcome::Emit(message) => {
            case.meta = Some(message.meta.clone());
            Decision::Emit(Box::new(message.seal(&core.keys)?))
        }
        Outcome::Done(settled) => Decision::Settle(settled),
        Outcome::Hold(hold) => Decision::Hold { code: hold.code, field: hold.field },
        // Told to wait for an endpoint, and so it does.
        Outcome::Snooze(time) if case.cx.told().held_back.is_some() => Decision::HeldBack(time),
        Outcome::Snooze(time) => Decision::Snooze(time),
    })
}

fn from_fault(cx: &Context, fault: Fault) -> Decision {
    match fault {
        Fault::Transient { code, endpoint } => {
            if let Some(endpoint) = &endpoint {
                cx.failed(endpoint);
            }
            Decision::Retry { code, endpoint, after: None }
        }
        Fault::Throttled { code, after, endpoint } => Decision::Retry { code, endpoint, after: Some(after) },
        Fault::Permanent { code, field } => Decision::Die { code, field, endpoint: None },
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use domain::{Code, Endpoint, Fault, clock::SystemClock, seal::Keyring};
    use jiff::{SignedDuration, Timestamp};

    use super::{Context, from_fault, key_wait};
    use crate::stage::breaker::Breakers;

    #[test]
    fn who_waits_for_a_key_asks_ever_more_rarely() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
        let wait = |waited| key_wait(Some(now - SignedDuration::from_secs(waited)), now).as_secs();
        assert_eq!([-1, 0, 5, 11, 60, 3600].map(wait), [5, 5, 5, 11, 60, 120]);
        assert_eq!(key_wait(None, now), super::KEY_WAIT);
    }

    /// Deliveries of one process: they share its breakers. Ten failures in a row open one.
    fn after(deliveries: usize, one: impl Fn(&Context, &Endpoint)) -> bool {
        let breakers = Arc::new(Breakers::new(Arc::default()));
        let endpoint = Endpoint::payer("aetna");
        let cx = || {
            let keys = Keyring::new([("k".to_owned(), vec![7; 32])]).unwrap();
            let mut cx = Context::detached(Arc::new(SystemClock), Arc::new(keys));
            cx.breakers = breakers.clone();
            cx
        };
        (0..deliveries).for_each(|_| one(&cx(), &endpoint));
        cx().held_back(&endpoint).is_some()
    }

    fn transient(endpoint: &Endpoint) -> Fault {
        Fault::Transient { code: Code::PayerUnavailable, endpoint: Some(endpoint.clone()) }
    }

    fn throttled(endpoint: &Endpoint) -> Fault {
        let (code, after) = (Code::PayerUnavailable, Duration::ZERO);
        Fault::Throttled { code, after, endpoint: Some(endpoint.clone()) }
    }

    #[test]
    fn a_failure_that_is_told_opens_the_breaker_though_the_handler_goes_on_or_is_throttled() {
        assert!(!after(9, |cx, endpoint| cx.failed(endpoint)));
        assert!(after(10, |cx, endpoint| cx.failed(endpoint)));
        assert!(after(10, |cx, endpoint| {
            cx.failed(endpoint);
            from_fault(cx, throttled(endpoint));
        }));
        assert!(!after(30, |cx, endpoint| drop(from_fault(cx, throttled(endpoint)))), "no failure");
    }

    #[test]
    fn told_twice_and_a_transient_fault_is_one_failure_of_the_delivery() {
        let both = |cx: &Context, endpoint: &Endpoint| {
            cx.failed(endpoint);
            cx.failed(endpoint);
            from_fault(cx, transient(endpoint));
        };
        assert!(!after(9, both));
        assert!(after(10, both));
    }

    #[test]
    fn each_endpoint_counts_for_itself() {
        let other = Endpoint::payer("other");
        assert!(!after(10, |cx, endpoint| {
            cx.failed(&other);
            cx.succeeded(endpoint);
        }));
    }
}
