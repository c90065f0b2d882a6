//! What was compared and found, for people.

use comfy_table::CellAlignment;
use domain::reconcile::{Compared, Difference};
use jiff::Timestamp;

use crate::{
    ops::reconciliations::{Found, Redriven, Run},
    output,
};

/// All of it.
pub(super) fn text(run: &Run, repaired: Option<&Redriven>) -> String {
    let mut text = format!("{}\n", output::text(table(&run.compared)));
    for gap in &run.gaps {
        text += &format!("not compared: {}\n", output::one_line(gap));
    }
    if run.differences.is_empty() {
        text += &format!("no differences on {}: the counts above agree\n", run.date);
    } else {
        text += &format!("differences: {}\n", run.differences.len());
    }
    for Found { difference, advice } in &run.differences {
        text += &format!("\n{}\n    {}\n", line(difference), output::one_line(advice));
    }
    if let Some(Redriven { redriven, left }) = repaired {
        text += &format!("\npublished again: {}\n", redriven.len());
        for one in left {
            text += &format!("left: admission {}: {}\n", one.admission_id, because(&one.why));
        }
    }
    text
}

/// The clinics of which there is anything to count, and all together.
fn table(compared: &[Compared]) -> comfy_table::Table {
    let mut table = output::wide_table();
    table.set_header([
        "clinic",
        "sent",
        "gate-\nway",
        "jour-\nnal",
        "admit-\nted",
        "in\nflight",
        "com-\npleted",
        "dupli-\ncate",
        "rejec-\nted",
        "held",
        "dead",
        "writ-\nten",
        "in\nEHR",
        "noti-\nfied",
    ]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut all: Option<Compared> = None;
    for one in compared {
        all = Some(match all {
            Some(sum) => add(sum, one),
            None => one.clone(),
        });
        if one.journalled + one.admitted + one.sent.unwrap_or(0) + one.accepted.unwrap_or(0) > 0 {
            table.add_row(cells(one.clinic_id.as_str(), one));
        }
    }
    if let Some(all) = all {
        table.add_row(cells("all", &all));
    }
    table
}

fn cells(name: &str, one: &Compared) -> Vec<String> {
    let known =
        |count: Option<u64>, unknown: &str| count.map_or_else(|| unknown.to_owned(), |n| n.to_string());
    let mut cells = vec![name.to_owned(), known(one.sent, "-"), known(one.accepted, "-")];
    let counts = [
        one.journalled,
        one.admitted,
        one.in_flight,
        one.completed,
        one.duplicate,
        one.rejected,
        one.held,
        one.dead,
        one.written,
    ];
    cells.extend(counts.iter().map(ToString::to_string));
    cells.extend([known(one.in_ehr, "?"), one.notified.to_string()]);
    cells
}

fn add(mut sum: Compared, one: &Compared) -> Compared {
    let both = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    };
    sum.sent = both(sum.sent, one.sent);
    sum.accepted = both(sum.accepted, one.accepted);
    sum.in_ehr = sum.in_ehr.zip(one.in_ehr).map(|(a, b)| a + b);
    sum.journalled += one.journalled;
    sum.admitted += one.admitted;
    sum.in_flight += one.in_flight;
    sum.completed += one.completed;
    sum.duplicate += one.duplicate;
    sum.rejected += one.rejected;
    sum.held += one.held;
    sum.dead += one.dead;
    sum.written += one.written;
    sum.notified += one.notified;
    sum
}

/// `<kind>  <clinic>  <what>, since <when>`.
fn line(one: &Difference) -> String {
    let clinic = one.clinic_id.as_ref().map_or("no clinic", |clinic| clinic.as_str());
    let mut what = Vec::new();
    what.extend(one.submission_id.as_ref().map(|id| format!("submission {id}")));
    what.extend(one.admission_id.map(|id| format!("admission {id}")));
    what.extend(one.letter_id.map(|id| format!("dead letter {id}")));
    what.extend(one.source.as_ref().map(|source| format!("source {source}")));
    what.extend(one.ehr.as_ref().map(|ehr| format!("ehr {ehr}")));
    what.extend(one.resources.iter().cloned());
    what.extend(one.code.map(|code| code.to_string()));
    if one.count != 1 {
        what.push(format!("{} of them", one.count));
    }
    what.extend(one.since.map(|at| format!("since {}", minute(at))));
    output::one_line(&format!("{}  {clinic}  {}", one.kind, what.join(", ")))
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn because(why: &str) -> &str {
    match why {
        "ended" => "it came to its end meanwhile, or lies with the dead letters",
        "may_wait" => {
            "its message may still wait: look at `frontdesk status`, and try again when its queue and those of retries are empty. A clinic or EHR that is \
             paused or down anywhere fills those of retries: resume it first"
        }
        "no_original" => "its original is no longer kept, or cannot be read",
        "not_published" => "the broker did not take it: try again, which does no harm",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::text;

    fn compared(clinic: &str, admitted: u64, in_ehr: Option<u64>) -> serde_json::Value {
        json!({"clinic_id": clinic, "from": "2026-11-22T05:00:00Z", "until": "2026-11-23T05:00:00Z", "sent": null, "accepted": admitted.checked_sub(1),
               "journalled": admitted, "admitted": admitted, "in_flight": 0, "completed": admitted, "duplicate": 0,
               "rejected": 0, "held": 0, "dead": 0, "written": admitted * 3, "in_ehr": in_ehr, "notified": admitted})
    }

    #[test]
    fn nothing_is_said_with_the_counts_and_something_with_what_to_do() {
        let run = |differences: serde_json::Value, gaps: serde_json::Value| {
            serde_json::from_value(json!({"id": "r", "date": "2026-11-22", "gaps": gaps, "differences": differences,
                "compared": [compared("clinic-01", 4, Some(12)), compared("clinic-02", 0, Some(0)), compared("clinic-03", 1, None)]}))
            .unwrap()
        };
        let clean = text(&run(json!([]), json!([])), None);
        let words: Vec<Vec<&str>> = clean.lines().map(|line| line.split_whitespace().collect()).collect();
        let row = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert!(
            words.iter().any(|line| *line
                == row(&["clinic-01", "-", "3", "4", "4", "0", "4", "0", "0", "0", "0", "12", "12", "4"])),
            "{clean}"
        );
        assert!(
            words.iter().any(|line| *line
                == row(&["all", "-", "3", "5", "5", "0", "5", "0", "0", "0", "0", "15", "?", "5"])),
            "{clean}"
        );
        assert!(!clean.contains("clinic-02") && clean.contains("no differences on 2026-11-22"), "{clean}");

        let differences = json!([{"kind": "twice_in_ehr", "clinic_id": "clinic-01", "submission_id": "s-1", "ehr": "main", "count": 2,
            "resources": ["Appointment/1", "Appointment/2"], "since": "2026-11-22T09:00:00Z", "advice": "Have them merged."}]);
        let repaired = serde_json::from_value(
            json!({"redriven": ["a"], "left": [{"admission_id": "b", "why": "may_wait"}]}),
        )
        .unwrap();
        let told = text(&run(differences, json!(["ehr:other: no answer"])), Some(&repaired));
        for part in [
            "not compared: ehr:other: no answer",
            "differences: 1",
            "twice_in_ehr  clinic-01  submission s-1, ehr main, Appointment/1, Appointment/2, 2 of them, since 2026-11-22 09:00 UTC\n    Have them merged.",
            "published again: 1",
            "left: admission b: its message may still wait",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
    }
}
