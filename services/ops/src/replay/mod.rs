//! Replaying dead letters: the dry run that makes a plan, and the runner that carries it out.

pub mod dry;
pub mod runner;

use std::sync::Arc;

use domain::{
    blind::IndexKey,
    clock::Clock,
    ids::{EditId, LetterId, PlanId},
    matching::person::Matcher,
    ports::{Outbox, StoreDown},
    seal::Keyring,
    template::Clinics,
};
use ledger::{
    Store,
    acts::Actor,
    replay::{Choice, DryLetter, Foreseen, NewItem, Next, PlanRow, Standing, Why},
};
use runtime::clinics::ClinicsError;
use tokio::sync::Notify;

use dry::Dry;

/// Letters of a plan at most. What is left out is for the next one.
pub const LARGEST_PLAN: u32 = 2000;

/// Reads the clinics' templates as they lie there at the moment.
pub type Templates = Arc<dyn Fn() -> Result<Clinics, ClinicsError> + Send + Sync>;

/// What plans are made with.
pub struct Tools {
    /// The ledger.
    pub store: Store,
    /// The templates: they may be corrected while this process runs.
    pub templates: Templates,
    /// Opens what is sealed.
    pub keys: Arc<Keyring>,
    /// Finds persons and contents.
    pub index: IndexKey,
    /// Compares persons.
    pub matcher: Matcher,
    /// Whether a visit is over.
    pub clock: Arc<dyn Clock>,
}

/// Makes plans, and has them run.
pub struct Replay {
    tools: Tools,
    /// Wakes the runner.
    wake: Notify,
}

/// Why no plan was made.
#[derive(Debug, thiserror::Error)]
pub enum NoPlan {
    /// No letter is of the kind.
    #[error("no open dead letter is of the kind")]
    NothingMatched,
    /// The templates cannot be used as they are.
    #[error("the clinics' templates cannot be read")]
    Templates,
    /// The database did not answer.
    #[error(transparent)]
    Down(#[from] StoreDown),
}

impl Replay {
    /// With these tools.
    pub fn new(tools: Tools) -> Self {
        Self { tools, wake: Notify::new() }
    }

    /// The ledger.
    pub const fn store(&self) -> &Store {
        &self.tools.store
    }

    /// Freezes a choice of letters by id, and dry-runs each on the templates as they are at this moment. With the plan comes how many
    /// letters of the choice had no place in it: `true` if there are more.
    ///
    /// # Errors
    /// [`NoPlan`].
    pub async fn plan(
        &self,
        choice: &Choice,
        limit: u32,
        actor: &Actor,
        reason: &str,
    ) -> Result<(PlanRow, bool), NoPlan> {
        let Tools { store, keys, index, matcher, clock, .. } = &self.tools;
        let mut letters = store.choose(choice, limit.saturating_add(1)).await?;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = letters.len() > most;
        letters.truncate(most);
        if letters.is_empty() {
            return Err(NoPlan::NothingMatched);
        }
        let clinics = self.templates().await?;
        let dry = Dry { store, clinics: &clinics, keys, index, matcher, now: clock.now() };
        let mut items: Vec<NewItem> = Vec::with_capacity(letters.len());
        for id in letters {
            items.extend(self.item(&dry, id).await?);
            // Whatever else is asked of this process has its turn.
            tokio::task::yield_now().await;
        }
        let id = store.make_plan(&items, actor, reason).await?;
        let plan = store.plan(id).await?.ok_or(StoreDown)?;
        Ok((plan, more))
    }

    /// One letter's dry run, with the edit that is in force. `None`: there is no such letter.
    async fn item(&self, dry: &Dry<'_>, id: LetterId) -> Result<Option<NewItem>, StoreDown> {
        let store = self.store();
        let Some(letter) = store.dry_letter(id).await? else { return Ok(None) };
        let Some(Standing { id: edit, waits, sealed }) = store.standing_edit(id).await? else {
            return dry.run(&letter).await.map(Some);
        };
        let edited =
            |foreseen: Foreseen, edit: Option<EditId>| NewItem { edit, ..NewItem::new(id, foreseen) };
        if waits {
            return Ok(Some(edited(Foreseen::refused(Why::EditWaits), None)));
        }
        let Some(body) = self.opened_edit(id, &sealed) else {
            return Ok(Some(edited(Foreseen::refused(Why::EditUnreadable), Some(edit))));
        };
        let item = dry.run(&DryLetter { body: body.body, ..letter }).await?;
        Ok(Some(NewItem { edit: Some(edit), ..item }))
    }

    /// The next letter of a run, with its edit.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn next(&self, plan: PlanId, outbox: &dyn Outbox) -> Result<Next, StoreDown> {
        let open = |letter: LetterId, sealed: &[u8]| self.opened_edit(letter, sealed);
        self.store().replay_next(plan, outbox, &open).await
    }

    pub(crate) const fn tools(&self) -> &Tools {
        &self.tools
    }

    pub(crate) async fn templates(&self) -> Result<Clinics, NoPlan> {
        let read = Arc::clone(&self.tools.templates);
        match tokio::task::spawn_blocking(move || read()).await {
            Ok(Ok(clinics)) => Ok(clinics),
            Ok(Err(error)) => {
                tracing::warn!(%error, "replay.no_templates");
                Err(NoPlan::Templates)
            }
            Err(_) => Err(NoPlan::Templates),
        }
    }

    /// Tells the runner that there is something to do.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}
