//! Every way in which the operators' API says no, in one table.

use axum::{
    Extension, Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    Code, CorrelationId,
    hold::question,
    problem::{CONTENT_TYPE, Problem},
    template::Field,
};

mod from;

/// The kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No token, or none that is known.
    Unauthorized,
    /// The token's roles do not reach so far.
    Forbidden,
    /// No such address.
    NotFound,
    /// The address does not take this method.
    MethodNotAllowed,
    /// Nothing is known of such a submission.
    UnknownSubmission,
    /// No such dead letter is kept.
    UnknownLetter,
    /// The query or the body is not what the address takes.
    InvalidRequest(&'static str),
    /// The scope is not paused.
    NotPaused,
    /// There is nothing of the scope's name.
    UnknownScope,
    /// The database did not answer.
    StoreUnavailable,
    /// No open dead letter is of the kind.
    NothingMatched,
    /// There is no such plan.
    UnknownPlan,
    /// The plan's state does not allow it.
    PlanState,
    /// None of the plan's letters waits to be replayed.
    NothingWaits,
    /// The clinics' templates cannot be used as they are.
    Templates,
    /// No such request waits for a second person.
    UnknownDiscard,
    /// Whoever asked cannot approve.
    SamePerson,
    /// This process has no broker.
    NoReplay,
    /// Nobody can be looked up here.
    NoIndexKey,
    /// No such admission is held.
    UnknownHold,
    /// It is not held any more.
    NotHeld,
    /// What is held for this code is not decided so.
    NotAllowed(Code),
    /// The decision names somebody or a slot that was not offered.
    NotOffered,
    /// None of its own effects in the EHR is in doubt.
    NothingInDoubt,
    /// The line is at it.
    UnderWay,
    /// The change in doubt is of another resource.
    AnotherResource,
    /// The original is no longer kept.
    OriginalGone,
    /// What it was sealed with is gone.
    KeyGone,
    /// The body is not what its stage reads.
    Unreadable,
    /// The clinic's template does not find the field.
    TemplateFails,
    /// The letter has nothing for the field.
    FieldEmpty,
    /// Who wants to look has to say what for.
    PurposeNeeded,
    /// The letter is not open.
    LetterNotOpen,
    /// The clinic's template does not let the field be edited.
    NotEditable(Field),
    /// The field does not take the value.
    ValueRefused(Field),
    /// What the field goes into was done.
    EffectDone(Field),
    /// What the field goes into may have been done.
    EffectInDoubt(Field),
    /// No edit of the letter stands.
    NoEdit,
    /// No such edit waits for a second person.
    UnknownEdit,
    /// No such reconciliation is kept.
    UnknownReconciliation,
    /// What the address needs is not configured here.
    NotConfigured,
}

impl Refusal {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::UnknownSubmission,
        Self::UnknownLetter,
        Self::InvalidRequest("scope"),
        Self::NotPaused,
        Self::UnknownScope,
        Self::StoreUnavailable,
        Self::NothingMatched,
        Self::UnknownPlan,
        Self::PlanState,
        Self::NothingWaits,
        Self::Templates,
        Self::UnknownDiscard,
        Self::SamePerson,
        Self::NoReplay,
        Self::NoIndexKey,
        Self::UnknownHold,
        Self::NotHeld,
        Self::NotAllowed(Code::SlotTaken),
        Self::NotOffered,
        Self::NothingInDoubt,
        Self::UnderWay,
        Self::AnotherResource,
        Self::OriginalGone,
        Self::KeyGone,
        Self::Unreadable,
        Self::TemplateFails,
        Self::FieldEmpty,
        Self::PurposeNeeded,
        Self::LetterNotOpen,
        Self::NotEditable(Field::Language),
        Self::ValueRefused(Field::PatientEmail),
        Self::EffectDone(Field::PatientFamily),
        Self::EffectInDoubt(Field::PatientPhone),
        Self::NoEdit,
        Self::UnknownEdit,
        Self::UnknownReconciliation,
        Self::NotConfigured,
    ];

    /// The problem document.
    pub fn problem(self) -> Problem {
        let (status, code, title, detail) = match self {
            Self::Unauthorized => (
                401,
                "unauthorized",
                "The caller is not known",
                "Send a token of the tokens file: Authorization: Bearer <token>.",
            ),
            Self::Forbidden => (
                403,
                "forbidden",
                "The token does not reach so far",
                "Use a token with one of the roles that the OpenAPI document names.",
            ),
            Self::NotFound => (404, "not_found", "No such address", "See the OpenAPI document."),
            Self::MethodNotAllowed => (
                405,
                "method_not_allowed",
                "The address does not take this method",
                "See the OpenAPI document.",
            ),
            Self::UnknownSubmission => {
                (404, "unknown_submission", "No such submission", "Check the identifier and the clinic.")
            }
            Self::UnknownLetter => {
                (404, "unknown_letter", "No such dead letter", "Ask GET /v1/dead-letters what there is.")
            }
            Self::InvalidRequest(_) => (
                422,
                "invalid_request",
                "A parameter or member cannot be used",
                "Correct what `field` names; the OpenAPI document has its rule.",
            ),
            Self::NotPaused => {
                (404, "not_paused", "The scope is not paused", "Ask GET /v1/switches what is.")
            }
            Self::UnknownScope => (
                404,
                "unknown_scope",
                "There is nothing of that name to pause",
                "Ask GET /v1/scopes what there is.",
            ),
            Self::StoreUnavailable => {
                (503, "store_unavailable", "The database did not answer", "Try again after Retry-After.")
            }
            Self::NothingMatched => (
                404,
                "nothing_matched",
                "No open dead letter is of the kind",
                "Ask GET /v1/dead-letters what there is, and where it stands.",
            ),
            Self::UnknownPlan => (404, "unknown_plan", "No such plan", "Ask GET /v1/plans what there is."),
            Self::PlanState => (
                409,
                "plan_state",
                "The plan's state does not allow it",
                "Look at the plan: what is ready, stopped or cancelled can be replayed, what is ready or running cancelled.",
            ),
            Self::NothingWaits => (
                409,
                "nothing_waits",
                "None of the plan's letters waits to be replayed",
                "Look at its items why; what is still open can be planned anew.",
            ),
            Self::Templates => (
                409,
                "templates",
                "The clinics' templates cannot be used as they are",
                "Run `frontdesk templates check`, correct what it names, and plan again.",
            ),
            Self::UnknownDiscard => (
                404,
                "unknown_discard",
                "No such request waits for a second person",
                "Ask GET /v1/discards what does.",
            ),
            Self::SamePerson => (
                409,
                "same_person",
                "Whoever asked cannot approve",
                "Have it approved with somebody else's token.",
            ),
            Self::NoReplay => (
                503,
                "no_replay",
                "This process has no broker, and only looks",
                "Give its configuration [amqp], [keys] and [clinics], or ask one that has them.",
            ),
            Self::NoIndexKey => (
                501,
                "no_index_key",
                "Nobody can be looked up by phone or e-mail here",
                "Set keys.index_file in the configuration of ops, and start it again.",
            ),
            Self::UnknownHold => {
                (404, "unknown_hold", "Nothing of that admission is held", "Ask GET /v1/holds what is.")
            }
            Self::NotHeld => (
                409,
                "not_held",
                "It is not held any more",
                "Nothing was decided. Its timeline says who let it go on, or ended it.",
            ),
            Self::NotAllowed(code) => {
                (409, "decision_not_allowed", "What is asked is not answered so", question(code).rule)
            }
            Self::NotOffered => (
                409,
                "not_offered",
                "The decision names what was not offered",
                "Name one of what GET /v1/holds/{id} tells: a person, a slot that is still to come, or a channel; `again` looks for slots anew.",
            ),
            Self::NothingInDoubt => (
                409,
                "nothing_in_doubt",
                "Nothing is in doubt in the EHR that it can answer for",
                "If GET /v1/holds/{id} names another submission, decide that one. Then decide `again` here.",
            ),
            Self::UnderWay => (
                409,
                "under_way",
                "The line is at it",
                "Look at it again in a minute: it may clear itself up.",
            ),
            Self::AnotherResource => (
                409,
                "another_resource",
                "The change in doubt is of another resource",
                "Name the resource that GET /v1/holds/{id} tells, or decide `not-done`.",
            ),
            Self::OriginalGone => (
                409,
                "original_gone",
                "The original is no longer kept",
                "It cannot go on: close it, and have it sent anew.",
            ),
            Self::KeyGone => (
                409,
                "key_gone",
                "The key that it was sealed with is not here",
                "Give the key back to the folder of keys.sealing_dir, start ops again, and repeat this.",
            ),
            Self::Unreadable => (
                409,
                "unreadable",
                "The body cannot be read",
                "It has no fields to show or to edit. Have it sent anew, and discard this one.",
            ),
            Self::TemplateFails => (
                409,
                "template_fails",
                "The clinic's template does not find the field",
                "Mend the template as `frontdesk templates check` and the letter's code say, and repeat this.",
            ),
            Self::FieldEmpty => (
                404,
                "field_empty",
                "The letter has nothing for the field",
                "There is nothing to show. If something belongs there, ask the patient, and edit it.",
            ),
            Self::PurposeNeeded => (
                422,
                "purpose_needed",
                "Say what the value is looked at for",
                "Send a purpose without any patient's data. It holds for five minutes.",
            ),
            Self::LetterNotOpen => (
                409,
                "letter_not_open",
                "The dead letter is not open",
                "Only what is open is edited. Restore it if it is archived; if it was replayed and died again, edit the new letter.",
            ),
            Self::NotEditable(_) => (
                409,
                "not_editable",
                "The clinic does not let this field be edited",
                "Have the sender correct it, or name the field under `editable` in the clinic's template.",
            ),
            Self::ValueRefused(_) => (
                422,
                "value_refused",
                "The field does not take the value",
                "Nothing was kept. Look the field's form up in docs/templates.md, and try again.",
            ),
            Self::EffectDone(_) => (
                409,
                "effect_done",
                "What the field goes into was done with the value as it is",
                "Nothing was kept. Replay the letter without it, and correct the value in the EHR.",
            ),
            Self::EffectInDoubt(_) => (
                409,
                "effect_in_doubt",
                "What the field goes into may have been done with the value as it is",
                "Nothing was kept. Wait until the doubt is cleared up, or decide about it under GET /v1/holds.",
            ),
            Self::NoEdit => (
                404,
                "no_edit",
                "No edit of the dead letter waits or is in force",
                "Ask GET /v1/dead-letters/{id} for its edits.",
            ),
            Self::UnknownEdit => (
                404,
                "unknown_edit",
                "No such edit waits for a second person",
                "Ask GET /v1/edits what does.",
            ),
            Self::UnknownReconciliation => (
                404,
                "unknown_reconciliation",
                "No such reconciliation",
                "Ask GET /v1/reconciliations what there is.",
            ),
            Self::NotConfigured => (
                409,
                "not_configured",
                "Something that this needs is not configured",
                "Give ops the sections [clinics] and [ehrs] that the ehr-writer has, and [amqp] if anything is to be published, and start it again.",
            ),
        };
        let mut problem = Problem::new(status, code, title, detail);
        problem.field = match self {
            Self::InvalidRequest(field) => Some(field),
            Self::NotEditable(field)
            | Self::ValueRefused(field)
            | Self::EffectDone(field)
            | Self::EffectInDoubt(field) => Some(field.as_str()),
            _ => None,
        };
        problem
    }
}

impl Refusal {
    /// The whole response, under the request's correlation id.
    pub(crate) fn render(self, request: CorrelationId) -> Response {
        let problem = Problem { correlation_id: Some(request), ..self.problem() };
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Extension(self), Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        match self {
            Self::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
            Self::StoreUnavailable => headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5")),
            _ => None,
        };
        response
    }
}

/// Marks the response; the guard renders it, and logs it, with the request's correlation id.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        Extension(self).into_response()
    }
}
