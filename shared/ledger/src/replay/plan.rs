//! Making a plan: a selection, frozen by id.

use domain::{
    AdmissionId, ClinicId, Code, LaneName, MessageId, Stage, SubmissionId,
    ids::{EditId, LetterId, PlanId},
    ports::StoreDown,
};
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{Forecast, Foreseen, ItemState, PlanState};
use crate::{
    Store,
    acts::{Actor, Deed, Outcome, What},
    columns::columns,
    failure::Failure,
    letters::LetterFilter,
    text,
};

/// Which letters are to be replayed. Of them those that are open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// These.
    pub filter: LetterFilter,
    /// Of those only these ids; none: all.
    pub letters: Vec<LetterId>,
}

/// A letter as the dry run needs it. Its body is sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct DryLetter {
    /// This arrival of it.
    pub id: LetterId,
    /// The hand-off that died.
    pub message: Option<MessageId>,
    /// The stage that gave up.
    pub stage: Stage,
    /// In which lane.
    pub lane: LaneName,
    /// Why.
    pub code: Option<Code>,
    /// The admission, where it was admitted.
    pub admission: Option<AdmissionId>,
    /// The body: an envelope.
    pub body: Vec<u8>,
}

/// One letter of a plan in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// Which.
    pub letter: LetterId,
    /// What the dry run says.
    pub foreseen: Foreseen,
    /// Its clinic, if it can be read.
    pub clinic: Option<ClinicId>,
    /// Its submission, if it can be read.
    pub submission: Option<SubmissionId>,
    /// The edit that it was dry-run with.
    pub edit: Option<EditId>,
}

impl NewItem {
    /// A letter of which nothing else is known.
    pub const fn new(letter: LetterId, foreseen: Foreseen) -> Self {
        Self { letter, foreseen, clinic: None, submission: None, edit: None }
    }
}

impl Store {
    /// The ids of a choice, the soonest visit first, so many at most.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn choose(&self, choice: &Choice, most: u32) -> Result<Vec<LetterId>, StoreDown> {
        let sql = format!(
            "SELECT letter_id FROM dead_letter WHERE {}
                AND ($8::uuid[] IS NULL OR letter_id = ANY($8))
            ORDER BY coalesce(appointment_at, 'infinity'::timestamptz), died_at, letter_id LIMIT $9",
            crate::letters::selected()
        );
        let chosen = crate::letters::Chosen::by(&choice.filter);
        let ids: Vec<Uuid> = choice.letters.iter().map(|id| id.as_uuid()).collect();
        let (ids, most) = ((!ids.is_empty()).then_some(ids), i64::from(most));
        let mut values = chosen.values().to_vec();
        values.extend([&ids as &(dyn ToSql + Sync), &most]);
        let id = |row: &Row| Ok(LetterId::from_uuid(row.try_get("letter_id").map_err(|_| StoreDown)?));
        self.db.rows(&sql, &values).await?.iter().map(id).collect()
    }

    /// A letter for the dry run; `None`: there is none of this id.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn dry_letter(&self, id: LetterId) -> Result<Option<DryLetter>, StoreDown> {
        const SQL: &str =
            "SELECT letter_id, message_id, stage, lane, code, admission_id, envelope FROM dead_letter
            WHERE letter_id = $1";
        let letter = |row: &Row| {
            Ok::<_, Failure>(DryLetter {
                id,
                message: row.try_get::<_, Option<Uuid>>("message_id")?.map(MessageId::from_uuid),
                stage: text::parse(row.try_get("stage")?)?,
                lane: text::parse(row.try_get("lane")?)?,
                code: text::code(row, "code")?,
                admission: row.try_get::<_, Option<Uuid>>("admission_id")?.map(AdmissionId::from_uuid),
                body: row.try_get("envelope")?,
            })
        };
        let rows = self.db.rows(SQL, &[&id.as_uuid()]).await?;
        rows.first().map(|row| letter(row).map_err(|_| StoreDown)).transpose()
    }

    /// Keeps a plan, in the order of its items, and notes the act. What does not go is skipped from the start. A letter of which the dry run
    /// says that it is already done is ended with that: nobody has to do anything about it.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn make_plan(
        &self,
        items: &[NewItem],
        actor: &Actor,
        reason: &str,
    ) -> Result<PlanId, StoreDown> {
        const PLAN: &str =
            "INSERT INTO plan (plan_id, made_at, actor, reason, state) VALUES ($1, $2, $3, $4, $5)";
        const ITEMS: &str = "INSERT INTO plan_item
                (plan_id, nth, letter_id, forecast, forecast_code, forecast_field, why, clinic, submission_id, state,
                 edit_id)
            SELECT $10::uuid, u.nth, u.letter_id, u.forecast, u.code, u.field, u.why, u.clinic, u.submission_id, u.state,
                u.edit_id
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $9::uuid[])
                WITH ORDINALITY AS u (letter_id, forecast, code, field, why, clinic, submission_id, state, edit_id, nth)";
        const DONE: &str = "UPDATE dead_letter SET done_at = $2
            WHERE letter_id = ANY($1) AND state = 'open' AND done_at IS NULL";
        let plan = PlanId::from_uuid(self.clock.fresh_id());
        let now = self.clock.now();
        let mut connection = self.db.open().await.map_err(|_| StoreDown)?;
        let work = async {
            let transaction = connection.transaction().await?;
            let (id, state) = (plan.as_uuid(), PlanState::Ready.as_str());
            transaction.execute(PLAN, &[&id, &now, &actor.name, &reason, &state]).await?;
            let columns = columns![items;
                |one| one.letter.as_uuid(),
                |one| one.foreseen.forecast.as_str(),
                |one| one.foreseen.code.map(|code| code.as_str()),
                |one| one.foreseen.field.as_ref().map(|field| field.as_str()),
                |one| one.foreseen.why.map(|why| why.as_str()),
                |one| one.clinic.as_ref().map(|id| id.as_str()),
                |one| one.submission.as_ref().map(|id| id.as_str()),
                |one| begins(&one.foreseen).as_str(),
                |one| one.edit.map(|id| id.as_uuid()),
            ];
            let mut values = columns.to_vec();
            values.push(&id);
            transaction.execute(ITEMS, &values).await?;
            let done: Vec<Uuid> = items
                .iter()
                .filter(|one| one.foreseen.forecast == Forecast::AlreadyDone)
                .map(|one| one.letter.as_uuid())
                .collect();
            transaction.execute(DONE, &[&done, &now]).await?;
            let deed = Deed { at: now, actor, what: What::Planned, reason };
            deed.note(&transaction, &[scope(plan)], Outcome::Done).await?;
            transaction.commit().await?;
            Ok(())
        };
        let work = self.db.within(work).await;
        self.db.close(connection, work).map_err(|_| StoreDown)?;
        Ok(plan)
    }
}

/// What does not go is skipped from the start.
const fn begins(foreseen: &Foreseen) -> ItemState {
    if foreseen.forecast.goes() { ItemState::Waiting } else { ItemState::Skipped }
}

/// As acts name it.
pub(super) fn scope(plan: PlanId) -> String {
    format!("plan:{plan}")
}
