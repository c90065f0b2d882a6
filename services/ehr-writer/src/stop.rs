//! Why the writer does not go on with a submission now.

use std::time::Duration;

use adapters::ehr::ReadFault;
use domain::{Code, Endpoint, Fault, Hold, Outcome, Settled};
use jiff::Timestamp;

/// The handler's answer, met somewhere inside.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Not yet.
    Snooze(Duration),
    /// A person decides.
    Hold(Code),
    /// We could not find out.
    Fault(Fault),
    /// The EHR refused this effect for good, without effect.
    Refused(Code),
    /// A person has decided that it does not go on.
    Closed(Code),
    /// The patient of that id, whom a person named, is somebody else.
    Mistaken(String),
}

/// The shortest and the longest time to stay away.
const NAP: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

impl Stop {
    /// Comes back when the ledger says that it may be worth it.
    pub(crate) fn until(then: Timestamp, now: Timestamp) -> Self {
        let wait = Duration::try_from(then.duration_since(now)).unwrap_or_default();
        Self::Snooze(wait.clamp(NAP.0, NAP.1))
    }

    /// The database did not answer: whether it committed will be learnt by asking again.
    pub(crate) const fn store() -> Self {
        Self::Fault(Fault::transient(Code::StoreUnavailable))
    }

    /// The EHR did not answer, or not now. Nothing was written.
    pub(crate) fn unavailable(endpoint: &Endpoint) -> Self {
        Self::Fault(Fault::transient_at(Code::EhrUnavailable, endpoint.clone()))
    }

    /// The EHR does not let us in: the breaker stops the lane until somebody has mended that.
    pub(crate) fn unauthorized(endpoint: &Endpoint) -> Self {
        Self::Fault(Fault::transient_at(Code::EhrUnauthorized, endpoint.clone()))
    }

    /// The EHR asks to wait.
    pub(crate) fn throttled(after: Duration, endpoint: &Endpoint) -> Self {
        Self::Fault(Fault::Throttled { code: Code::EhrUnavailable, after, endpoint: Some(endpoint.clone()) })
    }

    /// Something could not be read.
    pub(crate) fn read(fault: &ReadFault, endpoint: &Endpoint) -> Self {
        match fault {
            ReadFault::Unavailable | ReadFault::Unreadable => Self::unavailable(endpoint),
            ReadFault::Throttled { after } => Self::throttled(*after, endpoint),
            ReadFault::Unauthorized => Self::unauthorized(endpoint),
            ReadFault::Missing | ReadFault::Refused { .. } => {
                Self::Fault(Fault::permanent(Code::EhrRejected))
            }
        }
    }

    /// As the handler returns it.
    pub(crate) fn into_result<O>(self) -> Result<Outcome<O>, Fault> {
        match self {
            Self::Snooze(wait) => Ok(Outcome::Snooze(wait)),
            Self::Hold(code) => Ok(Outcome::Hold(Hold::because(code))),
            Self::Mistaken(_) => Ok(Outcome::Hold(Hold::because(Code::EhrConflict))),
            Self::Fault(fault) => Err(fault),
            Self::Refused(code) => Err(Fault::permanent(code)),
            Self::Closed(code) => Ok(Outcome::Done(Settled::Rejected { code, field: None })),
        }
    }
}
