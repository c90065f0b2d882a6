//! What came of sending.

use std::collections::HashSet;

use domain::drill::{self, Point};
use uuid::Uuid;

use super::{SendPermit, SendResult};
use crate::{batch::Work, failure::Failure, store::Worker};

/// What a sender says.
pub(crate) struct Told {
    pub(super) permit: SendPermit,
    pub(super) result: SendResult,
}

/// Commits outcomes of sending.
pub(crate) struct Notified(pub(crate) Worker);

impl Work for Notified {
    type Item = Told;
    type Reply = bool;
    const NAME: &'static str = "settle notification";

    async fn commit(&self, items: &[Self::Item]) -> Result<Vec<bool>, Failure> {
        // Believed only from the holder of the last right given. Also late, as long as nobody has sent since: a message cannot be
        // searched for, and what its sender knows is the best that anybody will ever know. Saying the same twice is harmless.
        const SQL: &str =
            "UPDATE notification n SET state = u.state, code = u.code, provider_id = u.provider_id,
                changed_at = $6
            FROM (
                SELECT u.* FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $7::text[])
                    AS u (admission_id, channel, attempt, state, code, provider_id)
                JOIN notification old USING (admission_id, channel)
                WHERE old.attempts = u.attempt AND old.state IN ('intent', 'unknown', u.state)
                ORDER BY u.admission_id, u.channel
                FOR UPDATE OF old
            ) u
            WHERE n.admission_id = u.admission_id AND n.channel = u.channel
            RETURNING n.admission_id, n.channel";
        let Worker { db, clock } = &self.0;
        let ids: Vec<Uuid> = items.iter().map(|told| told.permit.admission.as_uuid()).collect();
        let channels: Vec<_> = items.iter().map(|told| told.permit.channel.as_str()).collect();
        let attempts: Vec<_> =
            items.iter().map(|told| i32::try_from(told.permit.attempt).unwrap_or(0)).collect();
        let states: Vec<_> = items.iter().map(|told| state(&told.result)).collect();
        let codes: Vec<_> = items
            .iter()
            .map(|told| match &told.result {
                SendResult::Refused { code } => Some(code.as_str()),
                _ => None,
            })
            .collect();
        let providers: Vec<_> = items
            .iter()
            .map(|told| match &told.result {
                SendResult::Sent { provider_id } => provider_id.as_deref(),
                _ => None,
            })
            .collect();
        let now = clock.now();
        let connection = db.open().await?;
        let settle = async {
            let statement = connection.prepare_cached(SQL).await?;
            // One statement writes and commits: who dies before it has committed nothing either.
            drill::at(Point::SendOutcomeBeforeCommit);
            let rows = connection
                .query(&statement, &[&ids, &channels, &attempts, &states, &codes, &now, &providers])
                .await?;
            drill::at(Point::SendOutcomeAfterCommit);
            let believed: HashSet<(Uuid, &str)> = rows
                .iter()
                .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
                .collect::<Result<_, tokio_postgres::Error>>()?;
            Ok(ids.iter().zip(&channels).map(|(id, channel)| believed.contains(&(*id, *channel))).collect())
        };
        let done = db.within(settle).await;
        db.close(connection, done)
    }
}

const fn state(result: &SendResult) -> &'static str {
    match result {
        SendResult::Sent { .. } => "sent",
        SendResult::Refused { .. } => "refused",
        SendResult::NotSent => "ready",
        SendResult::Unknown => "unknown",
    }
}
