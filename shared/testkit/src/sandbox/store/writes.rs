//! The log of every write that the FHIR server saw, in order of arrival, for tests of "nothing is written twice".

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, Stored};
use crate::sandbox::faults::Interaction;

/// One write that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// Order of arrival, from 0; a reset does not start it again.
    pub sequence: u64,
    /// When it arrived.
    pub arrived_at: Timestamp,
    /// Create or update.
    pub interaction: Interaction,
    /// The resource type.
    pub resource: Kind,
    /// The value of the first identifier under a `urn:frontdesk:` system, else of the first identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The resource's id, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The version that it made (or, if it made none, the version that answered it).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Whether it changed anything.
    pub committed: bool,
    /// When it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<Timestamp>,
    /// The `If-Match` given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_match: Option<String>,
    /// Whether `If-None-Exist` was given.
    pub conditional: bool,
    /// The honest status; none while, or if, a fault kept it from being carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// What a write is about, as far as its request tells.
pub(crate) struct Identity<'a> {
    pub(crate) interaction: Interaction,
    pub(crate) kind: Kind,
    pub(crate) identifier: Option<String>,
    pub(crate) id: Option<&'a str>,
    pub(crate) if_match: Option<&'a str>,
    pub(crate) conditional: bool,
}

/// The log. Numbers go on after a reset, so that a write which was under way then cannot be mistaken for a later one.
#[derive(Default)]
pub(crate) struct Writes {
    rows: Vec<Write>,
    forgotten: u64,
}

impl Writes {
    /// Notes an arrival; the number is for [`Writes::settle`].
    pub(crate) fn arrive(&mut self, identity: Identity<'_>, now: Timestamp) -> u64 {
        let sequence = self.forgotten + self.rows.len() as u64;
        self.rows.push(Write {
            sequence,
            arrived_at: now,
            interaction: identity.interaction,
            resource: identity.kind,
            identifier: identity.identifier,
            id: identity.id.map(str::to_owned),
            version: None,
            committed: false,
            committed_at: None,
            if_match: identity.if_match.map(str::to_owned),
            conditional: identity.conditional,
            status: None,
        });
        sequence
    }

    /// Notes how it was carried out.
    pub(crate) fn settle(&mut self, sequence: u64, status: u16, stored: Option<&Stored>, committed: bool) {
        let place = sequence.checked_sub(self.forgotten).and_then(|place| usize::try_from(place).ok());
        let Some(write) = place.and_then(|place| self.rows.get_mut(place)) else { return };
        write.status = Some(status);
        write.committed = committed;
        if let Some(stored) = stored {
            write.id = Some(stored.id.clone());
            write.version = Some(stored.version);
            write.committed_at = committed.then_some(stored.at);
        }
    }

    /// The writes from this number on.
    pub(crate) fn since(&self, sequence: u64) -> &[Write] {
        let place = usize::try_from(sequence.saturating_sub(self.forgotten)).unwrap_or(usize::MAX);
        self.rows.get(place..).unwrap_or_default()
    }

    pub(crate) fn forget(&mut self) {
        self.forgotten += self.rows.len() as u64;
        self.rows = Vec::new();
    }
}

/// Our identifier's value in a resource.
pub(crate) fn identifier_of(resource: &Value) -> Option<String> {
    let all = resource["identifier"].as_array()?;
    let ours = all.iter().find(|one| one["system"].as_str().is_some_and(|s| s.starts_with("urn:frontdesk:")));
    ours.or_else(|| all.first()).and_then(|one| one["value"].as_str()).map(str::to_owned)
}
