//! Dead letters: kept once each, listed, grouped by what they died of, put aside, discarded; edited, and looked into.

mod discard;
mod edits;
mod ended;
mod groups;
mod keep;
mod list;
mod reveals;
mod state;

use domain::{ClinicId, Code, LaneName, Stage};
use jiff::Timestamp;
use tokio_postgres::types::ToSql;

pub use discard::{Approved, DiscardRow};
pub use edits::{EditRow, EditState, Edited, NewEdit, UnknownEditState};
pub use groups::LetterGroup;
pub(crate) use keep::Keeping;
pub use list::{LetterPage, LetterRow};
pub use reveals::{Allowed, Look, Part, UnknownPart};
pub use state::{Changed, LetterState, Move, NotThat, UnknownState};

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
    /// That stand there.
    pub state: Option<LetterState>,
}

/// Where a letter stands: what people decided, and `ended` where its message has come to an end by itself, or a dry run found that what it
/// asks for was done by another.
pub(crate) const STATE: &str = "CASE WHEN dead_letter.state = 'open' AND (dead_letter.done_at IS NOT NULL
        OR EXISTS (SELECT FROM submission s WHERE s.admission_id = dead_letter.admission_id
            AND s.state IN ('completed', 'duplicate', 'rejected'))
        OR dead_letter.admission_id IS NULL AND EXISTS (SELECT FROM submission s WHERE NOT s.copy
            AND s.submission_id = dead_letter.submission_id AND s.clinic = dead_letter.clinic
            AND s.message_id = dead_letter.message_id AND s.state IN ('completed', 'duplicate', 'rejected')))
    THEN 'ended' ELSE dead_letter.state END";

/// Whether `l` is a letter of a submission `s`. What validation could not handle has no admission; its message has.
pub(crate) const OF_SUBMISSION: &str =
    "(l.admission_id = s.admission_id OR l.admission_id IS NULL AND l.stage = 'validation'
        AND l.message_id = s.message_id AND coalesce(l.clinic, s.clinic) = s.clinic
        AND coalesce(l.submission_id, s.submission_id) = s.submission_id)";

/// Whether nothing has happened to a submission `s` since its letter `l` died. By more than a minute: the clocks of the broker and of the
/// stages may differ, and the broker's tells whole seconds.
pub(crate) const LAST_WORD: &str =
    "(s.admitted_at <= l.died_at + interval '1 minute' AND NOT EXISTS (SELECT FROM journal j
        WHERE j.admission_id = s.admission_id AND j.at > l.died_at + interval '1 minute'))";

/// Whether it is not known what came of a letter `l` that was replayed.
pub(crate) const UNHEARD: &str = "(l.state = 'replayed' AND NOT EXISTS (SELECT FROM plan_item i
        WHERE i.plan_id = l.plan_id AND i.letter_id = l.letter_id AND i.outcome IS NOT NULL))";

/// Whether a submission `s` lies with the dead letters, and nowhere else: a message of it that were published again would die again.
pub(crate) fn lies_dead() -> String {
    format!(
        "EXISTS (SELECT FROM dead_letter l WHERE {OF_SUBMISSION} AND l.state IN ('open', 'archived', 'discarded')
            AND {LAST_WORD})"
    )
}

/// Whether people have put aside all that there is of a submission `s` with the dead letters.
pub(crate) fn put_aside() -> String {
    format!(
        "(EXISTS (SELECT FROM dead_letter l WHERE {OF_SUBMISSION} AND l.state IN ('archived', 'discarded'))
            AND NOT EXISTS (SELECT FROM dead_letter l WHERE {OF_SUBMISSION} AND (l.state = 'open' OR {UNHEARD})))"
    )
}

/// The filter as a condition on seven parameters.
pub(crate) fn selected() -> String {
    format!(
        "($1::text IS NULL OR clinic = $1) AND ($2::text IS NULL OR stage = $2)
        AND ($3::text IS NULL OR lane = $3) AND ($4::text IS NULL OR code = $4)
        AND ($5::text IS NULL OR fingerprint = $5) AND ($6::timestamptz IS NULL OR died_at >= $6)
        AND ($7::text IS NULL OR {STATE} = $7)"
    )
}

/// The seven parameters' values.
pub(crate) struct Chosen<'a> {
    clinic: Option<&'a str>,
    stage: Option<&'a str>,
    lane: Option<&'a str>,
    code: Option<&'a str>,
    fingerprint: Option<&'a str>,
    since: Option<Timestamp>,
    state: Option<&'static str>,
}

impl<'a> Chosen<'a> {
    pub(crate) fn by(filter: &'a LetterFilter) -> Self {
        Self {
            clinic: filter.clinic.as_ref().map(ClinicId::as_str),
            stage: filter.stage.map(Stage::as_str),
            lane: filter.lane.as_ref().map(LaneName::as_str),
            code: filter.code.map(Code::as_str),
            fingerprint: filter.fingerprint.as_deref(),
            since: filter.since.map(crate::range::storable),
            state: filter.state.map(LetterState::as_str),
        }
    }

    pub(crate) fn values(&self) -> [&(dyn ToSql + Sync); 7] {
        [&self.clinic, &self.stage, &self.lane, &self.code, &self.fingerprint, &self.since, &self.state]
    }
}
