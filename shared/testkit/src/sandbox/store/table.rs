//! The resources of one kind.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, RangeInclusive};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::dates::Comparison;
use super::parameters::Have;
use super::query::Term;
use super::want::{Mode, Want};
use super::{Kind, Stored};

struct Version {
    body: Bytes,
    at: Timestamp,
}

struct Row {
    id: Box<str>,
    versions: Vec<Version>,
}

/// The resources of one kind, with an ordered index from `parameter ␟ value` to rows.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    by_id: HashMap<Box<str>, u32>,
    index: BTreeMap<Box<str>, Vec<u32>>,
    busy: usize,
}

impl Table {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// How many there ever were.
    pub(super) const fn ever(&self) -> usize {
        self.rows.len()
    }

    /// Takes a resource away with all its versions, as if it had never been; false if it is not there.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        let Some(row) = self.by_id.remove(id) else { return false };
        let Some(slot) = self.rows.get_mut(row as usize) else { return false };
        let newest = slot.versions.last().and_then(|one| serde_json::from_slice::<Value>(&one.body).ok());
        self.busy -= usize::from(newest.is_some_and(|resource| resource["status"] == "busy"));
        slot.versions.clear();
        true
    }

    /// Rows whose newest version has status `busy`.
    pub(super) const fn busy(&self) -> usize {
        self.busy
    }

    pub(super) fn put(&mut self, kind: Kind, id: &str, resource: &Value, body: Bytes, at: Timestamp) {
        let row = if let Some(row) = self.by_id.get(id) {
            *row
        } else {
            // Four thousand million resources do not fit in memory anyway.
            let row = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
            self.rows.push(Row { id: id.into(), versions: Vec::with_capacity(1) });
            self.by_id.insert(id.into(), row);
            row
        };
        let Some(slot) = self.rows.get_mut(row as usize) else { return };
        let before = slot.versions.last().and_then(|old| serde_json::from_slice::<Value>(&old.body).ok());
        slot.versions.push(Version { body, at });
        let known = before.as_ref().map(|before| keys(kind, before)).unwrap_or_default();
        for key in keys(kind, resource) {
            if !known.contains(&key) {
                let rows = self.index.entry(key.into_boxed_str()).or_default();
                if rows.last() != Some(&row) {
                    rows.push(row);
                }
            }
        }
        let is_busy = |resource: &Value| resource["status"] == "busy";
        self.busy += usize::from(is_busy(resource));
        self.busy -= usize::from(before.as_ref().is_some_and(is_busy));
    }

    fn row(&self, id: &str) -> Option<&Row> {
        self.rows.get(*self.by_id.get(id)? as usize)
    }

    pub(super) fn newest(&self, id: &str) -> Option<Stored> {
        self.row(id).and_then(|row| row.stored(row.versions.len()))
    }

    pub(super) fn version(&self, id: &str, version: u64) -> Option<Stored> {
        self.row(id).and_then(|row| row.stored(usize::try_from(version).ok()?))
    }

    /// The version of a row that was there at a moment.
    pub(super) fn visible(&self, row: u32, as_of: Option<Timestamp>) -> Option<Stored> {
        let row = self.rows.get(row as usize)?;
        let number =
            as_of.map_or(row.versions.len(), |at| row.versions.partition_point(|version| version.at <= at));
        row.stored(number)
    }

    pub(super) fn bodies(&self) -> Vec<Bytes> {
        self.rows.iter().filter_map(|row| row.versions.last()).map(|version| version.body.clone()).collect()
    }

    /// All rows, oldest first.
    pub(super) fn everything(&self) -> Vec<u32> {
        (0..self.rows.len()).filter_map(|row| u32::try_from(row).ok()).collect()
    }

    /// Rows that may satisfy a term (and none that satisfies it is missing); `None` if the index cannot tell.
    pub(super) fn candidates(&self, term: &Term) -> Option<Vec<u32>> {
        let name = term.parameter.name;
        let mut rows = Vec::new();
        for want in &term.any {
            match (want, term.mode) {
                (Want::Token { code: Some(id), .. }, Mode::Plain) if name == "_id" => {
                    rows.extend(self.by_id.get(id.as_str()));
                }
                _ if !term.parameter.indexed => return None,
                (Want::Token { code: Some(code), .. }, Mode::Plain) => {
                    self.exactly(&key(name, code), &mut rows)
                }
                (Want::Reference { id, .. }, _) => self.exactly(&key(name, id), &mut rows),
                (Want::Text(text), Mode::Plain | Mode::Exact) => {
                    let low = key(name, &text.to_lowercase());
                    let high = format!("{low}\u{10FFFF}");
                    self.range(low..=high, &mut rows);
                }
                (Want::Date(Comparison::Equal, asked), _) => {
                    self.range(moment(name, asked.low)..=moment(name, asked.high), &mut rows);
                }
                _ => return None,
            }
        }
        if matches!(term.mode, Mode::Missing(_) | Mode::Not) {
            return None;
        }
        rows.sort_unstable();
        rows.dedup();
        Some(rows)
    }

    fn exactly(&self, key: &str, rows: &mut Vec<u32>) {
        rows.extend(self.index.get(key).into_iter().flatten());
    }

    fn range(&self, keys: RangeInclusive<String>, rows: &mut Vec<u32>) {
        let (low, high) = (keys.start().as_str(), keys.end().as_str());
        if low <= high {
            let bounds = (Bound::Included(low), Bound::Included(high));
            rows.extend(self.index.range::<str, _>(bounds).flat_map(|(_, rows)| rows));
        }
    }
}

impl Row {
    /// Version `number`, from 1.
    fn stored(&self, number: usize) -> Option<Stored> {
        let version = self.versions.get(number.checked_sub(1)?)?;
        let (id, body) = (self.id.to_string(), version.body.clone());
        Some(Stored { id, version: number as u64, at: version.at, body })
    }
}

fn key(name: &str, value: &str) -> String {
    format!("{name}\u{1F}{value}")
}

/// Milliseconds as text that sorts like the number, from the year -9999 on.
fn moment(name: &str, milliseconds: i64) -> String {
    key(name, &format!("{:020}", i128::from(milliseconds) + 400_000_000_000_000))
}

/// The index keys of a resource.
fn keys(kind: Kind, resource: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for parameter in kind.parameters().iter().filter(|parameter| parameter.indexed) {
        let name = parameter.name;
        found.extend((parameter.values)(resource).into_iter().map(|have| match have {
            Have::Token(_, code) => key(name, &code),
            Have::Text(text) => key(name, &text.to_lowercase()),
            Have::Reference(to) => key(name, to.rsplit('/').next().unwrap_or_default()),
            Have::Date(span) => moment(name, span.low),
        }));
    }
    found
}
