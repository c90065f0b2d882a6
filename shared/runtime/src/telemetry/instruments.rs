//! Counters, gauges and histograms that are exported, and whose totals the process itself can ask for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::{KeyValue, metrics};

use super::bounds::Bounds;

/// Names and values. The names are those of the catalogue; the values come from closed lists and from the configuration.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

/// The labels that an instrument has in any case, and the bounds of all others.
#[derive(Debug)]
pub(super) struct Labelled {
    pub(super) fixed: Vec<KeyValue>,
    pub(super) bounds: Arc<Bounds>,
}

impl Labelled {
    fn with(&self, labels: Labels<'_>) -> Vec<KeyValue> {
        let given = labels
            .iter()
            .map(|(label, value)| KeyValue::new(*label, self.bounds.value(label, value).to_owned()));
        self.fixed.iter().cloned().chain(given).collect()
    }
}

/// Only goes up.
#[derive(Debug)]
pub struct Counter {
    pub(super) inner: metrics::Counter<u64>,
    pub(super) labelled: Labelled,
    pub(super) total: AtomicU64,
}

impl Counter {
    /// Adds one where there are no labels.
    pub fn add_one(&self) {
        self.add(&[]);
    }

    /// Adds one.
    pub fn add(&self, labels: Labels<'_>) {
        self.total.fetch_add(1, Ordering::Relaxed);
        self.inner.add(1, &self.labelled.with(labels));
    }

    /// Makes it be told though it is zero: a counter that is not there until something happens has no rate when it does.
    pub fn appear(&self, labels: Labels<'_>) {
        self.inner.add(0, &self.labelled.with(labels));
    }

    /// The count since the start of the process, over all labels.
    pub fn get(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}

/// Goes up and down.
#[derive(Debug)]
pub struct Gauge {
    pub(super) inner: metrics::UpDownCounter<i64>,
    pub(super) labelled: Labelled,
    pub(super) total: AtomicI64,
}

impl Gauge {
    /// Adds, or takes away.
    pub fn add(&self, by: i64, labels: Labels<'_>) {
        self.total.fetch_add(by, Ordering::Relaxed);
        self.inner.add(by, &self.labelled.with(labels));
    }

    /// The present value, over all labels.
    pub fn get(&self) -> i64 {
        self.total.load(Ordering::Relaxed)
    }
}

/// Is what it was set to last.
#[derive(Debug)]
pub struct Standing {
    pub(super) inner: metrics::Gauge<u64>,
    pub(super) labelled: Labelled,
}

impl Standing {
    /// Sets it.
    pub fn set(&self, value: u64, labels: Labels<'_>) {
        self.inner.record(value, &self.labelled.with(labels));
    }
}

/// How often a value was how large.
#[derive(Debug)]
pub struct Histogram {
    pub(super) inner: metrics::Histogram<f64>,
    pub(super) labelled: Labelled,
}

impl Histogram {
    /// Adds a value.
    pub fn record(&self, value: f64, labels: Labels<'_>) {
        self.inner.record(value, &self.labelled.with(labels));
    }

    /// Adds a time, in seconds.
    pub fn took(&self, time: Duration, labels: Labels<'_>) {
        self.record(time.as_secs_f64(), labels);
    }
}
