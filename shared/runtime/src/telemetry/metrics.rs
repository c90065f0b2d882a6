//! What a process counts, measures and tells: for Prometheus, which asks, and for a collector, which is told.

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::LaneName;
use opentelemetry::{
    KeyValue,
    metrics::{Meter, MeterProvider as _},
};
use opentelemetry_sdk::metrics::{Instrument, SdkMeterProvider, Stream};
use prometheus::{Registry, TextEncoder};

use super::{
    Counter, Families, Gauge, Histogram, Standing,
    bounds::Bounds,
    catalogue::{self, Kind, Metric},
    exporter::Failures,
    instruments::Labelled,
    otlp::{self, Origin},
};
use crate::{ConfigError, config::TelemetrySection};

/// Ends of submissions: each is told from the start.
const ENDS: [&str; 5] = ["completed", "duplicate", "rejected", "held", "dead"];
/// How intakes got to the EHR.
const WRITTEN: [&str; 3] = ["in_time", "late", "resumed"];
/// Label sets of one instrument in one process at most, its own limit being 2,000; what comes after that shares `otel_metric_overflow`.
/// Two labels of which one takes all its values and the other fifty, or three with 200, 17 and 3.
pub const SETS: usize = 10_000;

macro_rules! metrics {
    ($($(#[$doc:meta])* $field:ident: $kind:ident = $metric:ident $(, $label:literal = $value:literal)?;)*) => {
        /// Everything that the runtime counts, and what ops tells.
        #[derive(Debug)]
        pub struct Metrics {
            $($(#[$doc])* pub $field: $kind,)*
            /// Gauges that are told as a whole.
            pub families: Families,
            failures: Arc<Failures>,
            provider: SdkMeterProvider,
            registry: Registry,
        }

        impl Metrics {
            fn build(origin: Origin, push: Option<otlp::Push>) -> Self {
                let labels = HashMap::from([("service".to_owned(), origin.service.to_owned())]);
                // Refused only for a prefix, which there is none of.
                let registry = Registry::new_custom(None, Some(labels)).unwrap_or_default();
                let failures = Arc::new(Failures::default());
                let provider = provider(&registry, &origin, push, &failures);
                let meter = provider.meter("frontdesk");
                let bounds = Arc::new(Bounds::default());
                let families = Families::within(Arc::clone(&bounds));
                families.tell(&meter);
                failures.tell(&meter);
                let of = Made { meter, bounds };
                let metrics = Self {
                    $($field: $kind::made(&of, &catalogue::$metric, vec![$(KeyValue::new($label, $value))?]),)*
                    families,
                    failures,
                    provider,
                    registry,
                };
                metrics.appear_at_once();
                metrics
            }
        }
    };
}

metrics! {
    /// Deliveries taken in hand.
    received: Counter = RECEIVED;
    /// Deliveries handed on.
    emitted: Counter = DELIVERIES, "outcome" = "emitted";
    /// Deliveries that came to an end.
    settled: Counter = DELIVERIES, "outcome" = "settled";
    /// Deliveries that wait for a person.
    held: Counter = DELIVERIES, "outcome" = "held";
    /// Deliveries that the handler put off.
    snoozed: Counter = DELIVERIES, "outcome" = "snoozed";
    /// Deliveries put off before they were handled: paused, or an endpoint is known to be down.
    held_back: Counter = DELIVERIES, "outcome" = "held_back";
    /// Deliveries to be tried again after a fault.
    retried: Counter = DELIVERIES, "outcome" = "retried";
    /// Deliveries that became dead letters.
    dead: Counter = DELIVERIES, "outcome" = "dead";
    /// Deliveries let go unacknowledged: the broker gives them again.
    abandoned: Counter = DELIVERIES, "outcome" = "abandoned";
    /// Why deliveries were retried, held or dead.
    faults: Counter = FAULTS;
    /// Deliveries that were put with the dead letters because processes died of them.
    isolated: Counter = ISOLATED;
    /// Deliveries in hand now.
    in_flight: Gauge = IN_FLIGHT;
    /// How long deliveries took.
    duration: Histogram = DURATION;
    /// How many attempts hand-offs took.
    attempts: Histogram = ATTEMPTS;
    /// Submissions that came to an end or to a stop.
    ends: Counter = ENDS;
    /// Submissions that were written to the EHR, in time or not.
    written: Counter = WRITTEN;
    /// How long submissions took from the door to the EHR.
    to_ehr: Histogram = TO_EHR;
    /// How long submissions took from the door to their completion.
    to_end: Histogram = TO_END;
    /// Dead letters that were collected: committed, then acknowledged.
    collected: Counter = COLLECTED;
    /// Publishes that the broker confirmed and routed.
    confirmed: Counter = PUBLISHES, "result" = "confirmed";
    /// Publishes that no queue took.
    returned: Counter = PUBLISHES, "result" = "returned";
    /// Publishes that the broker refused.
    nacked: Counter = PUBLISHES, "result" = "nacked";
    /// Publishes whose fate is unknown.
    lost: Counter = PUBLISHES, "result" = "lost";
    /// How long confirms took.
    confirm: Histogram = CONFIRM;
    /// Connections to the broker that were made.
    connections: Counter = CONNECTIONS;
    /// Those after the first.
    reconnects: Counter = RECONNECTS;
    /// Whether the broker connection is up: 1 or 0.
    connected: Gauge = CONNECTED;
    /// Times that the store did not take a row at once.
    store_retries: Counter = STORE_RETRIES;
    /// Breakers that opened.
    breaker_opened: Counter = BREAKER_OPENED;
    /// How breakers stand.
    breaker_state: Standing = BREAKER_STATE;
    /// When the keys could last be read.
    keys_read: Standing = KEYS_READ;
    /// Whether lanes are paused.
    lane_paused: Standing = LANE_PAUSED;
    /// Requests at the door.
    http_requests: Counter = HTTP_REQUESTS;
    /// How long they took.
    http_duration: Histogram = HTTP_DURATION;
}

impl Metrics {
    /// The metrics of a process, pushed to a collector too if one is configured.
    ///
    /// # Errors
    /// [`ConfigError`] if the collector's address cannot be used.
    pub fn new(origin: Origin, section: &TelemetrySection) -> Result<Self, ConfigError> {
        Ok(Self::build(origin, otlp::push(section)?))
    }

    /// What the process says now, as Prometheus text.
    pub fn render(&self) -> String {
        // Refused only for a family without a value, which the exporter leaves out.
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }

    /// What has no label of its own is told from the start.
    fn appear_at_once(&self) {
        let results = [&self.confirmed, &self.returned, &self.nacked, &self.lost];
        let plain = [&self.connections, &self.reconnects, &self.store_retries];
        results.into_iter().chain(plain).for_each(|one| one.appear(&[]));
    }

    /// Makes what a lane counts be told before anything has happened there.
    pub(crate) fn appear(&self, lane: &LaneName) {
        let lane = ("lane", lane.as_str());
        self.received.appear(&[lane]);
        self.isolated.appear(&[lane]);
        let outcomes = [
            &self.emitted,
            &self.settled,
            &self.held,
            &self.snoozed,
            &self.held_back,
            &self.retried,
            &self.dead,
            &self.abandoned,
        ];
        outcomes.iter().for_each(|one| one.appear(&[lane]));
        ENDS.iter().for_each(|end| self.ends.appear(&[lane, ("outcome", end)]));
        WRITTEN.iter().for_each(|way| self.written.appear(&[lane, ("outcome", way)]));
    }

    /// The sealing keys could be read at this time.
    pub(crate) fn keys_were_read(&self, now: jiff::Timestamp) {
        self.keys_read.set(u64::try_from(now.as_second()).unwrap_or(0), &[]);
    }

    /// What the collector did not take.
    pub(crate) const fn failures(&self) -> &Arc<Failures> {
        &self.failures
    }

    /// Sends what there is to a collector, now.
    #[cfg(test)]
    pub(super) fn flush(&self) {
        self.provider.force_flush().unwrap();
    }

    /// Sends what is not sent yet, for a bounded time.
    pub(super) fn shut_down(&self, within: Duration) {
        let _ = self.provider.shutdown_with_timeout(within);
    }
}

/// Of no process: for tests, and for tools that are not asked for metrics.
impl Default for Metrics {
    fn default() -> Self {
        Self::build(Origin { service: "detached", instance: String::new() }, None)
    }
}

fn provider(
    registry: &Registry,
    origin: &Origin,
    push: Option<otlp::Push>,
    failures: &Arc<Failures>,
) -> SdkMeterProvider {
    let bounded = |_: &Instrument| Stream::builder().with_cardinality_limit(SETS).build().ok();
    let mut builder = SdkMeterProvider::builder().with_resource(origin.resource()).with_view(bounded);
    let asked = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .without_units()
        .without_target_info()
        .scope_info_enabled(false)
        .build();
    // A registry that is new refuses nobody.
    if let Ok(asked) = asked {
        builder = builder.with_reader(asked);
    }
    if let Some(push) = push {
        builder = builder.with_reader(push.reader(Arc::clone(failures)));
    }
    builder.build()
}

/// What instruments are made of.
struct Made {
    meter: Meter,
    bounds: Arc<Bounds>,
}

impl Made {
    fn labelled(&self, fixed: Vec<KeyValue>) -> Labelled {
        Labelled { fixed, bounds: Arc::clone(&self.bounds) }
    }
}

impl Counter {
    fn made(of: &Made, metric: &Metric, fixed: Vec<KeyValue>) -> Self {
        // The exporter to Prometheus adds it again.
        let name = metric.name.trim_end_matches("_total");
        let inner = of.meter.u64_counter(name).with_description(metric.help.trim()).build();
        Self { inner, labelled: of.labelled(fixed), total: Default::default() }
    }
}

impl Gauge {
    fn made(of: &Made, metric: &Metric, fixed: Vec<KeyValue>) -> Self {
        let inner = of.meter.i64_up_down_counter(metric.name).with_description(metric.help.trim()).build();
        Self { inner, labelled: of.labelled(fixed), total: Default::default() }
    }
}

impl Standing {
    fn made(of: &Made, metric: &Metric, fixed: Vec<KeyValue>) -> Self {
        let inner = of.meter.u64_gauge(metric.name).with_description(metric.help.trim()).build();
        Self { inner, labelled: of.labelled(fixed) }
    }
}

impl Histogram {
    fn made(of: &Made, metric: &Metric, fixed: Vec<KeyValue>) -> Self {
        let mut builder = of.meter.f64_histogram(metric.name).with_description(metric.help.trim());
        if let Kind::Histogram(bounds) = metric.kind {
            builder = builder.with_boundaries(bounds.to_vec());
        }
        Self { inner: builder.build(), labelled: of.labelled(fixed) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Metrics, SETS};
    use crate::telemetry::{Sample, bounds::VALUES, catalogue};

    #[test]
    fn is_told_as_prometheus_text() {
        let metrics = Metrics::default();
        metrics.emitted.add(&[("lane", "a")]);
        metrics.in_flight.add(3, &[("lane", "a")]);
        metrics.duration.took(Duration::from_millis(20), &[("lane", "a")]);
        metrics.breaker_state.set(2, &[("endpoint", "ehr:main")]);
        let text = metrics.render();
        for line in [
            "# TYPE frontdesk_deliveries_total counter",
            "frontdesk_deliveries_total{lane=\"a\",outcome=\"emitted\",service=\"detached\"} 1",
            "frontdesk_deliveries_in_flight{lane=\"a\",service=\"detached\"} 3",
            "frontdesk_delivery_duration_seconds_bucket{lane=\"a\",service=\"detached\",le=\"0.025\"} 1",
            "frontdesk_delivery_duration_seconds_count{lane=\"a\",service=\"detached\"} 1",
            "frontdesk_breaker_state{endpoint=\"ehr:main\",service=\"detached\"} 2",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} in {text}");
        }
        assert_eq!(text.matches("# TYPE frontdesk_deliveries_total").count(), 1);
        assert_eq!((metrics.emitted.get(), metrics.in_flight.get()), (1, 3));
    }

    #[test]
    fn a_lane_is_told_before_anything_happens() {
        let metrics = Metrics::default();
        metrics.appear(&domain::LaneName::parse("north").unwrap());
        let text = metrics.render();
        for outcome in ["emitted", "settled", "held", "snoozed", "held_back", "retried", "dead", "abandoned"]
        {
            let line = format!(
                "frontdesk_deliveries_total{{lane=\"north\",outcome=\"{outcome}\",service=\"detached\"}} 0"
            );
            assert!(text.contains(&line), "{line} in {text}");
        }
        assert_eq!(metrics.emitted.get(), 0);
    }

    #[test]
    fn a_family_is_told_as_it_was_set_last_and_too_many_labels_share_one() {
        let metrics = Metrics::default();
        let sample = |clinic: String, value| Sample {
            labels: vec![("clinic", clinic), ("kind", "lost".to_owned())],
            value,
        };
        let told = |metrics: &Metrics| {
            let text = metrics.render();
            let of = |line: &&str| line.starts_with("frontdesk_reconciliation_differences{");
            text.lines().filter(of).map(str::to_owned).collect::<Vec<_>>()
        };
        metrics.families.set(&catalogue::DIFFERENCES, vec![sample("b\"\n".to_owned(), 2.5)]);
        let line = "frontdesk_reconciliation_differences{clinic=\"b\\\"\\n\",kind=\"lost\",service=\"detached\"} 2.5";
        assert_eq!(told(&metrics), [line]);
        let many = (0..VALUES + 9).map(|n| sample(format!("clinic-{n}"), 1.0)).collect();
        metrics.families.set(&catalogue::DIFFERENCES, many);
        let lines = told(&metrics);
        assert_eq!(lines.len(), VALUES, "one name is taken by what is gone: 199, and the rest");
        let rest =
            "frontdesk_reconciliation_differences{clinic=\"other\",kind=\"lost\",service=\"detached\"} 10";
        assert!(lines.iter().any(|line| line == rest), "{lines:?}");
        metrics.families.set(&catalogue::DIFFERENCES, Vec::new());
        assert!(told(&metrics).is_empty());
    }

    #[test]
    fn a_product_of_labels_is_told_as_far_as_its_bound() {
        let metrics = Metrics::default();
        let told = || {
            let text = metrics.render();
            let of = |line: &&str| line.starts_with("frontdesk_delivery_faults_total{");
            text.lines().filter(of).map(str::to_owned).collect::<Vec<_>>()
        };
        let overflows = |line: &String| line.contains("otel_metric_overflow");
        let add = |lanes: usize, codes: usize| {
            for (lane, code) in (0..lanes).flat_map(|lane| (0..codes).map(move |code| (lane, code))) {
                metrics.faults.add(&[("lane", &format!("l{lane}")), ("code", &format!("c{code}"))]);
            }
        };
        add(60, 50);
        let lines = told();
        assert_eq!(
            (lines.len(), lines.iter().any(overflows)),
            (3000, false),
            "more than the SDK's own limit"
        );
        add(VALUES, 60);
        let lines = told();
        assert!(lines.len() <= SETS + 1 && lines.iter().any(overflows), "{}", lines.len());
    }

    #[test]
    fn of_ages_that_share_a_label_the_largest_is_told() {
        let metrics = Metrics::default();
        metrics.families.set(&catalogue::HOLDS_OLDEST, [Sample::alone(3.0), Sample::alone(2.0)].concat());
        assert!(metrics.render().contains("frontdesk_holds_oldest_seconds{service=\"detached\"} 3\n"));
    }

    #[test]
    fn all_that_is_told_is_in_the_catalogue() {
        let metrics = Metrics::default();
        metrics.appear(&domain::LaneName::parse("north").unwrap());
        let text = metrics.render();
        let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        for name in names {
            assert!(catalogue::ALL.iter().any(|metric| metric.name == name), "{name}");
        }
    }
}
