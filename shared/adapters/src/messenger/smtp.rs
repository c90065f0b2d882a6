//! A message over SMTP, step by step: only the steps say whether it can have been taken.
//!
//! Until the relay has seen the end of the data it has taken nothing, whatever broke. After that only its answer tells.

use std::sync::Mutex;

use lettre::{
    address::Envelope,
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, CertificateStore, Identity, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use tls::{Files, PemFiles};
use tokio::time::timeout;
use tracing::{Instrument as _, field::Empty, info_span};

use super::SmtpSecurity;
use crate::{http::Deadline, setup::SetupError};

/// Connections that are kept for the next message.
const KEPT: usize = 4;

/// The relay, and open connections to it.
pub(super) struct Relay {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
}

/// How the connection is protected, with what that needs.
pub(super) enum Security {
    Starttls(Tls),
    Tls(Tls),
    /// Loopback only: the configuration sees to it.
    None,
}

/// Made anew for each connection, since the library takes files as they are: new ones count from the next connection on.
pub(super) struct Tls {
    host: String,
    files: PemFiles,
}

impl Security {
    pub(super) fn new(security: SmtpSecurity, host: &str, files: Files) -> Result<Self, SetupError> {
        let tls = || {
            let files = PemFiles::new("smtp", files).map_err(|error| SetupError::tls("smtp", error))?;
            let tls = Tls { host: host.to_owned(), files };
            tls.parameters().map_err(|_| {
                SetupError::new("smtp.ca_file", "cannot be used, or is missing where the system has none")
            })?;
            Ok(tls)
        };
        Ok(match security {
            SmtpSecurity::Starttls => Self::Starttls(tls()?),
            SmtpSecurity::Tls => Self::Tls(tls()?),
            SmtpSecurity::None => Self::None,
        })
    }
}

impl Tls {
    fn parameters(&self) -> Result<TlsParameters, Error> {
        let now = self.files.now();
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(ca) = &now.ca {
            builder = builder.certificate_store(CertificateStore::None);
            // lettre reads every certificate in it.
            builder = builder.add_root_certificate(Certificate::from_pem(ca)?);
        }
        if let Some((cert, key)) = &now.identity {
            builder = builder.identify_with(Identity::from_pem(cert, key)?);
        }
        builder.build()
    }
}

/// What came of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    Taken,
    /// The relay took nothing, for a reason that may pass or that is about us: unreachable, "try later", a login that it
    /// refuses, a sender that it does not relay for.
    NotTaken,
    /// The relay refuses this recipient or this message for good.
    Refused,
    Unknown,
}

impl Relay {
    pub(super) const fn new(
        host: String,
        port: u16,
        security: Security,
        credentials: Option<Credentials>,
    ) -> Self {
        Self { host, port, security, credentials, idle: Mutex::new(Vec::new()) }
    }

    pub(super) async fn deliver(&self, envelope: &Envelope, message: &[u8], deadline: Deadline) -> Delivery {
        let span = info_span!(
            "mail",
            otel.name = "SMTP send",
            otel.kind = "client",
            otel.status_code = Empty,
            server.address = self.host,
            server.port = self.port,
            error.r#type = Empty,
        );
        let delivery = self.hand_over(envelope, message, deadline).instrument(span.clone()).await;
        let failure = match delivery {
            Delivery::Taken => return delivery,
            Delivery::NotTaken => "not_taken",
            Delivery::Refused => "refused",
            Delivery::Unknown => "no_answer",
        };
        span.record("otel.status_code", "ERROR");
        span.record("error.type", failure);
        delivery
    }

    async fn hand_over(&self, envelope: &Envelope, message: &[u8], deadline: Deadline) -> Delivery {
        let Ok(Some(mut connection)) = timeout(deadline.left(), self.connection(deadline)).await else {
            return Delivery::NotTaken;
        };
        match timeout(deadline.left(), open_data(&mut connection, envelope, message)).await {
            Ok(Ok(())) => {}
            Ok(Err(delivery)) => {
                // The relay said no to this one only; politeness costs a round trip, so the connection is simply dropped.
                return delivery;
            }
            Err(_) => return Delivery::NotTaken,
        }
        match timeout(deadline.left(), connection.message(message)).await {
            Ok(Ok(_)) => {
                self.keep(connection);
                Delivery::Taken
            }
            Ok(Err(error)) if error.is_transient() => Delivery::NotTaken,
            Ok(Err(error)) if error.is_permanent() => Delivery::Refused,
            Ok(Err(_)) | Err(_) => Delivery::Unknown,
        }
    }

    /// A kept connection that still answers, or a new one.
    async fn connection(&self, deadline: Deadline) -> Option<AsyncSmtpConnection> {
        while let Some(mut kept) = self.idle.lock().ok().and_then(|mut idle| idle.pop()) {
            let patience = deadline.left() / 4;
            if timeout(patience, kept.test_connected()).await == Ok(true) {
                return Some(kept);
            }
        }
        self.connect(deadline).await.ok()
    }

    async fn connect(&self, deadline: Deadline) -> Result<AsyncSmtpConnection, Error> {
        let hello = ClientId::default();
        let tls = match &self.security {
            Security::Tls(tls) => Some(tls.parameters()?),
            Security::Starttls(_) | Security::None => None,
        };
        let address = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, Some(deadline.left()), &hello, tls, None).await?;
        if let Security::Starttls(tls) = &self.security {
            connection.starttls(tls.parameters()?, &hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        if let Ok(mut idle) = self.idle.lock()
            && idle.len() < KEPT
        {
            idle.push(connection);
        }
    }
}

/// Says who sends to whom, up to the relay's "start mail input".
async fn open_data(
    connection: &mut AsyncSmtpConnection,
    envelope: &Envelope,
    message: &[u8],
) -> Result<(), Delivery> {
    let mut parameters = Vec::new();
    let international =
        envelope.to().iter().chain(envelope.from()).any(|address| !AsRef::<str>::as_ref(address).is_ascii());
    for (needed, extension, parameter) in [
        (international, Extension::SmtpUtfEight, MailParameter::SmtpUtfEight),
        (!message.is_ascii(), Extension::EightBitMime, MailParameter::Body(MailBodyParameter::EightBitMime)),
    ] {
        if needed && !connection.server_info().supports_feature(extension) {
            return Err(Delivery::Refused);
        }
        if needed {
            parameters.push(parameter);
        }
    }
    // A refusal here is about the sender, which is ours.
    connection
        .command(Mail::new(envelope.from().cloned(), parameters))
        .await
        .map_err(|_| Delivery::NotTaken)?;
    for recipient in envelope.to() {
        connection
            .command(Rcpt::new(recipient.clone(), Vec::new()))
            .await
            .map_err(|error| about_message(&error))?;
    }
    connection.command(Data).await.map(drop).map_err(|error| about_message(&error))
}

fn about_message(error: &Error) -> Delivery {
    if error.is_permanent() { Delivery::Refused } else { Delivery::NotTaken }
}
