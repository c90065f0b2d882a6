//! Giving the right to send.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use domain::{
    AdmissionId, Code,
    drill::{self, Point},
    messages::Channel,
};
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{BeginSend, SendPermit};
use crate::{
    batch::Work,
    columns::columns,
    failure::{Failure, all},
    store::Worker,
    text,
};

/// Somebody wants to send.
pub(crate) struct Wish {
    pub(super) admission: AdmissionId,
    pub(super) channel: Channel,
    pub(super) lease: SignedDuration,
}

/// Commits intents to send.
pub(crate) struct Notifying(pub(crate) Worker);

impl Work for Notifying {
    type Item = Wish;
    type Reply = BeginSend;
    const NAME: &'static str = "begin notification";

    async fn commit(&self, wishes: &[Wish]) -> Result<Vec<BeginSend>, Failure> {
        let Worker { db, clock } = &self.0;
        let now = clock.now();
        let mut connection = db.open().await?;
        let begin = async {
            let transaction = connection.transaction().await?;
            let mut known = load(&transaction, wishes).await?;
            let fresh: Vec<_> = (0..wishes.len()).map(|n| !known.contains_key(&key(&wishes[n]))).collect();
            let mut replies = Vec::with_capacity(wishes.len());
            for wish in wishes {
                let line = known.entry(key(wish)).or_insert_with(|| Line::new(now));
                replies.push(line.begin(wish, now));
            }
            store(&transaction, wishes, &fresh, &known, now).await?;
            drill::at(Point::SendIntentBeforeCommit);
            transaction.commit().await?;
            drill::at(Point::SendIntentAfterCommit);
            Ok(replies)
        };
        let done = db.within(begin).await;
        db.close(connection, done)
    }
}

type Key = (Uuid, &'static str);

const fn key(wish: &Wish) -> Key {
    (wish.admission.as_uuid(), wish.channel.as_str())
}

/// A row.
struct Line {
    state: String,
    attempts: i32,
    until: Timestamp,
    code: Option<Code>,
    changed: bool,
}

impl Line {
    fn new(now: Timestamp) -> Self {
        Self { state: "ready".to_owned(), attempts: 0, until: now, code: None, changed: false }
    }

    fn read(row: &Row) -> Result<Self, Failure> {
        Ok(Self {
            state: row.try_get("state")?,
            attempts: row.try_get("attempts")?,
            until: row.try_get::<_, Option<Timestamp>>("lease_until")?.unwrap_or(Timestamp::MIN),
            code: text::code(row, "code")?,
            changed: false,
        })
    }

    fn begin(&mut self, wish: &Wish, now: Timestamp) -> BeginSend {
        match self.state.as_str() {
            "ready" => {
                let until = now.checked_add(wish.lease).unwrap_or(Timestamp::MAX);
                let attempts = self.attempts.saturating_add(1);
                *self = Self { state: "intent".to_owned(), attempts, until, code: None, changed: true };
                BeginSend::Go(SendPermit {
                    admission: wish.admission,
                    channel: wish.channel,
                    attempt: attempts.unsigned_abs(),
                    until,
                })
            }
            "intent" if now < self.until => BeginSend::Wait { until: self.until },
            "sent" => BeginSend::AlreadySent,
            "refused" => BeginSend::Refused { code: self.code.unwrap_or(Code::MessengerRefused) },
            // An intent whose right has ended: a message cannot be searched for.
            _ => {
                self.changed |= self.state != "unknown";
                "unknown".clone_into(&mut self.state);
                BeginSend::Unknown
            }
        }
    }
}

async fn load(transaction: &Transaction<'_>, wishes: &[Wish]) -> Result<HashMap<Key, Line>, Failure> {
    const SQL: &str = "SELECT n.admission_id, n.channel, n.state, n.attempts, n.lease_until, n.code
        FROM notification n JOIN (SELECT DISTINCT * FROM unnest($1::uuid[], $2::text[]) AS u (admission_id, channel)) u
            USING (admission_id, channel)
        ORDER BY n.admission_id, n.channel FOR UPDATE OF n";
    let statement = transaction.prepare_cached(SQL).await?;
    let (ids, channels): (Vec<_>, Vec<_>) = wishes.iter().map(key).unzip();
    let rows = transaction.query(&statement, &[&ids, &channels]).await?;
    let mut known = HashMap::with_capacity(wishes.len());
    for row in &rows {
        let (id, channel): (Uuid, &str) = (row.try_get(0)?, row.try_get(1)?);
        let wish = wishes.iter().map(key).find(|key| *key == (id, channel));
        if let Some(key) = wish {
            known.insert(key, Line::read(row)?);
        }
    }
    Ok(known)
}

/// If another process was faster with a new row, the whole batch is done again and sees it.
async fn store(
    transaction: &Transaction<'_>,
    wishes: &[Wish],
    fresh: &[bool],
    lines: &HashMap<Key, Line>,
    now: Timestamp,
) -> Result<(), Failure> {
    const INSERT: &str =
        "INSERT INTO notification (admission_id, channel, state, attempts, lease_until, changed_at)
        SELECT u.*, $6::timestamptz FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::timestamptz[])
            AS u (admission_id, channel, state, attempts, lease_until)
        ON CONFLICT DO NOTHING";
    const UPDATE: &str =
        "UPDATE notification n SET state = u.state, attempts = u.attempts, lease_until = u.until, changed_at = $6
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::timestamptz[])
            AS u (admission_id, channel, state, attempts, until)
        WHERE n.admission_id = u.admission_id AND n.channel = u.channel";
    for (sql, inserts) in [(INSERT, true), (UPDATE, false)] {
        let mut rows: Vec<(Key, &Line)> = wishes
            .iter()
            .zip(fresh)
            .filter(|(_, is_fresh)| **is_fresh == inserts)
            .filter_map(|(wish, _)| lines.get(&key(wish)).map(|line| (key(wish), line)))
            .filter(|(_, line)| line.changed)
            .collect();
        rows.sort_by_key(|(key, _)| *key);
        rows.dedup_by_key(|(key, _)| *key);
        if rows.is_empty() {
            continue;
        }
        let statement = transaction.prepare_cached(sql).await?;
        let columns = columns![rows;
            |((id, _), _)| *id,
            |((_, channel), _)| *channel,
            |(_, line)| line.state.as_str(),
            |(_, line)| line.attempts,
            |(_, line)| line.until,
        ];
        let mut values = columns.to_vec();
        values.push(&now);
        all(transaction.execute(&statement, &values).await?, rows.len())?;
    }
    Ok(())
}
