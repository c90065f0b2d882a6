//! Bringing back what a lost broker took along: everything that was admitted and has not come to its end lies, sealed, in the
//! database, and is published to the ingest exchange again as the message that it came as.
//!
//! So are the dead letters of which nothing was heard since they were replayed, each to the queue that it died in.
//!
//! Validation takes it for a redelivery: it repeats what it decided, and all that follows is done once, by the ledger.
//! So it is also harmless while the first messages are still there.

mod plan;
mod publish;

use domain::{ClinicId, ids::LetterId};
use jiff::Timestamp;
use ledger::{
    Store,
    read::{Stopped, Unfinished},
};
use runtime::topology::Lanes;

pub use plan::table;
pub use publish::{Broker, NotAll, Report};

/// Which submissions.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Those of one clinic.
    pub clinic: Option<ClinicId>,
    /// Those that were received before this moment; all if there is none.
    pub received_before: Option<Timestamp>,
}

/// What is to be done.
#[derive(Debug)]
pub struct Plan {
    /// What is published again, in the order of admission.
    pub submissions: Vec<Unfinished>,
    /// Dead letters that were replayed, and of which nothing was heard since: published again, too.
    pub replays: Vec<LetterId>,
    /// What waits for a person, and is left alone.
    pub stopped: Stopped,
}

impl Plan {
    /// Asks the database.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn make(store: &Store, choice: &Choice) -> anyhow::Result<Self> {
        let submissions = store.unfinished(choice.clinic.as_ref(), choice.received_before).await?;
        let replays = store.unheard(choice.clinic.as_ref(), choice.received_before).await?;
        let stopped = store.stopped(choice.clinic.as_ref()).await?;
        Ok(Self { submissions, replays, stopped })
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.submissions.is_empty() && self.replays.is_empty()
    }

    /// What a person reads before it is done.
    pub fn describe(&self, lanes: &Lanes) -> String {
        let Stopped { held, dead } = self.stopped;
        let mut text = match self.submissions.len() {
            0 => "nothing is in flight: there is nothing to publish again\n".to_owned(),
            number => {
                format!("{}\n\nto be published again: {number}\n", table(&self.submissions, lanes))
            }
        };
        if !self.replays.is_empty() {
            text += &format!("replays of dead letters to be published again: {}\n", self.replays.len());
        }
        text += &format!(
            "left alone: {held} held (a person decides: `frontdesk holds list`), {dead} dead (the originals lie in the database)\n"
        );
        text
    }
}
