//! Decides, request by request, which faults strike.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Class, Fault, FaultReport, Interaction, Rule, RuleReport};
use crate::sandbox::app::lock;
use crate::sandbox::rng::SplitMix64;

/// What is known of a request when its fate is decided.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) class: Class,
    pub(crate) interaction: Interaction,
    pub(crate) resource: Option<&'a str>,
    /// A create with `If-None-Exist`.
    pub(crate) conditional: bool,
}

impl Request<'_> {
    pub(crate) const fn plain(class: Class, interaction: Interaction) -> Self {
        Self { class, interaction, resource: None, conditional: false }
    }
}

/// What happens to one request.
#[derive(Debug, Default)]
pub(crate) struct Injection {
    pub(crate) delay: Duration,
    /// The one fault that decides the answer.
    pub(crate) act: Option<Fault>,
    pub(crate) lag: Option<Duration>,
    pub(crate) window: Option<Duration>,
    /// Parameters to ignore (empty: all), and whether the `self` link hides it.
    pub(crate) ignore: Option<(Vec<String>, bool)>,
    /// Ends commits that are still to come when the sandbox is reset.
    pub(crate) generation: CancellationToken,
}

struct Active {
    rule: Rule,
    matched: u64,
    injected: u64,
    rng: SplitMix64,
}

#[derive(Default)]
struct Inner {
    active: Vec<Active>,
    injected: BTreeMap<String, u64>,
    generation: CancellationToken,
    added: u64,
}

/// The rules in force.
pub(crate) struct Faults {
    seed: u64,
    inner: Mutex<Inner>,
}

impl Faults {
    pub(crate) fn new(seed: u64, rules: Vec<Rule>) -> Self {
        let faults = Self { seed, inner: Mutex::default() };
        faults.add(rules);
        faults
    }

    /// Adds rules after those in force.
    pub(crate) fn add(&self, rules: Vec<Rule>) {
        let mut inner = lock(&self.inner);
        for rule in rules {
            inner.added += 1;
            let rng =
                SplitMix64::new(self.seed.wrapping_add(inner.added.wrapping_mul(0x5851_F42D_4C95_7F2D)));
            inner.active.push(Active { rule, matched: 0, injected: 0, rng });
        }
    }

    /// Puts these rules in place of all. The chances start again from the seed.
    pub(crate) fn replace(&self, rules: Vec<Rule>) {
        {
            let mut inner = lock(&self.inner);
            inner.active.clear();
            inner.added = 0;
        }
        self.add(rules);
    }

    /// Ends all rules and forgets the counts and the commits still to come.
    pub(crate) fn reset(&self) {
        let old = std::mem::take(&mut *lock(&self.inner));
        old.generation.cancel();
    }

    pub(crate) fn report(&self) -> FaultReport {
        let inner = lock(&self.inner);
        let rules = inner.active.iter().map(|active| RuleReport {
            rule: active.rule.clone(),
            matched: active.matched,
            injected: active.injected,
        });
        FaultReport { rules: rules.collect(), injected: inner.injected.clone() }
    }

    /// Goes over the rules in order: delays add up, of the rest the first that strikes decides.
    pub(crate) fn decide(&self, request: &Request<'_>) -> Injection {
        let mut guard = lock(&self.inner);
        let inner = &mut *guard;
        let mut injection = Injection { generation: inner.generation.clone(), ..Injection::default() };
        for active in &mut inner.active {
            let settled = injection.act.is_some() && decides(&active.rule.fault);
            if settled || !applies(&active.rule, request) || !active.strikes() {
                continue;
            }
            *inner.injected.entry(active.rule.name()).or_default() += 1;
            let millis = Duration::from_millis;
            match active.rule.fault.clone() {
                Fault::Slow { ms, jitter_ms } => {
                    injection.delay += millis(ms.saturating_add(active.rng.up_to(jitter_ms)));
                }
                Fault::StaleSearch { lag_ms } => injection.lag = Some(millis(lag_ms)),
                Fault::NonAtomic { window_ms } => injection.window = Some(millis(window_ms)),
                Fault::IgnoreParameters { parameters, hide } => injection.ignore = Some((parameters, hide)),
                act => injection.act = Some(act),
            }
        }
        injection
    }
}

impl Active {
    fn strikes(&mut self) -> bool {
        self.matched += 1;
        if self.matched <= self.rule.skip || self.rule.count.is_some_and(|count| self.injected >= count) {
            return false;
        }
        let strikes = self.rule.probability >= 1.0 || self.rng.fraction() < self.rule.probability;
        self.injected += u64::from(strikes);
        strikes
    }
}

/// Whether a fault decides the answer, so that only one of its sort can strike.
const fn decides(fault: &Fault) -> bool {
    !matches!(
        fault,
        Fault::Slow { .. }
            | Fault::StaleSearch { .. }
            | Fault::NonAtomic { .. }
            | Fault::IgnoreParameters { .. }
    )
}

/// Whether a rule is about such a request at all.
fn applies(rule: &Rule, request: &Request<'_>) -> bool {
    let writes = !matches!(request.interaction, Interaction::Read | Interaction::Search | Interaction::Ask);
    let sensible = match rule.fault {
        Fault::StaleSearch { .. } | Fault::IgnoreParameters { .. } => {
            request.interaction == Interaction::Search
        }
        Fault::NonAtomic { .. } => request.conditional,
        Fault::LateCommit { .. } => writes,
        _ => true,
    };
    sensible
        && rule.class == request.class
        && rule.interaction.is_none_or(|interaction| interaction == request.interaction)
        && rule.resource.as_deref().is_none_or(|resource| request.resource == Some(resource))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Faults, Request};
    use crate::sandbox::faults::{Class, Commit, Fault, Interaction, Rule};

    const CREATE: Request<'static> = Request {
        class: Class::Ehr,
        interaction: Interaction::Create,
        resource: Some("Patient"),
        conditional: false,
    };
    const CUT: Fault = Fault::Cut { commit: Commit::Before };

    #[test]
    fn skip_and_count_bound_a_rule() {
        let faults = Faults::new(1, vec![Rule::new(Class::Ehr, CUT).after(1).times(2)]);
        let struck: Vec<bool> = (0..5).map(|_| faults.decide(&CREATE).act.is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert_eq!(faults.report().injected["ehr.cut_before_commit"], 2);
        assert_eq!(faults.report().rules[0].matched, 5);
    }

    #[test]
    fn filters_choose() {
        let rule = Rule::new(Class::Ehr, CUT).on("Coverage").at(Interaction::Create);
        let faults = Faults::new(1, vec![rule]);
        assert!(faults.decide(&CREATE).act.is_none());
        assert!(faults.decide(&Request { resource: Some("Coverage"), ..CREATE }).act.is_some());
        assert!(faults.decide(&Request::plain(Class::Sms, Interaction::Send)).act.is_none());
    }

    #[test]
    fn the_same_seed_strikes_the_same_requests() {
        let run = |seed| {
            let faults = Faults::new(seed, vec![Rule::new(Class::Ehr, CUT).chance(0.3)]);
            (0..200).map(|_| faults.decide(&CREATE).act.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(run(5), run(5));
        assert_ne!(run(5), run(6));
        assert!((30..90).contains(&run(5).iter().filter(|struck| **struck).count()));
    }

    #[test]
    fn delays_add_and_the_first_decider_wins() {
        let slow = Rule::new(Class::Ehr, Fault::Slow { ms: 5, jitter_ms: 0 });
        let rules =
            vec![slow.clone(), Rule::new(Class::Ehr, CUT), Rule::new(Class::Ehr, Fault::Unauthorized), slow];
        let faults = Faults::new(1, rules);
        let injection = faults.decide(&CREATE);
        assert_eq!(injection.delay, Duration::from_millis(10));
        assert_eq!(injection.act, Some(CUT));
        assert_eq!(faults.report().rules[2].matched, 0);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Rule::new(Class::Ehr, CUT).chance(1.5).check().is_err());
        assert!(Rule::new(Class::Sms, Fault::StaleSearch { lag_ms: 1 }).check().is_err());
        assert!(Rule::new(Class::Ehr, Fault::Aaa { code: "42".to_owned() }).check().is_err());
        assert!(Rule::new(Class::Payer, Fault::Aaa { code: "~".to_owned() }).check().is_err());
        let error = Fault::Error { status: Some(200), commit: Commit::Before };
        assert!(Rule::new(Class::Ehr, error).check().is_err());
    }
}
