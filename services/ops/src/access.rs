//! Who may do what: one list of routes, each with the roles that may use it.

use std::fmt;

use serde::Deserialize;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Acts: pauses and resumes, replays, puts aside and decides.
    Operator,
    /// Agrees to what others plan.
    Approver,
    /// Looks at what was done, and by whom.
    Auditor,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Auditor];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Auditor => "auditor",
        })
    }
}

/// One address and method of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// One row for each admission.
    Outcomes,
    /// A submission's state and timeline.
    Submission,
    /// Counts of the journal and the ledger.
    Reconciliation,
    /// Depths of the queues, submissions by state.
    Status,
    /// What is paused.
    Switches,
    /// The names that a switch may have.
    Scopes,
    /// Pauses a scope.
    Pause,
    /// Resumes a scope.
    Resume,
    /// What people did, and why.
    Acts,
    /// Dead letters by what they died of.
    LetterGroups,
    /// Dead letters one by one.
    Letters,
    /// One dead letter with its timeline.
    Letter,
    /// Freezes dead letters into a plan, and dry-runs them.
    MakePlan,
    /// The plans.
    Plans,
    /// One plan.
    Plan,
    /// A plan's letters.
    PlanItems,
    /// Begins a plan's run.
    Replay,
    /// Ends it.
    CancelReplay,
    /// Puts dead letters aside.
    Archive,
    /// Takes them up again.
    Restore,
    /// Asks that dead letters be discarded.
    RequestDiscard,
    /// What waits for a second person.
    Discards,
    /// Discards, as the second person.
    ApproveDiscard,
    /// Shows one field of a dead letter to a person.
    Reveal,
    /// Corrects fields of a dead letter.
    Edit,
    /// Takes that back.
    WithdrawEdit,
    /// The edits that wait for a second person.
    Edits,
    /// Approves one, as the second person.
    ApproveEdit,
    /// The submissions that an id names.
    Trace,
    /// The submissions of a phone or an e-mail.
    LookUp,
    /// What is held for a person.
    Holds,
    /// One hold with what helps to decide it.
    Hold,
    /// Decides about a hold.
    Decide,
    /// Compares a day.
    Compare,
    /// What was compared, and how much was found.
    Runs,
    /// What one comparison found.
    Run,
    /// Publishes again what a comparison found overdue.
    Redrive,
}

const LOOKING: &[Role] = &Role::ALL;
const ACTING: &[Role] = &[Role::Operator];
const APPROVING: &[Role] = &[Role::Approver];
const AUDITING: &[Role] = &[Role::Viewer, Role::Auditor];
/// The operator has to know what is wrong to put it right, and the approver what they approve. Nobody else needs a value.
const REVEALING: &[Role] = &[Role::Operator, Role::Approver];
const LOOKING_UP: &[Role] = &[Role::Operator, Role::Auditor];

impl Route {
    /// All of them: the router, the authorisation and the OpenAPI document are made from, or held to, this list.
    pub const ALL: &[Self] = &[
        Self::Outcomes,
        Self::Submission,
        Self::Reconciliation,
        Self::Status,
        Self::Switches,
        Self::Scopes,
        Self::Pause,
        Self::Resume,
        Self::Acts,
        Self::LetterGroups,
        Self::Letters,
        Self::Letter,
        Self::MakePlan,
        Self::Plans,
        Self::Plan,
        Self::PlanItems,
        Self::Replay,
        Self::CancelReplay,
        Self::Archive,
        Self::Restore,
        Self::RequestDiscard,
        Self::Discards,
        Self::ApproveDiscard,
        Self::Reveal,
        Self::Edit,
        Self::WithdrawEdit,
        Self::Edits,
        Self::ApproveEdit,
        Self::Trace,
        Self::LookUp,
        Self::Holds,
        Self::Hold,
        Self::Decide,
        Self::Compare,
        Self::Runs,
        Self::Run,
        Self::Redrive,
    ];

    /// Method, address and the roles that may: the one table.
    pub const fn line(self) -> (&'static str, &'static str, &'static [Role]) {
        match self {
            Self::Outcomes => ("GET", "/v1/outcomes", LOOKING),
            Self::Submission => ("GET", "/v1/submissions/{id}", LOOKING),
            Self::Reconciliation => ("GET", "/v1/reconciliation", LOOKING),
            Self::Status => ("GET", "/v1/status", LOOKING),
            Self::Switches => ("GET", "/v1/switches", LOOKING),
            Self::Scopes => ("GET", "/v1/scopes", LOOKING),
            Self::Pause => ("POST", "/v1/switches", ACTING),
            Self::Resume => ("POST", "/v1/switches/{scope}/resume", ACTING),
            Self::Acts => ("GET", "/v1/acts", AUDITING),
            Self::LetterGroups => ("GET", "/v1/dead-letters/groups", LOOKING),
            Self::Letters => ("GET", "/v1/dead-letters", LOOKING),
            Self::Letter => ("GET", "/v1/dead-letters/{id}", LOOKING),
            Self::MakePlan => ("POST", "/v1/plans", ACTING),
            Self::Plans => ("GET", "/v1/plans", LOOKING),
            Self::Plan => ("GET", "/v1/plans/{id}", LOOKING),
            Self::PlanItems => ("GET", "/v1/plans/{id}/items", LOOKING),
            Self::Replay => ("POST", "/v1/plans/{id}/replay", ACTING),
            Self::CancelReplay => ("POST", "/v1/plans/{id}/cancel", ACTING),
            Self::Archive => ("POST", "/v1/dead-letters/archive", ACTING),
            Self::Restore => ("POST", "/v1/dead-letters/restore", ACTING),
            Self::RequestDiscard => ("POST", "/v1/discards", ACTING),
            Self::Discards => ("GET", "/v1/discards", LOOKING),
            Self::ApproveDiscard => ("POST", "/v1/discards/{id}/approve", APPROVING),
            Self::Reveal => ("POST", "/v1/dead-letters/{id}/reveal", REVEALING),
            Self::Edit => ("POST", "/v1/dead-letters/{id}/edit", ACTING),
            Self::WithdrawEdit => ("POST", "/v1/dead-letters/{id}/withdraw-edit", ACTING),
            Self::Edits => ("GET", "/v1/edits", LOOKING),
            Self::ApproveEdit => ("POST", "/v1/edits/{id}/approve", APPROVING),
            Self::Trace => ("GET", "/v1/traces/{id}", LOOKING),
            Self::LookUp => ("POST", "/v1/look-ups", LOOKING_UP),
            Self::Holds => ("GET", "/v1/holds", LOOKING),
            Self::Hold => ("GET", "/v1/holds/{id}", LOOKING),
            Self::Decide => ("POST", "/v1/holds/{id}/decide", ACTING),
            Self::Compare => ("POST", "/v1/reconciliations", LOOKING_UP),
            Self::Runs => ("GET", "/v1/reconciliations", LOOKING),
            Self::Run => ("GET", "/v1/reconciliations/{id}", LOOKING),
            Self::Redrive => ("POST", "/v1/reconciliations/{id}/redrive", ACTING),
        }
    }

    /// The HTTP method.
    pub const fn method(self) -> &'static str {
        self.line().0
    }

    /// The address's template.
    pub const fn path(self) -> &'static str {
        self.line().1
    }

    /// The roles that may use it.
    pub const fn roles(self) -> &'static [Role] {
        self.line().2
    }

    /// The route of a method and a matched address.
    pub fn find(method: &str, path: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|route| route.method() == method && route.path() == path)
    }
}
