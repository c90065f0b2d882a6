//! `[smtp]` and `[sms]`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use domain::clock::Clock;
use lettre::{message::Mailbox, transport::smtp::authentication::Credentials};
use serde::Deserialize;

use super::{
    Email, Messenger, Sms,
    smtp::{Relay, Security},
};
use crate::{
    http::{Trust, client},
    setup::{SetupError, is_loopback, read_secret_file, secure_url, tls_files},
};

/// How to reach the mail relay.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the connection is protected.
    #[serde(default)]
    pub security: SmtpSecurity,
    /// The sender, such as `Clinic <no-reply@clinic.example>`.
    pub from: String,
    /// The account, if the relay wants one.
    #[serde(default)]
    pub username: Option<String>,
    /// The file with its password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// PEM file of the authorities that the relay's certificate may be of; the system's if absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// PEM file of the certificate that we show, where the relay asks for one. It goes with `client_key_file`.
    #[serde(default)]
    pub client_cert_file: Option<PathBuf>,
    /// Its private key.
    #[serde(default)]
    pub client_key_file: Option<PathBuf>,
    /// The deadline of one message, milliseconds.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
}

/// How the connection to the relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpSecurity {
    /// TLS after `STARTTLS`; a relay that does not offer it is not used.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None: loopback only.
    None,
}

/// How to reach the SMS provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsConfig {
    /// Where messages are posted: `https`, or loopback.
    pub url: String,
    /// The file with the bearer token.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// Our number or sender name, where the provider wants one.
    #[serde(default)]
    pub from: Option<String>,
    /// The deadline of one message, milliseconds.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
    /// Allows plain HTTP to another host than loopback: a private network that is encrypted by other means.
    #[serde(default)]
    pub plain_http: bool,
    /// PEM file of the authorities that the provider's certificate may be of; the system's if absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// PEM file of the certificate that we show, where the provider asks for one. It goes with `client_key_file`.
    #[serde(default)]
    pub client_cert_file: Option<PathBuf>,
    /// Its private key.
    #[serde(default)]
    pub client_key_file: Option<PathBuf>,
}

tls_files!(SmtpConfig);
tls_files!(SmsConfig);

const fn default_timeout_ms() -> u64 {
    20_000
}

impl SmtpConfig {
    /// Builds the adapter. Opens no connection.
    ///
    /// # Errors
    /// [`SetupError`] names the key and what is wrong with it.
    pub fn connect(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Messenger>, SetupError> {
        let from: Mailbox = self
            .from
            .parse()
            .map_err(|_| SetupError::new("smtp.from", "is not a mailbox: Name <address>"))?;
        if self.security == SmtpSecurity::None && !is_loopback(&self.host) {
            return Err(SetupError::new(
                "smtp.security",
                "must be starttls or tls: plain SMTP is for loopback only",
            ));
        }
        let credentials = match (&self.username, &self.password_file) {
            (None, None) => None,
            (Some(user), Some(file)) => {
                let password = read_secret_file("smtp.password_file", file)?;
                Some(Credentials::new(user.clone(), password.reveal().to_owned()))
            }
            _ => return Err(SetupError::new("smtp.username", "and smtp.password_file go together")),
        };
        let security = Security::new(self.security, &self.host, self.tls())?;
        let relay = Relay::new(self.host.clone(), self.port, security, credentials);
        Ok(Arc::new(Email::new(relay, from, Duration::from_millis(self.timeout_ms), clock)))
    }
}

impl SmsConfig {
    /// Builds the adapter. Opens no connection.
    ///
    /// # Errors
    /// [`SetupError`] names the key and what is wrong with it.
    pub fn connect(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Messenger>, SetupError> {
        let url = secure_url("sms.url", &self.url, self.plain_http)?;
        let token =
            self.token_file.as_ref().map(|file| read_secret_file("sms.token_file", file)).transpose()?;
        let timeout = Duration::from_millis(self.timeout_ms);
        let trust = Trust { section: "sms".to_owned(), files: self.tls() };
        let client = client(&url, timeout, &trust)?;
        Ok(Arc::new(Sms::new((client, url), token, self.from.clone(), timeout, clock)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::clock::SystemClock;

    use super::SmtpConfig;

    fn key_of(text: &str) -> Option<String> {
        let config: SmtpConfig = toml::from_str(text).unwrap();
        config.connect(Arc::new(SystemClock)).err().map(|error| error.key().to_owned())
    }

    #[test]
    fn plain_smtp_is_for_loopback() {
        let with = |host: &str| {
            format!(
                "host = \"{host}\"\nport = 25\nsecurity = \"none\"\nfrom = \"Desk <desk@clinic.example>\""
            )
        };
        assert_eq!(key_of(&with("127.0.0.1")), None);
        assert_eq!(key_of(&with("localhost")), None);
        assert_eq!(key_of(&with("relay.example")).as_deref(), Some("smtp.security"));
    }

    #[test]
    fn a_wrong_value_names_its_key() {
        let base = "host = \"127.0.0.1\"\nport = 25\nsecurity = \"none\"\n";
        assert_eq!(key_of(&format!("{base}from = \"nobody\"")).as_deref(), Some("smtp.from"));
        let half = format!("{base}from = \"d@c.example\"\nusername = \"u\"");
        assert_eq!(key_of(&half).as_deref(), Some("smtp.username"));
    }
}
