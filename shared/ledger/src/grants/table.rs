//! What each service's database role may do: all of it, in one place. What is not here is refused.
//!
//! The journal, the attempts and the acts are written and read, never changed: by nobody.

/// What one service may do in one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The table.
    pub table: &'static str,
    /// Privileges, as SQL has them.
    pub privileges: &'static [&'static str],
}

/// What one service may do.
#[derive(Debug, Clone, Copy)]
pub struct Grants {
    /// The service. Its role has its name behind a prefix, with `_` for `-`.
    pub service: &'static str,
    /// Beside what every stage may, if it is one.
    pub own: &'static [Grant],
    stage: bool,
}

impl Grants {
    /// All that it may do.
    pub fn all(&self) -> impl Iterator<Item = &'static Grant> {
        let common: &'static [Grant] = if self.stage { STAGE } else { &[] };
        common.iter().chain(self.own)
    }

    /// Whether it appends to the journal, and so takes numbers from its sequence.
    pub fn appends(&self) -> bool {
        self.all().any(|grant| grant.table == "journal" && grant.privileges.contains(&"INSERT"))
    }
}

/// Where a submission stands, and what the stages found out. Not what was decided at its admission.
const STANDING: &str = "UPDATE (state, code, field, duplicate_of, stopped_by, settled_at, eligibility, patient, appointment, notified)";

/// What every stage does for each delivery: its hop, the submission's standing, what it holds, its breakers, what it handles alone, the
/// switches.
const STAGE: &[Grant] = &[
    may("journal", &["INSERT"]),
    may("submission", &["SELECT", STANDING]),
    may("held", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    may("breaker", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    may("suspect", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    may("switch", &["SELECT"]),
];

/// Every service that has a role.
pub const GRANTS: &[Grants] = &[
    Grants {
        service: "gateway",
        stage: false,
        own: &[
            may("submission", &["SELECT"]),
            may("switch", &["SELECT"]),
            may("accepted", &["SELECT", "INSERT"]),
            may("gateway_count", &["SELECT", "INSERT", "UPDATE"]),
        ],
    },
    Grants {
        service: "validation",
        stage: true,
        own: &[
            may(
                "submission",
                &["INSERT", "UPDATE (decision, decision_code, decision_field, person_id, new_person)"],
            ),
            may("submission_body", &["INSERT"]),
            may("person", &["INSERT"]),
            may("person_record", &["SELECT", "INSERT"]),
            may("person_block", &["SELECT", "INSERT"]),
            may("request", &["SELECT", "INSERT"]),
            may("journal", &["SELECT"]),
            may("hold_decision", &["SELECT"]),
            may("hold_candidate", &["SELECT", "INSERT", "DELETE"]),
        ],
    },
    Grants {
        service: "eligibility",
        stage: true,
        own: &[
            may("eligibility_answer", &["SELECT", "INSERT", "UPDATE"]),
            may("eligibility_recheck", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
            // What is asked again is told in the trace that its submission came in.
            may("journal", &["SELECT (admission_id, trace_id, seq)"]),
        ],
    },
    Grants {
        service: "ehr-writer",
        stage: true,
        own: &[
            may("ehr_slot", &["SELECT", "INSERT", "UPDATE"]),
            may("ehr_op", &["SELECT", "INSERT", "UPDATE"]),
            may("ehr_attempt", &["SELECT", "INSERT"]),
            may("hold_decision", &["SELECT"]),
            may("hold_candidate", &["SELECT", "INSERT", "DELETE"]),
            may("hold_slot", &["SELECT", "INSERT", "DELETE"]),
        ],
    },
    Grants {
        service: "notification",
        stage: true,
        own: &[may("notification", &["SELECT", "INSERT", "UPDATE"])],
    },
    Grants {
        service: "ops",
        stage: false,
        own: &[
            may(
                "submission",
                &["SELECT", "UPDATE (state, code, field, stopped_by, settled_at, appointment_at, corrected)"],
            ),
            may("submission_body", &["SELECT", "UPDATE (corrected)"]),
            may("person_record", &["SELECT"]),
            may("person_block", &["SELECT"]),
            may("request", &["SELECT", "DELETE"]),
            may("journal", &["SELECT", "INSERT"]),
            may("held", &["SELECT", "UPDATE", "DELETE"]),
            may("hold_candidate", &["SELECT"]),
            may("hold_slot", &["SELECT"]),
            may("hold_decision", &["SELECT", "INSERT"]),
            may("hold_release", &["SELECT", "INSERT", "DELETE"]),
            may("ehr_slot", &["SELECT", "UPDATE"]),
            may("ehr_op", &["SELECT", "INSERT", "UPDATE"]),
            may("ehr_attempt", &["SELECT", "INSERT"]),
            may("notification", &["SELECT", "UPDATE"]),
            may("switch", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
            may("breaker", &["SELECT"]),
            may("suspect", &["SELECT"]),
            may("act", &["SELECT", "INSERT"]),
            may("dead_letter", &["SELECT", "INSERT", "UPDATE"]),
            may("discard", &["SELECT", "INSERT", "UPDATE"]),
            may("letter_edit", &["SELECT", "INSERT", "UPDATE"]),
            may("reveal_grant", &["SELECT", "INSERT", "UPDATE"]),
            may("plan", &["SELECT", "INSERT", "UPDATE"]),
            may("plan_item", &["SELECT", "INSERT", "UPDATE"]),
            may("accepted", &["SELECT", "UPDATE (admitted)"]),
            may("gateway_count", &["SELECT"]),
            may("reconciliation_run", &["SELECT", "INSERT"]),
            may("reconciliation_row", &["SELECT", "INSERT", "UPDATE"]),
        ],
    },
];

const fn may(table: &'static str, privileges: &'static [&'static str]) -> Grant {
    Grant { table, privileges }
}
