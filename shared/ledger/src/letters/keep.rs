//! Keeping them.

use domain::{
    letter::DeadLetter,
    ports::{LetterBox, Pending, StoreDown},
};

use crate::{Store, batch::Work, columns::columns, failure::Failure, range::storable, store::Worker};

impl LetterBox for Store {
    fn keep(&self, letter: DeadLetter) -> Pending<Result<(), StoreDown>> {
        let letters = self.actors.letters.clone();
        Box::pin(async move { letters.submit(letter).await })
    }
}

/// Commits dead letters.
pub(crate) struct Keeping(pub(crate) Worker);

impl Work for Keeping {
    type Item = DeadLetter;
    type Reply = ();
    const NAME: &'static str = "INSERT dead_letter";

    async fn commit(&self, letters: &[DeadLetter]) -> Result<Vec<()>, Failure> {
        // A letter that came again says the same; of two in one batch either will do.
        const SQL: &str = "INSERT INTO dead_letter
                (letter_id, message_id, stage, lane, code, field, endpoint, template_id, template_version, fingerprint,
                 admission_id, submission_id, clinic, correlation_id, trace_id, attempts, first_failed_at, died_at,
                 collected_at, appointment_at, schema, envelope)
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                 $8::text[], $9::int[], $10::text[], $11::uuid[], $12::text[], $13::text[], $14::uuid[], $15::text[],
                 $16::int[], $17::timestamptz[], $18::timestamptz[], $19::timestamptz[], $20::timestamptz[], $21::text[],
                 $22::bytea[])
            ON CONFLICT (letter_id) DO NOTHING";
        let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        let db = &self.0.db;
        let connection = db.open().await?;
        let put = async {
            let statement = connection.prepare_cached(SQL).await?;
            let values = columns![letters;
                |one| one.id.as_uuid(),
                |one| one.message.map(|id| id.as_uuid()),
                |one| one.stage.as_str(),
                |one| one.lane.as_str(),
                |one| one.code.map(|code| code.as_str()),
                |one| one.field.as_ref().map(|field| field.as_str()),
                |one| one.endpoint.as_ref().map(|endpoint| endpoint.as_str()),
                |one| one.template.as_ref().map(|template| template.id.as_str()),
                |one| one.template.as_ref().map(|template| number(template.version)),
                DeadLetter::fingerprint,
                |one| one.admission.map(|id| id.as_uuid()),
                |one| one.submission.as_ref().map(|id| id.as_str()),
                |one| one.clinic.as_ref().map(|id| id.as_str()),
                |one| one.correlation.as_uuid(),
                |one| one.trace_id.as_deref(),
                |one| number(one.attempt),
                |one| one.first_failed_at.map(storable),
                |one| storable(one.died_at),
                |one| one.collected_at,
                |one| one.appointment_at.map(storable),
                |one| one.schema.as_str(),
                |one| one.body.as_slice(),
            ];
            connection.execute(&statement, &values).await?;
            Ok(letters.iter().map(|_| ()).collect())
        };
        let done = db.within(put).await;
        db.close(connection, done)
    }
}
