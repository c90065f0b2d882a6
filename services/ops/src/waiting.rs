//! What waits on its way without a person's doing. What a pause keeps back is left out: that pause only, and only what it keeps back.

use std::collections::{BTreeMap, HashMap};

use domain::{ClinicId, EndpointKind, LaneName, Stage, ports::SwitchScope};
use jiff::{SignedDuration, Timestamp};
use ledger::read::OnItsWay;
use runtime::topology::Lanes;

use crate::names::Names;

/// The SLO: what has been on its way for longer is overdue.
pub(crate) const OVERDUE: SignedDuration = SignedDuration::from_mins(2);
/// For so long it is remembered that something was paused: what it kept back is late because of that.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// What is paused, and what was until when, as far as this process saw it.
#[derive(Default)]
pub(crate) struct Pauses {
    now: Vec<SwitchScope>,
    before: HashMap<SwitchScope, Timestamp>,
}

/// One lane's.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Waiting {
    /// The age of the oldest, seconds; 0 if there is none.
    pub(crate) oldest_s: f64,
    /// How many are overdue.
    pub(crate) overdue: u64,
}

impl Pauses {
    /// Takes up what is paused now.
    pub(crate) fn see(&mut self, paused: impl Iterator<Item = SwitchScope>, now: Timestamp) {
        self.now = paused.collect();
        self.before.extend(self.now.iter().map(|scope| (scope.clone(), now)));
        self.before.retain(|_, last| now.duration_since(*last) < REMEMBERED);
    }

    /// Whether it matters at which stage submissions are.
    pub(crate) fn by_stage(&self) -> bool {
        self.now.iter().any(|scope| matches!(scope, SwitchScope::Stage(_) | SwitchScope::Endpoint(_)))
    }

    /// What waits in each lane; a lane in which nothing does is there too.
    pub(crate) fn waiting(
        &self,
        ways: &[OnItsWay],
        now: Timestamp,
        (lanes, names): (&Lanes, &Names),
    ) -> BTreeMap<LaneName, Waiting> {
        let mut told: BTreeMap<_, _> = lanes.names().map(|lane| (lane.clone(), Waiting::default())).collect();
        let late = now.checked_sub(OVERDUE).unwrap_or(Timestamp::MIN);
        for way in ways {
            let lane = lanes.of(&way.clinic);
            let concerns = |scope: &SwitchScope| concerns(scope, (&way.clinic, lane), names);
            let here = |scope: &&SwitchScope| {
                concerns(scope) && stage_of(scope).is_none_or(|one| Some(one) == way.stage)
            };
            if self.now.iter().any(|scope| here(&scope)) {
                continue;
            }
            let before = self.before.iter().filter(|(scope, _)| concerns(scope) && !self.now.contains(scope));
            let since = before.map(|(_, last)| *last).fold(way.oldest, Timestamp::max);
            let lane = told.entry(lane.clone()).or_default();
            lane.oldest_s = lane.oldest_s.max(now.duration_since(since).as_secs_f64());
            if since < late {
                lane.overdue += way.late;
            }
        }
        told
    }
}

/// Whether a pause of the scope can keep back what is of that clinic.
fn concerns(scope: &SwitchScope, (clinic, lane): (&ClinicId, &LaneName), names: &Names) -> bool {
    match scope {
        SwitchScope::Stage(_) => true,
        SwitchScope::Lane(one) => one == lane,
        SwitchScope::Clinic(one) => one == clinic,
        SwitchScope::Endpoint(endpoint) => match endpoint.kind() {
            EndpointKind::Ehr => {
                let its = names.clinics.as_ref().and_then(|clinics| clinics.get(clinic));
                its.is_none_or(|its| its == endpoint.name())
            }
            // Which one somebody needs is sealed.
            EndpointKind::Payer | EndpointKind::Messenger => true,
        },
    }
}

/// The stage at which a pause of the scope keeps back; `None`: at every one.
fn stage_of(scope: &SwitchScope) -> Option<Stage> {
    match scope {
        SwitchScope::Stage(stage) => Some(*stage),
        SwitchScope::Lane(_) | SwitchScope::Clinic(_) => None,
        SwitchScope::Endpoint(endpoint) => Some(match endpoint.kind() {
            EndpointKind::Ehr => Stage::EhrWriter,
            EndpointKind::Payer => Stage::Eligibility,
            EndpointKind::Messenger => Stage::Notification,
        }),
    }
}

#[cfg(test)]
mod tests {
    use domain::Stage;
    use jiff::{SignedDuration, Timestamp};
    use ledger::read::OnItsWay;
    use runtime::{Settings, topology::Lanes};

    use super::{Pauses, Waiting};
    use crate::names::Names;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    fn way(clinic: &str, stage: Stage, oldest: i64, late: u64) -> OnItsWay {
        OnItsWay { clinic: clinic.parse().unwrap(), stage: Some(stage), oldest: at(oldest), late }
    }

    /// Minutes and number in the lanes `default` and `north`, an hour after 1970 began.
    fn told(pauses: &Pauses, ways: &[OnItsWay]) -> [(f64, u64); 2] {
        let text = "[lanes.north]\nclinics = [\"clinic-n\"]\n";
        let settings = Settings::from_toml(text, std::path::Path::new("/")).unwrap();
        let lanes = Lanes::read(&settings).unwrap();
        let clinics = [("clinic-n", "main"), ("clinic-x", "other")];
        let clinics = clinics.map(|(clinic, ehr)| (clinic.parse().unwrap(), ehr.to_owned())).into();
        let names = Names {
            lanes: lanes.names().cloned().collect(),
            clinics: Some(clinics),
            ehrs: None,
            payers: None,
        };
        let told = pauses.waiting(ways, at(60), (&lanes, &names));
        ["default", "north"].map(|lane| {
            let Waiting { oldest_s, overdue } = told[&lane.parse().unwrap()];
            (oldest_s / 60.0, overdue)
        })
    }

    fn paused(scopes: &[&str]) -> Pauses {
        let mut pauses = Pauses::default();
        pauses.see(scopes.iter().map(|scope| scope.parse().unwrap()), at(60));
        pauses
    }

    #[test]
    fn a_pause_leaves_out_only_what_it_keeps_back() {
        let ways = [way("clinic-n", Stage::EhrWriter, 20, 3), way("clinic-x", Stage::Eligibility, 30, 2)];
        let (default, north) = ((30.0, 2), (40.0, 3));
        let none = (0.0, 0);
        for (scopes, expected) in [
            (&[][..], [default, north]),
            (&["lane:north"], [default, none]),
            (&["clinic:clinic-x"], [none, north]),
            (&["stage:notification"], [default, north]),
            (&["stage:ehr-writer"], [default, none]),
            (&["ehr:main"], [default, none]),
            (&["ehr:other"], [default, north]),
            (&["payer:aetna"], [none, north]),
            (&["messenger:smtp", "clinic:clinic-y"], [default, north]),
        ] {
            assert_eq!(told(&paused(scopes), &ways), expected, "{scopes:?}");
        }
        assert!(paused(&["payer:aetna"]).by_stage() && !paused(&["lane:north"]).by_stage());
    }

    #[test]
    fn what_a_pause_kept_back_goes_anew_from_its_end() {
        let ways = [way("clinic-n", Stage::EhrWriter, 20, 3)];
        let mut pauses = Pauses::default();
        pauses.see(["lane:north".parse().unwrap()].into_iter(), at(50));
        pauses.see(std::iter::empty(), at(51));
        assert_eq!(told(&pauses, &ways)[1], (10.0, 3), "it has had ten minutes since");
        pauses.see(["lane:north".parse().unwrap()].into_iter(), at(59));
        pauses.see(std::iter::empty(), at(60));
        assert_eq!(told(&pauses, &ways)[1], (1.0, 0));
        pauses.see(std::iter::empty(), at(59 + 24 * 60));
        assert!(pauses.before.is_empty(), "forgotten");
    }
}
