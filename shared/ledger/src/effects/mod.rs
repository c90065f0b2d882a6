//! The EHR-writer's ledger: who may write what, and what became of it. Every decision is [`domain::effect::step`]'s;
//! this module locks, loads, stores and commits.

mod answer;
mod begin;
mod claim;
mod decide;
mod reopen;
mod request;
mod rows;
mod settle;
mod store;

use domain::ports::StoreDown;

pub use answer::{After, Begin, EffectResult, SearchResult};
pub(crate) use begin::Beginning;
use request::OpRef;
pub use request::{BeginEffect, Permit, Role, Target, Ticket};
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
        let told = settle::Told { of: permit.of, token: permit.token, what: settle::What::Wrote(result) };
        self.actors.settle.submit(told).await
    }

    /// Says what the search found.
    ///
    /// # Errors
    /// [`StoreDown`]: as with [`Store::settle`].
    pub async fn searched(&self, ticket: &Ticket, result: SearchResult) -> Result<After, StoreDown> {
        let told = settle::Told { of: ticket.of, token: ticket.token, what: settle::What::Searched(result) };
        self.actors.settle.submit(told).await
    }
}
