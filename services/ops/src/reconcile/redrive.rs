//! Publishing again what is safe to publish again: a submission that a run found overdue, that is still unfinished, and whose message is in no
//! queue that it could be in. Everything else stays for a person.

use std::collections::HashMap;

use domain::{AdmissionId, LaneName, Stage, ports::StoreDown, reconcile::Kind};
use ledger::{
    acts::Actor,
    read::{Kept, Waiting},
    reconcile::{Row, Run},
};
use runtime::again::{Again, Original};
use serde::Serialize;
use tracing::Instrument as _;
use uuid::Uuid;

use super::Reconciler;
use crate::views::Queue;

/// Why a submission was not published again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It came to its end meanwhile, or lies with the dead letters.
    Ended,
    /// Its message may still wait: a queue that it could be in holds messages, or cannot be asked.
    MayWait,
    /// Its original is no longer kept, or cannot be read.
    NoOriginal,
    /// The broker did not take it.
    NotPublished,
}

impl Why {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ended, Self::MayWait, Self::NoOriginal, Self::NotPublished];
}

/// A submission that was left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Its row.
    pub admission_id: AdmissionId,
    /// Why.
    pub why: Why,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Redriven {
    /// Published again, confirmed and routed.
    pub redriven: Vec<AdmissionId>,
    /// Left as they are.
    pub left: Vec<Left>,
}

/// Why nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRedriven {
    /// There is no broker to publish to.
    #[error("no broker is configured")]
    NoBroker,
    /// The database did not answer.
    #[error(transparent)]
    Down(#[from] StoreDown),
}

impl Reconciler {
    /// Publishes again what a run found overdue, as far as that is safe. The act is committed first, so that whatever happens then, who did it and
    /// why is known; that one was published is noted when the broker has confirmed it.
    ///
    /// # Errors
    /// [`NotRedriven`]: nothing was published.
    pub async fn redrive(
        &self,
        (run, rows): (&Run, &[Row]),
        actor: &Actor,
        reason: &str,
    ) -> Result<Redriven, NotRedriven> {
        let Some(again) = &self.again else { return Err(NotRedriven::NoBroker) };
        let overdue: Vec<AdmissionId> = rows
            .iter()
            .filter(|row| row.difference.kind == Kind::Overdue)
            .filter_map(|row| row.difference.admission_id)
            .collect();
        let mut done = Redriven::default();
        let waiting = self.store.waiting(&overdue).await?;
        let depths = self.queues.depths().await;
        let still: Vec<AdmissionId> = waiting.iter().map(|one| one.unfinished.admission).collect();
        done.leave(overdue.iter().filter(|id| !still.contains(id)).copied(), Why::Ended);
        let (gone, may_wait): (Vec<Waiting>, Vec<Waiting>) =
            waiting.into_iter().partition(|one| self.is_in_no_queue(one, depths.as_deref()));
        done.leave(may_wait.iter().map(|one| one.unfinished.admission), Why::MayWait);
        let ids: Vec<AdmissionId> = gone.iter().map(|one| one.unfinished.admission).collect();
        let mut kept: HashMap<AdmissionId, Kept> = self.store.originals(&ids).await?.into_iter().collect();
        let mut ready = Vec::new();
        for Waiting { unfinished, .. } in gone {
            let (id, message, correlation) =
                (unfinished.admission, unfinished.message, unfinished.correlation);
            let Some(Kept { sealed, trace_id }) = kept.remove(&id) else {
                done.leave([id], Why::Ended);
                continue;
            };
            let original = |body| Original::new(unfinished.clinic, message, correlation, trace_id, body);
            match sealed.and_then(original) {
                Some(original) => ready.push((id, original)),
                None => done.leave([id], Why::NoOriginal),
            }
        }
        let ids: Vec<AdmissionId> = ready.iter().map(|(id, _)| *id).collect();
        self.store.redrive(run.id, &ids, actor, reason).await?;
        let mut taken = true;
        for (id, original) in ready {
            // A broker that did not take one, with all its tries, is not tried with each.
            if taken {
                let span = original.span("redrive submission");
                taken = self.again(again, run.id, id, original).instrument(span).await;
            }
            if taken {
                done.redriven.push(id);
            } else {
                done.leave([id], Why::NotPublished);
            }
        }
        tracing::info!(
            frontdesk.reconciliation = %run.id,
            enduser.id = actor.name,
            frontdesk.redriven = done.redriven.len(),
            frontdesk.left = done.left.len(),
            "ops.redriven"
        );
        Ok(done)
    }

    /// Publishes one, and notes it. `false`: the broker did not take it.
    async fn again(&self, again: &Again, run: Uuid, id: AdmissionId, original: Original) -> bool {
        if let Err(error) = again.publish(original).await {
            tracing::warn!(frontdesk.admission = %id, %error, "ops.not_redriven");
            return false;
        }
        // It is on its way, whether or not that can be noted.
        if self.store.redriven(run, id).await.is_err() {
            tracing::warn!(frontdesk.admission = %id, "ops.redriven_unnoted");
        }
        true
    }

    /// Whether every queue that the message could be in is empty: that of the stage that should have it, and those in which it would wait for
    /// a retry or for the end of a pause.
    fn is_in_no_queue(&self, one: &Waiting, depths: Option<&[Queue]>) -> bool {
        let first = || (Stage::Validation, self.lanes.of(&one.unfinished.clinic).clone());
        let (stage, lane) = one.at.clone().unwrap_or_else(first);
        depths.is_some_and(|depths| nothing_waits(depths, stage, &lane))
    }
}

impl Redriven {
    fn leave(&mut self, ids: impl IntoIterator<Item = AdmissionId>, why: Why) {
        self.left.extend(ids.into_iter().map(|admission_id| Left { admission_id, why }));
    }
}

fn nothing_waits(depths: &[Queue], stage: Stage, lane: &LaneName) -> bool {
    let own = stage.queue(lane);
    let empty = |queue: &Queue| queue.ready == 0 && queue.unacknowledged == 0;
    let waits = depths.iter().filter(|queue| queue.queue.starts_with("wait."));
    depths.iter().any(|queue| queue.queue == own && empty(queue)) && waits.into_iter().all(empty)
}

#[cfg(test)]
mod tests {
    use domain::Stage;

    use super::{Queue, nothing_waits};

    #[test]
    fn a_message_may_wait_where_it_should_be_and_where_retries_do() {
        let queue =
            |name: &str, ready, unacknowledged| Queue { queue: name.to_owned(), ready, unacknowledged };
        let lane = "north".parse().unwrap();
        let gone = |depths: &[Queue]| nothing_waits(depths, Stage::EhrWriter, &lane);
        let elsewhere = || {
            vec![
                queue("ehr-writer.south", 9, 9),
                queue("validation.north", 9, 0),
                queue("ehr-writer.north.dlq", 3, 0),
            ]
        };
        let with = |more: &[Queue]| [elsewhere(), more.to_vec()].concat();
        assert!(gone(&with(&[queue("ehr-writer.north", 0, 0), queue("wait.30s", 0, 0)])));
        assert!(!gone(&with(&[queue("ehr-writer.north", 0, 1), queue("wait.30s", 0, 0)])), "in hand");
        assert!(!gone(&with(&[queue("ehr-writer.north", 0, 0), queue("wait.30s", 1, 0)])), "put off");
        assert!(!gone(&elsewhere()), "a queue that is not told of");
    }
}
