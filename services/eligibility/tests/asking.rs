//! The second stage against a payer in memory and a real ledger.
#![allow(clippy::unwrap_used, reason = "a test ends where it finds what it did not expect")]

use std::sync::Arc;

use adapters::payer::{PayerDirectory, PayerFault, Protocol, fake::FakePayer};
use domain::{
    Code, Fault, Outcome, Phi,
    clock::Clock as _,
    envelope::Message,
    messages::{Eligibility, EligibilityStatus, Validated},
    seal::Binding,
};
use eligibility::{Config, EligibilityCheck, Parts};
use ledger::Store;
use runtime::{Context, Handler};
use testkit::{
    desk::{self, DeskClock},
    env::TestDatabase,
};

struct Desk {
    _database: TestDatabase,
    stage: EligibilityCheck,
    payer: Arc<FakePayer>,
    store: Store,
    clock: Arc<DeskClock>,
}

impl Desk {
    async fn open() -> Self {
        let database = TestDatabase::create().await.unwrap();
        let config = ledger::Config::with_url(database.url());
        ledger::migrate(&config).await.unwrap();
        let clock = Arc::new(DeskClock::default());
        let store = Store::connect(&config, clock.clone()).await.unwrap();
        let folder = [concat!(env!("CARGO_MANIFEST_DIR"), "/../../clinics")];
        let payer = Arc::new(FakePayer::default());
        let stage = EligibilityCheck::new(Parts {
            clinics: Arc::new(runtime::clinics::load_dir(&folder).unwrap()),
            payers: PayerDirectory::of_one("all", Protocol::Json, payer.clone()),
            store: store.clone(),
            keys: desk::keys().unwrap(),
            index: desk::index(),
            clock: clock.clone(),
            config: Config { patience_s: 60, ..Config::default() },
        });
        Self { _database: database, stage, payer, store, clock }
    }

    /// Delivers, as first attempt or after a failure so many seconds ago.
    async fn once(
        &self,
        message: &Message<Validated>,
        failed_s: Option<i64>,
    ) -> Result<EligibilityStatus, Fault> {
        let mut cx = self.context();
        if let Some(seconds) = failed_s {
            cx = cx.retried(1, self.clock.now() - jiff::SignedDuration::from_secs(seconds));
        }
        self.with(message, &cx).await
    }

    /// The clinic's day.
    fn day(&self) -> jiff::civil::Date {
        let folder = [concat!(env!("CARGO_MANIFEST_DIR"), "/../../clinics")];
        let clinics = runtime::clinics::load_dir(&folder).unwrap();
        clinics.get(&desk::meta().unwrap().clinic).unwrap().day_of(self.clock.now())
    }

    fn context(&self) -> Context {
        Context::detached(self.clock.clone(), desk::keys().unwrap())
    }

    async fn with(&self, message: &Message<Validated>, cx: &Context) -> Result<EligibilityStatus, Fault> {
        match self.stage.handle(message.clone(), cx).await? {
            Outcome::Emit(message) => {
                let status = message.secret.expose().eligibility.status;
                assert_eq!(cx.facts().eligibility, Some(status));
                Ok(status)
            }
            _ => unreachable!("this stage always hands on"),
        }
    }
}

fn message() -> Message<Validated> {
    Message { meta: desk::meta().unwrap(), secret: Phi::new(Validated { intake: desk::intake() }) }
}

#[tokio::test]
async fn a_member_is_asked_about_once_a_day() {
    let desk = Desk::open().await;
    desk.payer.member("W7", Eligibility::bare(EligibilityStatus::Active));
    for _ in 0..3 {
        assert_eq!(desk.once(&message(), None).await, Ok(EligibilityStatus::Active));
    }
    assert_eq!(desk.payer.asked(), 1);
    desk.clock.forward(24 * 3600);
    assert_eq!(desk.once(&message(), None).await, Ok(EligibilityStatus::Active));
    assert_eq!(desk.payer.asked(), 2);
}

#[tokio::test]
async fn an_answer_in_another_members_row_is_not_believed_and_one_of_an_earlier_version_is() {
    let desk = Desk::open().await;
    desk.payer.member("W7", Eligibility::bare(EligibilityStatus::Active));
    let of = |member: &str| {
        let member = desk::index().index("member", &["aetna", member]);
        ledger::eligibility::AnswerKey { member, day: desk.day() }
    };
    let keep = async |binding| {
        let answer = Eligibility::bare(EligibilityStatus::Inactive);
        let sealed = desk::keys().unwrap().seal_record(&answer, binding).unwrap();
        let answer = ledger::eligibility::CachedAnswer {
            status: EligibilityStatus::Inactive,
            sealed: Some(sealed),
            answered_at: desk.clock.now(),
        };
        desk.store.cache_answer(of("W7"), answer).await.unwrap();
    };
    let other = format!("{} {}", of("W8").member.to_hex(), desk.day());
    keep(Binding { submission: &other, clinic: "", schema: "eligibility.v2" }).await;
    assert_eq!(desk.once(&message(), None).await, Ok(EligibilityStatus::Active));
    assert_eq!(desk.payer.asked(), 1, "the row's answer is somebody else's");
    keep(Binding { submission: "", clinic: "", schema: "eligibility.v1" }).await;
    assert_eq!(desk.once(&message(), None).await, Ok(EligibilityStatus::Inactive), "as it was kept before");
    assert_eq!(desk.payer.asked(), 1);
}

#[tokio::test]
async fn a_payer_that_is_down_is_waited_for_and_then_the_intake_goes_on_to_be_asked_about_again() {
    let (desk, message) = (Desk::open().await, message());
    for _ in 0..3 {
        desk.payer.fault(PayerFault::Unavailable);
    }
    let waits = |fault| matches!(fault, Err(Fault::Throttled { code: Code::PayerUnavailable, .. }));
    assert!(waits(desk.once(&message, None).await), "costs no attempt");
    assert!(waits(desk.once(&message, Some(59)).await));
    assert_eq!(desk.once(&message, Some(60)).await, Ok(EligibilityStatus::Undetermined));
    desk.clock.forward(2 * 3600);
    let due = desk.store.due_rechecks(10, jiff::SignedDuration::from_mins(1)).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(Some(due[0].0.admission), message.meta.admission);
}

#[tokio::test]
async fn a_payer_that_cannot_answer_opens_no_breaker_before_the_others_behind_its_clearinghouse() {
    for (fault, stands) in [(PayerFault::NotNow, false), (PayerFault::Unavailable, true)] {
        let (desk, message) = (Desk::open().await, message());
        let first = desk.context();
        // More than open a breaker, in a row and in their share.
        for _ in 0..30 {
            desk.payer.fault(fault);
            let asked = desk.with(&message, &desk.context().beside(&first)).await;
            assert!(matches!(asked, Err(Fault::Throttled { code: Code::PayerUnavailable, .. })));
        }
        assert_eq!(first.held_back(&domain::Endpoint::payer("all")).is_some(), stands, "{fault:?}");
    }
}

#[tokio::test]
async fn nobody_is_asked_about_no_insurance() {
    let desk = Desk::open().await;
    let mut intake = desk::intake();
    intake.coverage = None;
    let message = Message { meta: desk::meta().unwrap(), secret: Phi::new(Validated { intake }) };
    assert_eq!(desk.once(&message, None).await, Ok(EligibilityStatus::NotAsked));
    assert_eq!(desk.payer.asked(), 0);
}
