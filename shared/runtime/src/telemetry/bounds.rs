//! How many values a label may take: what a mistake, or a configuration of thousands of clinics, may cost.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

/// Values of one label in one process. The first so many keep their names, whatever metric they came with.
pub const VALUES: usize = 200;
/// What all further values are called.
pub const OTHER: &str = "other";

/// What the labels of a process were so far.
#[derive(Debug, Default)]
pub(super) struct Bounds(Mutex<BTreeMap<&'static str, BTreeSet<String>>>);

impl Bounds {
    /// The value, or [`OTHER`] if the label has taken too many.
    pub(super) fn value<'a>(&self, label: &'static str, value: &'a str) -> &'a str {
        let mut labels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = labels.entry(label).or_default();
        if known.contains(value) {
            return value;
        }
        if known.len() >= VALUES {
            return OTHER;
        }
        known.insert(value.to_owned());
        value
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, OTHER, VALUES};

    #[test]
    fn the_first_keep_their_names_and_the_rest_share_one() {
        let bounds = Bounds::default();
        for n in 0..VALUES {
            assert_eq!(bounds.value("clinic", &format!("clinic-{n}")), format!("clinic-{n}"));
        }
        assert_eq!(bounds.value("clinic", "one-more"), OTHER);
        assert_eq!(bounds.value("clinic", "clinic-7"), "clinic-7", "known for good");
        assert_eq!(bounds.value("lane", "one-more"), "one-more", "each label counts for itself");
    }
}
