//! A journal and a switch board in memory.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use domain::{
    ClinicId,
    breaker::BreakerReport,
    hop::{Event, Hop},
    ids::{ProcessId, SuspectId},
    ports::{HopLog, Pending, RetryLimits, StageLog, StoreDown, SwitchBoard, SwitchScope},
    suspect::{Alone, Suspect},
    template::Retry,
};

#[derive(Default)]
pub(crate) struct Rows {
    rows: Mutex<Vec<Hop>>,
    reports: Mutex<Vec<BreakerReport>>,
    suspects: Mutex<Vec<Suspect>>,
    ended: Mutex<usize>,
    isolated: Mutex<Vec<SuspectId>>,
    known: Mutex<Option<Alone>>,
    pub(crate) down: AtomicBool,
}

impl Rows {
    pub(crate) fn all(&self) -> Vec<Hop> {
        self.rows.lock().unwrap().clone()
    }

    pub(crate) fn reports(&self) -> Vec<BreakerReport> {
        self.reports.lock().unwrap().clone()
    }

    /// Whom it was asked about, each time.
    pub(crate) fn suspects(&self) -> Vec<Suspect> {
        self.suspects.lock().unwrap().clone()
    }

    /// How many were handled alone to their end.
    pub(crate) fn ended(&self) -> usize {
        *self.ended.lock().unwrap()
    }

    /// Those that were put with the dead letters.
    pub(crate) fn isolated(&self) -> Vec<SuspectId> {
        self.isolated.lock().unwrap().clone()
    }

    /// What it says of every suspect from now on.
    pub(crate) fn knows(&self, known: Alone) {
        *self.known.lock().unwrap() = Some(known);
    }

    fn unless_down<T: Send + 'static>(&self, value: T) -> Pending<Result<T, StoreDown>> {
        let down = self.down.load(Ordering::Relaxed);
        Box::pin(async move { if down { Err(StoreDown) } else { Ok(value) } })
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.all().iter().map(|hop| hop.event).collect()
    }
}

impl HopLog for Rows {
    fn append(&self, hop: Hop) -> Pending<Result<(), StoreDown>> {
        let down = self.down.load(Ordering::Relaxed);
        if !down {
            self.rows.lock().unwrap().push(hop);
        }
        Box::pin(async move { if down { Err(StoreDown) } else { Ok(()) } })
    }

    fn ready(&self) -> Pending<bool> {
        let up = !self.down.load(Ordering::Relaxed);
        Box::pin(async move { up })
    }
}

impl StageLog for Rows {
    fn breakers(&self, report: BreakerReport) -> Pending<Result<(), StoreDown>> {
        self.reports.lock().unwrap().push(report);
        self.unless_down(())
    }

    fn begin_alone(&self, suspect: Suspect) -> Pending<Result<Alone, StoreDown>> {
        self.suspects.lock().unwrap().push(suspect);
        self.unless_down(self.known.lock().unwrap().unwrap_or(Alone::Begun))
    }

    fn end_alone(&self, _: SuspectId, _: ProcessId) -> Pending<Result<(), StoreDown>> {
        if !self.down.load(Ordering::Relaxed) {
            *self.ended.lock().unwrap() += 1;
        }
        self.unless_down(())
    }

    fn isolated(&self, suspect: SuspectId, _: jiff::Timestamp) -> Pending<Result<(), StoreDown>> {
        self.isolated.lock().unwrap().push(suspect);
        self.unless_down(())
    }
}

#[derive(Default)]
pub(crate) struct Board(Mutex<Vec<SwitchScope>>);

impl Board {
    pub(crate) fn set(&self, scopes: &[SwitchScope]) {
        *self.0.lock().unwrap() = scopes.to_vec();
    }
}

impl SwitchBoard for Board {
    fn paused(&self) -> Pending<Result<Vec<SwitchScope>, StoreDown>> {
        let scopes = self.0.lock().unwrap().clone();
        Box::pin(async move { Ok(scopes) })
    }
}

/// What each clinic wants of retries; what is not in it, as the configuration says.
#[derive(Default)]
pub(crate) struct Limits(Mutex<HashMap<ClinicId, Retry>>);

impl Limits {
    pub(crate) fn set(&self, clinic: &str, attempts: u32) {
        let own = Retry { attempts: Some(attempts), max_age_s: None };
        self.0.lock().unwrap().insert(clinic.parse().unwrap(), own);
    }
}

impl RetryLimits for Limits {
    fn of(&self, clinic: &ClinicId) -> Retry {
        self.0.lock().unwrap().get(clinic).copied().unwrap_or_default()
    }
}
