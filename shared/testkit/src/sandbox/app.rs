//! What all endpoints share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::clock::Clock;
use jiff::Timestamp;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::address::Addresses;
use super::config::SandboxConfig;
use super::error::SandboxError;
use super::faults::Faults;
use super::fhir::Cursors;
use super::messages::Outbox;
use super::oauth::Authority;
use super::payer::Members;
use super::slots::SlotRow;
use super::store::{Counts, Kind, Store};

/// Locks; a panic elsewhere does not make the data worse than the panic did.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The state of one sandbox.
pub(crate) struct App {
    pub(crate) addresses: Addresses,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stop: CancellationToken,
    pub(crate) faults: Faults,
    pub(crate) authority: Authority,
    pub(crate) store: Mutex<Store>,
    pub(crate) slots: Mutex<Vec<SlotRow>>,
    pub(crate) cursors: Mutex<Cursors>,
    pub(crate) members: Mutex<Members>,
    pub(crate) outbox: Mutex<Outbox>,
    pub(crate) sms_token: Option<String>,
    pub(crate) payer_token: Option<String>,
    pub(crate) mail_size_limit: usize,
    pub(crate) prevent_double_booking: bool,
    pub(crate) check_references: bool,
}

impl App {
    pub(crate) fn new(config: SandboxConfig, addresses: Addresses) -> Result<Self, SandboxError> {
        let authority = Authority::new(config.auth, &addresses, config.seed)?;
        let app = Self {
            addresses,
            clock: config.clock,
            stop: CancellationToken::new(),
            faults: Faults::new(config.seed, config.faults),
            authority,
            store: Mutex::new(Store::new(config.seed)),
            slots: Mutex::default(),
            cursors: Mutex::default(),
            members: Mutex::new(Members::new(config.members)),
            outbox: Mutex::new(Outbox::new(config.sms_stop)),
            sms_token: config.sms_token,
            payer_token: config.payer_token,
            mail_size_limit: config.mail_size_limit,
            prevent_double_booking: config.prevent_double_booking,
            check_references: config.check_references,
        };
        app.offer(config.slots);
        Ok(app)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Offers more slots, free; those that are there already stay as they are.
    pub(crate) fn offer(&self, rows: Vec<SlotRow>) {
        let now = self.now();
        let mut store = lock(&self.store);
        for row in &rows {
            if let Value::Object(resource) = row.resource() {
                store.load(Kind::Slot, &row.id(), resource, now);
            }
        }
        drop(store);
        lock(&self.slots).extend(rows);
    }

    /// Forgets resources, writes, messages, faults and commits still to come. Slots are free again;
    /// members, clients and tokens stay.
    pub(crate) fn reset(&self) {
        self.faults.reset();
        lock(&self.store).reset();
        lock(&self.outbox).reset();
        lock(&self.cursors).reset();
        let rows = std::mem::take(&mut *lock(&self.slots));
        self.offer(rows);
    }

    pub(crate) fn counts(&self) -> Counts {
        let (sms, mails) = lock(&self.outbox).counts();
        Counts { sms, mails, ..lock(&self.store).counts() }
    }
}
