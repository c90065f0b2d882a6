//! What the services of a run are told beyond a local run's settings.

use frontdesk::local::Layout;
use jiff::SignedDuration;
use toml::{Table, Value, toml};

use super::clinics::PLAIN;

/// Milliseconds that one call to the EHR may take.
const CALL_MS: u32 = 2_000;
/// How long a lease is that follows from it: three calls and five seconds.
pub const LEASE: SignedDuration = SignedDuration::from_millis(3 * CALL_MS as i64 + 5_000);
/// How long a process is stopped, seconds. Longer than a lease.
pub const FREEZE_S: std::ops::RangeInclusive<u64> = 13..=24;
/// How late a write lands at the sandbox at most, milliseconds.
pub const LATE_MS: u64 = 4_000;
/// How long a write stays invisible to the sandbox's searches at most, milliseconds.
pub const UNSEEN_MS: u64 = 1_500;
/// Milliseconds after which no write lands any more, as the line is told.
pub const LATENESS_MS: u32 = 30_000;
/// Milliseconds after which searches see a write, as the line is told.
const LAG_MS: u32 = 2_000;

/// The additions.
pub fn extra(layout: &Layout, clinics: &std::path::Path, lateness_ms: u32) -> Table {
    let text = |text: &dyn std::fmt::Display| Value::String(text.to_string());
    let mut table = toml! {
        // Faults come for as long as the run lasts: what is tried is whether anything is lost, not when one gives up.
        [retry]
        base_ms = 200
        max_ms = 4000
        attempts = 1000
        max_age_s = 86400
        [amqp]
        confirm_timeout_ms = 10000
        [postgres]
        statement_timeout_s = 5
    };
    let site = || {
        Table::from_iter([
            ("timeout_ms".to_owned(), i64::from(CALL_MS).into()),
            ("lateness_ms".to_owned(), i64::from(lateness_ms).into()),
            ("search_lag_ms".to_owned(), i64::from(LAG_MS).into()),
        ])
    };
    let mut plain = site();
    plain.extend([
        ("profile".to_owned(), text(&"fhir-unconditional")),
        // Both addresses are the sandbox's; the writer is told in its environment by which way it gets there.
        ("url".to_owned(), text(&"http://127.0.0.1:9/fhir")),
        ("token_url".to_owned(), text(&"http://127.0.0.1:9/token")),
        ("client_id".to_owned(), text(&"frontdesk")),
        ("key_id".to_owned(), text(&"frontdesk")),
        ("key_file".to_owned(), text(&layout.secrets().join("ehr_client.pem").display())),
        ("algorithm".to_owned(), text(&"ES384")),
    ]);
    let ehrs =
        Table::from_iter([("sandbox".to_owned(), Value::Table(site())), (PLAIN.to_owned(), plain.into())]);
    table.insert("ehrs".to_owned(), ehrs.into());
    // Clinics that the samples have and the checkout has no template for are made in a folder of the run.
    let dirs = vec![text(&clinics.display()), text(&layout.root().join("clinics").display())];
    table.insert("clinics".to_owned(), Table::from_iter([("dirs".to_owned(), Value::Array(dirs))]).into());
    table
}

#[cfg(test)]
mod tests {
    use super::{CALL_MS, FREEZE_S, LAG_MS, LATE_MS, LATENESS_MS, LEASE, UNSEEN_MS};

    #[test]
    fn the_outside_world_keeps_what_the_line_is_told_of_it() {
        assert!(
            u128::from(FREEZE_S.start() * 1000) > LEASE.unsigned_abs().as_millis(),
            "who is stopped outlives its lease"
        );
        // A write that its process was about to send when it was stopped, and that the EHR then carries out late.
        assert!(FREEZE_S.end() * 1000 + LATE_MS < u64::from(CALL_MS + LATENESS_MS));
        assert!(UNSEEN_MS < u64::from(LAG_MS));
    }
}
