//! Where a running sandbox is reached: the content of the address file.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The addresses and test credentials of a running sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// Base of the FHIR server, without a slash at the end.
    pub fhir_url: String,
    /// The OAuth token endpoint.
    pub token_url: String,
    /// Where the payer answers JSON.
    pub payer_json_url: String,
    /// Where the payer answers X12 270.
    pub payer_x12_url: String,
    /// Where texts are sent.
    pub sms_url: String,
    /// The SMTP listener.
    pub smtp_addr: SocketAddr,
    /// Base of the control API, `…/_sandbox`.
    pub control_url: String,
    /// Liveness.
    pub health_url: String,
    /// Process id.
    pub pid: u32,
    /// Whether the FHIR server asks for a token.
    pub auth: bool,
    /// The client that was made at start, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Its key id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key_id: Option<String>,
    /// The file with its private key (PKCS#8 PEM).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key_file: Option<String>,
    /// The algorithm that the key is for: `ES384` or `RS384`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key_algorithm: Option<String>,
    /// The SMS provider's bearer token, if it checks one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sms_token: Option<String>,
    /// The payer's token, if it checks one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer_token: Option<String>,
    /// The file with the certificate that STARTTLS clients trust, if STARTTLS is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtp_ca_file: Option<String>,
}

impl Addresses {
    pub(super) fn new(http: SocketAddr, smtp: SocketAddr, auth: bool) -> Self {
        let base = format!("http://{http}");
        Self {
            fhir_url: format!("{base}/fhir"),
            token_url: format!("{base}/oauth/token"),
            payer_json_url: format!("{base}/payer/json/eligibility"),
            payer_x12_url: format!("{base}/payer/x12"),
            sms_url: format!("{base}/sms/messages"),
            smtp_addr: smtp,
            control_url: format!("{base}/_sandbox"),
            health_url: format!("{base}/health/live"),
            pid: std::process::id(),
            auth,
            client_id: None,
            client_key_id: None,
            client_key_file: None,
            client_key_algorithm: None,
            sms_token: None,
            payer_token: None,
            smtp_ca_file: None,
        }
    }
}
