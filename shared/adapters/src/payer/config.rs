//! `[payers.<name>]`.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use domain::clock::Clock;
use serde::Deserialize;

use super::{Payer, Protocol, json::JsonPayer, post::Post, request::Asker, x12::X12Payer};
use crate::{
    http::{Trust, client},
    setup::{SetupError, read_secret_file, secure_url, tls_files},
};

/// How to reach one payer, or a clearinghouse that reaches many.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayerConfig {
    /// How it is asked.
    pub protocol: Protocol,
    /// Where: `https`, or loopback.
    pub url: String,
    /// The payers that it answers for, by name; empty: all that no other entry names.
    #[serde(default)]
    pub names: Vec<String>,
    /// The identifier under which it knows a payer, by the payer's name; the name itself if absent.
    #[serde(default)]
    pub ids: BTreeMap<String, String>,
    /// Our organisation's name, where an inquiry brings none.
    pub organisation: String,
    /// Our NPI, ten digits, where an inquiry brings none.
    pub npi: String,
    /// X12: our interchange id (ISA06), 1 to 15 characters.
    #[serde(default = "default_sender")]
    pub sender: String,
    /// X12: the receiver's interchange id (ISA08), 1 to 15 characters.
    #[serde(default = "default_receiver")]
    pub receiver: String,
    /// X12: who made the trace number (TRN03), exactly 10 characters: `9` and a nine-digit number is usual.
    #[serde(default = "default_originator")]
    pub originator: String,
    /// X12: mark interchanges as test data (ISA15).
    #[serde(default)]
    pub test: bool,
    /// X12: other separators than `*`, `:`, `^` and `~`, in that order.
    #[serde(default)]
    pub separators: Option<String>,
    /// The bearer token, if one is needed.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// How long to wait for an answer, milliseconds. CORE: 20 s for 90 %, hold the line for 60 s.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
    /// Allows plain HTTP to another host than loopback: a private network that is encrypted by other means.
    #[serde(default)]
    pub plain_http: bool,
    /// PEM file of the authorities that the payer's certificate may be of; the system's if absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// PEM file of the certificate that we show, where the payer asks for one. It goes with `client_key_file`.
    #[serde(default)]
    pub client_cert_file: Option<PathBuf>,
    /// Its private key.
    #[serde(default)]
    pub client_key_file: Option<PathBuf>,
}

tls_files!(PayerConfig);

fn default_sender() -> String {
    "FRONTDESK".to_owned()
}

fn default_receiver() -> String {
    "CLEARINGHOUSE".to_owned()
}

fn default_originator() -> String {
    "9000000000".to_owned()
}

const fn default_timeout_ms() -> u64 {
    20_000
}

impl PayerConfig {
    /// Builds the adapter. `name` is the one in `[payers.<name>]`, for messages. Opens no connection.
    ///
    /// # Errors
    /// [`SetupError`] names the key and what is wrong with it.
    pub fn connect(&self, name: &str, clock: Arc<dyn Clock>) -> Result<Arc<dyn Payer>, SetupError> {
        let key = |field: &str| format!("payers.{name}.{field}");
        let url = secure_url(&key("url"), &self.url, self.plain_http)?;
        let token =
            self.token_file.as_ref().map(|file| read_secret_file(&key("token_file"), file)).transpose()?;
        if self.npi.len() != 10 || !self.npi.bytes().all(|b| b.is_ascii_digit()) {
            return Err(SetupError::new(key("npi"), "must be ten digits"));
        }
        let asker = Asker {
            organisation: self.organisation.clone(),
            npi: self.npi.clone(),
            ids: self.ids.iter().map(|(name, id)| (name.to_lowercase(), id.clone())).collect(),
        };
        let timeout = Duration::from_millis(self.timeout_ms);
        let trust = Trust { section: format!("payers.{name}"), files: self.tls() };
        let post = Post::new(client(&url, timeout, &trust)?, url, token, timeout, Arc::clone(&clock));
        Ok(match self.protocol {
            Protocol::Json => Arc::new(JsonPayer::new(post, asker, clock)),
            Protocol::X12 => {
                let envelope = self.envelope().map_err(|(field, why)| SetupError::new(key(field), why))?;
                Arc::new(X12Payer::new(post, asker, envelope, clock))
            }
        })
    }

    fn envelope(&self) -> Result<super::x12::Partners, (&'static str, &'static str)> {
        super::x12::Partners::new(
            &self.sender,
            &self.receiver,
            &self.originator,
            self.test,
            self.separators.as_deref(),
        )
    }
}
