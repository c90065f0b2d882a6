//! `[ehrs.<name>]`.

use std::{path::PathBuf, sync::Arc, time::Duration};

use domain::{clock::Clock, effect::Class};
use serde::Deserialize;

use super::{
    Ehr, Profile,
    fhir::FhirEhr,
    oauth::{Algorithm, Registration, Tokens},
};
use crate::{
    http::{Trust, client},
    setup::{SetupError, read_secret_file, secure_url, tls_files},
};

/// How to reach one EHR.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EhrConfig {
    /// The name of a [`Profile`].
    pub profile: String,
    /// The FHIR base URL: `https`, or loopback.
    pub url: String,
    /// The SMART token endpoint. With it, `client_id`, `key_file` and `key_id` are required; without, no token is sent.
    #[serde(default)]
    pub token_url: Option<String>,
    /// The client as registered with the EHR.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The private key: PEM, PKCS#8.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// The `kid` of the public key in the registered key set.
    #[serde(default)]
    pub key_id: Option<String>,
    /// How the assertion is signed.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// Other scopes than the profile's, separated by spaces: for a token server that knows only SMART v1
    /// (`system/Patient.read system/Patient.write …`), or that refuses what it has not registered.
    #[serde(default)]
    pub scopes: Option<String>,
    /// The deadline of one operation, milliseconds. The ledger's lease must be longer.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
    /// Allows plain HTTP to another host than loopback: a private network that is encrypted by other means.
    #[serde(default)]
    pub plain_http: bool,
    /// PEM file of the authorities that the certificates of the EHR and its token endpoint may be of; the system's if absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// PEM file of the certificate that we show, where the EHR or its token endpoint asks for one. It goes with `client_key_file`.
    #[serde(default)]
    pub client_cert_file: Option<PathBuf>,
    /// Its private key.
    #[serde(default)]
    pub client_key_file: Option<PathBuf>,
    /// A site's class, where its probe showed another than the profile's.
    #[serde(default)]
    pub class: Option<SiteClass>,
    /// A site's search lag, milliseconds, where its probe showed another than the profile's.
    #[serde(default)]
    pub search_lag_ms: Option<u64>,
    /// How long after it was given up a write may still land at this site, milliseconds.
    #[serde(default)]
    pub lateness_ms: Option<u64>,
}

/// A [`Class`] as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum SiteClass {
    /// Enforces our identifier's uniqueness atomically: only after the probe showed it.
    A,
    /// Can be searched by our identifier.
    B,
    /// Neither.
    C,
}

impl From<SiteClass> for Class {
    fn from(class: SiteClass) -> Self {
        match class {
            SiteClass::A => Self::A,
            SiteClass::B => Self::B,
            SiteClass::C => Self::C,
        }
    }
}

tls_files!(EhrConfig);

const fn default_timeout_ms() -> u64 {
    15_000
}

impl EhrConfig {
    /// The profile with the site's own figures.
    ///
    /// # Errors
    /// [`SetupError`] if no profile has that name.
    pub fn profile(&self, name: &str) -> Result<Profile, SetupError> {
        let mut profile = Profile::named(&self.profile).ok_or_else(|| {
            let known: Vec<_> = Profile::ALL.iter().map(|profile| profile.name).collect();
            SetupError::new(format!("ehrs.{name}.profile"), format!("is not one of: {}", known.join(", ")))
        })?;
        profile.class = self.class.map_or(profile.class, Class::from);
        profile.search_lag = self.search_lag_ms.map_or(profile.search_lag, Duration::from_millis);
        profile.lateness = self.lateness_ms.map_or(profile.lateness, Duration::from_millis);
        Ok(profile)
    }

    /// Builds the adapter. `name` is the one in `[ehrs.<name>]`, for messages. Opens no connection.
    ///
    /// # Errors
    /// [`SetupError`] names the key and what is wrong with it.
    pub fn connect(&self, name: &str, clock: Arc<dyn Clock>) -> Result<Arc<dyn Ehr>, SetupError> {
        let key = |field: &str| format!("ehrs.{name}.{field}");
        let profile = self.profile(name)?;
        let base = secure_url(&key("url"), &self.url, self.plain_http)?;
        let timeout = Duration::from_millis(self.timeout_ms);
        let trust = Trust { section: format!("ehrs.{name}"), files: self.tls() };
        let tokens = self.tokens(name, &profile, (timeout, &trust), &clock)?;
        Ok(Arc::new(FhirEhr::new(base, profile, tokens, (timeout, &trust), clock)?))
    }

    fn tokens(
        &self,
        name: &str,
        profile: &Profile,
        (timeout, trust): (Duration, &Trust),
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<Tokens>, SetupError> {
        let key = |field: &str| format!("ehrs.{name}.{field}");
        let Some(token_url) = &self.token_url else { return Ok(None) };
        let required = |field: &str, value: &Option<String>| {
            value.clone().ok_or_else(|| SetupError::new(key(field), "is required with token_url"))
        };
        let file = self
            .key_file
            .as_ref()
            .ok_or_else(|| SetupError::new(key("key_file"), "is required with token_url"))?;
        let pem = read_secret_file(&key("key_file"), file)?;
        let registration = Registration {
            token_url: secure_url(&key("token_url"), token_url, self.plain_http)?,
            client_id: required("client_id", &self.client_id)?,
            key_id: required("key_id", &self.key_id)?,
            algorithm: self.algorithm,
            scopes: self.scopes.clone().unwrap_or_else(|| profile.scopes.join(" ")),
        };
        let client = client(&registration.token_url, timeout, trust)?;
        Tokens::new(registration, &pem, client, Arc::clone(clock))
            .map(Some)
            .map_err(|error| error.under(&key("key_file")))
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use domain::{clock::SystemClock, effect::Class};

    use super::EhrConfig;

    fn config(extra: &str) -> EhrConfig {
        toml::from_str(&format!("url = \"http://127.0.0.1:1/fhir\"\n{extra}")).unwrap()
    }

    #[test]
    fn a_site_may_differ_from_its_profile() {
        let site = config("profile = \"fhir\"\nclass = \"C\"\nsearch_lag_ms = 9000\nlateness_ms = 1");
        let profile = site.profile("main").unwrap();
        assert_eq!((profile.class, profile.search_lag), (Class::C, Duration::from_secs(9)));
        assert_eq!(profile.lateness, Duration::from_millis(1));
        assert!(!config("profile = \"fhir-no-booking\"").profile("main").unwrap().can_book);
    }

    #[test]
    fn a_wrong_value_names_its_key() {
        for (extra, key) in [
            ("profile = \"hl7v9\"", "ehrs.main.profile"),
            ("profile = \"fhir\"\ntoken_url = \"https://t.example\"", "ehrs.main.key_file"),
            (
                "profile = \"fhir\"\ntoken_url = \"https://t.example\"\nkey_file = \"/no/such/file\"",
                "ehrs.main.key_file",
            ),
        ] {
            let error = config(extra).connect("main", Arc::new(SystemClock)).err().unwrap();
            assert_eq!(error.key(), key);
        }
        let plain: EhrConfig =
            toml::from_str("profile = \"fhir\"\nurl = \"http://ehr.example/fhir\"").unwrap();
        assert_eq!(plain.connect("main", Arc::new(SystemClock)).err().unwrap().key(), "ehrs.main.url");
        assert!(toml::from_str::<EhrConfig>("profile = \"fhir\"\nurl = \"x\"\ntyop = 1").is_err());
    }
}
