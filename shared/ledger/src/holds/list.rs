//! What a person sees of what is held.

use domain::{
    AdmissionId, ClinicId, Code, Stage,
    hold::{Candidate, Offer},
    messages::Channel,
    ports::StoreDown,
};
use tokio_postgres::Row;

use super::{DecisionRow, Doubt, Held, HoldFilter, HoldPage, HoldRow};
use crate::{Store, failure::Failure, text};

const HOLD: &str =
    "SELECT s.admission_id, s.submission_id, s.clinic, h.stage, h.lane, h.code, h.field, h.since,
        s.appointment_at, s.person_id
    FROM held h JOIN submission s USING (admission_id)";

impl Store {
    /// A page of what is held. `after` is the page before's [`HoldPage::next`].
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn holds(
        &self,
        filter: &HoldFilter,
        after: Option<AdmissionId>,
        limit: u32,
    ) -> Result<HoldPage, StoreDown> {
        // What was decided meanwhile has its place no longer, but its row in `submission` says where it was.
        let sql = format!(
            "{HOLD} WHERE s.state = 'held' AND ($1::text IS NULL OR s.clinic = $1) AND ($2::text IS NULL OR h.stage = $2)
                AND ($3::text IS NULL OR h.code = $3)
                AND ($4::uuid IS NULL OR (coalesce(s.appointment_at, 'infinity'::timestamptz), s.seq) >
                    (SELECT coalesce(a.appointment_at, 'infinity'::timestamptz), a.seq FROM submission a
                     WHERE a.admission_id = $4))
            ORDER BY coalesce(s.appointment_at, 'infinity'::timestamptz), s.seq LIMIT $5"
        );
        let HoldFilter { clinic, stage, code } = filter;
        let (clinic, stage) = (clinic.as_ref().map(ClinicId::as_str), stage.map(Stage::as_str));
        let (code, after, most) = (code.map(Code::as_str), after.map(|id| id.as_uuid()), i64::from(limit));
        let rows = self.db.rows(&sql, &[&clinic, &stage, &code, &after, &most]).await?;
        let holds: Vec<HoldRow> = rows.iter().map(hold).collect::<Result<_, _>>().map_err(|_| StoreDown)?;
        let full = u32::try_from(holds.len()).is_ok_and(|len| len == limit);
        let next = holds.last().filter(|_| full).map(|last| last.admission_id);
        Ok(HoldPage { holds, next })
    }

    /// One hold with all that helps to decide it; `None` if nothing of that admission is held.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn hold(&self, admission: AdmissionId) -> Result<Option<Held>, StoreDown> {
        const CANDIDATES: &str = "SELECT candidate, agrees, differs FROM hold_candidate
            WHERE admission_id = $1 AND stage = $2 ORDER BY cardinality(agrees) DESC, candidate";
        const SLOTS: &str =
            "SELECT slot_id, starts, minutes FROM hold_slot WHERE admission_id = $1 ORDER BY starts, slot_id";
        // Its own effects, and those of others that the person's slots wait for.
        const DOUBTS: &str = "SELECT o.admission_id, o.kind, o.role, o.state, o.resource_id FROM ehr_op o
            WHERE o.in_force AND o.state IN ('parked', 'conflict', 'unknown') AND (o.admission_id = $1
                OR o.op_id IN (SELECT s.owner_op FROM ehr_slot s JOIN submission a
                    ON a.clinic = s.clinic AND a.person_id = s.person_id WHERE a.admission_id = $1))
            ORDER BY o.admission_id <> $1, o.changed_at";
        let sql = format!("{HOLD} WHERE s.state = 'held' AND s.admission_id = $1");
        let id = admission.as_uuid();
        let rows = self.db.rows(&sql, &[&id]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let person = text::person(row, "person_id").map_err(|_| StoreDown)?;
        let row = hold(row).map_err(|_| StoreDown)?;
        const CHANNELS: &str =
            "SELECT channel FROM notification WHERE admission_id = $1 AND state = 'unknown' ORDER BY channel";
        let decisions = self.decided(admission).await?;
        let (candidates, slots, doubts, channels) = (vec![], vec![], vec![], vec![]);
        let mut held = Held { row, person, candidates, slots, doubts, channels, decisions };
        match held.row.code {
            Code::DoubtfulMatch => {
                held.candidates = self.read(CANDIDATES, &[&id, &held.row.stage.as_str()], candidate).await?;
            }
            Code::SlotTaken => held.slots = self.read(SLOTS, &[&id], slot).await?,
            Code::EhrParked | Code::EhrConflict => held.doubts = self.read(DOUBTS, &[&id], doubt).await?,
            Code::NotificationParked => held.channels = self.read(CHANNELS, &[&id], channel).await?,
            _ => {}
        }
        Ok(Some(held))
    }

    /// What was decided about an admission, oldest first.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn decided(&self, admission: AdmissionId) -> Result<Vec<DecisionRow>, StoreDown> {
        const SQL: &str = "SELECT at, stage, code, decision, names, actor, reason FROM hold_decision
            WHERE admission_id = $1 ORDER BY seq";
        self.read(SQL, &[&admission.as_uuid()], decision).await
    }

    async fn read<T>(
        &self,
        sql: &str,
        values: &[&(dyn tokio_postgres::types::ToSql + Sync)],
        read: impl Fn(&Row) -> Result<T, Failure>,
    ) -> Result<Vec<T>, StoreDown> {
        self.db.rows(sql, values).await?.iter().map(|row| read(row).map_err(|_| StoreDown)).collect()
    }
}

pub(super) fn hold(row: &Row) -> Result<HoldRow, Failure> {
    Ok(HoldRow {
        admission_id: text::admission(row, "admission_id")?,
        submission_id: text::submission(row)?,
        clinic_id: text::clinic(row)?,
        stage: text::parse(row.try_get("stage")?)?,
        lane: text::parse(row.try_get("lane")?)?,
        code: text::parse(row.try_get("code")?)?,
        field: text::field(row, "field")?,
        since: row.try_get("since")?,
        appointment_at: row.try_get("appointment_at")?,
    })
}

fn candidate(row: &Row) -> Result<Candidate, Failure> {
    Ok(Candidate {
        id: row.try_get("candidate")?,
        agrees: row.try_get("agrees")?,
        differs: row.try_get("differs")?,
    })
}

fn slot(row: &Row) -> Result<Offer, Failure> {
    let minutes = u16::try_from(row.try_get::<_, i32>("minutes")?).map_err(|_| Failure::Data)?;
    Ok(Offer { id: row.try_get("slot_id")?, start: row.try_get("starts")?, minutes })
}

fn channel(row: &Row) -> Result<Channel, Failure> {
    let name: &str = row.try_get("channel")?;
    [Channel::Email, Channel::Sms].into_iter().find(|one| one.as_str() == name).ok_or(Failure::Data)
}

fn doubt(row: &Row) -> Result<Doubt, Failure> {
    Ok(Doubt {
        admission_id: text::admission(row, "admission_id")?,
        kind: text::parse(row.try_get("kind")?)?,
        role: row.try_get("role")?,
        state: row.try_get("state")?,
        resource: row.try_get("resource_id")?,
    })
}

fn decision(row: &Row) -> Result<DecisionRow, Failure> {
    Ok(DecisionRow {
        at: row.try_get("at")?,
        stage: text::parse(row.try_get("stage")?)?,
        code: text::parse(row.try_get("code")?)?,
        decision: text::parse(row.try_get("decision")?)?,
        names: row.try_get("names")?,
        actor: row.try_get("actor")?,
        reason: row.try_get("reason")?,
    })
}
