//! Dead letters: kept once each, listed, grouped by what they died of.

mod groups;
mod keep;
mod list;

use domain::{ClinicId, Code, LaneName, Stage};
use jiff::Timestamp;
use tokio_postgres::types::ToSql;

pub use groups::LetterGroup;
pub(crate) use keep::Keeping;
pub use list::{LetterPage, LetterRow};

/// Which dead letters; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// Of this clinic.
    pub clinic: Option<ClinicId>,
    /// Of this stage.
    pub stage: Option<Stage>,
    /// Of this lane.
    pub lane: Option<LaneName>,
    /// That died of this.
    pub code: Option<Code>,
    /// With this fingerprint.
    pub fingerprint: Option<String>,
    /// That died at this moment or later.
    pub since: Option<Timestamp>,
}

/// The filter as a condition on six parameters.
const SELECTED: &str = "($1::text IS NULL OR clinic = $1) AND ($2::text IS NULL OR stage = $2)
    AND ($3::text IS NULL OR lane = $3) AND ($4::text IS NULL OR code = $4)
    AND ($5::text IS NULL OR fingerprint = $5) AND ($6::timestamptz IS NULL OR died_at >= $6)";

/// The six parameters' values.
struct Chosen<'a> {
    clinic: Option<&'a str>,
    stage: Option<&'a str>,
    lane: Option<&'a str>,
    code: Option<&'a str>,
    fingerprint: Option<&'a str>,
    since: Option<Timestamp>,
}

impl<'a> Chosen<'a> {
    fn by(filter: &'a LetterFilter) -> Self {
        Self {
            clinic: filter.clinic.as_ref().map(ClinicId::as_str),
            stage: filter.stage.map(Stage::as_str),
            lane: filter.lane.as_ref().map(LaneName::as_str),
            code: filter.code.map(Code::as_str),
            fingerprint: filter.fingerprint.as_deref(),
            since: filter.since.map(crate::range::storable),
        }
    }

    fn values(&self) -> [&(dyn ToSql + Sync); 6] {
        [&self.clinic, &self.stage, &self.lane, &self.code, &self.fingerprint, &self.since]
    }
}
