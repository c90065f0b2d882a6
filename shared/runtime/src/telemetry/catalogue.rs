//! Every metric that a process of ours exports, in one list: its name, its labels, what it says. Rules, dashboards and documents are held
//! against it by tests.
//!
//! No label holds what a person sent. Stages, outcomes, states and codes are closed lists; lanes, clinics, sources, endpoints and queues
//! are names of the configuration. How many values a label takes is bounded all the same, see
//! [`VALUES`](super::VALUES).

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only goes up.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A gauge that is told as a whole each time; says how values are put together that share the label `other`.
    Told(Merge),
    /// How often a value was at most each of these.
    Histogram(&'static [f64]),
}

/// How values of one label set are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// Counts are added.
    Sum,
    /// Of ages and of flags the largest counts.
    Max,
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name, as Prometheus has it.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Its labels. Each also has `service`.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

/// From a millisecond to half a minute: one delivery, one request.
const WORK: Kind =
    Kind::Histogram(&[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]);
/// From half a second to an hour, with the two minutes of the SLO among them.
const WAY: Kind =
    Kind::Histogram(&[0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0]);
/// Numbers of attempts; the policy's default gives up at 20.
const TRIES: Kind = Kind::Histogram(&[1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0]);
const COUNTER: Kind = Kind::Counter;
const GAUGE: Kind = Kind::Gauge;
const COUNT: Kind = Kind::Told(Merge::Sum);
const LARGEST: Kind = Kind::Told(Merge::Max);

macro_rules! catalogue {
    ($($(#[doc = $help:literal])+ $id:ident = $kind:ident, $name:literal, [$($label:literal),*];)*) => {
        $($(#[doc = $help])+ pub const $id: Metric = Metric {
            name: $name,
            kind: $kind,
            labels: &[$($label),*],
            help: concat!($($help),+),
        };)*

        /// All of them.
        pub const ALL: &[Metric] = &[$($id),*];
    };
}

catalogue! {
    /// Deliveries taken in hand.
    RECEIVED = COUNTER, "frontdesk_deliveries_received_total", ["lane"];
    /// Deliveries that were dealt with: emitted, settled, held, snoozed, held_back (paused, or an endpoint is down), retried, dead, abandoned.
    DELIVERIES = COUNTER, "frontdesk_deliveries_total", ["lane", "outcome"];
    /// Deliveries that were retried, held or dead, by the code that says why.
    FAULTS = COUNTER, "frontdesk_delivery_faults_total", ["lane", "outcome", "code"];
    /// Deliveries that were put with the dead letters because processes died of them.
    ISOLATED = COUNTER, "frontdesk_deliveries_isolated_total", ["lane"];
    /// Deliveries in hand now.
    IN_FLIGHT = GAUGE, "frontdesk_deliveries_in_flight", ["lane"];
    /// From receipt to the acknowledgement's decision, seconds.
    DURATION = WORK, "frontdesk_delivery_duration_seconds", ["lane"];
    /// Attempts that a hand-off had taken when it was done with, for good or ill.
    ATTEMPTS = TRIES, "frontdesk_delivery_attempts", ["lane"];
    /// Submissions that came to an end, or to a stop, here: completed, duplicate, rejected, held, dead. Repetitions are not counted.
    ENDS = COUNTER, "frontdesk_submissions_ended_total", ["lane", "outcome"];
    /// Intakes that were written to the EHR: in_time (within the SLO's two minutes from the door), late, resumed (a person let them go on, or they were published again: their time is not the line's).
    WRITTEN = COUNTER, "frontdesk_intakes_written_total", ["lane", "outcome"];
    /// From the door to everything being in the EHR, seconds. What a person let go on, or published again, is left out.
    TO_EHR = WAY, "frontdesk_intake_to_ehr_seconds", ["lane"];
    /// From the door to the submission's completion, seconds.
    TO_END = WAY, "frontdesk_intake_to_completed_seconds", ["lane"];
    /// Dead letters that were collected: committed, then acknowledged.
    COLLECTED = COUNTER, "frontdesk_dead_letters_collected_total", ["stage", "lane"];
    /// Publishes: confirmed, returned (no queue took it), nacked (the broker refused), lost (nobody knows).
    PUBLISHES = COUNTER, "frontdesk_publishes_total", ["result"];
    /// From handing a message to the connection to the broker's confirm, seconds.
    CONFIRM = WORK, "frontdesk_publish_confirm_seconds", [];
    /// Connections to the broker that were made.
    CONNECTIONS = COUNTER, "frontdesk_broker_connections_total", [];
    /// Connections to the broker that were made after the first.
    RECONNECTS = COUNTER, "frontdesk_broker_reconnects_total", [];
    /// Whether the broker connection is up: 1 or 0.
    CONNECTED = GAUGE, "frontdesk_broker_connected", [];
    /// Times that the store did not take a row at once.
    STORE_RETRIES = COUNTER, "frontdesk_store_retries_total", [];
    /// Circuit breakers that opened.
    BREAKER_OPENED = COUNTER, "frontdesk_breaker_opened_total", ["endpoint"];
    /// How a circuit breaker stands: 0 closed, 1 letting a few calls pass, 2 open.
    BREAKER_STATE = GAUGE, "frontdesk_breaker_state", ["endpoint"];
    /// Whether this process obeys a pause of its stage or lane now: 1 or 0.
    LANE_PAUSED = GAUGE, "frontdesk_lane_paused", ["lane"];
    /// Batches of traces or metrics that the collector did not take.
    EXPORT_FAILURES = COUNTER, "frontdesk_export_failures_total", ["signal"];
    /// Spans that were dropped because too many waited for the collector.
    SPANS_DROPPED = COUNTER, "frontdesk_spans_dropped_total", [];
    /// When the sealing keys could last be read, in seconds since 1970.
    KEYS_READ = GAUGE, "frontdesk_keys_read_timestamp_seconds", [];
    /// Until when a certificate in use is good, in seconds since 1970, by the setting that names its file.
    TLS_NOT_AFTER = LARGEST, "frontdesk_tls_not_after_timestamp_seconds", ["file"];
    /// Whether what lies in the files of a section now cannot be used, so that what was there before still is: 1 or 0.
    TLS_REFUSED = LARGEST, "frontdesk_tls_refused", ["section"];
    /// Requests at the door, by route, status and the problem's code (`none` where there is none).
    HTTP_REQUESTS = COUNTER, "frontdesk_http_requests_total", ["route", "status", "problem"];
    /// From a request to its answer at the door, seconds.
    HTTP_DURATION = WORK, "frontdesk_http_request_duration_seconds", ["route"];

    /// When ops looked last at what the following tell, in seconds since 1970. What is older is not to be believed.
    LOOKED = LARGEST, "frontdesk_ops_last_look_timestamp_seconds", [];
    /// Submissions that have not come to their end, refused copies included: in_flight, held, dead.
    SUBMISSIONS = COUNT, "frontdesk_submissions_open", ["state"];
    /// Age of the oldest submission that is on its way and is not kept back by a pause, seconds; 0 if none is.
    OLDEST = LARGEST, "frontdesk_submissions_oldest_in_flight_seconds", ["lane"];
    /// Submissions that are on their way for longer than the SLO's two minutes, and that neither a pause keeps back nor a person let go on.
    OVERDUE = COUNT, "frontdesk_submissions_overdue", ["lane"];
    /// Effects in the EHR that are not done, by kind and state of the ledger.
    EFFECTS = COUNT, "frontdesk_ehr_operations_open", ["kind", "state"];
    /// For how long the ledger has not known whether its oldest doubtful write happened, seconds; 0 if there is none.
    UNKNOWN = LARGEST, "frontdesk_ehr_unknown_oldest_seconds", [];
    /// Dead letters that nobody has dealt with, by the class of their fingerprint: stage and code.
    DEAD_LETTERS = COUNT, "frontdesk_dead_letters_open", ["stage", "lane", "code"];
    /// Age of the oldest of these, seconds; 0 if there is none.
    DEAD_OLDEST = LARGEST, "frontdesk_dead_letters_oldest_seconds", [];
    /// What waits for a person's decision, by stage and code.
    HOLDS = COUNT, "frontdesk_holds_open", ["stage", "code"];
    /// Age of the oldest of these, seconds; 0 if there is none.
    HOLDS_OLDEST = LARGEST, "frontdesk_holds_oldest_seconds", [];
    /// Messages in each queue of the broker, ready or in hand.
    QUEUES = COUNT, "frontdesk_queue_messages", ["queue"];
    /// When ops could last ask the broker for these, in seconds since 1970.
    QUEUES_LOOKED = LARGEST, "frontdesk_queues_last_look_timestamp_seconds", [];
    /// What is paused by a switch: 1 for each scope.
    SWITCHES = LARGEST, "frontdesk_switch_paused", ["scope"];
    /// What the last daily reconciliation found, by kind and clinic.
    DIFFERENCES = COUNT, "frontdesk_reconciliation_differences", ["kind", "clinic"];
    /// What the last daily reconciliation could not compare.
    GAPS = COUNT, "frontdesk_reconciliation_gaps", [];
    /// Age of the last daily reconciliation, seconds.
    RECONCILED = LARGEST, "frontdesk_reconciliation_age_seconds", [];
    /// Whether a source is silent that normally sends: 1 or 0.
    SILENT = LARGEST, "frontdesk_source_silent", ["clinic", "source"];
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ALL, Kind};

    #[test]
    fn names_are_what_prometheus_expects() {
        let names: BTreeSet<&str> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len(), "each once");
        for metric in ALL {
            let letters = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(metric.name.starts_with("frontdesk_") && metric.name.chars().all(letters), "{metric:?}");
            assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{metric:?}");
            assert!(metric.help.trim().ends_with(['.', ')']), "{metric:?}");
        }
    }

    #[test]
    fn no_label_is_about_one_person_or_one_submission() {
        let allowed = [
            "lane", "outcome", "code", "stage", "result", "endpoint", "signal", "route", "status", "problem",
            "state", "kind", "queue", "scope", "clinic", "source", "file", "section",
        ];
        for metric in ALL {
            assert!(metric.labels.iter().all(|label| allowed.contains(label)), "{metric:?}");
        }
    }

    #[test]
    fn buckets_rise_and_the_slo_is_one_of_them() {
        for metric in ALL {
            if let Kind::Histogram(bounds) = metric.kind {
                assert!(bounds.is_sorted_by(|a, b| a < b), "{metric:?}");
            }
        }
        assert!(matches!(super::TO_EHR.kind, Kind::Histogram(bounds) if bounds.contains(&120.0)));
    }
}
