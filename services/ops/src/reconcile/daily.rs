//! The daily run, by one of several processes; and what every process tells of it.

use domain::{ports::StoreDown, reconcile};
use ledger::reconcile::Kept;
use runtime::telemetry::{Families, Sample};

use super::{Reconciler, Wish};

/// Who does it, in the list of runs.
const ACTOR: &str = "ops";

impl Reconciler {
    /// Does the daily run if one is due that nobody has done, and nobody does.
    ///
    /// # Errors
    /// [`StoreDown`]: it is still due then.
    pub async fn daily(&self) -> Result<(), StoreDown> {
        let Some(day) = reconcile::due(self.clock.now(), self.config.hour) else { return Ok(()) };
        let done = async || {
            let last = self.store.last_daily().await?;
            Ok(last.is_some_and(|kept| kept.run.day >= day))
        };
        if !self.config.daily || done().await? {
            return Ok(());
        }
        let Some(_turn) = self.store.take_turn().await? else { return Ok(()) };
        // Whoever had the turn before may have done it.
        if done().await? {
            return Ok(());
        }
        let wish = Wish { day, clinic: None, sent: Vec::new(), actor: ACTOR.to_owned(), daily: true };
        self.run(&wish).await.map(drop)
    }

    /// Tells of the last daily run, whoever did it.
    ///
    /// # Errors
    /// [`StoreDown`]: what was told before stays.
    pub async fn tell(&self, families: &Families) -> Result<(), StoreDown> {
        let Some(Kept { run, differences }) = self.store.last_daily().await? else { return Ok(()) };
        let age = self.clock.now().duration_since(run.ended_at).as_secs_f64().max(0.0);
        let plain = |value| vec![Sample { labels: Vec::new(), value }];
        families.set("frontdesk_reconciliation_age_seconds", plain(age));
        families.set("frontdesk_reconciliation_gaps", plain(run.gaps.len() as f64));
        let samples = differences.into_iter().map(|(kind, clinic, count)| Sample {
            labels: vec![
                ("kind", kind.to_string()),
                ("clinic", clinic.map(|clinic| clinic.to_string()).unwrap_or_default()),
            ],
            value: count as f64,
        });
        families.set("frontdesk_reconciliation_differences", samples.collect());
        Ok(())
    }
}
