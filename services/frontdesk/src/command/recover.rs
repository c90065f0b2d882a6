//! `frontdesk recover`.

use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use domain::{
    ClinicId,
    clock::{Clock, SystemClock},
};
use jiff::SignedDuration;
use ledger::Store;
use runtime::topology::Lanes;

use super::migrate::ConfigArgs;
use crate::{
    local::Layout,
    output,
    recover::{Broker, Choice, NotAll, Plan},
};

/// After the broker has lost its data: publish again, from the database, whatever was admitted and has not come to its end.
///
/// First the broker must have its queues again (`frontdesk topology apply`) and the services their users. Then this publishes the
/// sealed original of each submission that is in flight, under the name of the message that brought it. Validation takes it for a
/// redelivery and repeats its decision; what was written to the EHR or sent to a patient is not done again. So it does no harm if the
/// messages were there after all, nor if it is run twice. So are dead letters that were replayed and not heard of since.
///
/// Not brought back is what lies with the dead letters (`frontdesk dlq groups`), and what the database never had: submissions that were accepted but not yet admitted when the broker was lost
/// (their senders have the answer 202), and dead letters that could not be read at all
/// and were not collected yet.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes:\n  0  all of it was published again, or there was nothing to do, or it was a dry run\n  \
    1  nothing was done: the configuration, the database or the broker\n  \
    2  the command line\n  \
    3  some of it was published again, or some originals are no longer kept: see what it says"
)]
pub struct Recover {
    /// Show what would be done, and do nothing. Does not need the broker.
    #[arg(long)]
    dry_run: bool,
    /// Only this clinic's.
    #[arg(long, value_name = "ID")]
    clinic: Option<ClinicId>,
    /// Only those that were received so long ago, such as 90s or 5m.
    #[arg(long, value_name = "TIME", value_parser = age)]
    older_than: Option<SignedDuration>,
    /// So many a second at most, such as 100 or 100/s [default: as fast as the broker confirms them].
    #[arg(long, value_name = "N/s", value_parser = rate)]
    rate: Option<u32>,
    #[command(flatten)]
    config: ConfigArgs,
}

fn age(text: &str) -> Result<SignedDuration, String> {
    match text.parse::<SignedDuration>() {
        Ok(age) if !age.is_negative() => Ok(age),
        _ => Err("not a time such as 90s or 5m".to_owned()),
    }
}

fn rate(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("/s").unwrap_or(text).parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "not a number of messages a second, such as 100/s".to_owned())
}

impl Recover {
    /// Does it.
    ///
    /// # Errors
    /// [`NotAll`] if not everything was published; else nothing was.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let settings = self.config.load(layout)?;
        let lanes = Lanes::read(&settings)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = Store::connect(&settings.section("postgres")?, clock.clone()).await?;
        // Without the option no clock is asked: whose it was when a submission came is not ours to say.
        let received_before = match self.older_than {
            None => None,
            Some(age) => match clock.now().checked_sub(age) {
                Ok(then) => Some(then),
                Err(_) => bail!("--older-than is longer than time itself"),
            },
        };
        let choice = Choice { clinic: self.clinic.clone(), received_before };
        let plan = Plan::make(&store, &choice).await?;
        output::result(&plan.describe(&lanes))?;
        if self.dry_run || plan.is_empty() {
            return Ok(());
        }
        let broker = Broker::connect(&settings, clock).await?;
        let report = broker.republish(&store, &plan.submissions, self.rate).await?;
        output::result(&format!("published again: {}", report.published))?;
        if !plan.replays.is_empty() {
            let replayed = broker.replay(&store, &plan.replays, self.rate).await?;
            output::result(&format!("replays of dead letters published again: {replayed}"))?;
        }
        if report.ended > 0 {
            output::result(&format!("came to their end meanwhile: {}", report.ended))?;
        }
        if report.unpublished.is_empty() {
            return Ok(());
        }
        for admission in &report.unpublished {
            output::result(&format!("no original that can be read: admission {admission}"))?;
        }
        let why = format!("of {} no original is kept that can be read", report.unpublished.len());
        Err(NotAll { published: report.published, wanted: plan.submissions.len(), why }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::{age, rate};

    #[test]
    fn ages_and_rates_are_read_as_people_write_them() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("1m", 60), ("2h 30m", 9000)] {
            assert_eq!(age(text).map(|age| age.as_secs()), Ok(seconds), "{text}");
        }
        assert!(age("-1m").is_err() && age("soon").is_err());
        assert_eq!((rate("100"), rate("100/s")), (Ok(100), Ok(100)));
        assert!(rate("0").is_err() && rate("100/m").is_err());
    }
}
