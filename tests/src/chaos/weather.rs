//! How the world outside misbehaves: sets of faults, one of which holds at a time.

use std::collections::BTreeSet;

use testkit::sandbox::{Class, Commit, Fault, Interaction, LateAnswer, Rule};

use super::settings::{LATE_MS, UNSEEN_MS};

/// How many kinds of weather there are. They follow one another, so that a run has each of them.
pub const KINDS: u8 = 8;

/// Longer than our own deadline for a call.
const TOO_LONG_MS: u64 = 6_000;

/// What holds in all weathers that are not fair: searches that see the past, and an `If-None-Exist` that is not atomic.
fn climate() -> Vec<Rule> {
    vec![
        Rule::new(Class::Ehr, Fault::StaleSearch { lag_ms: UNSEEN_MS }).at(Interaction::Search).chance(0.3),
        Rule::new(Class::Ehr, Fault::NonAtomic { window_ms: 150 }).at(Interaction::Create).chance(0.2),
    ]
}

/// The faults of one kind of weather.
pub fn rules(kind: u8) -> Vec<Rule> {
    let ehr = |fault, chance| Rule::new(Class::Ehr, fault).chance(chance);
    let created = |fault, chance| ehr(fault, chance).at(Interaction::Create);
    let after = Commit::After;
    let mut rules = climate();
    rules.extend(match kind {
        0 => return Vec::new(),
        // The answer is lost, the write is there.
        1 => vec![
            created(Fault::Hang { commit: after, ms: TOO_LONG_MS }, 0.03),
            ehr(Fault::Cut { commit: after }, 0.04).at(Interaction::Update),
        ],
        2 => vec![
            created(Fault::Error { status: Some(502), commit: after }, 0.08),
            ehr(Fault::Error { status: Some(504), commit: after }, 0.05).at(Interaction::Update),
        ],
        // The answer is bad, the write comes later.
        3 => vec![
            created(Fault::LateCommit { after_ms: LATE_MS, answer: LateAnswer::Error }, 0.05),
            created(Fault::LateCommit { after_ms: LATE_MS / 2, answer: LateAnswer::Cut }, 0.03),
            ehr(Fault::LateCommit { after_ms: LATE_MS, answer: LateAnswer::Error }, 0.04)
                .at(Interaction::Update),
        ],
        // Nothing was done, and one cannot know.
        4 => vec![
            ehr(Fault::Cut { commit: Commit::Before }, 0.04),
            ehr(Fault::Hang { commit: Commit::Before, ms: TOO_LONG_MS }, 0.02),
            ehr(Fault::Error { status: Some(503), commit: Commit::Before }, 0.06),
        ],
        5 => vec![ehr(Fault::Throttle { retry_after_s: Some(1) }, 0.10)],
        6 => vec![
            created(Fault::Garbage { commit: after }, 0.04),
            ehr(Fault::Slow { ms: 20, jitter_ms: 200 }, 0.3),
            Rule::new(Class::Payer, Fault::Hang { commit: Commit::Before, ms: TOO_LONG_MS }).chance(0.05),
            Rule::new(Class::Token, Fault::Error { status: None, commit: Commit::Before }).chance(0.3),
        ],
        // Who tells patients.
        _ => vec![
            Rule::new(Class::Sms, Fault::Error { status: Some(503), commit: after }).chance(0.04),
            Rule::new(Class::Sms, Fault::Cut { commit: Commit::Before }).chance(0.04),
            Rule::new(Class::Sms, Fault::Throttle { retry_after_s: Some(1) }).chance(0.10),
            Rule::new(Class::Smtp, Fault::Cut { commit: after }).chance(0.03),
            Rule::new(Class::Smtp, Fault::Error { status: None, commit: Commit::Before }).chance(0.05),
        ],
    });
    rules
}

/// The EHR's faults in all weathers, as the sandbox counts them. Even a run of three minutes meets them all.
pub fn of_the_ehr() -> BTreeSet<String> {
    (0..KINDS).flat_map(rules).filter(|rule| rule.class == Class::Ehr).map(|rule| rule.name()).collect()
}

/// What makes a second write visible where nothing of ours prevents it.
pub fn against_rewriting() -> Vec<Rule> {
    let created = |fault, chance| Rule::new(Class::Ehr, fault).chance(chance).at(Interaction::Create);
    let mut rules = climate();
    rules.push(created(Fault::Error { status: Some(502), commit: Commit::After }, 0.15));
    rules.push(created(Fault::Hang { commit: Commit::After, ms: TOO_LONG_MS }, 0.05));
    rules.push(created(Fault::LateCommit { after_ms: LATE_MS, answer: LateAnswer::Error }, 0.1));
    rules
}

/// What makes it likely that who is stopped was writing: answers that take most of the time that a call may take.
pub fn against_sleepers() -> Vec<Rule> {
    vec![Rule::new(Class::Ehr, Fault::Slow { ms: 1_000, jitter_ms: 700 }).at(Interaction::Create)]
}

#[cfg(test)]
mod tests {
    use super::{KINDS, against_rewriting, against_sleepers, of_the_ehr, rules};

    #[test]
    fn each_weather_is_one_that_the_sandbox_takes() {
        for rule in (0..KINDS).flat_map(rules).chain(against_rewriting()).chain(against_sleepers()) {
            assert_eq!(rule.check(), Ok(()), "{rule:?}");
        }
        assert!(rules(0).is_empty(), "there is fair weather too");
        assert_eq!(of_the_ehr().len(), 13);
    }
}
