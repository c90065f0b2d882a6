//! The EHR-writer's ledger: who may write what, and what became of it. Every decision is [`domain::effect::Book`]'s;
//! this module locks, loads, stores and commits.

mod commit;
mod load;
mod refute;
mod reopen;
pub(crate) mod rows;
pub(crate) mod store;

use domain::{effect::Told, ports::StoreDown};

pub(crate) use commit::Deciding;
use commit::{Answer, Ask};
pub use domain::effect::{
    After, Begin, BeginEffect, EffectResult, Permit, Role, SearchResult, Target, Ticket,
};

use crate::Store;

impl Store {
    /// Asks for the right to write. What it answers is committed: when it says [`Begin::Go`], the intent is durable.
    ///
    /// # Errors
    /// [`StoreDown`]: do not write.
    pub async fn begin(&self, effect: BeginEffect) -> Result<Begin, StoreDown> {
        match self.actors.effects.submit_as("begin ehr_op", Ask::Begin(effect)).await? {
            Answer::Begun(begin) => Ok(begin),
            Answer::Settled(_) => Err(StoreDown),
        }
    }

    /// Says what came of the write.
    ///
    /// # Errors
    /// [`StoreDown`]: it may or may not be recorded; say it again, or begin again to learn.
    pub async fn settle(&self, permit: &Permit, result: EffectResult) -> Result<After, StoreDown> {
        self.told(Told::wrote(permit, result)).await
    }

    /// Says what the search found.
    ///
    /// # Errors
    /// [`StoreDown`]: as with [`Store::settle`].
    pub async fn searched(&self, ticket: &Ticket, result: SearchResult) -> Result<After, StoreDown> {
        self.told(Told::searched(ticket, result)).await
    }

    async fn told(&self, told: Told) -> Result<After, StoreDown> {
        match self.actors.effects.submit_as("settle ehr_op", Ask::Settle(told)).await? {
            Answer::Settled(after) => Ok(after),
            Answer::Begun(_) => Err(StoreDown),
        }
    }
}
