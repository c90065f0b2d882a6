//! Which sources normally send and have stopped: learnt once an hour, looked at once a minute.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    ClinicId, Stage,
    ids::SourceName,
    ports::{StoreDown, SwitchScope},
    silence::{Arrivals, LOOK_BACK, Rhythm},
    template::Clinics,
};
use jiff::{SignedDuration, Timestamp};
use ledger::Store;
use runtime::{
    telemetry::{Families, Sample, catalogue},
    topology::Lanes,
};

use crate::views::SilentSource;

/// Rhythms are learnt again after so long.
const LEARNT_FOR: SignedDuration = SignedDuration::from_hours(1);
/// What came within this time is read at each look: longer than between two looks, and than a submission takes to be admitted on a good day.
const RECENT: SignedDuration = SignedDuration::from_hours(6);

type Source = (ClinicId, SourceName);

/// What the process found at its last look. Cheap to clone.
#[derive(Clone, Default)]
pub struct Silences(Arc<Mutex<Vec<SilentSource>>>);

impl Silences {
    /// The sources that are silent, by clinic and source.
    pub fn now(&self) -> Vec<SilentSource> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts what was found now in place of what was.
    pub fn set(&self, found: Vec<SilentSource>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = found;
    }
}

/// Looks who is silent.
pub struct Listener {
    store: Store,
    clinics: Arc<Clinics>,
    lanes: Lanes,
    found: Silences,
    learnt: Option<Timestamp>,
    rhythms: BTreeMap<Source, Rhythm>,
    last: BTreeMap<Source, Timestamp>,
}

impl Listener {
    /// One that has heard nothing yet; what it finds is put into `found`.
    pub fn new(store: Store, clinics: Arc<Clinics>, lanes: Lanes, found: Silences) -> Self {
        Self { store, clinics, lanes, found, learnt: None, rhythms: BTreeMap::new(), last: BTreeMap::new() }
    }

    /// Looks, and tells.
    ///
    /// # Errors
    /// [`StoreDown`]: what was found before stays.
    pub async fn look(&mut self, now: Timestamp, families: &Families) -> Result<(), StoreDown> {
        let stale = self.learnt.is_none_or(|learnt| now.duration_since(learnt) >= LEARNT_FOR);
        let since = if stale { LOOK_BACK } else { RECENT };
        let arrivals = self.store.arrivals(now.checked_sub(since).unwrap_or(Timestamp::MIN)).await?;
        let paused: Vec<SwitchScope> =
            self.store.pauses().await?.into_iter().map(|pause| pause.scope).collect();
        if stale {
            self.learn(&arrivals);
            self.learnt = Some(now);
        }
        for (clinic, source, one) in arrivals {
            let last = self.last.entry((clinic, source)).or_insert(one.last);
            *last = (*last).max(one.last);
        }
        // What has no rhythm is not asked for, and its name is a sender's word.
        self.last.retain(|source, _| self.rhythms.contains_key(source));
        let found = self.silent(now, &paused);
        let sample = |(clinic, source): &Source| {
            let silent = found.iter().any(|one| one.clinic_id == *clinic && one.source == *source);
            let labels = vec![("clinic", clinic.to_string()), ("source", source.to_string())];
            Sample { labels, value: f64::from(u8::from(silent)) }
        };
        families.set(&catalogue::SILENT, self.rhythms.keys().map(sample).collect());
        self.found.set(found);
        Ok(())
    }

    /// How many sources it remembers.
    pub fn remembers(&self) -> usize {
        self.last.len()
    }

    fn learn(&mut self, arrivals: &[(ClinicId, SourceName, Arrivals)]) {
        let mut by_source: BTreeMap<Source, Vec<Arrivals>> = BTreeMap::new();
        for (clinic, source, one) in arrivals {
            by_source.entry((clinic.clone(), source.clone())).or_default().push(*one);
        }
        let learn = |(source, arrivals): (Source, Vec<Arrivals>)| {
            let rhythm = Rhythm::learn(&arrivals, &self.clinics.get(&source.0)?.time_zone)?;
            Some((source, rhythm))
        };
        self.rhythms = by_source.into_iter().filter_map(learn).collect();
    }

    /// Those that are silent and are not kept from sending, or from being heard, by a pause.
    fn silent(&self, now: Timestamp, paused: &[SwitchScope]) -> Vec<SilentSource> {
        let found = self.rhythms.iter().filter_map(|(source, rhythm)| {
            let clinic = self.clinics.get(&source.0)?;
            let stopped = paused.iter().any(|scope| match scope {
                SwitchScope::Stage(stage) => *stage == Stage::Validation,
                SwitchScope::Lane(lane) => lane == self.lanes.of(&clinic.id),
                SwitchScope::Clinic(one) => *one == clinic.id,
                SwitchScope::Endpoint(_) => false,
            });
            let last = self.last.get(source).copied().unwrap_or(rhythm.last);
            let silent = rhythm.silence(last, now, &clinic.time_zone).filter(|_| !stopped)?;
            Some(SilentSource {
                clinic_id: clinic.id.clone(),
                source: source.1.clone(),
                since: silent.since,
                per_hour: (silent.per_hour * 10.0).round() / 10.0,
            })
        });
        found.collect()
    }
}
