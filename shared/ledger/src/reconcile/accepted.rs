//! What the gateways say that they accepted, and what of it was never admitted.

use domain::{
    ClinicId,
    ports::StoreDown,
    reconcile::{Accepted, Day, Difference, Kind},
};
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use super::facts::number;
use crate::{Store, failure::Failure, text};

/// A gateway that has not told for this long is not only slow.
const LATE: SignedDuration = SignedDuration::from_secs(60);
/// A gateway that has told of what is further ahead than this has a clock that runs ahead.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// For so long after a gateway told last it is said that the rest of its count may be missing.
const MISSED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// For so long it is said that something was accepted and not admitted. Whoever sent it has been asked by then.
const TOLD_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A gateway whose count may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untold {
    /// Which.
    pub gateway: Uuid,
    /// Up to when it has told everything. A moment to come: its clock runs ahead, or ran ahead, so nobody can say.
    pub since: Timestamp,
}

impl Store {
    /// Notes what a gateway accepted. What is noted already, by whichever gateway, stays as it is: this may be said again.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn note_accepted(&self, some: &[Accepted]) -> Result<(), StoreDown> {
        const SQL: &str = "INSERT INTO accepted (submission_id, clinic, source, received_at, admitted)
            SELECT DISTINCT ON (n.submission_id, n.clinic) n.*, EXISTS (SELECT FROM submission s
                WHERE s.submission_id = n.submission_id AND s.clinic = n.clinic AND NOT s.copy)
            FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
                AS n (submission_id, clinic, source, received_at)
            ORDER BY n.submission_id, n.clinic, n.received_at
            ON CONFLICT (submission_id, clinic) DO NOTHING";
        let submissions: Vec<&str> = some.iter().map(|one| one.submission.as_str()).collect();
        let clinics: Vec<&str> = some.iter().map(|one| one.clinic.as_str()).collect();
        let sources: Vec<&str> = some.iter().map(|one| one.source.as_str()).collect();
        let times: Vec<Timestamp> = some.iter().map(|one| one.received_at).collect();
        self.db.rows(SQL, &[&submissions, &clinics, &sources, &times]).await.map(drop)
    }

    /// Notes that a gateway has told of all that it accepted before a moment; `closed`: it stops, and there is no more. A moment that lies well
    /// before the one told last is believed: then the gateway's clock was wrong, and is right again.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn counted_until(
        &self,
        gateway: Uuid,
        until: Timestamp,
        closed: bool,
    ) -> Result<(), StoreDown> {
        const SQL: &str = "INSERT INTO gateway_count AS c (gateway, begun_at, told_until, closed)
            VALUES ($1, least($2, now()), $2, $3) ON CONFLICT (gateway) DO UPDATE
            SET told_until = CASE WHEN c.told_until > $4 THEN excluded.told_until
                    ELSE greatest(c.told_until, excluded.told_until) END,
                closed = excluded.closed";
        let ahead = until.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        self.db.rows(SQL, &[&gateway, &until, &closed, &ahead]).await.map(drop)
    }

    /// How many submissions the gateways accepted for a clinic on a day; `None`: no gateway has ever counted.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn accepted_on(&self, clinic: &ClinicId, day: Day) -> Result<Option<u64>, StoreDown> {
        const SQL: &str = "SELECT count(*) AS n, EXISTS (SELECT FROM gateway_count) AS counted FROM accepted
            WHERE clinic = $1 AND received_at >= $2 AND received_at < $3";
        let rows = self.db.rows(SQL, &[&clinic.as_str(), &day.from, &day.until]).await?;
        let one = |row: &Row| Ok::<_, Failure>((row.try_get("counted")?, number(row, "n")?));
        let (counted, n) = rows.first().ok_or(Failure::Data).and_then(one).map_err(|_| StoreDown)?;
        Ok(bool::then_some(counted, n))
    }

    /// What was accepted for a clinic before both moments, the day's end and `late`, and was not admitted, nor died before that: oldest first,
    /// `limit` at most.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn never_admitted(
        &self,
        clinic: &ClinicId,
        until: Timestamp,
        late: Timestamp,
        limit: u32,
    ) -> Result<Vec<Difference>, StoreDown> {
        const SEEN: &str = "UPDATE accepted a SET admitted = true
            WHERE NOT a.admitted AND a.clinic = $1 AND a.received_at < $2 AND EXISTS (SELECT FROM submission s
                WHERE s.submission_id = a.submission_id AND s.clinic = a.clinic AND NOT s.copy)";
        const SQL: &str = "SELECT a.submission_id, a.clinic, a.source, a.received_at FROM accepted a
            WHERE NOT a.admitted AND a.clinic = $1 AND a.received_at < $2 AND a.received_at >= $3
                AND NOT EXISTS (SELECT FROM dead_letter d
                    WHERE d.submission_id = a.submission_id AND d.clinic = a.clinic)
            ORDER BY a.received_at, a.submission_id LIMIT $4";
        let (clinic, until) = (clinic.as_str(), until.min(late));
        self.db.rows(SEEN, &[&clinic, &until]).await?;
        let rows =
            self.db.rows(SQL, &[&clinic, &until, &earlier(until, TOLD_FOR), &i64::from(limit)]).await?;
        rows.iter().map(|row| lost(row).map_err(|_| StoreDown)).collect()
    }

    /// Gateways that were there before a day ended and have not told of all of it, nor said that there is no more; those that told last a week
    /// before the day are given up. Those that have told of what is still to come are among them.
    ///
    /// # Errors
    /// [`StoreDown`].
    pub async fn untold(&self, day: Day) -> Result<Vec<Untold>, StoreDown> {
        const SQL: &str = "SELECT gateway, told_until FROM gateway_count
            WHERE NOT closed AND begun_at < $1 AND (told_until < $2 AND told_until >= $3 OR told_until > $4)
            ORDER BY told_until, gateway";
        let now = self.clock.now();
        let until = day.until.min(earlier(now, LATE));
        let ahead = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        let rows = self.db.rows(SQL, &[&day.until, &until, &earlier(day.from, MISSED), &ahead]).await?;
        let one = |row: &Row| {
            Ok::<_, Failure>(Untold { gateway: row.try_get("gateway")?, since: row.try_get("told_until")? })
        };
        rows.iter().map(|row| one(row).map_err(|_| StoreDown)).collect()
    }
}

fn lost(row: &Row) -> Result<Difference, Failure> {
    Ok(Difference {
        clinic_id: text::parse_opt(row.try_get("clinic")?)?,
        submission_id: text::parse_opt(row.try_get("submission_id")?)?,
        source: text::parse_opt(row.try_get("source")?)?,
        since: Some(row.try_get("received_at")?),
        ..Difference::of(Kind::Lost)
    })
}

fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::UNIX_EPOCH)
}
