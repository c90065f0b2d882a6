//! Finding the person of each new submission, in order, among those that are known and those of the same batch. No IO.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use domain::{ClinicId, Code, PersonId, blind::BlindIndex, clock::Clock, hold};
use uuid::Uuid;

use super::{
    Candidate, MatchDecision,
    decide::{Freed, News},
};

/// Records kept of one person at most: the first ones, each of which brought a new key.
const RECORDS_KEPT: usize = 8;

/// Who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Same(PersonId),
    New(PersonId),
    Doubtful(Vec<hold::Candidate>),
    Unreadable(Code),
}

/// The people that a batch looks at.
pub(super) struct People {
    at_most: usize,
    /// For each new submission those that it shares keys with, and how many; most first.
    sharing: Vec<Vec<(PersonId, usize)>>,
    records: HashMap<PersonId, Vec<Arc<[u8]>>>,
    /// What this batch adds: by whom it is found next.
    blocks: HashMap<(ClinicId, BlindIndex), Vec<PersonId>>,
    pub(super) added: Vec<Added>,
}

/// What a new submission adds to what is known of its person.
pub(super) struct Added {
    /// Its place in the batch.
    pub(super) nth: usize,
    pub(super) person: PersonId,
    pub(super) clinic: ClinicId,
    pub(super) is_new: bool,
    pub(super) blocks: Vec<BlindIndex>,
    pub(super) sealed: Arc<[u8]>,
}

impl People {
    pub(super) fn new(news: usize, at_most: usize) -> Self {
        Self {
            at_most,
            sharing: vec![Vec::new(); news],
            records: HashMap::new(),
            blocks: HashMap::new(),
            added: Vec::new(),
        }
    }

    /// To be told in the order of `shared`, most first.
    pub(super) fn shares(&mut self, nth: usize, person: PersonId, shared: usize) {
        if let Some(sharing) = self.sharing.get_mut(nth)
            && sharing.len() < self.at_most
        {
            sharing.push((person, shared));
        }
    }

    pub(super) fn wanted(&self) -> Vec<Uuid> {
        let all: HashSet<Uuid> = self.sharing.iter().flatten().map(|(person, _)| person.as_uuid()).collect();
        all.into_iter().collect()
    }

    pub(super) fn knows(&mut self, person: PersonId, sealed: Arc<[u8]>) {
        self.records.entry(person).or_default().push(sealed);
    }

    /// Decides for each new submission, in their order.
    pub(super) fn find_all(&mut self, news: &[News<'_>], clock: &dyn Clock) -> Vec<Found> {
        news.iter().enumerate().map(|(nth, new)| self.find(nth, new, clock)).collect()
    }

    fn find(&mut self, nth: usize, new: &News<'_>, clock: &dyn Clock) -> Found {
        let blocks = new.blocks();
        let sharing = self.sharing(nth, &new.request.clinic, &blocks);
        // Whom a person has ruled out is nobody to compare with.
        let (same, others) = match &new.freed {
            Some(Freed::Open { same, others }) => (*same, others.as_slice()),
            _ => (None, [].as_slice()),
        };
        let candidates: Vec<Candidate> = sharing
            .iter()
            .filter(|(person, _)| !others.contains(person))
            .flat_map(|(person, _)| {
                let records = self.records.get(person).map(Vec::as_slice).unwrap_or_default();
                records.iter().map(|sealed| Candidate { person: *person, sealed: sealed.clone() })
            })
            .collect();
        let decision = match same {
            Some(person) => MatchDecision::Same(person),
            None => (new.matcher)(new.request, &candidates),
        };
        match decision {
            MatchDecision::Doubtful(candidates) => Found::Doubtful(candidates),
            MatchDecision::Unreadable(code) => Found::Unreadable(code),
            MatchDecision::New => {
                let person = PersonId::from_uuid(clock.fresh_id());
                self.learn(new, person, true, blocks);
                Found::New(person)
            }
            MatchDecision::Same(person) => {
                let shared =
                    sharing.iter().find(|(known, _)| *known == person).map_or(0, |(_, shared)| *shared);
                let kept = self.records.get(&person).map_or(0, Vec::len);
                // All keys shared: nothing that a later search would need.
                if shared < blocks.len() && kept < RECORDS_KEPT {
                    self.learn(new, person, false, blocks);
                }
                Found::Same(person)
            }
        }
    }

    /// Those of the database, and those that this batch has added so far. What the batch adds to a person repeats keys that the
    /// database has: the larger count is the true one, or too small, which at worst keeps a record without need.
    fn sharing(&self, nth: usize, clinic: &ClinicId, blocks: &[BlindIndex]) -> Vec<(PersonId, usize)> {
        let mut sharing = self.sharing.get(nth).cloned().unwrap_or_default();
        let mut added: BTreeMap<PersonId, usize> = BTreeMap::new();
        for block in blocks {
            for person in self.blocks.get(&(clinic.clone(), *block)).map(Vec::as_slice).unwrap_or_default() {
                *added.entry(*person).or_default() += 1;
            }
        }
        for (person, count) in added {
            match sharing.iter_mut().find(|(known, _)| *known == person) {
                Some((_, shared)) => *shared = count.max(*shared),
                None => sharing.push((person, count)),
            }
        }
        sharing
    }

    fn learn(&mut self, new: &News<'_>, person: PersonId, is_new: bool, blocks: Vec<BlindIndex>) {
        let clinic = &new.request.clinic;
        for block in &blocks {
            let found_by = self.blocks.entry((clinic.clone(), *block)).or_default();
            if !found_by.contains(&person) {
                found_by.push(person);
            }
        }
        let sealed: Arc<[u8]> = Arc::from(new.wanted.person.as_slice());
        self.knows(person, sealed.clone());
        self.added.push(Added { nth: new.nth, person, clinic: clinic.clone(), is_new, blocks, sealed });
    }
}
