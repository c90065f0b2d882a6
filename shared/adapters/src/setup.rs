//! Wrong configuration: which key, and why. Found before anything is connected.

use std::{net::IpAddr, path::Path};

use reqwest::Url;

/// A configured value that cannot be used. Never quotes the value: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {why}")]
pub struct SetupError {
    key: String,
    why: String,
}

impl SetupError {
    pub(crate) fn new(key: impl Into<String>, why: impl Into<String>) -> Self {
        Self { key: key.into(), why: why.into() }
    }

    /// The same error under the configuration's name of the value.
    pub(crate) fn under(self, key: &str) -> Self {
        Self { key: key.to_owned(), why: self.why }
    }

    /// The same error of a certificate's file under the section that names it.
    pub(crate) fn tls(section: &str, error: tls::TlsError) -> Self {
        Self::new(format!("{section}.{}", error.key), error.why)
    }

    /// The configuration key.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The files for TLS that a section names.
macro_rules! tls_files {
    ($section:ty) => {
        impl $section {
            fn tls(&self) -> tls::Files {
                tls::Files {
                    ca: self.ca_file.clone(),
                    cert: self.client_cert_file.clone(),
                    key: self.client_key_file.clone(),
                }
            }
        }
    };
}
pub(crate) use tls_files;

/// A secret in memory: no `Debug`, no `Display`.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

/// Reads a secret from a file, without the line's end.
pub(crate) fn read_secret_file(key: &str, path: &Path) -> Result<Secret, SetupError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| SetupError::new(key, format!("cannot be read: {}", error.kind())))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(SetupError::new(key, "is an empty file"));
    }
    Ok(Secret::new(text.to_owned()))
}

/// A URL that PHI may be sent to: `https`, or `http` to loopback, or `http` to anywhere if that was asked for in so many words.
pub(crate) fn secure_url(key: &str, text: &str, plain_http: bool) -> Result<Url, SetupError> {
    let url: Url = text.parse().map_err(|_| SetupError::new(key, "is not a URL"))?;
    let host = url.host_str().ok_or_else(|| SetupError::new(key, "has no host"))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if plain_http || is_loopback(host) => Ok(url),
        "http" => Err(SetupError::new(key, "must be https: plain http is for loopback only")),
        _ => Err(SetupError::new(key, "must be an https URL")),
    }
}

/// Whether a host name or address is this machine's loopback.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{is_loopback, secure_url};

    #[test]
    fn plain_http_is_for_loopback() {
        for good in
            ["https://ehr.example/fhir", "http://127.0.0.1:8080/fhir", "http://[::1]/", "http://localhost"]
        {
            assert!(secure_url("k", good, false).is_ok(), "{good}");
        }
        for bad in ["http://ehr.example/fhir", "ftp://127.0.0.1/", "ehr", "http://127.0.0.1.example/"] {
            let error = secure_url("ehrs.x.url", bad, false).unwrap_err();
            assert_eq!(error.key(), "ehrs.x.url");
            assert!(!error.to_string().contains("example"), "{error}");
        }
        assert!(secure_url("k", "http://hapi:8080/fhir", true).is_ok());
        assert!(!is_loopback("10.0.0.1"));
    }
}
