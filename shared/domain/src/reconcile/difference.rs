//! What was found, and what to do about it. No PHI: opaque ids, closed lists, configuration and times.

use std::fmt;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    AdmissionId, ClinicId, Code, SubmissionId,
    ids::{LetterId, SourceName},
};

/// The kind of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Admitted, and on its way for longer than the SLA.
    Overdue,
    /// Held, and nobody has decided.
    Held,
    /// Dead, and nobody has done anything about it.
    Dead,
    /// A write to the EHR or a message to the patient of which nobody knows whether it happened.
    InDoubt,
    /// Accepted, and never admitted.
    Lost,
    /// Admitted more often than the sender says.
    Unreported,
    /// Written by the ledger's account, and not in the EHR.
    MissingInEhr,
    /// Written once, and in the EHR several times.
    TwiceInEhr,
    /// In the EHR under our identifier, and the ledger did not write it.
    NotInLedger,
}

impl Kind {
    /// In the order of reports.
    pub const ALL: [Self; 9] = [
        Self::Lost,
        Self::Overdue,
        Self::InDoubt,
        Self::MissingInEhr,
        Self::TwiceInEhr,
        Self::NotInLedger,
        Self::Dead,
        Self::Held,
        Self::Unreported,
    ];

    /// The name in rows, metrics and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::Held => "held",
            Self::Dead => "dead",
            Self::InDoubt => "in_doubt",
            Self::Lost => "lost",
            Self::Unreported => "unreported",
            Self::MissingInEhr => "missing_in_ehr",
            Self::TwiceInEhr => "twice_in_ehr",
            Self::NotInLedger => "not_in_ledger",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Its kind.
    pub kind: Kind,
    /// Whose it is, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clinic_id: Option<ClinicId>,
    /// The admission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admission_id: Option<AdmissionId>,
    /// The sender's identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<SubmissionId>,
    /// The dead letter of something that was never admitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter_id: Option<LetterId>,
    /// Where it is said to have been sent from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceName>,
    /// The EHR, as configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ehr: Option<String>,
    /// `<type>/<id>` in the EHR: what is there, or was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Why, where there is a why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// How many.
    pub count: u64,
    /// Since when, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

impl Difference {
    /// One of a kind, of which nothing more is known.
    pub const fn of(kind: Kind) -> Self {
        Self {
            kind,
            clinic_id: None,
            admission_id: None,
            submission_id: None,
            letter_id: None,
            source: None,
            ehr: None,
            resources: Vec::new(),
            code: None,
            count: 1,
            since: None,
        }
    }

    /// What a person is to do, with the command to run. `day` is the day that was compared.
    pub fn advice(&self, day: Date) -> String {
        let trace = self.submission_id.as_ref().map_or_else(
            || "frontdesk status".to_owned(),
            |submission| format!("frontdesk trace {submission}"),
        );
        let clinic = self.clinic_id.as_ref().map(|clinic| format!(" --clinic {clinic}")).unwrap_or_default();
        match (self.kind, self.letter_id) {
            (Kind::Overdue, _) => format!(
                "`{trace}` shows where it stopped. If nothing is paused there, `frontdesk reconcile --date {day}{clinic} --repair --reason TEXT` \
                 publishes it again if its message is in no queue."
            ),
            (Kind::Held, _) => {
                let hold = self.admission_id.map_or_else(
                    || "frontdesk holds list".to_owned(),
                    |admission| format!("frontdesk holds show {admission}"),
                );
                format!("A person decides: `{hold}` shows what is asked, and how it may be answered.")
            }
            (Kind::Dead, Some(letter)) => {
                format!(
                    "It was never admitted: `frontdesk dlq show {letter}` shows what it died of. If it was replayed, its message may be lost: \
                     `frontdesk dlq restore {letter} --reason TEXT` makes it open again."
                )
            }
            (Kind::Dead, None) => {
                format!("`{trace}` shows what it died of, `frontdesk dlq groups{clinic}` what else died of the same.")
            }
            (Kind::InDoubt, _) => format!(
                "It may have happened or not: `{trace}` shows the attempts. Look into the EHR, or ask the patient, before anything is sent again."
            ),
            (Kind::Lost, _) if self.submission_id.is_some() => format!(
                "A gateway answered 202 for it, and it was never admitted. `frontdesk status` shows whether it still waits for validation; if not, have the \
                 sender send it again under the same submission id, which does no harm. `{trace}` shows it once it is here."
            ),
            (Kind::Lost, _) if self.source.is_some() => format!(
                "Have the sender send that day again under the same submission ids, which does no harm; `frontdesk dlq groups{clinic}` shows what died unread."
            ),
            (Kind::Lost, _) => {
                "It died unread, and its dead letter was not collected: `frontdesk status` shows whether it still lies on the broker, and whether ops collects."
                    .to_owned()
            }
            (Kind::Unreported, _) => {
                "Ask the sender how it counts, and whether a scenario of it runs twice: `frontdesk outcomes` lists what was admitted.".to_owned()
            }
            (Kind::MissingInEhr, _) => format!(
                "`{trace}` shows when it was written. Ask the clinic who deleted it, and why; it is not written again by itself."
            ),
            (Kind::TwiceInEhr, _) => format!(
                "Have the clinic merge them, or delete all but the one that `{trace}` names."
            ),
            (Kind::NotInLedger, _) => {
                "Somebody else uses our identifiers, or the ledger was restored from an old backup: compare it with the clinic's records before it is deleted."
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{Difference, Kind};

    #[test]
    fn every_kind_is_listed_once_and_says_what_to_do() {
        let mut names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
            let advice = Difference::of(kind).advice(date(2026, 11, 22));
            assert!(advice.ends_with('.'), "{advice}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 9);
    }

    #[test]
    fn a_difference_reads_back_and_names_its_command() {
        let one = Difference {
            submission_id: "s-1".parse().ok(),
            clinic_id: "clinic-01".parse().ok(),
            since: "2026-11-22T09:00:00Z".parse().ok(),
            ..Difference::of(Kind::Overdue)
        };
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Difference>(&text).unwrap(), one);
        let advice = one.advice(date(2026, 11, 22));
        assert!(advice.contains("`frontdesk trace s-1`"), "{advice}");
        assert!(advice.contains("reconcile --date 2026-11-22 --clinic clinic-01 --repair"), "{advice}");
    }

    #[test]
    fn what_is_held_is_decided_where_it_is_shown() {
        let id = "00000000-0000-0000-0000-000000000001";
        let held = Difference { admission_id: id.parse().ok(), ..Difference::of(Kind::Held) };
        let advice = held.advice(date(2026, 11, 22));
        assert!(advice.contains(&format!("`frontdesk holds show {id}`")), "{advice}");
    }
}
