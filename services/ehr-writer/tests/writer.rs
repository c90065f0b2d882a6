//! The writer against an EHR in memory and a real ledger: whatever is lost at whatever step, each thing is there once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it finds what it did not expect")]

#[path = "writer/deciding.rs"]
mod deciding;

use std::sync::Arc;

use adapters::ehr::{
    Ehr as _, PatientWrite, Profile, ReadFault, WriteOutcome,
    fake::{Counts, FakeEhr, Mishap},
};
use domain::{
    Code, Fault, MessageId, Meta, Outcome, PersonId, Phi, Stage, SubmissionId,
    clock::{Clock, SystemClock},
    effect::Kind,
    envelope::Message,
    hold::{Verdict, Word},
    hop::{Event, Facts, Hop, Transition},
    intake::Patient,
    matching::person::Matcher,
    messages::{Checked, Eligibility, EligibilityStatus},
    ports::HopLog,
    seal::Keyring,
    template::Clinics,
};
use ehr_writer::{EhrDirectory, EhrWriter};
use jiff::Timestamp;
use ledger::{
    AdmissionRequest, Config, Decision, MatchDecision, MatchRequest, Proposed, Store, acts::Actor,
    holds::NewDecision,
};
use runtime::{Context, Handler};
use testkit::{
    desk::{self, DeskClock, START},
    env::TestDatabase,
};

/// A writer, its EHR with two slots, and a ledger of its own.
struct Desk {
    _database: TestDatabase,
    writer: EhrWriter,
    store: Store,
    ehr: Arc<FakeEhr>,
    clock: Arc<DeskClock>,
    keys: Arc<Keyring>,
}

impl Desk {
    async fn open() -> Self {
        let database = TestDatabase::create().await.unwrap();
        let config = Config::with_url(database.url());
        ledger::migrate(&config).await.unwrap();
        let clock = Arc::new(DeskClock::default());
        let store = Store::connect(&config, clock.clone()).await.unwrap();
        let ehr = Arc::new(FakeEhr::new(Profile::FHIR));
        ehr.offer_slot("provider-1", Timestamp::from_second(START).unwrap(), 20);
        ehr.offer_slot("provider-2", Timestamp::from_second(START).unwrap(), 20);
        let folder = [concat!(env!("CARGO_MANIFEST_DIR"), "/../../clinics")];
        let clinics: Arc<Clinics> = Arc::new(runtime::clinics::load_dir(&folder).unwrap());
        let directory = EhrDirectory::of_one("sandbox", ehr.clone());
        let (matcher, index) = (Arc::new(Matcher::bundled().unwrap()), desk::index());
        let writer = EhrWriter::new(clinics, directory, store.clone(), matcher, index, clock.clone());
        let keys = desk::keys().unwrap();
        Self { _database: database, writer, store, ehr, clock, keys }
    }

    /// Admits a message, whose person is then the one that it names. The order of admissions is the order of updates.
    async fn admit(&self, message: &mut Message<Checked>, request: &str) {
        let index = desk::index();
        let meta = &mut message.meta;
        let person = meta.person.unwrap();
        let request = AdmissionRequest {
            submission: SubmissionId::parse(request).unwrap(),
            clinic: meta.clinic.clone(),
            message: MessageId::from_uuid(SystemClock.fresh_id()),
            correlation: meta.correlation,
            source: meta.source.clone(),
            submitted_at: meta.submitted_at,
            received_at: meta.received_at,
            appointment_at: None,
            template: None,
            content: index.index("content", &[request]),
            corrected: false,
            original: Vec::new(),
            proposed: Proposed::Match(MatchRequest {
                blocks: vec![index.index("block", &[&person.to_string()])],
                person: Vec::new(),
                request: index.index("request", &[request]),
            }),
        };
        let matcher: Arc<ledger::Matcher> = Arc::new(|_, known| {
            known.first().map_or(MatchDecision::New, |candidate| MatchDecision::Same(candidate.person))
        });
        let admission = self.store.admit(request, matcher).await.unwrap();
        let Decision::Admitted { person, .. } = admission.decision else {
            panic!("{:?}", admission.decision)
        };
        (meta.admission, meta.person) = (Some(admission.admission), Some(person));
    }

    async fn once(&self, message: &Message<Checked>) -> End {
        self.told(message).await.0
    }

    /// As [`Desk::once`], and what a person would be asked should that have been the last attempt.
    async fn told(&self, message: &Message<Checked>) -> (End, Option<Code>) {
        let cx = Context::detached(self.clock.clone(), self.keys.clone());
        let end = match self.writer.handle(message.clone(), &cx).await {
            Ok(Outcome::Emit(_)) => End::Written,
            Ok(Outcome::Hold(hold)) => End::Held(hold.code),
            Err(Fault::Permanent { code, .. }) => End::Dead(code),
            Ok(Outcome::Snooze(_)) | Err(Fault::Transient { .. } | Fault::Throttled { .. }) => End::Later,
            Ok(Outcome::Done(_)) => End::Ended,
        };
        (end, cx.doubt())
    }

    /// Delivers what is held for this, as the runtime commits it, and decides.
    async fn decide(&self, message: &Message<Checked>, code: Code, word: Word, names: Option<&str>) {
        assert_eq!(self.settle(message).await, End::Held(code));
        self.rule(message, code, word, names).await;
    }

    /// Holds it as the runtime commits it, and decides.
    async fn rule(&self, message: &Message<Checked>, code: Code, word: Word, names: Option<&str>) {
        let (meta, now) = (&message.meta, self.clock.now());
        let admission = meta.admission.unwrap();
        let hop = Hop {
            admission: meta.admission,
            submission: Some(meta.submission.clone()),
            clinic: Some(meta.clinic.clone()),
            correlation: Some(meta.correlation),
            message: MessageId::from_uuid(SystemClock.fresh_id()),
            stage: Stage::EhrWriter,
            lane: "default".parse().unwrap(),
            event: Event::Held,
            code: Some(code),
            field: None,
            endpoint: None,
            template: None,
            attempt: 1,
            trace_id: None,
            started_at: now,
            finished_at: now,
            transition: Some(Transition::Hold { code, field: None }),
            facts: Facts::default(),
            parked: Some(b"sealed".to_vec()),
        };
        self.store.append(hop).await.unwrap();
        let actor = Actor { name: "sam".into(), role: "operator".into() };
        let verdict = Verdict::new(word, names).unwrap();
        let decision = NewDecision { admission, verdict, actor, reason: "looked it up".into() };
        self.store.decide(&decision).await.unwrap();
    }

    /// Delivers again and again, as the runtime would, until it comes to an end that stays.
    async fn settle(&self, message: &Message<Checked>) -> End {
        for _ in 0..40 {
            match self.once(message).await {
                End::Later => self.clock.forward(15),
                end => return end,
            }
        }
        panic!("it does not come to an end");
    }
}

impl Desk {
    /// The receptionist saves the one patient whom the EHR has.
    async fn clinic_writes(&self) {
        let intake = desk::intake();
        let known = self.ehr.candidates(&intake.patient.family, intake.patient.birth_date).await.unwrap();
        let [known] = known.as_slice() else { panic!("{} patients", known.len()) };
        let write = PatientWrite {
            identifier: known.identifiers[0].clone(),
            patient: Patient { phone: Some("+12025550177".to_owned()), ..intake.patient },
            guardian: None,
            language: intake.communication.language,
        };
        let saved = self.ehr.update_patient(&known.id, None, &write).await;
        assert!(matches!(saved, WriteOutcome::Done { .. }), "{saved:?}");
    }

    /// A patient, and two more submissions of theirs: the update of the first of these was lost on the way, and the clinic wrote since.
    async fn in_doubt_when_the_clinic_wrote() -> (Self, Message<Checked>, Message<Checked>) {
        let desk = Self::open().await;
        let person = somebody();
        let mut messages = ["s-1", "s-2", "s-3"].map(|_| message(person, "provider-1", "+12025550150"));
        for (at, message) in messages.iter_mut().enumerate() {
            desk.admit(message, &format!("s-{at}")).await;
        }
        let [first, mut second, mut third] = messages;
        assert_eq!(desk.settle(&first).await, End::Written);
        for (message, phone, minutes) in [(&mut second, "+12025550199", 30), (&mut third, "+12025550188", 60)]
        {
            let mut intake = message.secret.expose().intake.clone();
            intake.patient.phone = Some(phone.to_owned());
            intake.appointment.start = Timestamp::from_second(START + minutes * 60).unwrap();
            desk.ehr.offer_slot("provider-1", intake.appointment.start, 20);
            message.secret =
                Phi::new(Checked { intake, eligibility: Eligibility::bare(EligibilityStatus::Active) });
        }
        desk.ehr.mishap(Mishap::LostBefore);
        assert_eq!(desk.once(&second).await, End::Later);
        desk.clinic_writes().await;
        (desk, second, third)
    }
}

/// What became of a delivery, without PHI.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Written,
    Held(Code),
    Dead(Code),
    /// A person has ended it.
    Ended,
    Later,
}

fn message(person: PersonId, provider: &str, phone: &str) -> Message<Checked> {
    let mut intake = desk::intake();
    intake.appointment.provider = provider.to_owned();
    intake.patient.phone = Some(phone.to_owned());
    let meta = Meta { person: Some(person), ..desk::meta().unwrap() };
    Message {
        meta,
        secret: Phi::new(Checked { intake, eligibility: Eligibility::bare(EligibilityStatus::Active) }),
    }
}

fn somebody() -> PersonId {
    PersonId::from_uuid(SystemClock.fresh_id())
}

/// One patient, one coverage, one claimed slot, one appointment.
fn assert_once(counts: Counts, what: &str) {
    let Counts { patients, coverages, appointments, busy_slots, .. } = counts;
    assert_eq!((patients, coverages, appointments, busy_slots), (1, 1, 1, 1), "{what}");
}

#[tokio::test]
async fn delivered_twice_is_written_once() {
    let desk = Desk::open().await;
    let message = message(somebody(), "provider-1", "+12025550150");
    for _ in 0..2 {
        assert_eq!(desk.settle(&message).await, End::Written);
    }
    assert_once(desk.ehr.counts(), "twice");
}

#[tokio::test]
async fn what_goes_wrong_at_any_step_leaves_each_thing_once() {
    // Patient, coverage, slot, appointment.
    for step in 0..4 {
        for mishap in [Mishap::LostAfter, Mishap::LostBefore, Mishap::NotSent, Mishap::Unauthorized] {
            let desk = Desk::open().await;
            let message = message(somebody(), "provider-1", "+12025550150");
            // A failed attempt in which nothing goes wrong before the step: mishaps strike writes one after the other.
            desk.ehr.after(step, mishap);
            assert_eq!(desk.settle(&message).await, End::Written, "{mishap:?} at {step}");
            assert_once(desk.ehr.counts(), &format!("{mishap:?} at {step}"));
        }
    }
}

#[tokio::test]
async fn a_refused_appointment_gives_its_slot_back() {
    let desk = Desk::open().await;
    let message = message(somebody(), "provider-1", "+12025550150");
    desk.ehr.after(3, Mishap::Rejected(422));
    assert_eq!(desk.settle(&message).await, End::Dead(Code::EhrRejected));
    assert_eq!((desk.ehr.counts().appointments, desk.ehr.counts().busy_slots), (0, 0));
}

#[tokio::test]
async fn an_appointment_in_doubt_that_cannot_be_searched_for_keeps_its_slot_and_waits_for_a_person() {
    let desk = Desk::open().await;
    let message = message(somebody(), "provider-1", "+12025550150");
    desk.ehr.after(3, Mishap::LostAfter);
    assert_eq!(desk.once(&message).await, End::Later);
    desk.clock.forward(60);
    // The claimed slot is looked up first, and found; then the search for the appointment is refused.
    desk.ehr.read_fault_after(1, ReadFault::Refused { status: 405, issue: None });
    assert_eq!(desk.once(&message).await, End::Held(Code::EhrParked));
    assert_once(desk.ehr.counts(), "in doubt");
}

#[tokio::test]
async fn a_writer_that_was_stopped_after_it_looked_and_before_it_wrote_does_not_write() {
    // The first read looks for an existing patient, the second for the slot that is then claimed. Before it, two things are written.
    for (reads, written) in [(0, 0), (1, 2)] {
        let desk = Desk::open().await;
        let message = message(somebody(), "provider-1", "+12025550150");
        let clock = desk.clock.clone();
        desk.ehr.meanwhile_after(reads, move || clock.forward(60));
        assert_eq!(desk.once(&message).await, End::Later);
        assert_eq!(desk.ehr.counts().effects, written, "its lease is over: somebody else may be writing");
        assert_eq!(desk.settle(&message).await, End::Written);
        assert_once(desk.ehr.counts(), "in the end");
    }
}

#[tokio::test]
async fn another_submissions_doubt_is_cleared_and_ones_own_update_is_made() {
    let desk = Desk::open().await;
    let person = somebody();
    let mut first = message(person, "provider-1", "+12025550150");
    desk.admit(&mut first, "s-1").await;
    let mut second = message(person, "provider-2", "+12025550199");
    desk.admit(&mut second, "s-2").await;
    assert_eq!(first.meta.person, second.meta.person);
    desk.ehr.after(0, Mishap::LostAfter);
    assert_eq!(desk.once(&first).await, End::Later, "its worker is never heard of again");
    assert_eq!(desk.settle(&second).await, End::Written);
    let counts = desk.ehr.counts();
    assert_eq!((counts.patients, counts.appointments), (1, 1));
    // Created, updated; coverage, slot, appointment.
    assert_eq!(counts.effects, 5, "the second submission's own update reached the EHR");
}

#[tokio::test]
async fn another_submissions_update_in_doubt_is_not_called_done_because_the_clinic_wrote() {
    let (desk, second, third) = Desk::in_doubt_when_the_clinic_wrote().await;
    desk.clock.forward(60);
    assert_eq!(desk.once(&third).await, End::Later, "only its own worker knows what it wrote");
    assert_eq!(
        desk.settle(&second).await,
        End::Held(Code::EhrConflict),
        "a person looks at what was not written"
    );
    assert_eq!(desk.settle(&third).await, End::Written);
}

#[tokio::test]
async fn an_update_in_doubt_whose_own_worker_never_comes_goes_to_a_person_and_holds_nobody_up() {
    let (desk, second, third) = Desk::in_doubt_when_the_clinic_wrote().await;
    desk.clock.forward(3600);
    assert_eq!(desk.settle(&third).await, End::Written);
    assert_eq!(desk.settle(&second).await, End::Held(Code::EhrConflict));
}

#[tokio::test]
async fn a_visit_is_booked_on_the_slot_that_was_claimed() {
    let desk = Desk::open().await;
    let message = message(somebody(), "provider-1", "+12025550150");
    desk.ehr.offer_slot("provider-1", Timestamp::from_second(START).unwrap(), 20);
    // One search before the claim, and one after it, which shows the other free slot of that time only.
    desk.ehr.overlook_claims(2);
    assert_eq!(desk.once(&message).await, End::Later);
    assert_eq!(desk.settle(&message).await, End::Written);
    assert_once(desk.ehr.counts(), "on one slot");
}

#[tokio::test]
async fn a_write_in_doubt_is_a_persons_to_answer_for_should_the_message_have_had_its_chances() {
    // Patient, coverage, slot, appointment.
    for step in 0..4 {
        let desk = Desk::open().await;
        let message = message(somebody(), "provider-1", "+12025550150");
        desk.ehr.after(step, Mishap::LostAfter);
        let doubt = Some(Code::EhrParked);
        assert_eq!(desk.told(&message).await, (End::Later, doubt), "written at {step}");
        assert_eq!(desk.told(&message).await, (End::Later, doubt), "too early to search at {step}");
        desk.clock.forward(60);
        // An appointment's search comes after that for its slot.
        desk.ehr.read_fault_after(usize::from(step == 3), ReadFault::Unavailable);
        assert_eq!(desk.told(&message).await, (End::Later, doubt), "searched in vain at {step}");
        // Found; what goes wrong after that leaves nothing in doubt.
        desk.ehr.mishap(Mishap::NotSent);
        let last = desk.told(&message).await;
        assert!(matches!(last, (End::Later | End::Written, None)), "{last:?} at {step}");
    }
}

#[tokio::test]
async fn nothing_is_booked_on_a_slot_that_is_on_its_way_back() {
    let desk = Desk::open().await;
    let mut message = message(somebody(), "provider-1", "+12025550150");
    desk.admit(&mut message, "s-1").await;
    desk.ehr.after(3, Mishap::Rejected(422));
    desk.ehr.mishap(Mishap::LostAfter);
    assert_eq!(desk.once(&message).await, End::Later, "the slot is given back, and the answer is lost");
    // It dies there, and a person has it replayed: what was refused may be tried anew.
    let admission = message.meta.admission.unwrap();
    assert!(desk.store.reopen(admission, Kind::Appointment).await.unwrap());
    desk.clock.forward(60);
    assert_eq!(desk.settle(&message).await, End::Written);
    assert_once(desk.ehr.counts(), "booked on a slot that is claimed");
}
