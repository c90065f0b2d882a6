//! A patient whom a person named, and who turns out to be somebody else: in doubt again.

use domain::{
    effect::{BeginEffect, Book},
    ports::StoreDown,
};

use super::{load::load, store};
use crate::Store;

impl Store {
    /// Says that what is there under that id of the EHR is not what the effect wants: a person named it by mistake. Nothing of it may have
    /// been written there. From then on the effect is in doubt, and a person is asked again. `false`: this is known already, or somebody is
    /// at it; begin again to learn.
    ///
    /// # Errors
    /// [`StoreDown`]: it may or may not be noted; say it again.
    pub async fn refute(&self, effect: &BeginEffect, id: &str) -> Result<bool, StoreDown> {
        let clock = self.clock.as_ref();
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let refute = async {
            let transaction = connection.transaction().await?;
            let (mut book, now): (Book, _) = load(&transaction, &[effect], &[], clock).await?;
            let refuted = book.refute(effect, id, &mut || clock.fresh_id());
            store::save(&transaction, book.close(), now).await?;
            transaction.commit().await?;
            Ok(refuted)
        };
        let done = self.db.within(refute).await;
        self.db.close(connection, done).map_err(|_| StoreDown)
    }
}
