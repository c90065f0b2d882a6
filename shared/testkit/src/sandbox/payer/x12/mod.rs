//! Eligibility by X12 005010X279A1: a 270 in, a 271 out; a TA1 or 999 for what cannot be read.

mod acknowledge;
mod answer;
mod inquiry;
mod interchange;
mod person;
mod writer;

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use jiff::Timestamp;

use super::authorized;
use crate::sandbox::app::{App, lock};
use crate::sandbox::faults::{Class, Injection, Interaction, Request, Served, serve};
use crate::sandbox::http::{answer as reply, finish, problem};
use crate::sandbox::listener::Cutter;
use inquiry::Inquiry;
use interchange::Interchange;

const X12: &str = "application/edi-x12";

/// What is wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Malformed {
    /// Not an interchange at all: nothing can be answered to it.
    NotX12,
    /// The envelope is wrong: TA1 with this note code.
    Envelope(&'static str),
    /// The transaction is wrong: 999 about this segment (number within the set, from 1) with this IK3 code.
    Transaction { segment: String, position: usize, code: &'static str },
}

/// `POST /payer/x12`.
pub(crate) async fn exchange(
    State(app): State<Arc<App>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !authorized(&app, &headers) {
        return problem(StatusCode::UNAUTHORIZED, "unauthorized");
    }
    let injection = app.faults.decide(&Request::plain(Class::Payer, Interaction::Ask));
    // The rejection is decided here: only the commit knows the question that it has to repeat.
    let (injection, aaa) = take_aaa(injection);
    let asked = Arc::clone(&app);
    let served = serve(injection, &app.stop, move || match respond(&asked, &body, aaa.as_deref()) {
        Some(text) => reply(StatusCode::OK, X12, text),
        None => problem(StatusCode::BAD_REQUEST, "not_x12"),
    })
    .await;
    match served {
        Served::Garbage => reply(StatusCode::OK, X12, "ISA*00*"),
        served => finish(&cutter, served, |status| problem(status, "payer_unavailable")),
    }
}

fn take_aaa(mut injection: Injection) -> (Injection, Option<String>) {
    use crate::sandbox::faults::Fault;
    match injection.act.take() {
        Some(Fault::Aaa { code }) => (injection, Some(code)),
        act => {
            injection.act = act;
            (injection, None)
        }
    }
}

/// The answer to an interchange; none if it is not one.
fn respond(app: &App, body: &[u8], aaa: Option<&str>) -> Option<String> {
    let now = app.now();
    let members = lock(&app.members);
    let ask = |member: &str, payers: &[&str]| members.ask(member, payers);
    respond_with(body, now, aaa, &ask)
}

/// The same without the server around it.
fn respond_with(body: &[u8], now: Timestamp, aaa: Option<&str>, ask: &answer::Ask<'_>) -> Option<String> {
    let interchange = match Interchange::parse(body) {
        Ok(interchange) => interchange,
        Err(Malformed::Envelope(code)) => return acknowledge::envelope(body, code, now),
        Err(_) => return None,
    };
    match Inquiry::read(&interchange) {
        Ok(inquiry) => Some(answer::answer(&interchange, &inquiry, now, aaa, ask)),
        Err(Malformed::Envelope(code)) => acknowledge::envelope(body, code, now),
        Err(Malformed::Transaction { segment, position, code }) => {
            Some(acknowledge::transaction(&interchange, &segment, position, code, now))
        }
        Err(Malformed::NotX12) => None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
