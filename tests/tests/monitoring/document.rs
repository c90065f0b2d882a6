//! `docs/metrics.md` is the catalogue in the code.
//!
//! `FRONTDESK_WRITE_SCHEMAS=1 cargo nextest run -p e2e --test monitoring` writes it.

use std::fmt::Write as _;

use runtime::telemetry::{
    SETS, VALUES,
    catalogue::{self, Kind},
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");

#[test]
fn the_metrics_document_is_fresh() {
    let mut text = format!(
        "# Metrics\n\nMade from `shared/runtime/src/telemetry/catalogue.rs` by\n\
         `FRONTDESK_WRITE_SCHEMAS=1 cargo nextest run -p e2e --test monitoring`.\n\n\
         Each process tells them at `/metrics` of its health address, and pushes them to `telemetry.otlp_endpoint` if there is one, under the\n\
         same names (counters there without `_total`). All have the label `service`; stages count for themselves. A label takes at most {VALUES}\n\
         values in one process; what comes after that is `other`. A metric has at most {SETS} label sets in one process; what comes after\n\
         that has the label `otel_metric_overflow`. No label holds what a person sent.\n\n\
         | name | kind | labels | what it says |\n| --- | --- | --- | --- |\n"
    );
    for metric in catalogue::ALL {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge | Kind::Told(_) => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        writeln!(text, "| `{}` | {kind} | {} | {} |", metric.name, labels.join(" "), metric.help.trim())
            .unwrap();
    }
    if std::env::var_os("FRONTDESK_WRITE_SCHEMAS").is_some() {
        std::fs::write(FILE, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(FILE).unwrap_or_default(), text, "docs/metrics.md is not fresh");
}
