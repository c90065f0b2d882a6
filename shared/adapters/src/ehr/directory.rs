//! The configured EHRs, by name: for whoever writes to them, and for whoever looks what they hold.

use std::{collections::BTreeMap, sync::Arc};

use domain::clock::Clock;

use super::{Ehr, EhrConfig};
use crate::SetupError;

/// All configured EHRs.
pub struct EhrDirectory(BTreeMap<String, Arc<dyn Ehr>>);

impl EhrDirectory {
    /// Builds every adapter of `[ehrs.*]`. Opens no connection.
    ///
    /// # Errors
    /// [`SetupError`] of the first that is wrong.
    pub fn connect(
        configs: &BTreeMap<String, EhrConfig>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let connect = |(name, config): (&String, &EhrConfig)| {
            Ok((name.clone(), config.connect(name, Arc::clone(clock))?))
        };
        configs.iter().map(connect).collect::<Result<_, SetupError>>().map(Self)
    }

    /// One EHR for everything, for tests.
    pub fn of_one(name: &str, ehr: Arc<dyn Ehr>) -> Self {
        Self(BTreeMap::from([(name.to_owned(), ehr)]))
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// An EHR by the name that a clinic's template gives.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Ehr>> {
        self.0.get(name)
    }
}
