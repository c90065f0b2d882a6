//! T1 and T2: lock, decide, commit. Intents and outcomes share a transaction: a submission's next effect is begun beside the outcomes of others,
//! so that there are as few commits as there can be.

use domain::{
    drill::{self, Point},
    effect::{After, Begin, BeginEffect, Told},
};

use super::{load::load, store};
use crate::{batch::Work, failure::Failure, store::Worker};

/// Commits intents and outcomes.
pub(crate) struct Deciding(pub(crate) Worker);

/// What is asked of the ledger.
pub(crate) enum Ask {
    /// The right to write.
    Begin(BeginEffect),
    /// To note what came of a write or a search.
    Settle(Told),
}

/// What it answers, to the one and to the other.
pub(crate) enum Answer {
    Begun(Begin),
    Settled(After),
}

impl Work for Deciding {
    type Item = Ask;
    type Reply = Answer;
    const NAME: &'static str = "decide ehr_op";

    async fn commit(&self, asks: &[Ask]) -> Result<Vec<Answer>, Failure> {
        let Worker { db, clock } = &self.0;
        let wishes: Vec<&BeginEffect> = asks.iter().filter_map(Ask::wish).collect();
        let told: Vec<&Told> = asks.iter().filter_map(Ask::told).collect();
        let mut connection = db.open().await?;
        let decide = async {
            let transaction = connection.transaction().await?;
            let (mut book, now) = load(&transaction, &wishes, &told, clock.as_ref()).await?;
            // Outcomes first: who begins sees them.
            let mut settled = told.iter().map(|told| book.settle(told)).collect::<Vec<_>>().into_iter();
            let mut fresh = || clock.fresh_id();
            let mut begun =
                wishes.iter().map(|wish| book.begin(wish, &mut fresh)).collect::<Vec<_>>().into_iter();
            let answers = asks.iter().filter_map(|ask| match ask {
                Ask::Begin(_) => begun.next().map(Answer::Begun),
                Ask::Settle(_) => settled.next().map(Answer::Settled),
            });
            let answers = answers.collect();
            store::save(&transaction, book.close(), now).await?;
            let at = |intent, outcome| {
                if !wishes.is_empty() {
                    drill::at(intent);
                }
                if !told.is_empty() {
                    drill::at(outcome);
                }
            };
            at(Point::IntentBeforeCommit, Point::OutcomeBeforeCommit);
            transaction.commit().await?;
            at(Point::IntentAfterCommit, Point::OutcomeAfterCommit);
            Ok(answers)
        };
        let done = db.within(decide).await;
        db.close(connection, done)
    }
}

impl Ask {
    const fn wish(&self) -> Option<&BeginEffect> {
        match self {
            Self::Begin(wish) => Some(wish),
            Self::Settle(_) => None,
        }
    }

    const fn told(&self) -> Option<&Told> {
        match self {
            Self::Settle(told) => Some(told),
            Self::Begin(_) => None,
        }
    }
}
