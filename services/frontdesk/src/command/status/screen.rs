//! The line on one screen, as text.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    ops::{Breaker, Pause, Place, Status, reconciliations::Silent},
    output::{cut, one_line},
};

/// No line is longer.
const WIDTH: usize = 100;
/// Widths of a row's first cells; the numbers and the last have nine each.
const STAGE: usize = 12;
const LANE: usize = 18;

const BOLD: &str = "1";
const RED: &str = "31";
const YELLOW: &str = "33";

/// The dead letters about which somebody has to do something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letters {
    count: u64,
    groups: usize,
}

impl Letters {
    /// Those of these groups, as the API writes them.
    pub(super) fn of(groups: &[Value]) -> Self {
        let count = groups.iter().filter_map(|group| group["count"].as_u64()).sum();
        Self { count, groups: groups.len() }
    }
}

/// All of it.
pub(super) fn screen(status: &Status, letters: Option<Letters>, colour: bool) -> String {
    let paint = |text: String, code: Option<&str>| match code {
        Some(code) if colour => format!("\x1b[{code}m{text}\x1b[0m"),
        _ => text,
    };
    let minutes = status.window_s / 60;
    let mut lines = vec![format!("{:.0}, rates of the last {minutes} minutes", status.at), String::new()];
    let header =
        ["stage", "lane", "waiting", "in hand", "a minute", "oldest", "dead", "held"].map(str::to_owned);
    lines.push(paint(cells(&header, "").join(""), Some(BOLD)));
    for place in &status.lanes {
        let texts = texts(place);
        let stopped = stopped(place);
        let mut row = cells(&texts, stopped.map_or("", |(text, _)| text));
        let (dead, held) = (place.dead.unwrap_or(0) > 0, place.held > 0);
        let codes =
            [(6, dead.then_some(RED)), (7, held.then_some(YELLOW)), (8, stopped.map(|(_, colour)| colour))];
        for (at, code) in codes {
            if let Some(cell) = row.get_mut(at) {
                *cell = paint(std::mem::take(cell), code);
            }
        }
        lines.push(row.join("").trim_end().to_owned());
    }
    lines.push(String::new());
    lines.push(put_off(status));
    lines.extend(states(status));
    let dead = letters.is_some_and(|letters| letters.count > 0);
    lines.push(paint(collected(letters), dead.then_some(RED)));
    if status.paused.is_empty() {
        lines.push("paused        nothing".to_owned());
    }
    for (number, pause) in status.paused.iter().enumerate() {
        let head = if number == 0 { "paused        " } else { "              " };
        lines.push(paint(cut(&format!("{head}{}", paused(pause, status.at)), WIDTH), Some(YELLOW)));
    }
    if status.breakers.is_empty() {
        lines.push("breakers      none is open".to_owned());
    }
    for (number, one) in status.breakers.iter().enumerate() {
        let head = if number == 0 { "breakers      " } else { "              " };
        let colour = if one.state == "open" { RED } else { YELLOW };
        lines.push(paint(cut(&format!("{head}{}", breaker(one, status.at)), WIDTH), Some(colour)));
    }
    for one in &status.silent {
        lines.push(paint(cut(&silent(one), WIDTH), Some(YELLOW)));
    }
    lines.join("\n") + "\n"
}

/// What stops a place, if anything, and in which colour: a person before a breaker.
fn stopped(place: &Place) -> Option<(&'static str, &'static str)> {
    if place.paused {
        return Some(("  paused", YELLOW));
    }
    Some(match place.breaker.as_deref()? {
        "open" => ("  down", RED),
        "recovering" => ("  ramps", YELLOW),
        _ => ("  ?", YELLOW),
    })
}

/// The screen in place of the one before it; where there is no terminal, below it.
pub(super) fn again(text: &str, terminal: bool) -> String {
    if !terminal {
        return format!("{text}\n");
    }
    // Each line is overwritten, then what is left below is cleared: a screen that is cleared first flickers.
    format!("\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n"))
}

fn texts(place: &Place) -> [String; 8] {
    let told = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
    [
        place.stage.clone(),
        place.lane.clone(),
        told(place.ready),
        told(place.unacknowledged),
        format!("{:.1}", place.per_minute),
        place.oldest_s.map_or_else(|| "-".to_owned(), |seconds| age(SignedDuration::from_secs(seconds))),
        told(place.dead),
        place.held.to_string(),
    ]
}

/// The cells of a row, each as wide as its column: names to the left, numbers to the right.
fn cells(texts: &[String; 8], last: &str) -> Vec<String> {
    let mut row: Vec<String> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| match at {
            0 => format!("{:<STAGE$}  ", cut(text, STAGE)),
            1 => format!("{:<LANE$}", cut(text, LANE)),
            _ => format!("{:>10}", cut(text, 9)),
        })
        .collect();
    row.push(last.to_owned());
    row
}

fn put_off(status: &Status) -> String {
    let Some(queues) = &status.queues else {
        return "put off       ? (the broker cannot be asked)".to_owned();
    };
    let waits = queues.iter().filter(|queue| queue.queue.starts_with("wait."));
    format!("put off       {}", waits.map(|queue| queue.ready + queue.unacknowledged).sum::<u64>())
}

fn collected(letters: Option<Letters>) -> String {
    match letters {
        None => "letters       ? (they cannot be asked for)".to_owned(),
        Some(Letters { count: 0, .. }) => "letters       none is open".to_owned(),
        Some(Letters { count, groups }) => {
            let causes = if groups == 1 { "cause" } else { "causes" };
            format!("letters       {count} open, of {groups} {causes}: frontdesk dlq groups")
        }
    }
}

/// The submissions by state, on as many lines as they need.
fn states(status: &Status) -> Vec<String> {
    let mut lines = vec!["submissions   ".to_owned()];
    for (number, one) in status.states.iter().enumerate() {
        let comma = if number + 1 < status.states.len() { "," } else { "" };
        let text = format!("{} {}{comma}", one.state.replace('_', " "), one.count);
        match lines.last_mut() {
            Some(line) if line.len() + text.len() < WIDTH => *line += &format!("{text} "),
            _ => lines.push(format!("              {text} ")),
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

fn paused(pause: &Pause, now: Timestamp) -> String {
    let Pause { scope, actor, reason, until } = pause;
    let end = until.map_or_else(
        || "until it is resumed".to_owned(),
        |until| format!("for {} more", left(until.duration_since(now))),
    );
    format!("{scope}, by {actor}, {end}: {}", one_line(reason))
}

fn breaker(breaker: &Breaker, now: Timestamp) -> String {
    let Breaker { endpoint, stage, lanes, state, since, probe_at } = breaker;
    let since = age(now.duration_since(*since));
    let next = match (state.as_str(), probe_at) {
        ("open", Some(at)) => format!(", probes in {}", age(at.duration_since(now))),
        ("recovering", _) => ", lets more through with each answer".to_owned(),
        ("unknown", _) => ", but its process is silent".to_owned(),
        _ => String::new(),
    };
    let lanes = if lanes.is_empty() { String::new() } else { format!(", stops {}", lanes.join(" ")) };
    format!("{endpoint} {state} in {stage} for {since}{next}{lanes}")
}

/// A source that normally sends and has stopped.
fn silent(one: &Silent) -> String {
    let Silent { clinic_id, source, since, per_hour } = one;
    format!(
        "silent: {clinic_id}/{source} since {}, usually {per_hour} an hour",
        since.strftime("%Y-%m-%d %H:%M UTC")
    )
}

/// A time that is left, as people say it: what was to be two hours a moment ago is not one hour now.
fn left(span: SignedDuration) -> String {
    let unit = match span.as_secs() {
        ..60 => 1,
        60..3600 => 60,
        3600..172_800 => 3600,
        _ => 86_400,
    };
    age(span.saturating_add(SignedDuration::from_secs(unit - 1)))
}

/// A time as people say it.
fn age(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use jiff::SignedDuration;

    use super::{Letters, again, left, screen};
    use crate::ops::Status;

    fn status(queues: bool) -> Status {
        let place = |stage: &str, lane: &str, ready: u64| {
            json!({"stage": stage, "lane": lane, "ready": queues.then_some(ready), "unacknowledged": queues.then_some(20),
                   "dead": queues.then_some(ready % 2), "held": ready % 3, "per_minute": 240.04,
                   "oldest_s": (ready > 1).then_some(ready * 61), "paused": lane != "default", "breaker": (queues && stage == "ehr-writer").then_some("open")})
        };
        let long = "a-lane-with-a-name-that-is-longer-than-any";
        let reason =
            "the vendor updates its servers\nand asked us not to send anything before they call back";
        let listed = json!([{"queue": "validation.default", "ready": 5, "unacknowledged": 0},
                            {"queue": "wait.30s", "ready": 14, "unacknowledged": 0},
                            {"queue": "wait.2m", "ready": 3, "unacknowledged": 0}]);
        let states = ["in_flight", "completed", "duplicate", "rejected", "held", "dead"];
        let states = states.map(|state| json!({"state": state, "count": 12_345_678}));
        serde_json::from_value(json!({
            "at": "2026-11-22T14:31:07.25Z",
            "window_s": 300,
            "states": states,
            "lanes": [place("validation", "default", 1), place("ehr-writer", "default", 9_876_543), place("ehr-writer", long, 2)],
            "queues": queues.then_some(listed),
            "paused": if queues {
                json!([{"scope": format!("lane:{long}"), "actor": "on-call", "reason": reason},
                       {"scope": "clinic:clinic-03", "actor": "local", "reason": "moving", "until": "2026-11-22T15:00:00Z"}])
            } else {
                json!([])
            },
            "breakers": if queues {
                json!([{"endpoint": "ehr:main", "stage": "ehr-writer", "lanes": ["default", long], "state": "open",
                        "since": "2026-11-22T14:29:00Z", "probe_at": "2026-11-22T14:31:30Z"},
                       {"endpoint": "payer:json", "stage": "eligibility", "lanes": [], "state": "recovering",
                        "since": "2026-11-22T14:29:00Z"}])
            } else {
                json!([])
            },
        }))
        .unwrap()
    }

    #[test]
    fn one_screen_tells_it_all_within_a_hundred_columns() {
        let groups = [json!({"count": 7}), json!({"count": 1})];
        let text = screen(&status(true), Some(Letters::of(&groups)), false);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        insta::assert_snapshot!("screen", text);
        insta::assert_snapshot!("blind", screen(&status(false), None, false));
    }

    #[test]
    fn who_is_silent_is_told() {
        let mut status = status(true);
        status.silent = serde_json::from_value(json!([{"clinic_id": "clinic-01", "source": "web_form",
            "since": "2026-11-22T09:12:40Z", "per_hour": 4.5}]))
        .unwrap();
        let text = screen(&status, Some(Letters::of(&[])), false);
        assert!(text.contains("\nletters       none is open\n"), "{text}");
        let last = text.lines().last().unwrap();
        assert_eq!(last, "silent: clinic-01/web_form since 2026-11-22 09:12 UTC, usually 4.5 an hour");
    }

    #[test]
    fn what_is_left_is_not_told_shorter_than_it_is() {
        for (seconds, told) in [
            (0, "0 s"),
            (59, "59 s"),
            (61, "2 min"),
            (3541, "1 h"),
            (7199, "2 h"),
            (7200, "2 h"),
            (172_801, "3 d"),
        ] {
            assert_eq!(left(SignedDuration::from_secs(seconds)), told, "{seconds}");
        }
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let letters = Some(Letters { count: 8, groups: 1 });
        let mut text = screen(&status(true), letters, true);
        assert!(
            text.contains("\x1b[33m  paused\x1b[0m") && text.contains("\x1b[31m         1\x1b[0m"),
            "{text:?}"
        );
        for code in ["\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[33m"] {
            text = text.replace(code, "");
        }
        assert_eq!(text, screen(&status(true), letters, false));
        assert!(text.contains("\nletters       8 open, of 1 cause: frontdesk dlq groups\n"), "{text}");
    }

    #[test]
    fn a_terminal_is_written_over_and_a_file_goes_on() {
        assert_eq!(again("a\nb\n", true), "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J");
        assert_eq!(again("a\nb\n", false), "a\nb\n\n");
    }
}
