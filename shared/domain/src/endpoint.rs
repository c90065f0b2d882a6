//! What is outside and can fail as a whole.

use std::fmt;

/// What an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndpointKind {
    /// An EHR.
    Ehr,
    /// A payer, or a clearinghouse in front of some.
    Payer,
    /// A mail relay or SMS provider.
    Messenger,
}

impl EndpointKind {
    /// As it stands before an endpoint's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ehr => "ehr",
            Self::Payer => "payer",
            Self::Messenger => "messenger",
        }
    }
}

/// The name of something outside that can fail as a whole, such as `ehr:main` or `payer:aetna`: breakers and
/// switches work on it. It comes from configuration, never from a submission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    text: String,
    kind: EndpointKind,
}

impl Endpoint {
    /// An EHR by its configured name.
    pub fn ehr(name: &str) -> Self {
        Self::new(EndpointKind::Ehr, name)
    }

    /// A payer by its configured name.
    pub fn payer(name: &str) -> Self {
        Self::new(EndpointKind::Payer, name)
    }

    /// A mail relay or SMS provider by its configured name.
    pub fn messenger(name: &str) -> Self {
        Self::new(EndpointKind::Messenger, name)
    }

    fn new(kind: EndpointKind, name: &str) -> Self {
        Self { text: format!("{}:{name}", kind.as_str()), kind }
    }

    /// The name with its kind.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it is.
    pub const fn kind(&self) -> EndpointKind {
        self.kind
    }

    /// The configured name alone.
    pub fn name(&self) -> &str {
        self.text.get(self.kind.as_str().len() + 1..).unwrap_or_default()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, EndpointKind};

    #[test]
    fn an_endpoint_is_its_kind_and_its_name() {
        for (endpoint, text, kind, name) in [
            (Endpoint::ehr("main"), "ehr:main", EndpointKind::Ehr, "main"),
            (Endpoint::payer("aetna:tx"), "payer:aetna:tx", EndpointKind::Payer, "aetna:tx"),
            (Endpoint::messenger("sms"), "messenger:sms", EndpointKind::Messenger, "sms"),
        ] {
            assert_eq!((endpoint.to_string().as_str(), endpoint.kind(), endpoint.name()), (text, kind, name));
        }
    }
}
