//! The facts by their keys.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use uuid::Uuid;

use super::facts::{Appointment, Facts, Patient, Submission};
use crate::chaos::people::Asked;

/// What names a requested visit: the person, the provider and the start.
pub(super) type Visit<'f> = (u32, &'f str, Timestamp);

/// Indexes that several checks use.
pub(super) struct Book<'f> {
    pub(super) facts: &'f Facts,
    /// What the line owes an end: accepted, or sent without an answer and there.
    pub(super) owed: BTreeMap<&'f str, &'f Asked>,
    /// The rows of a submission that are no refused copies.
    pub(super) rows: HashMap<&'f str, Vec<&'f Submission>>,
    pub(super) admissions: HashMap<Uuid, &'f Submission>,
    /// By e-mail, everybody of whom anything was sent.
    pub(super) persons: HashMap<&'f str, u32>,
    /// The EHR's patients of a person.
    pub(super) patients: HashMap<u32, Vec<&'f Patient>>,
    /// The person of an EHR's patient.
    pub(super) person_of: HashMap<&'f str, u32>,
    /// The EHR's appointments by what they are about.
    pub(super) visits: HashMap<Visit<'f>, Vec<&'f Appointment>>,
}

impl<'f> Book<'f> {
    pub(super) fn new(facts: &'f Facts) -> Self {
        let mut rows: HashMap<&str, Vec<&Submission>> = HashMap::new();
        for row in facts.ledger.submissions.iter().filter(|row| !row.copy) {
            rows.entry(&row.submission).or_default().push(row);
        }
        let mut owed: BTreeMap<&str, &Asked> = BTreeMap::new();
        let there = |asked: &&Asked| rows.contains_key(asked.submission.as_str());
        let doubtful = facts.tally.doubtful.iter().map(AsRef::as_ref).filter(there);
        for asked in facts.tally.sent.iter().map(AsRef::as_ref).chain(doubtful) {
            owed.insert(&asked.submission, asked);
        }
        let persons: HashMap<&str, u32> =
            owed.values().map(|asked| (asked.email.as_str(), asked.person)).collect();
        let (mut patients, mut person_of) = (HashMap::<u32, Vec<&Patient>>::new(), HashMap::new());
        for patient in &facts.ehr.patients {
            if let Some(person) = patient.emails.iter().find_map(|email| persons.get(email.as_str())) {
                patients.entry(*person).or_default().push(patient);
                person_of.insert(patient.id.as_str(), *person);
            }
        }
        let mut visits: HashMap<Visit<'_>, Vec<&Appointment>> = HashMap::new();
        for visit in &facts.ehr.appointments {
            if let Some(person) = person_of.get(visit.patient.as_str()) {
                visits.entry((*person, &visit.provider, visit.start)).or_default().push(visit);
            }
        }
        let admissions = facts.ledger.submissions.iter().map(|row| (row.admission, row)).collect();
        Self { facts, owed, rows, admissions, persons, patients, person_of, visits }
    }

    /// The one row of a submission.
    pub(super) fn row(&self, submission: &str) -> Option<&'f Submission> {
        self.rows.get(submission).and_then(|rows| rows.first()).copied()
    }

    /// What the submission of an admission asks for.
    pub(super) fn asked(&self, admission: Uuid) -> Option<&'f Asked> {
        let row = self.admissions.get(&admission)?;
        self.owed.get(row.submission.as_str()).copied()
    }
}

/// What names the visit that was asked for.
pub(super) fn visit(asked: &Asked) -> Visit<'_> {
    (asked.person, &asked.provider, asked.start)
}
