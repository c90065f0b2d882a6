//! Every way in which the operators' API says no.

use axum::{
    Extension, Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    Code, CorrelationId,
    problem::{CONTENT_TYPE, Problem},
    template::Field,
};

mod from;
mod table;

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
