//! Runs a search over a table: the smallest list that the index offers, checked one by one.

use jiff::Timestamp;
use serde_json::Value;

use super::Stored;
use super::parameters::Have;
use super::query::Query;
use super::table::Table;

/// What a search found.
#[derive(Default)]
pub(crate) struct Found {
    /// Hits in all.
    pub(crate) total: usize,
    /// The page that was asked for.
    pub(crate) page: Vec<Stored>,
}

pub(super) fn find(table: &Table, query: &Query, as_of: Option<Timestamp>) -> Found {
    let lists = query.terms.iter().filter_map(|term| table.candidates(term));
    let candidates = lists.min_by_key(Vec::len).unwrap_or_else(|| table.everything());
    let visible = candidates.into_iter().filter_map(|row| table.visible(row, as_of));
    let mut hits: Vec<Stored> = if query.terms.is_empty() {
        visible.collect()
    } else {
        visible.filter(|hit| body(hit).is_some_and(|resource| query.matches(&resource))).collect()
    };
    if !query.sort.is_empty() {
        sort(&mut hits, query);
    }
    let total = hits.len();
    let count = if query.only_count { 0 } else { query.count };
    Found { total, page: hits.into_iter().skip(query.offset).take(count).collect() }
}

fn body(hit: &Stored) -> Option<Value> {
    serde_json::from_slice(&hit.body).ok()
}

/// Sorts by the parameters in turn; what lacks a value comes first, and equals stay in order of creation.
fn sort(hits: &mut Vec<Stored>, query: &Query) {
    let mut keyed: Vec<(Vec<Option<Key>>, Stored)> = std::mem::take(hits)
        .into_iter()
        .map(|hit| {
            let resource = body(&hit).unwrap_or(Value::Null);
            (query.sort.iter().map(|(parameter, _)| key((parameter.values)(&resource))).collect(), hit)
        })
        .collect();
    keyed.sort_by(|(left, _), (right, _)| {
        let pairs = left.iter().zip(right).zip(&query.sort);
        let orders =
            pairs.map(|((left, right), (_, down))| if *down { right.cmp(left) } else { left.cmp(right) });
        orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    hits.extend(keyed.into_iter().map(|(_, hit)| hit));
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Time(i64),
    Text(String),
}

fn key(values: Vec<Have>) -> Option<Key> {
    values.into_iter().next().map(|have| match have {
        Have::Date(span) => Key::Time(span.low),
        Have::Text(text) => Key::Text(text.to_lowercase()),
        Have::Token(_, text) | Have::Reference(text) => Key::Text(text),
    })
}
