//! Which clinic is in which lane.

use std::collections::BTreeMap;

use domain::{ClinicId, LaneName};

use crate::{
    ConfigError, Settings,
    config::{LaneSection, StageSection},
};

const DEFAULT: &str = "default";

/// The lanes and their clinics. There is always a lane `default`; it takes every clinic that no other lane names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lanes {
    by_name: BTreeMap<LaneName, LaneSection>,
    default: LaneName,
}

/// A lane as a process consumes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumedLane {
    /// Its name.
    pub name: LaneName,
    /// Deliveries in hand at once.
    pub concurrency: usize,
    /// Deliveries that the broker sends ahead.
    pub prefetch: u16,
    /// The priority among all consumers of the same queue.
    pub priority: i16,
}

impl Default for Lanes {
    fn default() -> Self {
        let default = Self::default_lane();
        Self { by_name: BTreeMap::from([(default.clone(), LaneSection::default())]), default }
    }
}

impl Lanes {
    /// Reads `[lanes.<name>]`.
    ///
    /// # Errors
    /// [`ConfigError`] if `default` names clinics, a clinic is in two lanes, or nothing could be in hand.
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
            if section.concurrency == Some(0) {
                return Err(ConfigError::key(format!("lanes.{name}.concurrency"), "must be at least 1"));
            }
            lanes.by_name.insert(name, section);
        }
        Ok(lanes)
    }

    /// The lanes that a process consumes, and how: those that `[stage] lanes` names, or all.
    ///
    /// # Errors
    /// [`ConfigError`] if it names one that is not there, or the broker is to send ahead less than may be in hand.
    pub fn consumed(&self, section: &StageSection) -> Result<Vec<ConsumedLane>, ConfigError> {
        if let Some(unknown) = section.lanes.iter().find(|lane| !self.contains(lane)) {
            return Err(ConfigError::key("stage.lanes", format!("there is no [lanes.{unknown}]")));
        }
        let wanted = |lane: &LaneName| section.lanes.is_empty() || section.lanes.contains(lane);
        let consumed = |(name, lane): (&LaneName, &LaneSection)| {
            let concurrency = lane.concurrency.unwrap_or(section.concurrency);
            let prefetch = lane.prefetch.unwrap_or(section.prefetch);
            if usize::from(prefetch) < concurrency {
                let reason = format!("must be at least {concurrency}, which may be in hand");
                return Err(ConfigError::key(format!("lanes.{name}.prefetch"), reason));
            }
            Ok(ConsumedLane { name: name.clone(), concurrency, prefetch, priority: lane.priority })
        };
        self.by_name.iter().filter(|(name, _)| wanted(name)).map(consumed).collect()
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
        self.by_name.get(lane).into_iter().flat_map(|lane| &lane.clinics)
    }

    /// The lane of a clinic.
    pub fn of(&self, clinic: &ClinicId) -> &LaneName {
        self.by_name
            .iter()
            .find(|(_, lane)| lane.clinics.contains(clinic))
            .map_or(&self.default, |(name, _)| name)
    }
}
