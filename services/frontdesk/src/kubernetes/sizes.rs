//! `sizes.toml`: how much of each stage an environment runs, and what makes it run more.

use std::collections::BTreeMap;

use domain::{LaneName, Stage};
use runtime::topology::Lanes;
use serde::Deserialize;

/// The sizes of an environment.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    /// The environment's name: the folder of its secrets in the store.
    pub name: String,
    /// The gateway.
    pub gateway: Fixed,
    /// Each stage, in every lane.
    pub stages: BTreeMap<String, Stages>,
    /// Stages of one lane that are sized otherwise: lane → stage → what differs.
    #[serde(default)]
    pub lanes: BTreeMap<LaneName, BTreeMap<String, Differs>>,
}

/// A service that runs a fixed number of pods.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixed {
    /// Pods.
    pub replicas: u16,
}

/// A stage, in one lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stages {
    /// Pods at least; 0: none while the lane is empty.
    pub min: u16,
    /// Pods at most, at least 1.
    pub max: u16,
    /// Messages in the queue for each pod: one more pod beyond that.
    pub backlog: u32,
    /// Messages a second that arrive, for each pod: one more pod beyond that.
    pub rate: u32,
    /// Pods while the scaler cannot ask the broker.
    pub blind: u16,
    /// Thousandths of a core that a pod is given at least.
    pub cpu_m: u32,
    /// MiB that a pod may use.
    pub memory_mi: u32,
}

/// What is otherwise in one lane.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Differs {
    min: Option<u16>,
    max: Option<u16>,
    backlog: Option<u32>,
    rate: Option<u32>,
    blind: Option<u16>,
    cpu_m: Option<u32>,
    memory_mi: Option<u32>,
}

/// What is wrong with the sizes.
#[derive(Debug, thiserror::Error)]
pub enum SizesError {
    /// Not TOML, or a key that is not known or missing.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// One value.
    #[error("{key}: {why}")]
    Key {
        /// Which.
        key: String,
        /// Why.
        why: String,
    },
}

impl Sizes {
    /// Reads and checks the sizes.
    ///
    /// # Errors
    /// [`SizesError`] names the key.
    pub fn read(text: &str, lanes: &Lanes) -> Result<Self, SizesError> {
        let sizes: Self = toml::from_str(text)?;
        let wrong = |key: String, why: &str| Err(SizesError::Key { key, why: why.to_owned() });
        if sizes.gateway.replicas == 0 {
            return wrong("gateway.replicas".to_owned(), "must be at least 1");
        }
        let known: Vec<&str> = Stage::ALL.iter().map(|stage| stage.as_str()).collect();
        if let Some(stage) = known.iter().find(|stage| !sizes.stages.contains_key(**stage)) {
            return wrong(format!("stages.{stage}"), "missing");
        }
        let overridden = sizes.lanes.values().flat_map(BTreeMap::keys);
        if let Some(stage) =
            sizes.stages.keys().chain(overridden).find(|stage| !known.contains(&stage.as_str()))
        {
            return wrong(format!("stages.{stage}"), "there is no such stage");
        }
        if let Some(lane) = sizes.lanes.keys().find(|lane| !lanes.contains(lane)) {
            return wrong(format!("lanes.{lane}"), "there is no such lane in frontdesk.toml");
        }
        for lane in lanes.names() {
            for stage in Stage::ALL {
                let size = sizes.of(stage, lane);
                let key = format!("{stage} in lane {lane}");
                if size.max == 0 || size.max < size.min || size.blind > size.max {
                    return wrong(key, "max must be at least 1, and neither min nor blind more than that");
                }
                if size.backlog == 0 || size.rate == 0 || size.cpu_m == 0 || size.memory_mi == 0 {
                    return wrong(key, "backlog, rate, cpu_m and memory_mi must be at least 1");
                }
            }
        }
        Ok(sizes)
    }

    /// The size of a stage in a lane. Every stage is there: [`Self::read`] saw to it.
    pub fn of(&self, stage: Stage, lane: &LaneName) -> Stages {
        let nothing = Stages { min: 0, max: 0, backlog: 0, rate: 0, blind: 0, cpu_m: 0, memory_mi: 0 };
        let usual = self.stages.get(stage.as_str()).copied().unwrap_or(nothing);
        let Some(other) = self.lanes.get(lane).and_then(|stages| stages.get(stage.as_str())) else {
            return usual;
        };
        Stages {
            min: other.min.unwrap_or(usual.min),
            max: other.max.unwrap_or(usual.max),
            backlog: other.backlog.unwrap_or(usual.backlog),
            rate: other.rate.unwrap_or(usual.rate),
            blind: other.blind.unwrap_or(usual.blind),
            cpu_m: other.cpu_m.unwrap_or(usual.cpu_m),
            memory_mi: other.memory_mi.unwrap_or(usual.memory_mi),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use domain::{LaneName, Stage};
    use runtime::{Settings, topology::Lanes};

    use super::Sizes;

    fn sound() -> String {
        let stage = |name: &str| {
            format!(
                "[stages.{name}]\nmin = 1\nmax = 4\nbacklog = 100\nrate = 50\nblind = 2\ncpu_m = 100\nmemory_mi = 64\n"
            )
        };
        let stages: String = Stage::ALL.iter().map(|one| stage(one.as_str())).collect();
        format!("name = \"test\"\n[gateway]\nreplicas = 2\n{stages}")
    }

    fn read(text: &str) -> Result<Sizes, String> {
        let settings =
            Settings::from_toml("[lanes.large]\nclinics = [\"clinic-01\"]", Path::new("/")).unwrap();
        Sizes::read(text, &Lanes::read(&settings).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_lane_differs_in_what_it_names_only() {
        let sizes = read(&format!("{}[lanes.large.validation]\nmax = 9\n", sound())).unwrap();
        let of = |lane: &str| sizes.of(Stage::ALL[0], &LaneName::parse(lane).unwrap());
        assert_eq!((of("default").max, of("large").max, of("large").min), (4, 9, 1));
    }

    #[test]
    fn mistakes_are_told_by_their_key() {
        for (text, key) in [
            (sound().replace("[stages.eligibility]", "[stages.eligible]"), "stages.elig"),
            (format!("{}[lanes.small.validation]\nmax = 9\n", sound()), "lanes.small"),
            (format!("{}[lanes.large.validation]\nmax = 0\n", sound()), "validation in lane large"),
            (format!("{}[lanes.large.validation]\nmaks = 3\n", sound()), "maks"),
            (sound().replace("replicas = 2", "replicas = 0"), "gateway.replicas"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.contains(key), "{key}: {error}");
        }
    }
}
