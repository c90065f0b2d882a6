//! A database that answers what a test tells it to, and notes what it was asked.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::{
    AdmissionId, ClinicId, Code, CorrelationId, Endpoint, LaneName, MessageId, Stage, SubmissionId,
    breaker::BreakerState,
    clock::Clock as _,
    effect::Kind,
    hold::Word,
    ids::{EditId, LetterId, ProcessId},
    ports::{StoreDown, SwitchScope},
};
use jiff::Timestamp;
use ledger::{
    acts::{Act, ActFilter, Actor, Outcome, What},
    holds::{Decided, Held, HoldFilter, HoldPage, NewDecision, Undecided},
    letters::{EditRow, EditState, LetterFilter, LetterGroup, LetterPage, LetterRow},
    look_up::{LookUp, Naming},
    read::{
        Activity, Counts, EffectCount, Flow, Oldest, OutcomeFilter, OutcomePage, Parked, Percentiles, State,
        StateCount, Status, Thread, Timeline,
    },
    switches::Pause,
    watch::{Crash, ToldBreaker},
};
use ops::ports::Records;
use uuid::Uuid;

use super::{
    TestClock,
    rows::{hold, letter, outcome, poison, status, timeline},
};

/// A database with three outcomes, one a page; or none at all.
#[derive(Default)]
pub(crate) struct TestRecords {
    pub(crate) down: bool,
    /// Goes away after so many pages.
    pub(crate) pages: Option<i64>,
    pub(crate) pauses: Mutex<Vec<Pause>>,
    /// What was done, oldest first.
    pub(crate) acts: Mutex<Vec<Act>>,
    /// The filters that were asked for.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl TestRecords {
    fn up(&self) -> Result<(), StoreDown> {
        if self.down { Err(StoreDown) } else { Ok(()) }
    }

    fn note(&self, actor: Actor, what: What, (scope, reason): (String, &str), outcome: Outcome) {
        let mut acts = self.acts.lock().unwrap();
        let seq = i64::try_from(acts.len()).unwrap() + 1;
        let reason = reason.to_owned();
        acts.push(Act { seq, at: TestClock.now(), actor, what, scope, reason, until: None, outcome });
    }
}

#[async_trait]
impl Records for TestRecords {
    async fn outcomes(&self, filter: &OutcomeFilter, after: Option<i64>) -> Result<OutcomePage, StoreDown> {
        self.up()?;
        self.asked.lock().unwrap().push(format!("{filter:?}"));
        let page = after.unwrap_or(0) + 1;
        if self.pages.is_some_and(|pages| page > pages) {
            return Err(StoreDown);
        }
        Ok(OutcomePage { rows: vec![outcome(page)], next: (page < 3).then_some(page) })
    }

    async fn submission(
        &self,
        clinic: Option<&ClinicId>,
        id: &SubmissionId,
    ) -> Result<Vec<(Status, Timeline)>, StoreDown> {
        self.up()?;
        let there = id.as_str() == "s-1" && clinic.is_none_or(|clinic| clinic.as_str() == "clinic-01");
        Ok(there.then(|| (status(id), timeline())).into_iter().collect())
    }

    async fn counts(&self, _: &OutcomeFilter) -> Result<Counts, StoreDown> {
        self.up()?;
        let held = |code, count| StateCount { state: State::Held, code: Some(code), count };
        Ok(Counts {
            submissions: 3,
            copies: 0,
            persons: 2,
            states: vec![held(Code::DoubtfulMatch, 2), held(Code::SlotTaken, 1)],
            journal_submissions: 3,
            journal_undecodable: 1,
            effects: vec![EffectCount {
                kind: Kind::Patient,
                role: "create".to_owned(),
                state: "done".to_owned(),
                count: 1,
                resources: 1,
            }],
            notifications: vec![("email".to_owned(), "sent".to_owned(), 1)],
        })
    }

    async fn durations(&self, _: &OutcomeFilter) -> Result<Percentiles, StoreDown> {
        self.up()?;
        Ok(Percentiles { count: 1, p50_ms: 100.0, p99_ms: 200.0, max_ms: 300.0 })
    }

    async fn pauses(&self) -> Result<Vec<Pause>, StoreDown> {
        self.up()?;
        Ok(self.pauses.lock().unwrap().clone())
    }

    async fn pause(&self, pause: &Pause, role: &str) -> Result<Outcome, StoreDown> {
        self.up()?;
        self.pauses.lock().unwrap().push(pause.clone());
        let actor = Actor { name: pause.actor.clone(), role: role.to_owned() };
        self.note(actor, What::Paused, (pause.scope.to_string(), &pause.reason), Outcome::Done);
        Ok(Outcome::Done)
    }

    async fn resume(
        &self,
        scope: &SwitchScope,
        actor: &Actor,
        reason: &str,
    ) -> Result<Option<Pause>, StoreDown> {
        self.up()?;
        let mut pauses = self.pauses.lock().unwrap();
        let ended = pauses.iter().position(|pause| pause.scope == *scope).map(|at| pauses.remove(at));
        let outcome = if ended.is_some() { Outcome::Done } else { Outcome::Nothing };
        self.note(actor.clone(), What::Resumed, (scope.to_string(), reason), outcome);
        Ok(ended)
    }

    async fn acts(&self, filter: &ActFilter, before: Option<i64>, limit: u32) -> Result<Vec<Act>, StoreDown> {
        self.up()?;
        self.asked.lock().unwrap().push(format!("{filter:?}"));
        let acts = self.acts.lock().unwrap();
        let earlier = acts.iter().rev().filter(|act| before.is_none_or(|before| act.seq < before));
        Ok(earlier.take(limit as usize).cloned().collect())
    }

    async fn activity(&self, _: Timestamp) -> Result<Activity, StoreDown> {
        self.up()?;
        let lane = || LaneName::parse("default").unwrap();
        let clinic = ClinicId::parse("clinic-01").ok();
        let received_at = Timestamp::from_second(1_798_999_910).unwrap();
        Ok(Activity {
            flows: vec![Flow { stage: Stage::Validation, lane: lane(), clinic, left: 60, emitted: 50 }],
            held: vec![Parked { stage: Stage::EhrWriter, lane: lane(), count: 3 }],
            dead: vec![Parked { stage: Stage::EhrWriter, lane: lane(), count: 4 }],
            oldest: vec![Oldest { stage: Stage::EhrWriter, lane: lane(), received_at }],
        })
    }

    async fn standing(&self, _: Option<&ClinicId>) -> Result<Vec<(State, u64)>, StoreDown> {
        self.up()?;
        let count = |state| match state {
            State::InFlight => 4,
            State::Held => 3,
            _ => 0,
        };
        Ok(State::ALL.map(|state| (state, count(state))).into())
    }

    async fn letter_groups(&self, filter: &LetterFilter) -> Result<Vec<LetterGroup>, StoreDown> {
        self.up()?;
        self.asked.lock().unwrap().push(format!("{filter:?}"));
        Ok(vec![LetterGroup {
            fingerprint: letter(1).fingerprint,
            stage: "ehr-writer".to_owned(),
            code: Some(Code::EhrRejected),
            count: 3,
            last_hour: 2,
            hour_before: 1,
            first_seen: TestClock.now(),
            last_seen: TestClock.now(),
            soonest_appointment: Some(TestClock.now()),
            clinics: vec!["clinic-01".to_owned()],
        }])
    }

    async fn letters(
        &self,
        filter: &LetterFilter,
        after: Option<LetterId>,
        limit: u32,
    ) -> Result<LetterPage, StoreDown> {
        self.up()?;
        self.asked.lock().unwrap().push(format!("{filter:?} {after:?} {limit}"));
        Ok(LetterPage { letters: vec![letter(1)], next: Some(letter(1).id) })
    }

    async fn letter(&self, id: LetterId) -> Result<Option<LetterRow>, StoreDown> {
        self.up()?;
        Ok([letter(1), poison()].into_iter().find(|letter| letter.id == id))
    }

    async fn edits(&self, letter: LetterId) -> Result<Vec<EditRow>, StoreDown> {
        self.up()?;
        let at = || Timestamp::from_second(1_798_999_990).unwrap();
        let edit = |nth: u128, state| EditRow {
            id: EditId::from_uuid(Uuid::from_u128(nth)),
            letter_id: letter,
            fields: vec!["patient.email".to_owned()],
            state,
            state_at: at(),
            made_at: at(),
            requester: "on-call".to_owned(),
            reason: "the patient called".to_owned(),
            approver: None,
        };
        let edited = letter == self::letter(1).id;
        Ok(if edited {
            vec![edit(7, EditState::Superseded), edit(8, EditState::InForce)]
        } else {
            Vec::new()
        })
    }

    async fn admission(&self, id: AdmissionId) -> Result<Option<(Status, Timeline)>, StoreDown> {
        self.up()?;
        let there = [letter(1).admission_id, Some(AdmissionId::from_uuid(Uuid::nil()))].contains(&Some(id));
        Ok(there.then(|| (status(&SubmissionId::parse("s-1").unwrap()), timeline())))
    }

    async fn breakers(&self) -> Result<Vec<ToldBreaker>, StoreDown> {
        self.up()?;
        let told = |state, told_at| ToldBreaker {
            process: ProcessId::from_uuid(Uuid::nil()),
            stage: Stage::EhrWriter,
            endpoint: Endpoint::ehr("main"),
            state,
            since: Timestamp::from_second(1_798_999_900).unwrap(),
            probe_at: (state == BreakerState::Open).then(|| Timestamp::from_second(1_799_000_003).unwrap()),
            lanes: vec![LaneName::parse("default").unwrap()],
            told_at,
        };
        let long_ago = Timestamp::from_second(1_798_999_950).unwrap();
        Ok(vec![told(BreakerState::Open, TestClock.now()), told(BreakerState::Recovering, long_ago)])
    }

    async fn crash(&self, message: MessageId) -> Result<Option<Crash>, StoreDown> {
        self.up()?;
        let (stage, last_seen_at) = ("ehr-writer".to_owned(), TestClock.now());
        let there = poison().message_id == Some(message);
        Ok(there.then_some(Crash { stage, comebacks: 4, deaths: 2, last_seen_at }))
    }

    async fn named(
        &self,
        name: &str,
        clinic: Option<&ClinicId>,
        limit: u32,
    ) -> Result<Vec<(Naming, Status)>, StoreDown> {
        self.up()?;
        let one = || status(&SubmissionId::parse("s-1").unwrap());
        let here = clinic.is_none_or(|clinic| clinic.as_str() == "clinic-01");
        Ok(match name {
            "s-1" if here => vec![(Naming::Submission, one())],
            "several" => (0..limit).map(|_| (Naming::Message, one())).collect(),
            _ => Vec::new(),
        })
    }

    async fn look_up(&self, wanted: &LookUp, _: u32) -> Result<Vec<Status>, StoreDown> {
        self.up()?;
        self.asked.lock().unwrap().push(format!("{wanted:?}"));
        let somebody = wanted.indexes.iter().any(|(clinic, _)| clinic.as_str() != "clinic-02");
        Ok(somebody.then(|| status(&SubmissionId::parse("s-1").unwrap())).into_iter().collect())
    }

    async fn holds(
        &self,
        filter: &HoldFilter,
        after: Option<AdmissionId>,
        limit: u32,
    ) -> Result<HoldPage, StoreDown> {
        self.up()?;
        self.asked.lock().unwrap().push(format!("{filter:?} {after:?} {limit}"));
        Ok(HoldPage { holds: vec![hold().row], next: Some(hold().row.admission_id) })
    }

    async fn hold(&self, id: AdmissionId) -> Result<Option<Held>, StoreDown> {
        self.up()?;
        Ok(Some(hold()).filter(|hold| hold.row.admission_id == id))
    }

    /// Everything but what is asked for elsewhere is refused, as the ledger would refuse it.
    async fn decide(&self, decision: &NewDecision) -> Result<Decided, Undecided> {
        self.up()?;
        let row = hold().row;
        if decision.admission != row.admission_id {
            return Err(Undecided::Unknown);
        }
        let state = match decision.verdict.word {
            Word::SamePerson | Word::DifferentPerson => State::InFlight,
            Word::Close => State::Rejected,
            _ => return Err(Undecided::NotAllowed(row.code)),
        };
        let scope = (format!("admission:{}", row.admission_id), decision.reason.as_str());
        self.note(decision.actor.clone(), What::Decided, scope, Outcome::Done);
        let thread = Thread { correlation: CorrelationId::from_uuid(Uuid::nil()), trace_id: None };
        Ok(Decided { row, state, effect: None, thread })
    }
}
