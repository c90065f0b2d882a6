//! A desk with a real database, a real broker, and an EHR in memory.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use adapters::ehr::{Ehr as _, EhrDirectory, Profile, WriteOutcome, conformance, fake::FakeEhr};
use domain::{
    AdmissionId, CorrelationId, MessageId, PersonId, Phi, Stage, SubmissionId,
    blind::IndexKey,
    clock::{Clock, SystemClock},
    effect::Policy,
    hop::{Event, Facts, Hop, Transition},
    ids::SourceName,
    outcome::Settled,
    ports::HopLog as _,
    reconcile::{Difference, Kind, Sent},
};
use jiff::{SignedDuration, Timestamp, civil::date};
use ledger::{
    AdmissionRequest, Begin, BeginEffect, Config, Decision, EffectResult, MatchDecision, MatchRequest,
    Matcher, Proposed, Store, Target, reconcile::Run,
};
use ops::{
    config::ReconciliationConfig,
    ports::Queues,
    reconcile::{Reconciler, Wish},
    views::Queue,
};
use runtime::{
    Boot, Settings,
    again::Again,
    topology::{Lanes, Management, Topology},
};
use testkit::env::{TestDatabase, TestVhost};

const NOW: &str = "2026-11-22T20:00:00Z";

/// A clock that stands where it is put.
pub(crate) struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub(crate) fn put(&self, at: &str) {
        *self.0.lock().unwrap() = at.parse().unwrap();
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn fresh_id(&self) -> uuid::Uuid {
        SystemClock.fresh_id()
    }
}

/// Queues as the test says they are.
#[derive(Default)]
pub(crate) struct Told(Mutex<Vec<Queue>>);

#[async_trait::async_trait]
impl Queues for Told {
    async fn depths(&self) -> Option<Vec<Queue>> {
        Some(self.0.lock().unwrap().clone())
    }
}

pub(crate) struct Desk {
    pub(crate) reconciler: Arc<Reconciler>,
    pub(crate) ehr: Arc<FakeEhr>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) queues: Arc<Told>,
    pub(crate) boot: Boot,
    pub(crate) management: Management,
    pub(crate) index: IndexKey,
    _database: TestDatabase,
    _vhost: TestVhost,
}

/// What was admitted.
pub(crate) struct Admitted {
    pub(crate) id: AdmissionId,
    pub(crate) person: PersonId,
    pub(crate) submission: SubmissionId,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let (database, vhost) = (TestDatabase::create().await.unwrap(), TestVhost::create().await.unwrap());
        ledger::migrate(&Config::with_url(database.url())).await.unwrap();
        let clock = Arc::new(TestClock(Mutex::new(NOW.parse().unwrap())));
        let store = Store::connect(&Config::with_url(database.url()), clock.clone()).await.unwrap();
        let text = format!(
            "[amqp]\nurl = {:?}\n[management]\nurl = {:?}\n",
            vhost.amqp_url(),
            vhost.management_url()
        );
        let settings = Settings::from_toml(&text, Path::new("/")).unwrap();
        let management = Management::from_settings(&settings).unwrap();
        management.apply(&Topology::derive(&Lanes::default())).await.unwrap();
        let boot = Boot::new("ops", settings, clock.clone()).unwrap();
        let ehr = Arc::new(FakeEhr::new(Profile::FHIR_UNCONDITIONAL));
        ehr.at("2026-11-22T18:00:00Z".parse().unwrap());
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clinics");
        let clinics = Arc::new(runtime::clinics::load_dir(&[folder]).unwrap());
        let name = clinics.iter().next().unwrap().ehr.clone();
        let queues = Arc::new(Told::default());
        let reconciler = Reconciler {
            store,
            clinics,
            ehrs: EhrDirectory::of_one(&name, ehr.clone()),
            queues: queues.clone(),
            lanes: Lanes::default(),
            again: Some(Again::new(boot.publisher().await.unwrap(), "ops", clock.clone())),
            clock: clock.clone(),
            config: ReconciliationConfig::default(),
        };
        let index = IndexKey::new(&[7; 32]);
        Self {
            reconciler: Arc::new(reconciler),
            ehr,
            clock,
            queues,
            boot,
            management,
            index,
            _database: database,
            _vhost: vhost,
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.reconciler.store
    }

    pub(crate) async fn admit(&self, n: u32, received_at: &str) -> Admitted {
        self.admit_of("web_form", n, received_at).await
    }

    /// Of that source.
    pub(crate) async fn admit_of(&self, source: &str, n: u32, received_at: &str) -> Admitted {
        let submission: SubmissionId = format!("s-{n}").parse().unwrap();
        let (name, received_at) = (submission.as_str(), received_at.parse().unwrap());
        let request = AdmissionRequest {
            submission: submission.clone(),
            clinic: "clinic-01".parse().unwrap(),
            message: MessageId::from_uuid(SystemClock.fresh_id()),
            correlation: CorrelationId::from_uuid(SystemClock.fresh_id()),
            source: SourceName::parse(source).unwrap(),
            submitted_at: received_at,
            received_at,
            appointment_at: None,
            template: None,
            content: self.index.index("content", &[name]),
            corrected: false,
            original: sealed(),
            proposed: Proposed::Match(MatchRequest {
                blocks: vec![self.index.index("block", &[name])],
                person: Vec::new(),
                request: self.index.index("request", &[name]),
            }),
        };
        let matcher: Arc<Matcher> = Arc::new(|_: &AdmissionRequest, _: &[_]| MatchDecision::New);
        let admission = self.store().admit(request, matcher).await.unwrap();
        let Decision::Admitted { person, .. } = admission.decision else {
            panic!("{:?}", admission.decision)
        };
        Admitted { id: admission.admission, person, submission }
    }

    /// Its patient, coverage and appointment in the ledger and in the EHR, as the writer does it.
    pub(crate) async fn write(&self, one: &Admitted) {
        let name = one.submission.as_str();
        let identifier = |target: Target| self.index.index(target.kind().as_str(), &[name]);
        let policy = Policy {
            class: domain::effect::Class::B,
            lease: SignedDuration::from_secs(30),
            lateness: SignedDuration::from_secs(10),
            index_lag: SignedDuration::from_secs(1),
        };
        for target in [
            Target::Patient,
            Target::Coverage { key: self.index.index("member", &[name]) },
            Target::Appointment,
        ] {
            let wish = BeginEffect {
                admission: one.id,
                clinic: "clinic-01".parse().unwrap(),
                person: one.person,
                target,
                idempotency: identifier(target),
                policy,
            };
            let Begin::Go(permit) = self.store().begin(wish).await.unwrap() else { panic!("no permit") };
            let value = identifier(target).to_hex();
            let outcome = match target {
                Target::Patient => self.ehr.create_patient(&conformance::patient(&value)).await,
                Target::Coverage { .. } => {
                    self.ehr.create_coverage(&conformance::coverage(&value, "p")).await
                }
                _ => self.ehr.create_appointment(&self.visit(&value)).await,
            };
            let WriteOutcome::Done { id, version } = outcome else { panic!("{outcome:?}") };
            let version = version.map(|tag| tag.as_str().to_owned());
            let done = EffectResult::Done(domain::effect::Resource { id, version });
            self.store().settle(&permit, done).await.unwrap();
        }
    }

    pub(crate) fn visit(&self, identifier: &str) -> adapters::ehr::AppointmentWrite {
        conformance::appointment(identifier, "p", "prov-1", "2027-02-01T15:00:00Z".parse().unwrap())
    }

    /// The name that an appointment has.
    pub(crate) fn visit_of(&self, one: &Admitted) -> String {
        self.index.index("appointment", &[one.submission.as_str()]).to_hex()
    }

    pub(crate) async fn complete(&self, one: &Admitted) {
        self.hop(one, (Stage::Notification, Event::Settled), Some(Transition::Settle(Settled::Completed)))
            .await;
    }

    pub(crate) async fn hop(
        &self,
        one: &Admitted,
        (stage, event): (Stage, Event),
        transition: Option<Transition>,
    ) {
        let at = "2026-11-22T18:00:00Z".parse().unwrap();
        let hop = Hop {
            admission: Some(one.id),
            submission: Some(one.submission.clone()),
            clinic: Some("clinic-01".parse().unwrap()),
            correlation: None,
            message: MessageId::from_uuid(SystemClock.fresh_id()),
            stage,
            lane: Lanes::default_lane(),
            event,
            code: None,
            field: None,
            endpoint: None,
            template: None,
            attempt: 1,
            trace_id: None,
            started_at: at,
            finished_at: at,
            transition,
            facts: Facts::default(),
            parked: None,
        };
        self.store().append(hop).await.unwrap();
    }

    pub(crate) async fn run(&self, sent: Vec<Sent>) -> (Run, Vec<Difference>) {
        let (day, actor) = (date(2026, 11, 22), "on-call".to_owned());
        let wish = Wish { day, clinic: None, sent, actor, daily: false };
        self.reconciler.run(&wish).await.unwrap().unwrap()
    }

    /// Kinds and submissions of what is different.
    pub(crate) async fn found(&self) -> Vec<(Kind, Option<String>)> {
        let (_, found) = self.run(Vec::new()).await;
        found.into_iter().map(|one| (one.kind, one.submission_id.map(String::from))).collect()
    }

    pub(crate) fn queues(&self, ready: u64) {
        let queue = |name: &str, ready| Queue { queue: name.to_owned(), ready, unacknowledged: 0 };
        *self.queues.0.lock().unwrap() = vec![queue("eligibility.default", ready), queue("wait.30s", 0)];
    }
}

/// A sealed envelope, as the gateway makes one.
fn sealed() -> Vec<u8> {
    let keys = testkit::desk::keys().unwrap();
    let message = domain::envelope::Message {
        meta: testkit::desk::meta().unwrap(),
        secret: Phi::new(domain::messages::Checked {
            intake: testkit::desk::intake(),
            eligibility: domain::messages::Eligibility::bare(domain::messages::EligibilityStatus::Active),
        }),
    };
    message.seal(&keys).unwrap().to_vec().unwrap()
}
