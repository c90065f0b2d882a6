//! What a measurement came to.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use frontdesk::output;
use serde_json::{Value, json};

use super::{
    figures::{Latencies, median},
    run::{Plan, is_ours},
};

/// The most that a process of ours may have had resident, bytes: with a backlog in front of it, memory has a bound.
const BOUND: u64 = 256 << 20;
/// What is told of an offered load, in thousandths.
const QUANTILES: [(&str, usize); 3] = [("p50", 500), ("p99", 990), ("p99.9", 999)];

/// An offered load.
pub struct Offered {
    /// Intakes a second.
    pub a_second: f64,
    /// The ideal chain's times.
    pub limit: Latencies,
    /// The line's.
    pub line: Latencies,
}

/// A stage with nobody beside it.
pub struct Alone {
    /// Its name.
    pub stage: String,
    /// Intakes a second.
    pub a_second: f64,
    /// Its own processor time for one.
    pub own: Duration,
}

/// See the module.
pub struct Report {
    plan: Plan,
    /// The ideal forwarder over one hop, messages a second.
    pub one_hop: f64,
    /// The ideal chain over the line's hops, round by round.
    pub limit: Vec<f64>,
    /// The line, round by round.
    pub line: Vec<f64>,
    /// Times at offered loads.
    pub offered: Vec<Offered>,
    /// Each stage alone.
    pub alone: Vec<Alone>,
    /// Processor time of each process for one intake of the line.
    pub cpu: BTreeMap<String, Duration>,
    /// The same for a message of the ideal chain.
    pub limit_cpu: BTreeMap<String, Duration>,
    /// The most memory that each process had resident, bytes.
    pub peak: BTreeMap<String, u64>,
    /// Commits, inserted and updated rows, and bytes on the disk for one intake.
    pub work: [f64; 4],
    /// Broken promises, in words.
    pub broken: Vec<String>,
}

impl Report {
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            plan,
            one_hop: 0.0,
            limit: Vec::new(),
            line: Vec::new(),
            offered: Vec::new(),
            alone: Vec::new(),
            cpu: BTreeMap::new(),
            limit_cpu: BTreeMap::new(),
            peak: BTreeMap::new(),
            work: [0.0; 4],
            broken: Vec::new(),
        }
    }

    /// The line's throughput as a share of the limit's: the median of the rounds.
    pub fn ratio(&self) -> f64 {
        let ratios = self.line.iter().zip(&self.limit).map(|(line, limit)| line / limit);
        median(ratios.collect()).unwrap_or_default()
    }

    /// What was lost, doubled or without bound.
    pub fn broken(&self) -> Vec<String> {
        let large = self.peak.iter().filter(|(name, peak)| is_ours(name) && **peak > BOUND);
        let large = large.map(|(name, peak)| format!("{name} took {} MiB", peak >> 20));
        self.broken.iter().cloned().chain(large).collect()
    }

    /// For a person.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let Plan { intakes, rounds, lanes, consumers, .. } = self.plan;
        let line = |text: &mut String, more: String| writeln!(text, "{more}").unwrap_or_default();
        line(
            &mut text,
            format!(
                "as fast as it goes: medians of {rounds} rounds of {intakes} intakes; lanes {lanes}, processes of each stage {consumers}\n"
            ),
        );
        let mut table = output::table();
        table.set_header(["", "limit", "line", "ratio"]);
        let told =
            |all: &[f64]| median(all.to_vec()).map_or_else(String::new, |middle| format!("{middle:.0}"));
        table.add_row(["intakes/s", &told(&self.limit), &told(&self.line), &format!("{:.2}", self.ratio())]);
        for Offered { a_second, limit, line } in &self.offered {
            for (name, thousandths) in QUANTILES {
                let (limit, line) = (ms(limit.within(thousandths)), ms(line.within(thousandths)));
                let ratio = format!("{:.2}", line / limit);
                let what = format!("{name} at {a_second:.0}/s, ms");
                table.add_row([&what, &format!("{limit:.1}"), &format!("{line:.1}"), &ratio]);
            }
        }
        text += &output::text(table);
        line(&mut text, format!("\none hop of the ideal forwarder: {:.0}/s\n", self.one_hop));
        text += &self.processes();
        let [commits, inserted, updated, bytes] = self.work;
        line(
            &mut text,
            format!(
                "\nin the database, for one intake: {commits:.2} transactions, {inserted:.1} rows inserted, {updated:.1} updated, {:.1} KiB on the disk",
                bytes / 1024.0
            ),
        );
        if !self.alone.is_empty() {
            let mut table = output::table();
            table.set_header(["alone", "intakes/s", "own µs of CPU"]);
            for Alone { stage, a_second, own } in &self.alone {
                table.add_row([stage, &format!("{a_second:.0}"), &format!("{}", own.as_micros())]);
            }
            text += "\n";
            text += &output::text(table);
        }
        for broken in self.broken() {
            line(&mut text, format!("BROKEN: {broken}"));
        }
        text
    }

    fn processes(&self) -> String {
        let mut table = output::table();
        table.set_header(["process", "µs of CPU an intake", "in the ideal chain", "peak MiB"]);
        let told = |cpu: Option<&Duration>| cpu.map_or_else(String::new, |cpu| cpu.as_micros().to_string());
        for (name, cpu) in &self.cpu {
            let limit = if is_ours(name) { None } else { self.limit_cpu.get(name) };
            let peak = self.peak.get(name).map_or(0, |peak| peak >> 20);
            table.add_row([name, &told(Some(cpu)), &told(limit), &peak.to_string()]);
        }
        table.add_row(["all of ours", &told(Some(&self.ours())), "", ""]);
        output::text(table)
    }

    /// Processor time of all services for one intake.
    fn ours(&self) -> Duration {
        self.cpu.iter().filter(|(name, _)| is_ours(name)).map(|(_, cpu)| *cpu).sum()
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let Plan { seed, intakes, rounds, seconds, lanes, consumers, .. } = self.plan;
        let micros = |cpu: &BTreeMap<String, Duration>| -> BTreeMap<String, f64> {
            cpu.iter().map(|(name, cpu)| (name.clone(), cpu.as_secs_f64() * 1e6)).collect()
        };
        let quantiles = |all: &Latencies| -> BTreeMap<&str, f64> {
            QUANTILES.map(|(name, thousandths)| (name, ms(all.within(thousandths)))).into()
        };
        let offered: Vec<Value> = self.offered.iter().map(|one| {
            json!({"per_second": one.a_second, "limit_ms": quantiles(&one.limit), "line_ms": quantiles(&one.line)})
        }).collect();
        let alone: Vec<Value> = self.alone.iter().map(|one| {
            json!({"stage": one.stage, "per_second": one.a_second, "own_cpu_us": one.own.as_secs_f64() * 1e6})
        }).collect();
        let [commits, inserted, updated, bytes] = self.work;
        json!({
            "ratio": self.ratio(),
            "plan": {"seed": seed, "intakes": intakes, "rounds": rounds, "seconds": seconds, "lanes": lanes, "consumers": consumers},
            "limit_per_second": self.limit, "line_per_second": self.line, "one_hop_per_second": self.one_hop,
            "offered": offered, "alone": alone,
            "cpu_us": micros(&self.cpu), "limit_cpu_us": micros(&self.limit_cpu), "own_cpu_us": self.ours().as_secs_f64() * 1e6,
            "peak_bytes": self.peak,
            "per_intake": {"transactions": commits, "rows_inserted": inserted, "rows_updated": updated, "bytes": bytes},
            "broken": self.broken(),
        })
    }
}

fn ms(time: Option<Duration>) -> f64 {
    time.unwrap_or_default().as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::{BOUND, Plan, Report};

    #[test]
    fn the_ratio_is_of_rounds_and_what_is_broken_is_told() {
        let plan = Plan { seed: 1, intakes: 9, rounds: 3, seconds: 1, lanes: 1, consumers: 1, short: true };
        let mut report = Report::new(plan);
        (report.limit, report.line) = (vec![100.0, 200.0, 400.0], vec![50.0, 120.0, 400.0]);
        assert!((report.json()["ratio"].as_f64().unwrap() - 0.6).abs() < 1e-9);
        assert!(report.broken().is_empty());
        report.peak = [("ehr-writer", BOUND + 1), ("broker", BOUND * 9)]
            .map(|(name, peak)| (name.to_owned(), peak))
            .into();
        assert_eq!(report.broken(), ["ehr-writer took 256 MiB"]);
        assert!(report.text().contains("BROKEN: ehr-writer"));
    }
}
