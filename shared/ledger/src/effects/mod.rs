//! The EHR-writer's ledger: who may write what, and what became of it. Every decision is [`domain::effect::Book`]'s;
//! this module locks, loads, stores and commits.

mod begin;
mod refute;
mod reopen;
pub(crate) mod rows;
mod settle;
pub(crate) mod store;

use domain::{effect::Told, ports::StoreDown};

pub(crate) use begin::Beginning;
pub use domain::effect::{
    After, Begin, BeginEffect, EffectResult, Permit, Role, SearchResult, Target, Ticket,
};
pub(crate) use settle::Settling;

use crate::Store;

impl Store {
    /// Asks for the right to write. What it answers is committed: when it says [`Begin::Go`], the intent is durable.
    ///
    /// # Errors
    /// [`StoreDown`]: do not write.
    pub async fn begin(&self, effect: BeginEffect) -> Result<Begin, StoreDown> {
        self.actors.begin.submit(effect).await
    }

    /// Says what came of the write.
    ///
    /// # Errors
    /// [`StoreDown`]: it may or may not be recorded; say it again, or begin again to learn.
    pub async fn settle(&self, permit: &Permit, result: EffectResult) -> Result<After, StoreDown> {
        self.actors.settle.submit(Told::wrote(permit, result)).await
    }

    /// Says what the search found.
    ///
    /// # Errors
    /// [`StoreDown`]: as with [`Store::settle`].
    pub async fn searched(&self, ticket: &Ticket, result: SearchResult) -> Result<After, StoreDown> {
        self.actors.settle.submit(Told::searched(ticket, result)).await
    }
}
