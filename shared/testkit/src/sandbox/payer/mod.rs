//! The payers, which know the same members by JSON and by X12.

mod json;
mod members;
mod x12;

pub(crate) use json::eligibility;
pub(crate) use members::{Answer, Members};
pub use members::{Member, MemberStatus};
pub(crate) use x12::exchange;
#[cfg(test)]
pub(crate) use x12::tests::question;

use axum::http::HeaderMap;

use super::app::App;
use super::http::credential;

/// Whether the request has the payer's token, if it asks for one.
fn authorized(app: &App, headers: &HeaderMap) -> bool {
    app.payer_token.as_deref().is_none_or(|wanted| credential(headers, &["Bearer", "Key"]) == Some(wanted))
}
