//! Deciding about each submission of a batch, in order, with the clinics locked. No IO.

use std::collections::HashMap;

use domain::{
    AdmissionId, ClinicId, Code, MessageId, PersonId, SubmissionId, arrival, blind::BlindIndex, clock::Clock,
    hold::Candidate,
};

use super::{
    Admission, AdmissionRequest, Decision, MatchRequest, Matcher, Proposed, batch::Item, load::Requests,
    people::Found,
};

/// How a submission is found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) clinic: ClinicId,
    pub(super) submission: SubmissionId,
}

impl Key {
    fn of(request: &AdmissionRequest) -> Self {
        Self { clinic: request.clinic.clone(), submission: request.submission.clone() }
    }
}

/// A row of `submission`.
#[derive(Debug, Clone)]
pub(super) struct Row<'a> {
    pub(super) admission: AdmissionId,
    pub(super) key: Key,
    pub(super) copy: bool,
    pub(super) content: Vec<u8>,
    pub(super) message: MessageId,
    /// What goes on is not as it came: people corrected something.
    pub(super) corrected: bool,
    pub(super) decision: Decision,
    pub(super) person: Option<PersonId>,
    /// It may not have been handed on yet.
    pub(super) open: bool,
    /// People have ended it, and its request may have been admitted in another submission since: it does not go on.
    pub(super) given_back: bool,
    /// For what was held: what a person has decided since.
    pub(super) freed: Option<Freed>,
    /// What it was made from, if it was made by this batch.
    pub(super) source: Option<&'a AdmissionRequest>,
}

/// What a person decided about a submission that was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Freed {
    /// It does not go on.
    Closed,
    /// It is to be decided anew.
    Open {
        /// Its person is this one.
        same: Option<PersonId>,
        /// Its person is none of these.
        others: Vec<PersonId>,
    },
}

/// A submission whose person is wanted: nobody has sent it before, or a person let it go on.
pub(super) struct News<'a> {
    /// Its place in the batch.
    pub(super) nth: usize,
    pub(super) request: &'a AdmissionRequest,
    pub(super) wanted: &'a MatchRequest,
    pub(super) matcher: &'a Matcher,
    /// What a person decided about it.
    pub(super) freed: Option<Freed>,
}

impl News<'_> {
    /// Its keys, each once.
    pub(super) fn blocks(&self) -> Vec<BlindIndex> {
        let mut blocks = self.wanted.blocks.clone();
        blocks.sort_unstable();
        blocks.dedup();
        blocks
    }
}

/// What is known and what is added.
pub(super) struct Book<'a> {
    known: HashMap<Key, Vec<Row<'a>>>,
    /// The rows that this batch adds, in order.
    pub(super) rows: Vec<Row<'a>>,
    /// For those whose person was wanted: place in the batch and row.
    pub(super) admitted: HashMap<usize, AdmissionId>,
    /// The rows that stood here as held, and are decided anew.
    pub(super) changed: Vec<Row<'a>>,
    /// Whom those of this batch may be who are held for that.
    pub(super) doubtful: Vec<(AdmissionId, Vec<Candidate>)>,
    /// The requests that this batch admits.
    pub(super) requests: Vec<(ClinicId, PersonId, BlindIndex, AdmissionId, SubmissionId)>,
}

impl<'a> Book<'a> {
    pub(super) fn new(rows: Vec<Row<'a>>) -> Self {
        let mut known: HashMap<Key, Vec<Row<'a>>> = HashMap::new();
        for row in rows {
            known.entry(row.key.clone()).or_default().push(row);
        }
        Self {
            known,
            rows: Vec::new(),
            admitted: HashMap::new(),
            changed: Vec::new(),
            doubtful: Vec::new(),
            requests: Vec::new(),
        }
    }

    /// The first of each submission that nobody has sent before or that a person let go on, where a person is wanted.
    pub(super) fn news(&self, items: &'a [Item]) -> Vec<News<'a>> {
        let mut seen: HashMap<Key, ()> = HashMap::new();
        let mut news = Vec::new();
        for (nth, item) in items.iter().enumerate() {
            let key = Key::of(&item.request);
            let rows = self.known.get(&key);
            let freed = rows.and_then(|rows| held(rows, &item.request)).and_then(|row| row.freed.clone());
            let anew = rows.is_none() || matches!(freed, Some(Freed::Open { .. }));
            if !anew || seen.insert(key, ()).is_some() {
                continue;
            }
            if let Proposed::Match(wanted) = &item.request.proposed {
                let matcher = item.matcher.as_ref();
                news.push(News { nth, request: &item.request, wanted, matcher, freed });
            }
        }
        news
    }

    /// Decides about each item, in order.
    pub(super) fn decide(
        &mut self,
        items: &'a [Item],
        news: &[News<'a>],
        found: &[Found],
        mut requests: Requests,
        clock: &dyn Clock,
    ) -> Vec<Result<Admission, Code>> {
        let found: HashMap<usize, &Found> = news.iter().map(|new| new.nth).zip(found).collect();
        let mut replies = Vec::with_capacity(items.len());
        for (nth, item) in items.iter().enumerate() {
            let request = &item.request;
            let key = Key::of(request);
            let found = found.get(&nth).copied();
            let reply = match self.known.get(&key) {
                Some(rows) => match (held(rows, request).cloned(), seen_before(rows, request)) {
                    (Some(row), _) => self.anew(request, &key, row, found, &requests),
                    (None, Some(admission)) => Ok(admission),
                    (None, None) => Ok(self.add(request, &key, true, other_content(request), None, clock)),
                },
                None => judge(request, found, &requests)
                    .map(|(decision, person)| self.add(request, &key, false, decision, person, clock)),
            };
            if let (Some(found), Ok(admission)) = (found, &reply) {
                self.remember((nth, found), request, admission, &mut requests);
            }
            replies.push(reply);
        }
        replies
    }

    fn add(
        &mut self,
        request: &'a AdmissionRequest,
        key: &Key,
        copy: bool,
        decision: Decision,
        person: Option<PersonId>,
        clock: &dyn Clock,
    ) -> Admission {
        let admission = AdmissionId::from_uuid(clock.fresh_id());
        let row = Row {
            admission,
            key: key.clone(),
            copy,
            content: request.content.as_bytes().to_vec(),
            message: request.message,
            corrected: request.corrected,
            decision: decision.clone(),
            person,
            open: true,
            given_back: false,
            freed: None,
            source: Some(request),
        };
        self.known.entry(key.clone()).or_default().push(row.clone());
        self.rows.push(row);
        Admission { admission, decision, again: false }
    }

    /// What was held, decided as the person wants it who let it go on. Nothing is decided anew twice in a batch.
    fn anew(
        &mut self,
        request: &'a AdmissionRequest,
        key: &Key,
        mut row: Row<'a>,
        found: Option<&Found>,
        requests: &Requests,
    ) -> Result<Admission, Code> {
        let closed = row.freed.take() == Some(Freed::Closed);
        (row.decision, row.person) = match &row.decision {
            Decision::Held { code, field } if closed => {
                (Decision::Rejected { code: *code, field: field.clone() }, None)
            }
            _ => judge(request, found, requests)?,
        };
        let admission = Admission { admission: row.admission, decision: row.decision.clone(), again: true };
        if let Some(stands) = self
            .known
            .get_mut(key)
            .and_then(|rows| rows.iter_mut().find(|stands| stands.admission == row.admission))
        {
            *stands = row.clone();
        }
        self.changed.push(row);
        Ok(admission)
    }

    fn remember(
        &mut self,
        (nth, found): (usize, &Found),
        request: &AdmissionRequest,
        admitted: &Admission,
        requests: &mut Requests,
    ) {
        self.admitted.insert(nth, admitted.admission);
        if let Found::Doubtful(candidates) = found {
            self.doubtful.push((admitted.admission, candidates.clone()));
        }
        let (Decision::Admitted { person, .. }, Proposed::Match(wanted)) =
            (&admitted.decision, &request.proposed)
        else {
            return;
        };
        let (admission, submission) = (admitted.admission, request.submission.clone());
        requests.insert((*person, *wanted.request.as_bytes()), (admission, submission.clone()));
        self.requests.push((request.clinic.clone(), *person, wanted.request, admission, submission));
    }
}

/// The same name with content that nobody has seen: a person looks which of them is meant. Of nobody's clinic nobody looks: two strangers may
/// well number alike, and each is told that there is no such clinic.
fn other_content(request: &AdmissionRequest) -> Decision {
    match &request.proposed {
        Proposed::Reject { code, field } if arrival::is_nobodys(&request.clinic) => {
            Decision::Rejected { code: *code, field: field.clone() }
        }
        _ => Decision::Held { code: Code::SubmissionConflict, field: None },
    }
}

/// The row of this submission, if it is held and a person has decided since.
fn held<'r, 'a>(rows: &'r [Row<'a>], request: &AdmissionRequest) -> Option<&'r Row<'a>> {
    let row = rows.iter().find(|row| row.content == request.content.as_bytes())?;
    Some(row).filter(|row| row.freed.is_some() && !is_stale(row, request))
}

/// The same submission again. `None`: with content that nobody has seen.
fn seen_before(rows: &[Row<'_>], request: &AdmissionRequest) -> Option<Admission> {
    let row = rows.iter().find(|row| row.content == request.content.as_bytes())?;
    // Not every sender gives its messages an id that outlives a redelivery: as long as the first may not have been handed on,
    // or may have got lost on its way, it is handed on again. All that follows is done once.
    // Not so where people corrected it: what goes on then is the corrected one, and the other is not a second way for it. Nor where its
    // request was given back.
    let again = !is_stale(row, request)
        && !row.given_back
        && (row.message == request.message || row.open && row.corrected == request.corrected);
    let decision = if again { row.decision.clone() } else { Decision::Repeat };
    Some(Admission { admission: row.admission, decision, again })
}

/// As it came, of a submission that goes on as people corrected it.
const fn is_stale(row: &Row<'_>, request: &AdmissionRequest) -> bool {
    row.corrected && !request.corrected
}

/// A submission that nobody has sent before, or that is decided anew.
fn judge(
    request: &AdmissionRequest,
    found: Option<&Found>,
    requests: &Requests,
) -> Result<(Decision, Option<PersonId>), Code> {
    let wanted = match &request.proposed {
        Proposed::Reject { code, field } => {
            return Ok((Decision::Rejected { code: *code, field: field.clone() }, None));
        }
        Proposed::Hold { code, field } => {
            return Ok((Decision::Held { code: *code, field: field.clone() }, None));
        }
        Proposed::Match(wanted) => wanted,
    };
    match found {
        Some(Found::Doubtful(_)) => Ok((Decision::Held { code: Code::DoubtfulMatch, field: None }, None)),
        Some(Found::New(person)) => {
            Ok((Decision::Admitted { person: *person, new_person: true }, Some(*person)))
        }
        Some(Found::Same(person)) => {
            let decision = match requests.get(&(*person, *wanted.request.as_bytes())) {
                Some((_, of)) => Decision::Duplicate { of: of.clone() },
                None => Decision::Admitted { person: *person, new_person: false },
            };
            Ok((decision, Some(*person)))
        }
        Some(Found::Unreadable(code)) => Err(*code),
        // The same submission stands earlier in the batch, and could not be read.
        None => Err(Code::UnknownKey),
    }
}
