//! The writer without its first protection. The only test of its program: a process has one drill.
#![cfg(debug_assertions)]
#![allow(clippy::unwrap_used, reason = "a test ends where it finds what it did not expect")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use adapters::ehr::{Profile, fake::FakeEhr};
use domain::{
    Phi,
    drill::{self, Drill, Point, Protection},
    envelope::Message,
    matching::person::Matcher,
    messages::{Checked, Eligibility, EligibilityStatus},
};
use ehr_writer::{EhrDirectory, EhrWriter};
use ledger::{Config, Store};
use runtime::{Context, Handler};
use testkit::desk::{self, DeskClock};

/// Takes the intent's protection away while the flag is up.
struct Early(Arc<AtomicBool>);

impl Drill for Early {
    fn at(&self, _: Point) {}

    fn lacks(&self, protection: Protection) -> bool {
        protection == Protection::IntentBeforeWrite && self.0.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn only_without_the_protection_is_anything_written_before_its_intent() {
    let early = Arc::new(AtomicBool::new(false));
    drill::install(Box::new(Early(early.clone())));
    let clock = Arc::new(DeskClock::default());
    // Nothing listens on the discard port: no intent can be committed.
    let config = Config::with_url("postgres://nobody@127.0.0.1:9/none");
    let store = Store::connect(&config, clock.clone()).await.unwrap();
    let ehr = Arc::new(FakeEhr::new(Profile::FHIR));
    let folder = [concat!(env!("CARGO_MANIFEST_DIR"), "/../../clinics")];
    let clinics = Arc::new(runtime::clinics::load_dir(&folder).unwrap());
    let directory = EhrDirectory::of_one("sandbox", ehr.clone());
    let matcher = Arc::new(Matcher::bundled().unwrap());
    let writer = EhrWriter::new(clinics, directory, store, matcher, desk::index(), clock.clone());
    let checked =
        Checked { intake: desk::intake(), eligibility: Eligibility::bare(EligibilityStatus::Active) };
    let message = Message { meta: desk::meta().unwrap(), secret: Phi::new(checked) };
    for (lacking, patients) in [(false, 0), (true, 1)] {
        early.store(lacking, Ordering::Relaxed);
        let cx = Context::detached(clock.clone(), desk::keys().unwrap());
        assert!(writer.handle(message.clone(), &cx).await.is_err(), "the ledger does not answer");
        assert_eq!(ehr.counts().patients, patients);
    }
}
