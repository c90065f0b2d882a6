//! Carries dispatches to their doors.

use domain::clock::{Clock as _, SystemClock};
use tokio::time::Instant;

use super::{Doors, amqp::Exchange, gateway::Gateway, tally::Fate};
use crate::chaos::people::{Dispatch, Door, Parcel, Poison};

/// What came of trying until something came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tried {
    /// It was accepted.
    Accepted,
    /// Refused for good, with this status.
    Refused(u16),
    /// The time is up; whether it may be there all the same.
    GaveUp { doubtful: bool },
}

pub(super) struct Courier {
    exchange: Exchange,
    gateway: Gateway,
    end: Instant,
}

impl Courier {
    pub(super) async fn open(doors: &Doors, end: Instant) -> anyhow::Result<Self> {
        let exchange = Exchange::open(&doors.amqp_url_file, doors.connections).await?;
        Ok(Self { exchange, gateway: Gateway::open(&doors.gateway)?, end })
    }

    pub(super) async fn close(&self) {
        self.exchange.close().await;
    }

    pub(super) async fn deliver(&self, dispatch: Dispatch) -> Vec<Fate> {
        match dispatch {
            Dispatch::One(parcel) => vec![self.submission(parcel, false).await],
            Dispatch::Again(parcel) => vec![self.submission(parcel, true).await],
            Dispatch::Pair(one, other) => {
                let (one, other) = tokio::join!(self.submission(one, false), self.submission(other, false));
                vec![one, other]
            }
            Dispatch::Poison(poison) => vec![self.poison(poison).await],
        }
    }

    async fn submission(&self, parcel: Parcel, again: bool) -> Fate {
        let Parcel { asked, door, body, deliveries } = parcel;
        let (tried, copies) = match door {
            Door::Gateway => (self.gateway.post(&asked.clinic, &body, self.end).await, 1),
            Door::Amqp => {
                let message = SystemClock.fresh_id();
                let publish = || self.exchange.publish(&asked.clinic, message, &body, self.end);
                if deliveries < 2 {
                    (publish().await, 1)
                } else {
                    match tokio::join!(publish(), publish()) {
                        (Tried::Accepted, Tried::Accepted) => (Tried::Accepted, 2),
                        (Tried::Accepted, _) | (_, Tried::Accepted) => (Tried::Accepted, 1),
                        (one, other) => (worse(one, other), 0),
                    }
                }
            }
        };
        let accepted = (tried == Tried::Accepted).then_some(copies);
        let doubtful = tried == Tried::GaveUp { doubtful: true };
        let refused = if let Tried::Refused(status) = tried { Some(status) } else { None };
        Fate::Submission { asked, again, accepted, doubtful, refused }
    }

    async fn poison(&self, poison: Poison) -> Fate {
        let Poison { clinic, door, body } = poison;
        let message = SystemClock.fresh_id();
        let tried = match door {
            Door::Amqp => self.exchange.publish(&clinic, message, &body, self.end).await,
            Door::Gateway => self.gateway.post(&clinic, &body, self.end).await,
        };
        Fate::Poison {
            message,
            clinic,
            door,
            accepted: tried == Tried::Accepted,
            doubtful: tried == Tried::GaveUp { doubtful: true },
            refused: matches!(tried, Tried::Refused(_)),
        }
    }
}

/// Of two failures the one that leaves more open.
fn worse(one: Tried, other: Tried) -> Tried {
    if one == (Tried::GaveUp { doubtful: true }) { one } else { other }
}
