//! Giving a request back: it was ended by people before anything came of it, so that the same may be asked for again.

use deadpool_postgres::Transaction;
use uuid::Uuid;

use crate::failure::Failure;

/// The requests of these submissions count no more: whoever asks for the same is admitted and booked. A request stays where an appointment
/// is there or may be, by our hand or a person's, and where the submission may still go on: in flight, or by another dead letter of its own.
pub(crate) async fn give_back(transaction: &Transaction<'_>, admissions: &[Uuid]) -> Result<(), Failure> {
    const SQL: &str = "DELETE FROM request r USING submission s
        WHERE s.admission_id = ANY($1) AND s.state IN ('rejected', 'dead') AND s.appointment IS NULL
            AND r.clinic = s.clinic AND r.person_id = s.person_id AND r.admission_id = s.admission_id
            AND NOT EXISTS (SELECT FROM ehr_op o WHERE o.admission_id = s.admission_id AND o.in_force
                AND o.kind = 'appointment' AND o.state IN ('intent', 'unknown', 'done', 'conflict', 'parked'))
            AND NOT EXISTS (SELECT FROM hold_decision h WHERE h.admission_id = s.admission_id
                AND h.decision = 'done' AND h.code = 'ehr_cannot_book')
            AND NOT EXISTS (SELECT FROM dead_letter d WHERE d.admission_id = s.admission_id
                AND d.state IN ('open', 'archived'))
            AND NOT EXISTS (SELECT FROM dead_letter d JOIN plan_item i USING (letter_id)
                WHERE d.admission_id = s.admission_id AND i.state = 'published' AND i.outcome IS NULL)";
    transaction.execute(SQL, &[&admissions]).await?;
    Ok(())
}
