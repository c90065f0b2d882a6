//! A journal and a switch board in memory.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

use domain::{
    hop::{Event, Hop},
    ports::{HopLog, Pending, StoreDown, SwitchBoard, SwitchScope},
};

#[derive(Default)]
pub(crate) struct Rows {
    rows: Mutex<Vec<Hop>>,
    pub(crate) down: AtomicBool,
}

impl Rows {
    pub(crate) fn all(&self) -> Vec<Hop> {
        self.rows.lock().unwrap().clone()
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
