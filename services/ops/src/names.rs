//! What there is to be paused, by the configuration that all services read: a switch on a name that nothing has would pause nothing.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ClinicId, EndpointKind, LaneName, Stage, messages::Channel, ports::SwitchScope};
use runtime::{Settings, clinics::ClinicsError, topology::Lanes};
use serde::{Serialize, de::IgnoredAny};

/// The names. Where the configuration at hand has no such section, any name is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The lanes.
    pub lanes: BTreeSet<LaneName>,
    /// The clinics, each with the name of its EHR.
    pub clinics: Option<BTreeMap<ClinicId, String>>,
    /// The EHRs.
    pub ehrs: Option<BTreeSet<String>>,
    /// The payers.
    pub payers: Option<BTreeSet<String>>,
}

/// The names by the kind of their scope; `null`: any name is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// `stage:<name>`.
    pub stage: Vec<String>,
    /// `lane:<name>`.
    pub lane: Vec<String>,
    /// `clinic:<name>`.
    pub clinic: Option<Vec<String>>,
    /// `ehr:<name>`.
    pub ehr: Option<Vec<String>>,
    /// `payer:<name>`.
    pub payer: Option<Vec<String>>,
    /// `messenger:<name>`.
    pub messenger: Vec<String>,
}

impl Names {
    /// Reads `[lanes]`, `[clinics]`, `[ehrs]` and `[payers]`.
    ///
    /// # Errors
    /// If one of them is wrong.
    pub fn read(settings: &Settings) -> Result<Self, ClinicsError> {
        let clinics = if settings.has("clinics") {
            let clinics = runtime::clinics::load(settings)?;
            Some(clinics.iter().map(|clinic| (clinic.id.clone(), clinic.ehr.clone())).collect())
        } else {
            None
        };
        let keys = |section: &str| -> Result<Option<BTreeSet<String>>, ClinicsError> {
            let there = settings.has(section);
            let table: BTreeMap<String, IgnoredAny> =
                if there { settings.section(section)? } else { BTreeMap::new() };
            Ok(there.then(|| table.into_keys().collect()))
        };
        let lanes = Lanes::read(settings)?.names().cloned().collect();
        Ok(Self { lanes, clinics, ehrs: keys("ehrs")?, payers: keys("payers")? })
    }

    /// Whether there is something of the scope's name.
    pub fn knows(&self, scope: &SwitchScope) -> bool {
        match scope {
            SwitchScope::Stage(_) => true,
            SwitchScope::Lane(lane) => self.lanes.contains(lane),
            SwitchScope::Clinic(clinic) => {
                self.clinics.as_ref().is_none_or(|clinics| clinics.contains_key(clinic))
            }
            SwitchScope::Endpoint(endpoint) => {
                let has = |names: &BTreeSet<String>| names.contains(endpoint.name());
                match endpoint.kind() {
                    EndpointKind::Ehr => self.ehrs.as_ref().is_none_or(has),
                    EndpointKind::Payer => self.payers.as_ref().is_none_or(has),
                    EndpointKind::Messenger => Channel::ALL.iter().any(|one| one.as_str() == endpoint.name()),
                }
            }
        }
    }

    /// All of them, in order.
    pub fn listed(&self) -> Listed {
        let texts = |names: &BTreeSet<String>| names.iter().cloned().collect();
        Listed {
            stage: Stage::ALL.map(|stage| stage.to_string()).into(),
            lane: self.lanes.iter().map(ToString::to_string).collect(),
            clinic: self.clinics.as_ref().map(|clinics| clinics.keys().map(ToString::to_string).collect()),
            ehr: self.ehrs.as_ref().map(texts),
            payer: self.payers.as_ref().map(texts),
            messenger: Channel::ALL.map(|channel| channel.as_str().to_owned()).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use runtime::Settings;

    use super::Names;

    fn names(text: &str) -> Names {
        Names::read(&Settings::from_toml(text, Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()).unwrap()
    }

    #[test]
    fn what_the_configuration_names_is_known() {
        let names = names(
            "[clinics]\ndirs = [\"../../clinics\"]\n[lanes.north]\nclinics = [\"clinic-01\"]\n[ehrs.main]\nprofile = \"r4\"\n[payers.json]\nurl = \"x\"\n",
        );
        let knows = |text: &str| names.knows(&text.parse().unwrap());
        for known in [
            "stage:validation",
            "lane:north",
            "lane:default",
            "clinic:clinic-01",
            "ehr:main",
            "payer:json",
            "messenger:sms",
        ] {
            assert!(knows(known), "{known}");
        }
        for unknown in ["lane:south", "clinic:clinic-99", "ehr:other", "payer:x12", "messenger:pigeon"] {
            assert!(!knows(unknown), "{unknown}");
        }
    }

    #[test]
    fn what_the_configuration_does_not_tell_is_not_refused() {
        let names = names("");
        for text in ["clinic:clinic-99", "ehr:any", "payer:any"] {
            assert!(names.knows(&text.parse().unwrap()), "{text}");
        }
        assert!(!names.knows(&"lane:south".parse().unwrap()), "there is always the default lane alone");
    }
}
