//! What is said of each refusal, and what to do.

use domain::{hold::question, problem::Problem};

use super::Refusal;

impl Refusal {
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
