//! Between the vocabulary's types and the text that stands in rows.

use std::str::FromStr;

use domain::{AdmissionId, ClinicId, Code, FieldPath, PersonId, SubmissionId, messages::EligibilityStatus};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::failure::Failure;

/// Reads back what we wrote. A text that does not read back was written by another version of the program.
pub(crate) fn parse<T: FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| {
        tracing::error!(
            frontdesk.type = std::any::type_name::<T>(),
            "store.unknown_name"
        );
        Failure::Data
    })
}

pub(crate) fn parse_opt<T: FromStr>(text: Option<&str>) -> Result<Option<T>, Failure> {
    text.map(parse).transpose()
}

pub(crate) fn status(text: &str) -> Result<EligibilityStatus, Failure> {
    use EligibilityStatus::{Active, Inactive, NotAsked, NotFound, Undetermined};
    [Active, Inactive, NotFound, Undetermined, NotAsked]
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or(Failure::Data)
}

pub(crate) fn admission(row: &Row, column: &str) -> Result<AdmissionId, Failure> {
    Ok(AdmissionId::from_uuid(row.try_get::<_, Uuid>(column)?))
}

pub(crate) fn person(row: &Row, column: &str) -> Result<Option<PersonId>, Failure> {
    Ok(row.try_get::<_, Option<Uuid>>(column)?.map(PersonId::from_uuid))
}

pub(crate) fn clinic(row: &Row) -> Result<ClinicId, Failure> {
    parse(row.try_get("clinic")?)
}

pub(crate) fn submission(row: &Row) -> Result<SubmissionId, Failure> {
    parse(row.try_get("submission_id")?)
}

pub(crate) fn code(row: &Row, column: &str) -> Result<Option<Code>, Failure> {
    parse_opt(row.try_get(column)?)
}

pub(crate) fn field(row: &Row, column: &str) -> Result<Option<FieldPath>, Failure> {
    Ok(row.try_get::<_, Option<String>>(column)?.map(FieldPath::from_template))
}
