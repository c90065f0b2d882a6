//! The sandbox as a process of the run, and our registration with its EHR.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::{
    encoding::AsDer as _,
    signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use nix::sys::signal::Signal;
use testkit::{backends::Ready, process::Program, sandbox::Addresses};

use super::{
    Layout,
    records::Tier,
    secrets::Secrets,
    services::{self, Places, SANDBOX},
    settings::{EhrAccess, EhrClient, Outside},
    supervisor::{Supervisor, Unit},
};

const CLIENT: &str = "frontdesk";

/// Starts the sandbox with a samples folder's members and slots, and says how the services reach it.
///
/// # Errors
/// If it does not become ready.
pub async fn start(
    layout: &Layout,
    places: &Places,
    supervisor: &Supervisor,
    (samples, secrets): (&Path, &Secrets),
) -> anyhow::Result<(Addresses, Outside)> {
    let keys = Keys::make(secrets)?;
    let (sms_token, payer_token) = (secrets.hex::<16>("sms_token")?, secrets.hex::<16>("payer_token")?);
    let address_file = layout.secrets().join("sandbox.json");
    let program = Program::new(services::program(SANDBOX)?, services::log(layout, SANDBOX))
        .args(["--listen", &places.sandbox().to_string(), "--smtp", &places.smtp().to_string()])
        .args([
            Path::new("--members"),
            &samples.join("members.csv"),
            Path::new("--slots"),
            &samples.join("slots.csv"),
        ])
        .args([Path::new("--address-file"), &address_file])
        // Our own key, so that the registration outlives a restart.
        .args(["--auth", "on", "--client-id", CLIENT])
        .args([Path::new("--client-keys"), &keys.public])
        .args(["--sms-token", &sms_token, "--payer-token", &payer_token])
        .folder(layout.root())
        .ends_by(Signal::SIGTERM, Duration::from_secs(10));
    let ready = Ready::Answers(format!("http://{}/health/live", places.sandbox()));
    let patience = Duration::from_secs(60);
    supervisor
        .start(Unit { name: SANDBOX.to_owned(), program, ready, patience, tier: Tier::Outside })
        .await?;
    let addresses = testkit::wait::until_some(patience, || async { read(&address_file) })
        .await
        .context("the sandbox does not say where it is")?;
    let outside = Outside {
        ehr: EhrAccess {
            url: addresses.fhir_url.clone(),
            profile: "fhir".to_owned(),
            client: Some(EhrClient {
                token_url: addresses.token_url.clone(),
                client_id: CLIENT.to_owned(),
                key_file: keys.private,
                key_id: CLIENT.to_owned(),
                algorithm: "ES384".to_owned(),
            }),
        },
        payer_json: addresses.payer_json_url.clone(),
        payer_x12: addresses.payer_x12_url.clone(),
        payer_token_file: secrets.path("payer_token"),
        sms: addresses.sms_url.clone(),
        sms_token_file: secrets.path("sms_token"),
        smtp_port: addresses.smtp_addr.port(),
    };
    Ok((addresses, outside))
}

fn read(file: &Path) -> Option<Addresses> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// The files of our key pair.
pub(crate) struct Keys {
    private: std::path::PathBuf,
    public: std::path::PathBuf,
}

impl Keys {
    /// The pair that is there, or a new one.
    pub(crate) fn make(secrets: &Secrets) -> anyhow::Result<Self> {
        let keys =
            Self { private: secrets.path("ehr_client.pem"), public: secrets.path("ehr_client.pub.pem") };
        if keys.private.is_file() && keys.public.is_file() {
            return Ok(keys);
        }
        let failed = |_| anyhow!("cannot make a key for the EHR");
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).map_err(failed)?;
        let private = pair.to_pkcs8v1().map_err(failed)?;
        let public = pair.public_key().as_der().map_err(failed)?;
        secrets.put("ehr_client.pem", &pem("PRIVATE KEY", private.as_ref()))?;
        secrets.put("ehr_client.pub.pem", &pem("PUBLIC KEY", public.as_ref()))?;
        Ok(keys)
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        pem += line;
        pem.push('\n');
        rest = more;
    }
    pem + &format!("-----END {label}-----")
}

#[cfg(test)]
mod tests {
    use super::pem;

    #[test]
    fn pem_has_lines_of_64() {
        let text = pem("X", &[7; 60]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            (lines[0], lines[1].len(), lines[2].len(), lines[3]),
            ("-----BEGIN X-----", 64, 16, "-----END X-----")
        );
    }
}
