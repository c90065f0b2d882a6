//! The plan as a table.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ledger::read::Unfinished;
use runtime::topology::Lanes;

use crate::output;

/// What is to be published again for one clinic.
struct Line<'a> {
    lane: &'a str,
    number: u64,
    oldest: Timestamp,
    soonest: Option<Timestamp>,
}

/// By clinic: its lane, how many, when the oldest was received, and the soonest visit that is asked for.
pub fn table(submissions: &[Unfinished], lanes: &Lanes) -> comfy_table::Table {
    let mut table = output::wide_table();
    table.set_header(["clinic", "lane", "submissions", "oldest", "soonest visit"]);
    for (clinic, line) in lines(submissions, lanes) {
        table.add_row([
            clinic.to_owned(),
            line.lane.to_owned(),
            line.number.to_string(),
            format!("{:.0}", line.oldest),
            line.soonest.map_or_else(String::new, |at| format!("{at:.0}")),
        ]);
    }
    table
}

fn lines<'a>(submissions: &'a [Unfinished], lanes: &'a Lanes) -> BTreeMap<&'a str, Line<'a>> {
    let mut lines: BTreeMap<&str, Line<'_>> = BTreeMap::new();
    for one in submissions {
        let line = lines.entry(one.clinic.as_str()).or_insert_with(|| Line {
            lane: lanes.of(&one.clinic).as_str(),
            number: 0,
            oldest: one.received_at,
            soonest: None,
        });
        line.number += 1;
        line.oldest = line.oldest.min(one.received_at);
        line.soonest = [line.soonest, one.appointment_at].into_iter().flatten().min();
    }
    lines
}

#[cfg(test)]
mod tests {
    use domain::{
        AdmissionId, ClinicId, CorrelationId, MessageId,
        clock::{Clock as _, SystemClock},
        ids::LetterId,
    };
    use ledger::read::{State, Stopped, Unfinished};
    use runtime::topology::Lanes;

    use crate::recover::Plan;

    fn one(clinic: &str, received_at: &str, appointment_at: Option<&str>) -> Unfinished {
        let id = || SystemClock.fresh_id();
        Unfinished {
            admission: AdmissionId::from_uuid(id()),
            clinic: ClinicId::parse(clinic).unwrap(),
            message: MessageId::from_uuid(id()),
            correlation: CorrelationId::from_uuid(id()),
            state: State::InFlight,
            received_at: received_at.parse().unwrap(),
            appointment_at: appointment_at.map(|at| at.parse().unwrap()),
        }
    }

    #[test]
    fn a_clinic_has_one_line_with_its_oldest_and_its_soonest() {
        let submissions = vec![
            one("c2", "2026-11-22T09:05:00Z", None),
            one("c1", "2026-11-22T09:04:00Z", Some("2026-12-03T10:00:00Z")),
            one("c1", "2026-11-22T09:03:00Z", Some("2026-12-02T10:00:00Z")),
            one("c1", "2026-11-22T09:06:00Z", None),
        ];
        let replays = vec![LetterId::from_uuid(SystemClock.fresh_id())];
        let text =
            Plan { submissions, replays, stopped: Stopped { held: 2, dead: 7 } }.describe(&Lanes::default());
        let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        let line = ["c1", "default", "3", "2026-11-22T09:03:00Z", "2026-12-02T10:00:00Z"];
        assert!(words.contains(&line.to_vec()), "{text}");
        assert!(words.contains(&["c2", "default", "1", "2026-11-22T09:05:00Z"].to_vec()), "{text}");
        assert!(text.contains("published again: 4") && text.contains("2 held") && text.contains("7 dead"));
        assert!(text.contains("replays of dead letters to be published again: 1"), "{text}");
    }

    #[test]
    fn nothing_to_do_is_said() {
        let plan = Plan { submissions: Vec::new(), replays: Vec::new(), stopped: Stopped::default() };
        assert!(plan.is_empty());
        assert!(plan.describe(&Lanes::default()).starts_with("nothing is in flight"));
    }
}
