//! Which clinic is in which lane.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ClinicId, LaneName};

use crate::{
    ConfigError, Settings,
    config::{LaneSection, StageSection},
};

const DEFAULT: &str = "default";

/// The lanes and their clinics. There is always a lane `default`; it takes every clinic that no other lane names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lanes {
    by_name: BTreeMap<LaneName, BTreeSet<ClinicId>>,
    default: LaneName,
}

impl Default for Lanes {
    fn default() -> Self {
        let default = Self::default_lane();
        Self { by_name: BTreeMap::from([(default.clone(), BTreeSet::new())]), default }
    }
}

impl Lanes {
    /// Reads `[lanes.<name>]`.
    ///
    /// # Errors
    /// [`ConfigError`] if `default` names clinics or a clinic is in two lanes.
    pub fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let sections: BTreeMap<LaneName, LaneSection> = settings.section("lanes")?;
        let mut lanes = Self::default();
        for (name, section) in sections {
            let key = format!("lanes.{name}.clinics");
            if name == lanes.default && !section.clinics.is_empty() {
                return Err(ConfigError::key(key, "the default lane takes whatever no other lane names"));
            }
            if let Some(twice) = section.clinics.iter().find(|clinic| *lanes.of(clinic) != lanes.default) {
                return Err(ConfigError::key(key, format!("{twice} is already in lane {}", lanes.of(twice))));
            }
            lanes.by_name.insert(name, section.clinics);
        }
        Ok(lanes)
    }

    /// The lanes that a process consumes: those that `[stage] lanes` names, or all.
    ///
    /// # Errors
    /// [`ConfigError`] if it names one that is not there.
    pub fn consumed(&self, section: &StageSection) -> Result<Vec<LaneName>, ConfigError> {
        if let Some(unknown) = section.lanes.iter().find(|lane| !self.contains(lane)) {
            return Err(ConfigError::key("stage.lanes", format!("there is no [lanes.{unknown}]")));
        }
        let wanted = |lane: &&LaneName| section.lanes.is_empty() || section.lanes.contains(*lane);
        Ok(self.names().filter(wanted).cloned().collect())
    }

    /// The lane `default`.
    #[allow(clippy::expect_used, reason = "a constant that is a lane name")]
    pub fn default_lane() -> LaneName {
        LaneName::parse(DEFAULT).expect("a lane name")
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &LaneName> {
        self.by_name.keys()
    }

    /// Whether there is such a lane.
    pub fn contains(&self, lane: &LaneName) -> bool {
        self.by_name.contains_key(lane)
    }

    /// The clinics that a lane names.
    pub fn clinics(&self, lane: &LaneName) -> impl Iterator<Item = &ClinicId> {
        self.by_name.get(lane).into_iter().flatten()
    }

    /// The lane of a clinic.
    pub fn of(&self, clinic: &ClinicId) -> &LaneName {
        self.by_name
            .iter()
            .find(|(_, clinics)| clinics.contains(clinic))
            .map_or(&self.default, |(name, _)| name)
    }
}
