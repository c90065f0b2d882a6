//! The front door, as a scenario uses it.

use anyhow::Context as _;
use frontdesk::{door::Door, local::endpoints::Gateway};
use reqwest::Response;
use serde_json::Value;

/// Posts a submission, signed with the secret of the source that may post for its clinic.
///
/// # Errors
/// If there is no such source, or the gateway does not answer.
pub async fn post(gateway: &Gateway, submission: &Value) -> anyhow::Result<Response> {
    send(gateway, submission, None).await
}

/// The same, as part of a trace.
///
/// # Errors
/// As [`post`].
pub async fn post_within(
    gateway: &Gateway,
    submission: &Value,
    traceparent: &str,
) -> anyhow::Result<Response> {
    send(gateway, submission, Some(traceparent)).await
}

async fn send(gateway: &Gateway, submission: &Value, traceparent: Option<&str>) -> anyhow::Result<Response> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let door = Door::of(gateway, &client, submission["clinic_id"].as_str().context("no clinic")?)?;
    let mut request = door.request(&Door::fresh_id(), serde_json::to_vec(submission)?)?;
    if let Some(traceparent) = traceparent {
        request = request.header("traceparent", traceparent);
    }
    Ok(request.send().await?)
}
