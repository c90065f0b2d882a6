//! How a sandbox is set up.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use domain::clock::{Clock, SystemClock};

use super::error::SandboxError;
use super::faults::Rule;
use super::oauth::AuthConfig;
use super::payer::Member;
use super::slots::SlotRow;

/// Everything that a sandbox is told at its start. [`Default`] is an empty sandbox without authentication on free ports.
#[derive(Clone)]
pub struct SandboxConfig {
    /// Where the HTTP listener opens; port 0 takes a free one. Loopback only.
    pub listen: SocketAddr,
    /// Where the SMTP listener opens; port 0 takes a free one. Loopback only.
    pub smtp_listen: SocketAddr,
    /// Whom the payers know.
    pub members: Vec<Member>,
    /// Which slots the EHR offers.
    pub slots: Vec<SlotRow>,
    /// The FHIR server's authentication.
    pub auth: AuthConfig,
    /// Faults from the start.
    pub faults: Vec<Rule>,
    /// Seed of resource ids and of the faults' chances.
    pub seed: u64,
    /// The bearer token of the SMS provider; without one, any bearer token passes (but one must be sent).
    pub sms_token: Option<String>,
    /// The payer's token (`Authorization: Bearer …` or `Key …`); without one, no authorization is asked for.
    pub payer_token: Option<String>,
    /// Telephone numbers that said STOP: a text to one of them is refused (422).
    pub sms_stop: Vec<String>,
    /// Largest mail accepted, in bytes.
    pub mail_size_limit: usize,
    /// Offer STARTTLS with a certificate made at start (see [`Sandbox::smtp_ca_pem`](super::Sandbox::smtp_ca_pem)).
    pub smtp_starttls: bool,
    /// Refuse (409) an Appointment for a slot that another active Appointment has. Off, as on real servers.
    pub prevent_double_booking: bool,
    /// Refuse (400) references to Patients and Slots that do not exist, as most servers do.
    pub check_references: bool,
    /// The clock of versions, tokens and search lag.
    pub clock: Arc<dyn Clock>,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        Self {
            listen: any,
            smtp_listen: any,
            members: Vec::new(),
            slots: Vec::new(),
            auth: AuthConfig::default(),
            faults: Vec::new(),
            seed: 1,
            sms_token: None,
            payer_token: None,
            sms_stop: Vec::new(),
            mail_size_limit: 10 * 1024 * 1024,
            smtp_starttls: false,
            prevent_double_booking: false,
            check_references: true,
            clock: Arc::new(SystemClock),
        }
    }
}

impl SandboxConfig {
    /// Refuses anything that is not loopback, and rules that make no sense.
    pub(super) fn check(&self) -> Result<(), SandboxError> {
        for (what, address) in [("listen", self.listen), ("smtp", self.smtp_listen)] {
            if !address.ip().is_loopback() {
                return Err(SandboxError::NotLoopback { what, address: address.to_string() });
            }
        }
        for audience in &self.auth.audiences {
            if !is_loopback_url(audience) {
                return Err(SandboxError::NotLoopback { what: "audience", address: audience.clone() });
            }
        }
        for (index, rule) in self.faults.iter().enumerate() {
            rule.check().map_err(|reason| SandboxError::Rule { index, reason })?;
        }
        Ok(())
    }
}

/// Whether a URL's host is this machine.
fn is_loopback_url(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority == "localhost" || authority.starts_with("localhost:") {
        return true;
    }
    let address = authority.parse::<SocketAddr>().map(|address| address.ip());
    address.or_else(|_| authority.trim_matches(['[', ']']).parse::<IpAddr>()).is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{SandboxConfig, is_loopback_url};

    #[test]
    fn only_loopback_is_accepted() -> Result<(), Box<dyn std::error::Error>> {
        assert!(SandboxConfig::default().check().is_ok());
        for other in ["0.0.0.0:0", "10.0.0.1:80", "[::]:0"] {
            assert!(SandboxConfig { listen: other.parse()?, ..SandboxConfig::default() }.check().is_err());
            assert!(
                SandboxConfig { smtp_listen: other.parse()?, ..SandboxConfig::default() }.check().is_err()
            );
        }
        Ok(())
    }

    #[test]
    fn audiences_are_loopback_urls() {
        for good in [
            "http://127.0.0.1:80/oauth/token",
            "http://localhost/t",
            "http://[::1]:9/t",
            "http://127.0.0.1/t",
        ] {
            assert!(is_loopback_url(good), "{good}");
        }
        for bad in
            ["http://example.org/t", "http://localhost.example.org/", "http://127.0.0.1@evil.org/", "x"]
        {
            assert!(!is_loopback_url(bad), "{bad}");
        }
    }
}
