//! What a run came to, as a table for a person.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use domain::drill::Point;
use frontdesk::output;

use testkit::proxy::Counts;

use super::{ambiguity::Ambiguity, check::Verdict, run::Trial, schedule::Action, strikes::Strikes, weather};

/// What a run came to.
pub struct Report {
    /// What was to be done.
    pub trial: Trial,
    /// Submissions that were accepted.
    pub accepted: u64,
    /// Of them sent again by their client, and delivered twice by the exchange's client.
    pub repeats: (u64, u64),
    /// Messages that were no submissions.
    pub poison: u64,
    /// How long they were sent.
    pub sending: Duration,
    /// How long the line took to empty after the last fault; none if it did not.
    pub drained: Option<Duration>,
    /// What was done to it.
    pub strikes: std::sync::Arc<Strikes>,
    /// Processes of our services that ended though nobody killed them.
    pub own_ends: u64,
    /// What the proxies did to connections.
    pub connections: Counts,
    /// On how many requests which of the outside world's faults struck.
    pub outside: BTreeMap<String, u64>,
    /// What nobody knew at the EHR.
    pub ambiguity: Ambiguity,
    /// What was found.
    pub verdict: Verdict,
}

/// Names under which processes are counted that were killed.
const KILLS: [&str; 3] = ["process killed at random", "broker node killed", "postmaster killed"];
/// Of how many submissions one may wait for a person because a message to the patient may or may not have been sent.
const ONE_PARKED_IN: u64 = 20;

impl Report {
    /// Processes killed, whoever killed them.
    pub fn kills(&self) -> u64 {
        KILLS.iter().map(|name| self.strikes.of(name)).sum::<u64>()
            + self.strikes.points().values().sum::<u64>()
    }

    /// Whether every promise was kept, and the run was one that could have broken them.
    pub fn kept(&self) -> bool {
        self.drained.is_some() && self.verdict.holds() && self.hollow().is_empty()
    }

    /// What makes the run worth less than it says.
    pub fn hollow(&self) -> Vec<String> {
        let mut hollow = Vec::new();
        if self.accepted < self.trial.submissions {
            hollow.push(format!("only {} of {} were accepted", self.accepted, self.trial.submissions));
        }
        if self.verdict.parked * ONE_PARKED_IN > self.accepted {
            hollow.push(format!("{} messages to patients are in doubt", self.verdict.parked));
        }
        if self.own_ends > 0 {
            hollow.push(format!("{} processes ended of themselves", self.own_ends));
        }
        // A small run may have no poison, and a lost broker's dead letters are lost.
        let may_be_empty = |name: &str| name.contains("the poison") && !self.trial.mix.each;
        let blind =
            self.verdict.checks.iter().filter(|check| check.looked_at == 0 && !may_be_empty(check.name));
        hollow.extend(blind.map(|check| format!("there was nothing to look at: {}", check.name)));
        if self.trial.mix.each {
            let struck = |name: &&&str| self.strikes.of(name) == 0;
            hollow.extend(Action::NAMES.iter().filter(struck).map(|name| format!("never struck: {name}")));
            let seen = self.seen();
            let unseen = seen.iter().filter(|(_, count)| *count == 0);
            hollow.extend(unseen.map(|(what, _)| format!("never seen: {what}")));
        }
        hollow
    }

    /// What a run in which everything strikes must have met: what was ordered may have passed everyone by.
    fn seen(&self) -> Vec<(String, u64)> {
        let Counts { blackholed, lost_to_client, lost_to_server, .. } = self.connections;
        let Ambiguity { found, absent, lapsed, .. } = self.ambiguity;
        let own = [
            ("a death at a named point", self.strikes.points().values().sum()),
            ("a black hole", blackholed),
            ("a lost confirm", lost_to_client),
            ("a lost reply to a COMMIT", lost_to_server),
            ("a write in doubt that was there", found),
            ("a write in doubt that was not there", absent),
            ("a lease that ended without an outcome", lapsed),
        ];
        let outside = |fault: String| {
            let count = self.outside.get(&fault).copied().unwrap_or(0);
            (fault, count)
        };
        let own = own.into_iter().map(|(what, count)| (what.to_owned(), count));
        own.chain(weather::of_the_ehr().into_iter().map(outside)).collect()
    }

    /// The checks that found something wrong, and whether the line did not empty.
    pub fn found(&self) -> Vec<String> {
        let checks = self.verdict.checks.iter().filter(|check| check.violations > 0);
        let mut found: Vec<String> = checks.map(|check| check.name.to_owned()).collect();
        if self.drained.is_none() {
            found.push("the line does not empty".to_owned());
        }
        found
    }

    /// The table.
    pub fn table(&self) -> String {
        let mut table = output::table();
        table.set_header(["what", "number"]);
        let mut row = |what: &str, number: String| {
            table.add_row([what.to_owned(), number]);
        };
        row("seed", self.trial.seed.to_string());
        row("submissions accepted", format!("{} of {}", self.accepted, self.trial.submissions));
        row("  sent again by their client", self.repeats.0.to_string());
        row("  published twice", self.repeats.1.to_string());
        row("poison messages beside them", self.poison.to_string());
        row("sent over", seconds(self.sending));
        row("processes killed", self.kills().to_string());
        for (name, count) in self.strikes.all() {
            row(&format!("  {name}"), count.to_string());
        }
        let points = self.strikes.points();
        let (deaths, all) = (points.values().sum::<u64>(), Point::ALL.len());
        row(
            "  process died at a named point, as asked",
            format!("{deaths}, at {} of {all} points", points.len()),
        );
        for (point, count) in points {
            row(&format!("    {point}"), count.to_string());
        }
        row("processes that ended of themselves", self.own_ends.to_string());
        let Counts { cut, blackholed, delayed, lost_to_client, lost_to_server, .. } = self.connections;
        row("connections cut", cut.to_string());
        row("  black-holed one way before", blackholed.to_string());
        row("  with a confirm of the broker kept back", lost_to_client.to_string());
        row("  with the reply to a COMMIT kept back", lost_to_server.to_string());
        row("connections delayed", delayed.to_string());
        row(
            "requests on which the outside world's faults struck",
            self.outside.values().sum::<u64>().to_string(),
        );
        for (fault, count) in &self.outside {
            row(&format!("  {fault}"), count.to_string());
        }
        let Ambiguity { writes, unanswered, lapsed, found, absent, conflict, open } = &self.ambiguity;
        row("writes begun at the EHR", writes.to_string());
        row("outcomes unknown", (unanswered + lapsed).to_string());
        row("  no answer that told", unanswered.to_string());
        row("  lease ended without an outcome", lapsed.to_string());
        row("  a search found it: done", found.to_string());
        row("  two searches found nothing: not done", absent.to_string());
        row("  a search found several, or another", conflict.to_string());
        row("  left unknown", open.to_string());
        for (stage, count, median, longest) in self.returns() {
            let kills = self.strikes.of("broker node killed");
            let text = format!("{median:.2} s median, {longest:.2} s at most; seen {count} of {kills} times");
            row(&format!("broker back to first message begun, {stage}"), text);
        }
        row("time to drain after the last fault", self.drained.map_or("it did not".to_owned(), seconds));
        row("held because a message may or may not have been sent", self.verdict.parked.to_string());
        row("lost", self.verdict.lost.to_string());
        row("duplicates", self.verdict.duplicates.to_string());
        let mut text = table.to_string();
        let mut checks = output::table();
        checks.set_header(["check, from outside", "looked at", "wrong"]);
        for check in &self.verdict.checks {
            checks.add_row([
                check.name.to_owned(),
                check.looked_at.to_string(),
                check.violations.to_string(),
            ]);
        }
        let _ = write!(text, "\n\n{checks}");
        for hollow in self.hollow() {
            let _ = write!(text, "\n{hollow}");
        }
        for check in self.verdict.checks.iter().filter(|check| check.violations > 0) {
            let _ = write!(text, "\n{}: {}", check.name, check.wrong.join(", "));
        }
        text
    }

    /// For each stage: how often it was seen to come back, and how soon, seconds.
    fn returns(&self) -> Vec<(String, usize, f64, f64)> {
        let returns = self.strikes.returns();
        let mut stages: Vec<&str> = returns.iter().map(|one| one.stage.as_str()).collect();
        stages.sort_unstable();
        stages.dedup();
        stages
            .into_iter()
            .filter_map(|stage| {
                let of: Vec<f64> = returns
                    .iter()
                    .filter(|one| one.stage == stage)
                    .map(|one| one.took.as_secs_f64())
                    .collect();
                Some((stage.to_owned(), of.len(), *of.get(of.len() / 2)?, *of.last()?))
            })
            .collect()
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
