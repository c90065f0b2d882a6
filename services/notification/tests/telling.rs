//! The last stage against messengers in memory and a real ledger.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it finds what it did not expect")]

use std::sync::Arc;

use adapters::messenger::{Messenger, SendOutcome, fake::FakeMessenger};
use domain::{
    Code, Fault, Outcome, Phi, Settled,
    envelope::Message,
    hop::Facts,
    messages::{Channel, Written},
};
use ledger::Store;
use notification::{Config, Notification};
use runtime::{Context, Handler};
use testkit::{
    desk::{self, DeskClock},
    env::TestDatabase,
};

struct Desk {
    _database: TestDatabase,
    stage: Notification,
    email: Arc<FakeMessenger>,
    sms: Arc<FakeMessenger>,
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
        let clinics = Arc::new(runtime::clinics::load_dir(&folder).unwrap());
        let (email, sms) =
            (Arc::new(FakeMessenger::new(Channel::Email)), Arc::new(FakeMessenger::new(Channel::Sms)));
        let messengers: [Arc<dyn Messenger>; 2] = [email.clone(), sms.clone()];
        let config = Config { quiet_hours: false };
        let stage = Notification::new(config, clinics, messengers, store, desk::index(), clock.clone());
        Self { _database: database, stage, email, sms, clock }
    }

    /// Delivers once: what was decided, and the facts.
    async fn once(&self, message: &Message<Written>) -> (Result<Outcome<()>, Fault>, Facts) {
        let cx = self.cx();
        (self.outcome(message, &cx).await, cx.facts())
    }

    fn cx(&self) -> Context {
        Context::detached(self.clock.clone(), desk::keys().unwrap())
    }

    async fn outcome(&self, message: &Message<Written>, cx: &Context) -> Result<Outcome<()>, Fault> {
        match self.stage.handle(message.clone(), cx).await {
            Ok(Outcome::Done(settled)) => Ok(Outcome::Done(settled)),
            Ok(Outcome::Hold(hold)) => Ok(Outcome::Hold(hold)),
            Ok(Outcome::Snooze(wait)) => Ok(Outcome::Snooze(wait)),
            Ok(Outcome::Emit(_)) => panic!("the line ends here"),
            Err(fault) => Err(fault),
        }
    }

    fn sent(&self) -> (usize, usize) {
        (self.email.sent().len(), self.sms.sent().len())
    }
}

fn message() -> Message<Written> {
    let written = Written {
        intake: desk::intake(),
        patient: "p".to_owned(),
        coverage: None,
        appointment: "a".to_owned(),
        minutes: 20,
    };
    Message { meta: desk::meta().unwrap(), secret: Phi::new(written) }
}

#[tokio::test]
async fn delivered_twice_is_told_once() {
    let (desk, message) = (Desk::open().await, message());
    for _ in 0..2 {
        let (outcome, facts) = desk.once(&message).await;
        assert!(matches!(outcome, Ok(Outcome::Done(Settled::Completed))), "{outcome:?}");
        assert_eq!(facts.notified, Some(vec![Channel::Email, Channel::Sms]));
    }
    assert_eq!(desk.sent(), (1, 1));
}

#[tokio::test]
async fn one_channels_doubt_keeps_no_other_silent_and_is_not_repeated() {
    let (desk, message) = (Desk::open().await, message());
    desk.email.mishap(SendOutcome::Unknown);
    for _ in 0..2 {
        let (outcome, facts) = desk.once(&message).await;
        let Ok(Outcome::Hold(hold)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(hold.code, Code::NotificationParked);
        assert_eq!(facts.notified, Some(vec![Channel::Sms]));
    }
    assert_eq!(desk.sent(), (0, 1));
}

#[tokio::test]
async fn what_was_not_sent_is_tried_again_and_what_is_refused_is_not() {
    let (desk, message) = (Desk::open().await, message());
    desk.email.mishap(SendOutcome::NotSent);
    desk.sms.mishap(SendOutcome::Refused);
    let (outcome, _) = desk.once(&message).await;
    assert!(matches!(outcome, Err(Fault::Transient { code: Code::MessengerUnavailable, .. })), "{outcome:?}");
    let (outcome, facts) = desk.once(&message).await;
    assert!(matches!(outcome, Ok(Outcome::Done(Settled::Completed))), "{outcome:?}");
    assert_eq!(facts.notified, Some(vec![Channel::Email]));
    assert_eq!(desk.sent(), (1, 0));
}

#[tokio::test]
async fn no_consent_no_message() {
    let desk = Desk::open().await;
    let mut written = message().secret.into_exposed();
    written.intake.consents.sms = false;
    written.intake.consents.email = false;
    let message = Message { meta: desk::meta().unwrap(), secret: Phi::new(written) };
    let (outcome, facts) = desk.once(&message).await;
    assert!(matches!(outcome, Ok(Outcome::Done(Settled::Completed))), "{outcome:?}");
    assert_eq!((facts.notified, desk.sent()), (Some(vec![]), (0, 0)));
}

#[tokio::test]
async fn a_message_in_doubt_is_a_persons_to_answer_for_even_if_another_channel_is_down_to_the_end() {
    let (desk, message) = (Desk::open().await, message());
    desk.email.mishap(SendOutcome::Unknown);
    desk.sms.mishap(SendOutcome::NotSent);
    desk.sms.mishap(SendOutcome::NotSent);
    for _ in 0..2 {
        let cx = desk.cx();
        let outcome = desk.outcome(&message, &cx).await;
        assert!(matches!(outcome, Err(Fault::Transient { .. })), "{outcome:?}");
        assert_eq!(cx.doubt(), Some(Code::NotificationParked), "should it be the last attempt");
    }
    let (outcome, _) = desk.once(&message).await;
    assert!(matches!(outcome, Ok(Outcome::Hold(_))), "{outcome:?}");
    assert_eq!(desk.sent(), (0, 1));
}

#[tokio::test]
async fn one_channel_that_is_down_keeps_no_other_silent() {
    let (desk, message) = (Desk::open().await, message());
    desk.email.mishap(SendOutcome::NotSent);
    let cx = desk.cx();
    let outcome = desk.outcome(&message, &cx).await;
    assert!(matches!(outcome, Err(Fault::Transient { .. })), "{outcome:?}");
    assert_eq!((cx.doubt(), desk.sent()), (None, (0, 1)));
}
