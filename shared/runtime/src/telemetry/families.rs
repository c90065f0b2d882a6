//! Gauges that are told as a whole: what ops finds each time it looks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry::{KeyValue, metrics::Meter};

use super::{
    bounds::Bounds,
    catalogue::{self, Kind, Merge, Metric},
};

/// One value of a family, with its labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Names and values.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: f64,
}

impl Sample {
    /// A value without labels, as the whole of its family.
    pub fn alone(value: f64) -> Vec<Self> {
        vec![Self { labels: Vec::new(), value }]
    }
}

/// What is told of one label set.
type Told = BTreeMap<Vec<(&'static str, String)>, f64>;

/// Families of gauges by name. Each is set as a whole, so that what is gone is no longer told. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Families {
    told: Arc<Mutex<BTreeMap<&'static str, Told>>>,
    bounds: Arc<Bounds>,
}

impl Families {
    pub(super) fn within(bounds: Arc<Bounds>) -> Self {
        Self { told: Arc::default(), bounds }
    }

    /// Puts these values in place of all that a family had. Those whose labels are too many share the label `other`.
    pub fn set(&self, metric: &Metric, samples: Vec<Sample>) {
        let mut told = Told::new();
        for Sample { labels, value } in samples {
            let labels = labels
                .into_iter()
                .map(|(label, value)| (label, self.bounds.value(label, &value).to_owned()))
                .collect();
            let known = told.entry(labels).or_insert(0.0);
            *known = match metric.kind {
                Kind::Told(Merge::Max) => known.max(value),
                _ => *known + value,
            };
        }
        self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(metric.name, told);
    }

    /// Makes every such gauge of the catalogue be told by a meter.
    pub(super) fn tell(&self, meter: &Meter) {
        for metric in catalogue::ALL.iter().filter(|metric| matches!(metric.kind, Kind::Told(_))) {
            let (told, name) = (Arc::clone(&self.told), metric.name);
            let callback = move |observer: &dyn opentelemetry::metrics::AsyncInstrument<f64>| {
                let told = told.lock().unwrap_or_else(PoisonError::into_inner);
                for (labels, value) in told.get(name).into_iter().flatten() {
                    let labels: Vec<KeyValue> =
                        labels.iter().map(|(label, text)| KeyValue::new(*label, text.clone())).collect();
                    observer.observe(*value, &labels);
                }
            };
            meter
                .f64_observable_gauge(name)
                .with_description(metric.help.trim())
                .with_callback(callback)
                .build();
        }
    }
}
