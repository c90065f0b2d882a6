//! Counters and gauges with bounded labels, as Prometheus text.

use std::{
    fmt::Write,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
};

use super::Families;

/// Only goes up.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The count since the start of the process.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Adds, or takes away.
    pub fn add(&self, by: i64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    /// The present value.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $field:ident: $kind:ident = $name:literal $(, $label:literal = $value:literal)?;)*) => {
        /// Everything that the runtime counts.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $($(#[$doc])* pub $field: $kind,)*
            /// Gauges whose labels are known only at run time.
            pub families: Families,
        }

        impl Metrics {
            /// Prometheus text format 0.0.4.
            pub fn render(&self, service: &str) -> String {
                let mut out = String::with_capacity(2048);
                let mut last = "";
                $(
                    if last != $name {
                        let kind = stringify!($kind).to_ascii_lowercase();
                        let _ = writeln!(out, "# TYPE {} {kind}", $name);
                        last = $name;
                    }
                    let _ = writeln!(
                        out,
                        concat!("{}{{service=\"{}\"", $(",", $label, "=\"", $value, "\"",)? "}} {}"),
                        $name, service, self.$field.get()
                    );
                )*
                let _ = last;
                self.families.render(service, &mut out);
                out
            }
        }
    };
}

metrics! {
    /// Deliveries taken in hand.
    received: Counter = "frontdesk_deliveries_received_total";
    /// Deliveries handed on.
    emitted: Counter = "frontdesk_deliveries_total", "outcome" = "emitted";
    /// Deliveries that came to an end.
    settled: Counter = "frontdesk_deliveries_total", "outcome" = "settled";
    /// Deliveries that wait for a person.
    held: Counter = "frontdesk_deliveries_total", "outcome" = "held";
    /// Deliveries that the handler put off.
    snoozed: Counter = "frontdesk_deliveries_total", "outcome" = "snoozed";
    /// Deliveries put off before they were handled: paused, or an endpoint is known to be down.
    held_back: Counter = "frontdesk_deliveries_total", "outcome" = "held_back";
    /// Deliveries to be tried again after a fault.
    retried: Counter = "frontdesk_deliveries_total", "outcome" = "retried";
    /// Deliveries that became dead letters.
    dead: Counter = "frontdesk_deliveries_total", "outcome" = "dead";
    /// Deliveries let go unacknowledged: the broker gives them again.
    abandoned: Counter = "frontdesk_deliveries_total", "outcome" = "abandoned";
    /// Deliveries that were put with the dead letters because processes died of them.
    isolated: Counter = "frontdesk_deliveries_isolated_total";
    /// Dead letters that were collected: committed, then acknowledged.
    collected: Counter = "frontdesk_dead_letters_collected_total";
    /// Deliveries in hand now.
    in_flight: Gauge = "frontdesk_deliveries_in_flight";
    /// Publishes that the broker confirmed and routed.
    confirmed: Counter = "frontdesk_publishes_total", "result" = "confirmed";
    /// Publishes that no queue took.
    returned: Counter = "frontdesk_publishes_total", "result" = "returned";
    /// Publishes that the broker refused.
    nacked: Counter = "frontdesk_publishes_total", "result" = "nacked";
    /// Publishes whose fate is unknown.
    lost: Counter = "frontdesk_publishes_total", "result" = "lost";
    /// Connections to the broker that were made.
    connections: Counter = "frontdesk_broker_connections_total";
    /// Whether the broker connection is up: 1 or 0.
    connected: Gauge = "frontdesk_broker_connected";
    /// Times that the store did not take a journal row at once.
    store_retries: Counter = "frontdesk_store_retries_total";
    /// Breakers that opened.
    breaker_opened: Counter = "frontdesk_breaker_opened_total";
    /// Batches of spans that the collector did not take.
    trace_export_failures: Counter = "frontdesk_trace_export_failures_total";
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn renders_prometheus_text() {
        let metrics = Metrics::default();
        metrics.emitted.add_one();
        metrics.in_flight.add(3);
        let text = metrics.render("validation");
        assert!(text.contains("# TYPE frontdesk_deliveries_total counter\nfrontdesk_deliveries_total{service=\"validation\",outcome=\"emitted\"} 1\n"), "{text}");
        assert!(text.contains("frontdesk_deliveries_in_flight{service=\"validation\"} 3\n"), "{text}");
        assert_eq!(text.matches("# TYPE frontdesk_deliveries_total").count(), 1);
    }
}
