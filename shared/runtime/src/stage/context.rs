//! What a handler may know and tell about the delivery in hand.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    AdmissionId, Code, CorrelationId, Endpoint, MessageId, clock::Clock, hop::Facts, meta::TemplateRef,
    seal::Keyring,
};
use jiff::Timestamp;

use super::{
    breaker::{Breakers, Pass},
    pauses::Pauses,
};

/// One delivery's surroundings.
pub struct Context {
    pub(super) message: MessageId,
    pub(super) correlation: CorrelationId,
    pub(super) redelivered: bool,
    pub(super) attempt: u32,
    pub(super) first_failed_at: Option<Timestamp>,
    pub(super) received_at: Timestamp,
    pub(super) keys: Arc<Keyring>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) breakers: Arc<Breakers>,
    pub(super) pauses: Pauses,
    pub(super) told: Mutex<Told>,
}

/// What the handler told.
#[derive(Default)]
pub(super) struct Told {
    pub(super) facts: Facts,
    pub(super) admission: Option<AdmissionId>,
    pub(super) template: Option<TemplateRef>,
    /// What a person would have to say, should this delivery be its last.
    pub(super) doubt: Option<Code>,
    /// The longest that it was told to wait for an endpoint.
    pub(super) held_back: Option<Duration>,
    /// Something of it is paused: what waits for that waits for a person.
    pub(super) paused: bool,
    /// Endpoints that failed this delivery, and when their breakers were told of it: once.
    failed: BTreeMap<Endpoint, Timestamp>,
    /// Endpoints whose breaker let this delivery pass.
    passes: Vec<Pass>,
}

impl Context {
    /// A first delivery that came from no broker: for tests of handlers, and for tools that call one. Nothing is paused.
    pub fn detached(clock: Arc<dyn Clock>, keys: Arc<Keyring>) -> Self {
        Self {
            message: MessageId::from_uuid(clock.fresh_id()),
            correlation: CorrelationId::from_uuid(clock.fresh_id()),
            redelivered: false,
            attempt: 1,
            first_failed_at: None,
            received_at: clock.now(),
            keys,
            breakers: Arc::new(Breakers::new(Arc::default())),
            pauses: Pauses::none(),
            told: Mutex::default(),
            clock,
        }
    }

    /// As another delivery of the same process: they share what is known of endpoints.
    #[must_use]
    pub fn beside(mut self, other: &Self) -> Self {
        self.breakers = other.breakers.clone();
        self
    }

    /// As a later attempt, after a failure at that time.
    #[must_use]
    pub const fn retried(mut self, attempt: u32, first_failed_at: Timestamp) -> Self {
        self.attempt = attempt;
        self.first_failed_at = Some(first_failed_at);
        self
    }

    /// What was recorded so far.
    pub fn facts(&self) -> Facts {
        self.told().facts.clone()
    }

    /// The admission that was identified so far.
    pub fn admission(&self) -> Option<AdmissionId> {
        self.told().admission
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock.
    pub const fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The delivery: the same for every attempt and every repetition of one hand-off.
    pub const fn message(&self) -> MessageId {
        self.message
    }

    /// Whether the broker has given the delivery before.
    pub const fn redelivered(&self) -> bool {
        self.redelivered
    }

    /// Which attempt this is, from 1. Snoozes do not count.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// When the first attempt failed.
    pub const fn first_failed_at(&self) -> Option<Timestamp> {
        self.first_failed_at
    }

    /// When the delivery was taken in hand.
    pub const fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// The correlation id: the sender's, or one of our own making.
    pub const fn correlation(&self) -> CorrelationId {
        self.correlation
    }

    /// The sealing keys.
    pub const fn keys(&self) -> &Arc<Keyring> {
        &self.keys
    }

    /// Records facts for the submission's row; committed with this delivery's journal row.
    pub fn record(&self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.told().facts);
    }

    /// Says which admission (and template) the delivery turned out to be about, for its journal row.
    pub fn identify(&self, admission: AdmissionId, template: Option<TemplateRef>) {
        let mut told = self.told();
        told.admission = Some(admission);
        if template.is_some() {
            told.template = template;
        }
    }

    /// Says whether something that was done for the submission is in doubt. While it is, the message is held with this code where it
    /// would otherwise be a dead letter: of that only a person can say what became of it. The last word counts.
    pub fn doubts(&self, doubt: Option<Code>) {
        self.told().doubt = doubt;
    }

    /// What was said last to [`Context::doubts`].
    pub fn doubt(&self) -> Option<Code> {
        self.told().doubt
    }

    /// How long to wait before calling an endpoint that is paused or known to be down: the handler should then snooze that long, or
    /// do without. `None`: call it, and say [`Context::succeeded`] or [`Context::failed`], or return a transient fault that names it.
    pub fn held_back(&self, endpoint: &Endpoint) -> Option<Duration> {
        let wait = if self.pauses.endpoint(endpoint) {
            self.told().paused = true;
            Some(super::pauses::PAUSED_WAIT)
        } else {
            match self.breakers.admit(endpoint, self.now()) {
                Ok(pass) => {
                    self.told().passes.push(pass);
                    None
                }
                Err(wait) => Some(wait),
            }
        };
        let mut told = self.told();
        told.held_back = told.held_back.max(wait);
        wait
    }

    /// The endpoint answered as it should, whatever the answer means for the business.
    pub fn succeeded(&self, endpoint: &Endpoint) {
        self.breakers.success(endpoint, self.now());
    }

    /// A call to the endpoint failed, even though the handler goes on without it or puts the delivery off. However often this is
    /// said, and also if a transient fault that names the endpoint follows, it counts as one failure of this delivery.
    pub fn failed(&self, endpoint: &Endpoint) {
        let now = self.now();
        if let Entry::Vacant(first) = self.told().failed.entry(endpoint.clone()) {
            first.insert(now);
            self.breakers.failure(endpoint, now);
        }
    }

    /// When the endpoint's breaker was told that it failed this delivery.
    pub(super) fn failed_at(&self, endpoint: &Endpoint) -> Option<Timestamp> {
        self.told().failed.get(endpoint).copied()
    }

    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{
        AdmissionId, Endpoint,
        clock::{Clock, SystemClock},
        seal::Keyring,
    };

    use super::Context;

    #[test]
    fn keeps_what_the_handler_tells() {
        let keys = Keyring::new([("k".to_owned(), vec![7; 32])]).unwrap();
        let cx = Context::detached(Arc::new(SystemClock), Arc::new(keys)).retried(3, SystemClock.now());
        assert_eq!((cx.attempt(), cx.first_failed_at().is_some()), (3, true));
        cx.record(|facts| facts.patient = Some("p-1".to_owned()));
        cx.record(|facts| facts.appointment = Some("a-1".to_owned()));
        let facts = cx.facts();
        assert_eq!((facts.patient.as_deref(), facts.appointment.as_deref()), (Some("p-1"), Some("a-1")));
        let admission = AdmissionId::from_uuid(SystemClock.fresh_id());
        cx.identify(admission, None);
        assert_eq!(cx.admission(), Some(admission));
        assert_eq!(cx.held_back(&Endpoint::payer("x")), None);
    }
}
