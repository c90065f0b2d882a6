//! Who is asked, for a payer's name and a clinic's protocol.

use std::{collections::BTreeMap, sync::Arc};

use domain::{Endpoint, clock::Clock};

use super::{Payer, PayerConfig, Protocol};
use crate::setup::SetupError;

/// All configured payers.
pub struct PayerDirectory {
    entries: Vec<Entry>,
}

struct Entry {
    protocol: Protocol,
    names: Vec<String>,
    route: Route,
}

/// Where an inquiry goes.
#[derive(Clone)]
pub struct Route {
    /// The endpoint for breakers and switches.
    pub endpoint: Endpoint,
    /// The adapter.
    pub payer: Arc<dyn Payer>,
}

impl PayerDirectory {
    /// Builds every adapter of `[payers.*]`. Opens no connection.
    ///
    /// # Errors
    /// [`SetupError`] of the first that is wrong.
    pub fn connect(
        configs: &BTreeMap<String, PayerConfig>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let entries = configs
            .iter()
            .map(|(name, config)| {
                Ok(Entry {
                    protocol: config.protocol,
                    names: config.names.iter().map(|name| name.to_lowercase()).collect(),
                    route: Route {
                        endpoint: Endpoint::payer(name),
                        payer: config.connect(name, Arc::clone(clock))?,
                    },
                })
            })
            .collect::<Result<_, SetupError>>()?;
        Ok(Self { entries })
    }

    /// One adapter for everything, for tests.
    pub fn of_one(name: &str, protocol: Protocol, payer: Arc<dyn Payer>) -> Self {
        let route = Route { endpoint: Endpoint::payer(name), payer };
        Self { entries: vec![Entry { protocol, names: Vec::new(), route }] }
    }

    /// Whether any entry speaks the protocol.
    pub fn speaks(&self, protocol: Protocol) -> bool {
        self.entries.iter().any(|entry| entry.protocol == protocol)
    }

    /// The entry that names the payer and speaks the protocol; or names it; or names nobody and speaks the protocol.
    pub fn route(&self, payer: &str, protocol: Protocol) -> Option<&Route> {
        let payer = payer.to_lowercase();
        let named = |entry: &&Entry| entry.names.contains(&payer);
        let speaks = |entry: &&Entry| entry.protocol == protocol;
        self.entries
            .iter()
            .filter(named)
            .find(speaks)
            .or_else(|| self.entries.iter().find(named))
            .or_else(|| self.entries.iter().filter(|entry| entry.names.is_empty()).find(speaks))
            .map(|entry| &entry.route)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use domain::clock::{Clock, SystemClock};

    use super::{PayerConfig, PayerDirectory, Protocol};

    #[test]
    fn the_named_entry_goes_before_the_default() {
        let configs: BTreeMap<String, PayerConfig> = toml::from_str(
            r#"
            [json]
            protocol = "json"
            url = "http://127.0.0.1:1/json"
            organisation = "Clinic"
            npi = "1234567893"
            [x12]
            protocol = "x12"
            url = "http://127.0.0.1:1/x12"
            organisation = "Clinic"
            npi = "1234567893"
            [state]
            protocol = "x12"
            url = "http://127.0.0.1:1/state"
            names = ["Medicaid"]
            organisation = "Clinic"
            npi = "1234567893"
            "#,
        )
        .unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let directory = PayerDirectory::connect(&configs, &clock).unwrap();
        let endpoint = |payer: &str, protocol| {
            directory.route(payer, protocol).map(|route| route.endpoint.as_str().to_owned())
        };
        assert_eq!(endpoint("Aetna", Protocol::Json).as_deref(), Some("payer:json"));
        assert_eq!(endpoint("Aetna", Protocol::X12).as_deref(), Some("payer:x12"));
        assert_eq!(endpoint("MEDICAID", Protocol::X12).as_deref(), Some("payer:state"));
        assert_eq!(endpoint("Medicaid", Protocol::Json).as_deref(), Some("payer:state"));
    }

    #[test]
    fn a_wrong_entry_names_its_key() {
        let config = |extra: &str| -> PayerConfig {
            toml::from_str(&format!(
                "protocol = \"x12\"\nurl = \"http://127.0.0.1:1\"\norganisation = \"Clinic\"\n{extra}"
            ))
            .unwrap()
        };
        for (extra, key) in [
            ("npi = \"12\"", "payers.p.npi"),
            ("npi = \"1234567893\"\noriginator = \"9\"", "payers.p.originator"),
            ("npi = \"1234567893\"\nseparators = \"**:~\"", "payers.p.separators"),
            ("npi = \"1234567893\"\nsender = \"\"", "payers.p.sender"),
        ] {
            let error = config(extra).connect("p", Arc::new(SystemClock)).err().unwrap();
            assert_eq!(error.key(), key);
        }
    }
}
