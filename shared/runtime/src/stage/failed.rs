//! The last failure of a message against an endpoint, as the copy that waits carries it: so that an outage, which is known as one only
//! later, burns no attempt.

use domain::{Endpoint, ports::SwitchScope};
use jiff::Timestamp;

use super::breaker::Breakers;
use crate::amqp::{Headers, Properties, header};

/// A failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failed {
    endpoint: Endpoint,
    /// When its breaker was told.
    at: Timestamp,
    /// How often the message has failed there in a row, while the endpoint answered nobody else either.
    run: u32,
}

impl Failed {
    /// After another failure.
    pub(super) fn again(
        before: Option<&Self>,
        endpoint: Endpoint,
        at: Timestamp,
        breakers: &Breakers,
    ) -> Self {
        let run = before
            .filter(|last| last.endpoint == endpoint && breakers.silent_since(&endpoint, last.at))
            .map_or(0, |last| last.run);
        Self { endpoint, at, run: run.saturating_add(1) }
    }

    /// How many of the last attempts failed there, while it answered nobody between the first of them and the last. One alone says nothing of that.
    pub(super) const fn silent(&self) -> u32 {
        if self.run > 1 { self.run } else { 0 }
    }

    /// As the headers tell it. They are ours; should a sender have set them, it can at most spare its message some attempts, and the
    /// policy's age ends that.
    pub(super) fn read(headers: &Headers) -> Option<Self> {
        let SwitchScope::Endpoint(endpoint) = headers.parse(header::FAILED_AGAINST)? else { return None };
        Some(Self {
            endpoint,
            at: headers.parse(header::FAILED_AT)?,
            run: headers.parse(header::FAILED_RUN)?,
        })
    }

    pub(super) fn write(this: Option<&Self>, properties: Properties) -> Properties {
        properties
            .header(header::FAILED_AGAINST, this.map(|failed| &failed.endpoint))
            .header(header::FAILED_AT, this.map(|failed| failed.at))
            .header(header::FAILED_RUN, this.map(|failed| failed.run))
    }

    /// Which attempt it is after this failure. What failed while the endpoint was down was no attempt, and is forgotten.
    pub(super) fn charge(this: Option<Self>, attempt: u32, breakers: &Breakers) -> (u32, Option<Self>) {
        match this {
            Some(failed) if breakers.was_down(&failed.endpoint, failed.at) => {
                (attempt.saturating_sub(failed.run).max(1), None)
            }
            other => (attempt, other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::Endpoint;
    use jiff::{SignedDuration, Timestamp};

    use super::Failed;
    use crate::stage::breaker::Breakers;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    /// A message fails at each of these seconds; gives what it carries then.
    fn fails(breakers: &Breakers, seconds: &[i64]) -> Failed {
        let (endpoint, mut last) = (Endpoint::ehr("main"), None);
        for second in seconds {
            breakers.failure(&endpoint, at(*second));
            last = Some(Failed::again(last.as_ref(), endpoint.clone(), at(*second), breakers));
        }
        last.unwrap()
    }

    #[test]
    fn failures_of_an_outage_are_given_back_once_it_is_known() {
        let breakers = Breakers::new(Arc::default());
        let failed = fails(&breakers, &[1, 2, 3]);
        assert_eq!(failed.silent(), 3);
        assert_eq!(
            Failed::charge(Some(failed.clone()), 4, &breakers),
            (4, Some(failed.clone())),
            "not known yet"
        );
        (4..11).for_each(|second| breakers.failure(&Endpoint::ehr("main"), at(second)));
        assert_eq!(Failed::charge(Some(failed.clone()), 4, &breakers), (1, None));
        assert_eq!(Failed::charge(Some(failed), 2, &breakers), (1, None), "never below the first");
    }

    #[test]
    fn a_message_that_fails_alone_is_charged() {
        let breakers = Breakers::new(Arc::default());
        let endpoint = Endpoint::ehr("main");
        let one = fails(&breakers, &[1]);
        breakers.success(&endpoint, at(2));
        breakers.failure(&endpoint, at(3));
        let two = Failed::again(Some(&one), endpoint, at(3), &breakers);
        assert_eq!((one.run, two.run), (1, 1), "others were answered in between");
        assert_eq!((one.silent(), two.silent()), (0, 0), "all of its attempts count");
        assert_eq!(Failed::charge(Some(two.clone()), 3, &breakers).0, 3);
        let other = Failed::again(Some(&two), Endpoint::payer("x"), at(4), &breakers);
        assert_eq!(other.run, 1);
    }
}
