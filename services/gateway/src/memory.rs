//! A bounded memory: what was seen lately, and never more than so much of it.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

use jiff::{SignedDuration, Timestamp};

/// Keeps entries for a time, and drops the oldest when there are too many.
pub(crate) struct Memory<K, V> {
    capacity: usize,
    keep: SignedDuration,
    entries: HashMap<K, (Timestamp, V)>,
    /// In the order of insertion. A key that was replaced or removed leaves its old line here until it is due.
    order: VecDeque<(Timestamp, K)>,
}

impl<K: Clone + Eq + Hash, V> Memory<K, V> {
    pub(crate) fn new(capacity: usize, keep: SignedDuration) -> Self {
        Self { capacity, keep, entries: HashMap::new(), order: VecDeque::new() }
    }

    /// What is remembered under the key at `now`.
    pub(crate) fn get(&self, key: &K, now: Timestamp) -> Option<&V> {
        let (at, value) = self.entries.get(key)?;
        (now.duration_since(*at) <= self.keep).then_some(value)
    }

    /// Remembers, replacing what was there.
    pub(crate) fn put(&mut self, key: K, value: V, now: Timestamp) {
        self.order.push_back((now, key.clone()));
        self.entries.insert(key, (now, value));
        while let Some((at, _)) = self.order.front() {
            if self.order.len() <= self.capacity && now.duration_since(*at) <= self.keep {
                break;
            }
            self.drop_oldest();
        }
    }

    /// Forgets the key.
    pub(crate) fn remove(&mut self, key: &K) {
        self.entries.remove(key);
    }

    fn drop_oldest(&mut self) {
        if let Some((at, key)) = self.order.pop_front()
            && self.entries.get(&key).is_some_and(|(current, _)| *current == at)
        {
            self.entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::Memory;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn forgets_by_age_and_by_number() {
        let mut memory = Memory::new(2, SignedDuration::from_secs(10));
        memory.put("a", 1, at(0));
        assert_eq!(memory.get(&"a", at(10)), Some(&1));
        assert_eq!(memory.get(&"a", at(11)), None);
        memory.put("b", 2, at(1));
        memory.put("c", 3, at(2));
        assert_eq!(memory.get(&"a", at(2)), None, "the oldest went");
        assert_eq!(memory.get(&"b", at(2)), Some(&2));
        memory.put("d", 4, at(30));
        assert_eq!((memory.entries.len(), memory.order.len()), (1, 1));
    }

    #[test]
    fn a_replaced_entry_is_not_dropped_with_its_old_line() {
        let mut memory = Memory::new(10, SignedDuration::from_secs(10));
        memory.put("a", 1, at(0));
        memory.remove(&"a");
        memory.put("a", 2, at(8));
        memory.put("b", 3, at(12));
        assert_eq!(memory.get(&"a", at(12)), Some(&2));
    }
}
