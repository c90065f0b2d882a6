//! A handler that does what the message says.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::{
    Code, Endpoint, Exchange, Fault, FieldPath, Hold, Outcome, Phi, Settled, Stage,
    envelope::{Message, Secret},
};
use runtime::{Context, Handler};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

/// What the handler is to do.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Act {
    Emit,
    Done,
    Hold,
    /// Snooze the first time, then emit.
    SnoozeOnce,
    /// Fail up to this attempt, then emit.
    FailUpTo(u32),
    /// Be throttled the first time, then emit.
    ThrottledOnce,
    Permanent,
    /// Be in doubt of what it did, and fail up to this attempt; then for good.
    Doubt(u32),
    Panic,
    /// Wait for a permit, then emit.
    Gated,
    /// Call an endpoint that is down until it is repaired.
    Call,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) text: String,
    pub(crate) act: Act,
}

impl Secret for Note {
    const SCHEMA: &'static str = "test.note.v1";
    const EXCHANGE: Exchange = Exchange::Validated;
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Onward {
    pub(crate) text: String,
    pub(crate) attempt: u32,
}

impl Secret for Onward {
    const SCHEMA: &'static str = "test.onward.v1";
    const EXCHANGE: Exchange = Exchange::Checked;
}

#[derive(Clone)]
pub(crate) struct Toy {
    /// How often each text was handled.
    seen: Arc<Mutex<HashMap<String, u32>>>,
    pub(crate) gate: Arc<Semaphore>,
    /// Whether the endpoint answers.
    pub(crate) repaired: Arc<Mutex<bool>>,
}

impl Default for Toy {
    fn default() -> Self {
        Self { seen: Arc::default(), gate: Arc::new(Semaphore::new(0)), repaired: Arc::default() }
    }
}

impl Toy {
    pub(crate) fn seen(&self, text: &str) -> u32 {
        self.seen.lock().unwrap().get(text).copied().unwrap_or(0)
    }

    pub(crate) fn total(&self) -> u32 {
        self.seen.lock().unwrap().values().sum()
    }
}

impl Handler for Toy {
    const STAGE: Stage = Stage::Eligibility;
    type Input = Message<Note>;
    type Output = Onward;

    async fn handle(&self, input: Message<Note>, cx: &Context) -> Result<Outcome<Message<Onward>>, Fault> {
        let Note { text, act } = input.secret.into_exposed();
        let times = {
            let mut seen = self.seen.lock().unwrap();
            let times = seen.entry(text.clone()).or_default();
            *times += 1;
            *times
        };
        cx.record(|facts| facts.patient = Some("p-1".to_owned()));
        match act {
            Act::Done => return Ok(Outcome::Done(Settled::Completed)),
            Act::Hold => return Ok(Outcome::Hold(Hold::because(Code::DoubtfulMatch))),
            Act::SnoozeOnce if times == 1 => return Ok(Outcome::Snooze(Duration::from_millis(700))),
            Act::FailUpTo(last) if cx.attempt() <= last => {
                return Err(Fault::transient(Code::EhrUnavailable));
            }
            Act::ThrottledOnce if times == 1 => {
                let after = Duration::from_millis(900);
                return Err(Fault::Throttled { code: Code::EhrUnavailable, after, endpoint: None });
            }
            Act::Permanent => {
                let field = Some(FieldPath::known("patient.given"));
                return Err(Fault::Permanent { code: Code::EhrRejected, field });
            }
            Act::Doubt(last) => {
                cx.doubts(Some(Code::EhrParked));
                let more = cx.attempt() <= last;
                return Err(if more {
                    Fault::transient(Code::EhrUnavailable)
                } else {
                    Fault::permanent(Code::EhrRejected)
                });
            }
            Act::Panic => panic!("{text}"),
            Act::Gated => self.gate.acquire().await.unwrap().forget(),
            Act::Call => {
                if !*self.repaired.lock().unwrap() {
                    return Err(Fault::transient_at(Code::EhrUnavailable, Endpoint::ehr("main")));
                }
                cx.succeeded(&Endpoint::ehr("main"));
            }
            _ => {}
        }
        let onward = Onward { text, attempt: cx.attempt() };
        Ok(Outcome::Emit(Message { meta: input.meta, secret: Phi::new(onward) }))
    }

    fn endpoints(&self, input: &Message<Note>) -> Vec<Endpoint> {
        if input.secret.expose().act == Act::Call { vec![Endpoint::ehr("main")] } else { Vec::new() }
    }
}
