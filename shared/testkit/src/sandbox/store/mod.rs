//! The FHIR server's memory: versioned resources, their search index and the log of writes.
//!
//! The index only ever grows: a key leads to every resource that has it in *some* version, and each hit is checked
//! against the version that the search may see. So a search can look at the past (a lagging index), and updates stay cheap.

mod dates;
mod find;
mod kind;
mod matches;
mod parameters;
mod query;
mod table;
mod want;
mod writes;

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub(crate) use find::Found;
pub use kind::Kind;
pub(crate) use parameters::Parameter;
pub(crate) use query::{Query, Strictness};
use table::Table;
pub use writes::Write;
pub(crate) use writes::{Identity, Writes, identifier_of};

use super::rng;

/// One version of one resource, as it is answered.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) version: u64,
    pub(crate) at: Timestamp,
    pub(crate) body: Bytes,
}

/// Why an update was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    NotFound,
    Stale,
}

/// How much is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Patients.
    pub patients: usize,
    /// Coverages.
    pub coverages: usize,
    /// Appointments, cancelled ones included.
    pub appointments: usize,
    /// `RelatedPersons`.
    pub related_persons: usize,
    /// Slots that are busy.
    pub slots_busy: usize,
    /// Slots that are free.
    pub slots_free: usize,
    /// Texts.
    pub sms: usize,
    /// Mails.
    pub mails: usize,
}

/// All resources of all kinds, and the log of writes.
pub(crate) struct Store {
    seed: u64,
    tables: BTreeMap<Kind, Table>,
    pub(crate) writes: Writes,
}

impl Store {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, tables: BTreeMap::new(), writes: Writes::default() }
    }

    /// Forgets all resources and writes.
    pub(crate) fn reset(&mut self) {
        self.tables.clear();
        self.writes.forget();
    }

    fn table(&self, kind: Kind) -> Option<&Table> {
        self.tables.get(&kind)
    }

    /// Stores a new resource under an id of the server's choosing.
    pub(crate) fn create(&mut self, kind: Kind, resource: Map<String, Value>, now: Timestamp) -> Stored {
        let number = self.table(kind).map_or(0, Table::ever) + 1;
        let id = format!("{:016x}", rng::hash(&[kind.as_str(), &number.to_string(), &self.seed.to_string()]));
        self.put(kind, id, resource, 1, now)
    }

    /// Stores a resource under a given id, at start only; one that is there stays as it is.
    pub(crate) fn load(&mut self, kind: Kind, id: &str, resource: Map<String, Value>, now: Timestamp) {
        if self.read(kind, id).is_none() {
            self.put(kind, id.to_owned(), resource, 1, now);
        }
    }

    /// Takes a resource away; false if it is not there.
    pub(crate) fn remove(&mut self, kind: Kind, id: &str) -> bool {
        self.tables.get_mut(&kind).is_some_and(|table| table.remove(id))
    }

    /// Replaces a resource if `if_match`, where given, names its version.
    pub(crate) fn update(
        &mut self,
        kind: Kind,
        id: &str,
        resource: Map<String, Value>,
        if_match: Option<&str>,
        now: Timestamp,
    ) -> Result<Stored, Refused> {
        let current = self.read(kind, id).ok_or(Refused::NotFound)?.version;
        let wanted = if_match.map(str::trim).filter(|tag| *tag != "*");
        if wanted.is_some_and(|tag| tag.trim_start_matches("W/").trim_matches('"') != current.to_string()) {
            return Err(Refused::Stale);
        }
        Ok(self.put(kind, id.to_owned(), resource, current + 1, now))
    }

    fn put(
        &mut self,
        kind: Kind,
        id: String,
        mut resource: Map<String, Value>,
        version: u64,
        at: Timestamp,
    ) -> Stored {
        resource.insert("id".to_owned(), Value::from(id.as_str()));
        let meta = resource.entry("meta").or_insert_with(|| json!({}));
        if !meta.is_object() {
            *meta = json!({});
        }
        meta["versionId"] = Value::from(version.to_string());
        meta["lastUpdated"] = Value::from(at.to_string());
        let resource = Value::Object(resource);
        let body = Bytes::from(resource.to_string());
        self.tables.entry(kind).or_default().put(kind, &id, &resource, body.clone(), at);
        Stored { id, version, at, body }
    }

    /// The newest version.
    pub(crate) fn read(&self, kind: Kind, id: &str) -> Option<Stored> {
        self.table(kind)?.newest(id)
    }

    /// One version.
    pub(crate) fn version(&self, kind: Kind, id: &str, version: u64) -> Option<Stored> {
        self.table(kind)?.version(id, version)
    }

    /// What a query finds, as of a moment (the present if there is none), in order of creation if it asks for no other.
    pub(crate) fn search(&self, kind: Kind, query: &Query, as_of: Option<Timestamp>) -> Found {
        self.table(kind).map_or_else(Found::default, |table| find::find(table, query, as_of))
    }

    /// Whether another booked Appointment has this slot.
    pub(crate) fn slot_taken(&self, slot: &str) -> bool {
        let pairs = [("slot".to_owned(), slot.to_owned())];
        let Ok(query) = Query::parse(Kind::Appointment, &pairs, Strictness::Strict) else { return false };
        let found = self.search(Kind::Appointment, &query, None);
        found.page.iter().any(|hit| {
            let status = serde_json::from_slice::<Value>(&hit.body).ok().and_then(|body| {
                body["status"]
                    .as_str()
                    .map(|status| matches!(status, "cancelled" | "noshow" | "entered-in-error"))
            });
            status == Some(false)
        })
    }

    /// Every resource of a kind, newest versions, in order of creation.
    pub(crate) fn all(&self, kind: Kind) -> Vec<Bytes> {
        self.table(kind).map(Table::bodies).unwrap_or_default()
    }

    /// How much is stored, without the messages.
    pub(crate) fn counts(&self) -> Counts {
        let len = |kind| self.table(kind).map_or(0, Table::len);
        let busy = self.table(Kind::Slot).map_or(0, Table::busy);
        Counts {
            patients: len(Kind::Patient),
            coverages: len(Kind::Coverage),
            appointments: len(Kind::Appointment),
            related_persons: len(Kind::RelatedPerson),
            slots_busy: busy,
            slots_free: len(Kind::Slot) - busy,
            sms: 0,
            mails: 0,
        }
    }
}
