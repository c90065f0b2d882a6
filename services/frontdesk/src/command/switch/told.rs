//! What is said of a pause.

use crate::{
    ops::{Backlog, Pause, Paused, Scopes},
    output::one_line,
};

/// A scope that was just paused.
pub(super) fn paused(made: &Paused) -> String {
    let Pause { scope, actor, reason, until } = &made.pause;
    let end = until.map_or_else(|| "until it is resumed".to_owned(), |until| format!("until {until:.0}"));
    format!("paused {scope}, by {actor}, {end}: {}\n  {}", one_line(reason), backlog(&made.backlog))
}

/// A pause that ended.
pub(super) fn resumed(ended: &Pause) -> String {
    let Pause { scope, actor, reason, .. } = ended;
    format!("resumed {scope}, which {actor} had paused: {}", one_line(reason))
}

/// What waits now, what comes, and what that makes.
fn backlog(backlog: &Backlog) -> String {
    let rate = |rate: f64| format!("{rate:.1} a minute more");
    match (backlog.waiting, backlog.per_minute, backlog.projected) {
        (Some(waiting), Some(more), Some(projected)) => {
            format!("backlog: {waiting} now, {}: about {projected} when it ends", rate(more))
        }
        (Some(waiting), Some(more), None) => format!("backlog: {waiting} now, {}", rate(more)),
        (Some(waiting), None, _) => format!("backlog: {waiting} now, how many more is unknown"),
        (None, Some(more), _) => format!("backlog: now unknown, {}", rate(more)),
        (None, None, _) => "backlog: unknown".to_owned(),
    }
}

/// Says so, with the names that there are, if a scope's name is none of them.
pub(super) fn unknown(known: &Scopes, scope: &str) -> Option<String> {
    let names = known.refuse(scope)?;
    let (kind, name) = scope.split_once(':').unwrap_or((scope, ""));
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Some(format!("there is no {kind} {name}; known: {names}"))
}

#[cfg(test)]
mod tests {
    use super::{paused, resumed, unknown};
    use crate::ops::{Backlog, Pause, Paused, Scopes};

    fn pause(until: Option<&str>) -> Pause {
        Pause {
            scope: "clinic:clinic-03".to_owned(),
            actor: "local".to_owned(),
            reason: "moving\nhouse".to_owned(),
            until: until.map(|text| text.parse().unwrap()),
        }
    }

    #[test]
    fn a_pause_is_told_with_its_backlog_as_far_as_it_is_known() {
        let until = Some("2026-11-22T15:00:00.123Z");
        let told = [
            (until, (Some(12), Some(4.2), Some(138))),
            (None, (Some(12), Some(4.2), None)),
            (None, (Some(12), None, None)),
            (None, (None, Some(4.2), None)),
            (None, (None, None, None)),
        ]
        .map(|(until, (waiting, per_minute, projected))| {
            paused(&Paused { pause: pause(until), backlog: Backlog { waiting, per_minute, projected } })
        });
        insta::assert_snapshot!("told", format!("{}\n{}", told.join("\n"), resumed(&pause(None))));
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        let kinds = [("lane", names(&["default", "north"])), ("payer", names(&[])), ("ehr", None)];
        let known = Scopes(kinds.map(|(kind, names)| (kind.to_owned(), names)).into());
        assert_eq!(
            unknown(&known, "lane:south").as_deref(),
            Some("there is no lane south; known: default, north")
        );
        assert_eq!(unknown(&known, "payer:x").as_deref(), Some("there is no payer x; known: none"));
        assert_eq!(unknown(&known, "lane:north"), None);
        assert_eq!(unknown(&known, "ehr:any"), None, "which there are is not known");
    }
}
