//! The daily run, by one of several processes; and what every process tells of it.

use domain::{ports::StoreDown, reconcile};
use jiff::{ToSpan as _, civil::Date};
use ledger::reconcile::Kept;
use runtime::telemetry::{Families, Sample, catalogue};

use super::{Reconciler, Wish};

/// Who does it, in the list of runs.
const ACTOR: &str = "ops";
/// Days that are made up for after everything was down, the newest ones.
const MOST_MISSED: i32 = 7;

impl Reconciler {
    /// Does the daily run of each day that is due, that nobody has done, and nobody does. What was missed is made up for, the oldest first.
    ///
    /// # Errors
    /// [`StoreDown`]: what was not done is still due then.
    pub async fn daily(&self) -> Result<(), StoreDown> {
        let Some(due) = reconcile::due(self.clock.now(), self.config.hour) else { return Ok(()) };
        // Only days that have come: a clock that was ahead once keeps nobody from what is due.
        let last = async || Ok(self.store.last_daily(due).await?.map(|kept| kept.run.day));
        if !self.config.daily || last().await? == Some(due) {
            return Ok(());
        }
        let Some(_turn) = self.store.take_turn().await? else { return Ok(()) };
        // Whoever had the turn before may have done it.
        for day in missed(last().await?, due) {
            let wish = Wish { day, clinic: None, sent: Vec::new(), actor: ACTOR.to_owned(), daily: true };
            self.run(&wish).await?;
        }
        Ok(())
    }

    /// Tells of the last daily run, whoever did it. One that ended in the future, by a clock that was ahead, is as old as it is early: nobody
    /// knows.
    ///
    /// # Errors
    /// [`StoreDown`]: what was told before stays.
    pub async fn tell(&self, families: &Families) -> Result<(), StoreDown> {
        let now = self.clock.now();
        let Some(due) = reconcile::due(now, self.config.hour) else { return Ok(()) };
        let Some(Kept { run, differences }) = self.store.last_daily(due).await? else { return Ok(()) };
        let age = now.duration_since(run.ended_at).as_secs_f64().abs();
        families.set(&catalogue::RECONCILED, Sample::alone(age));
        families.set(&catalogue::GAPS, Sample::alone(run.gaps.len() as f64));
        let samples = differences.into_iter().map(|(kind, clinic, count)| Sample {
            labels: vec![
                ("kind", kind.to_string()),
                ("clinic", clinic.map(|clinic| clinic.to_string()).unwrap_or_default()),
            ],
            value: count as f64,
        });
        families.set(&catalogue::DIFFERENCES, samples.collect());
        Ok(())
    }
}

/// The days after the last one until the one that is due; where there is no last one, only that.
fn missed(last: Option<Date>, due: Date) -> impl Iterator<Item = Date> {
    let first = due.saturating_sub((MOST_MISSED - 1).days());
    let next = last.map_or(due, |last| last.saturating_add(1.day()).max(first));
    next.series(1.day()).take_while(move |day| *day <= due)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::missed;

    #[test]
    fn what_was_missed_is_made_up_for_within_bounds() {
        let due = date(2026, 11, 21);
        let days = |last| missed(last, due).map(|day| day.day()).collect::<Vec<_>>();
        assert_eq!(days(None), [21], "the first of all");
        assert_eq!(days(Some(due)), [] as [i8; 0]);
        assert_eq!(days(Some(date(2026, 11, 20))), [21]);
        assert_eq!(days(Some(date(2026, 11, 18))), [19, 20, 21]);
        assert_eq!(days(Some(date(2026, 1, 1))), [15, 16, 17, 18, 19, 20, 21]);
    }
}
