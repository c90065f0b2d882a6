//! The `Prefer` header.

use axum::http::HeaderMap;

use crate::sandbox::store::Strictness;

/// `Prefer: return=…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Return {
    Representation,
    Minimal,
    OperationOutcome,
}

/// What the client prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefer {
    pub(super) returns: Return,
    pub(super) strictness: Strictness,
}

impl Prefer {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut prefer = Self { returns: Return::Representation, strictness: Strictness::Lenient };
        let values = headers.get_all("prefer").into_iter().filter_map(|value| value.to_str().ok());
        for token in values.flat_map(|value| value.split([',', ';'])).map(str::trim) {
            match token {
                "return=minimal" => prefer.returns = Return::Minimal,
                "return=representation" => prefer.returns = Return::Representation,
                "return=OperationOutcome" => prefer.returns = Return::OperationOutcome,
                "handling=strict" => prefer.strictness = Strictness::Strict,
                "handling=lenient" => prefer.strictness = Strictness::Lenient,
                _ => {}
            }
        }
        prefer
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::{Prefer, Return};
    use crate::sandbox::store::Strictness;

    #[test]
    fn reads_several_preferences() {
        let mut headers = HeaderMap::new();
        headers.append("prefer", HeaderValue::from_static("return=minimal; respond-async"));
        headers.append("prefer", HeaderValue::from_static("handling=strict"));
        assert_eq!(Prefer::of(&headers), Prefer { returns: Return::Minimal, strictness: Strictness::Strict });
    }
}
