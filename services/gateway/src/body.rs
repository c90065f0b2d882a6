//! Reading a body: JSON only, bounded in size and time, never logged.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use crate::{
    config::MAX_BODY,
    problem::{Kind, Refusal},
};

/// Refuses by the headers alone what cannot be a submission.
///
/// # Errors
/// [`Kind::UnsupportedMediaType`] or [`Kind::TooLarge`].
pub fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(is_json) || headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Kind::UnsupportedMediaType.into());
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > MAX_BODY as u64) {
        return Err(Kind::TooLarge.into());
    }
    Ok(())
}

/// `application/json`, with no charset but UTF-8.
fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    essence.eq_ignore_ascii_case("application/json")
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
                value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            _ => true,
        })
}

/// Reads the whole body.
///
/// # Errors
/// [`Kind::TooLarge`] as soon as it is, [`Kind::BodyTimeout`] if it does not come.
pub async fn read(body: Body, within: Duration) -> Result<Bytes, Refusal> {
    let whole = async {
        let mut chunks = body.into_data_stream();
        let mut out = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            // A broken connection: nobody is left to read the answer.
            let chunk = chunk.map_err(|_| Kind::BodyTimeout)?;
            if out.len() + chunk.len() > MAX_BODY {
                return Err(Kind::TooLarge);
            }
            out.extend_from_slice(&chunk);
        }
        Ok(out.freeze())
    };
    match tokio::time::timeout(within, whole).await {
        Ok(read) => read.map_err(Refusal::from),
        Err(_) => Err(Kind::BodyTimeout.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn json_only() {
        for good in
            ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""]
        {
            assert!(is_json(good), "{good}");
        }
        for bad in ["", "text/json", "application/jsonp", "application/json; charset=latin1", "text/plain"] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
