//! Runs over a real broker: what was published and not marked is published again, and two processes share a run.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use domain::{
    Code, Stage,
    clock::SystemClock,
    letter::Again,
    ports::{LetterBox, NotSent, Outbox, Pending},
};
use ledger::{
    letters::LetterState,
    replay::{PlanState, Rules},
};
use ops::replay::{Replay, runner};
use runtime::{
    Boot, Settings,
    letters::Replays,
    topology::{Lanes, Management, Topology},
};
use testkit::{env::TestVhost, wait};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{Fixture, actor, all, from_clear, store, submission};

const DEADLINE: Duration = Duration::from_secs(60);
const QUEUE: &str = "validation.default";

struct Broker {
    boot: Boot,
    management: Management,
    _kept: (TestVhost, tempfile::TempDir),
}

impl Broker {
    async fn new() -> Self {
        let (vhost, folder) = (TestVhost::create().await.unwrap(), tempfile::tempdir().unwrap());
        let text = format!(
            "[amqp]\nurl = {:?}\n[management]\nurl = {:?}\n",
            vhost.amqp_url(),
            vhost.management_url()
        );
        let settings = Settings::from_toml(&text, folder.path()).unwrap();
        let management = Management::from_settings(&settings).unwrap();
        management.apply(&Topology::derive(&Lanes::default())).await.unwrap();
        let boot = Boot::new("ops", settings, Arc::new(SystemClock)).unwrap();
        boot.publisher().await.unwrap().link().connected().await.unwrap();
        Self { boot, management, _kept: (vhost, folder) }
    }

    async fn outbox(&self) -> Arc<dyn Outbox> {
        Arc::new(Replays::new(&self.boot).await.unwrap())
    }

    /// Messages in the queue, as the broker counts them every few seconds.
    async fn holds(&self, count: u64) {
        let counted = || async {
            let depths = self.management.depths().await.unwrap_or_default();
            depths.iter().any(|depth| depth.queue == QUEUE && depth.ready == count)
        };
        wait::until(DEADLINE, counted).await.unwrap();
    }
}

/// Publishes, and hears nothing of it from the second letter on.
struct Deaf {
    behind: Arc<dyn Outbox>,
    sent: Arc<AtomicUsize>,
}

impl Outbox for Deaf {
    fn send(&self, letter: Again) -> Pending<Result<(), NotSent>> {
        let (sending, sent) = (self.behind.send(letter), self.sent.clone());
        Box::pin(async move {
            sending.await?;
            if sent.fetch_add(1, Ordering::SeqCst) > 0 {
                std::future::pending::<()>().await;
            }
            Ok(())
        })
    }
}

fn run(replay: &Arc<Replay>, outbox: &Arc<dyn Outbox>, stop: &CancellationToken) -> JoinHandle<()> {
    let (replay, outbox, stop) = (replay.clone(), outbox.clone(), stop.clone());
    tokio::spawn(async move { runner::run(&replay, &*outbox, &stop).await })
}

/// They are dead again, each as a letter of its own.
async fn die_again(f: &Fixture, letters: &[domain::letter::DeadLetter]) {
    for letter in letters {
        let again = domain::letter::DeadLetter {
            message: letter.message,
            ..from_clear(b"{".to_vec(), &f.keys, Code::Malformed)
        };
        f.store.keep(again).await.unwrap();
    }
}

#[tokio::test]
async fn a_run_that_is_cut_off_goes_on_and_two_processes_share_it() {
    let (f, broker) = (Fixture::new().await, Broker::new().await);
    let mut letters = Vec::new();
    for n in 0..4 {
        let form = serde_json::to_vec(&submission("adult", &format!("s-{n}"))).unwrap();
        letters.push(from_clear(form, &f.keys, Code::TemplateFailed));
        f.keep(&letters[n]).await;
    }
    assert_eq!(letters[0].stage, Stage::Validation);
    let (plan, more) = f.replay.plan(&all(), 3, &actor(), "mended").await.unwrap();
    assert!(more, "the fourth has no place in it");
    let rules = Rules { canary: 2, rate: 100, stop_on: 10 };
    f.store.begin_run(plan.id, rules, &actor(), "go").await.unwrap();
    let stop = CancellationToken::new();

    let sent = Arc::new(AtomicUsize::new(0));
    let deaf: Arc<dyn Outbox> = Arc::new(Deaf { behind: broker.outbox().await, sent: sent.clone() });
    let first = run(&f.replay, &deaf, &stop);
    wait::until(DEADLINE, || async { sent.load(Ordering::SeqCst) == 2 }).await.unwrap();
    // Killed after the second was published and before it was marked.
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let published = async || f.store.plan(plan.id).await.unwrap().unwrap().tally.published;
    assert_eq!(published().await, 1);
    let state = async |nth: usize| f.store.letter(letters[nth].id).await.unwrap().unwrap().state;
    assert_eq!((state(0).await, state(1).await), (LetterState::Replayed, LetterState::Open));

    let other = store(&f.database).await;
    let other = Arc::new(crate::support::replay(&other, &f.keys, "/nowhere".into()));
    let outbox = broker.outbox().await;
    let both = [run(&f.replay, &outbox, &stop), run(&other, &outbox, &stop)];
    wait::until(DEADLINE, || async { published().await == 2 }).await.unwrap();
    // One was published twice, under one name.
    broker.holds(3).await;
    assert_eq!(published().await, 2, "what became of the canary is not known");
    die_again(&f, &letters[..2]).await;
    let state_of_plan = async || f.store.plan(plan.id).await.unwrap().unwrap().state;
    wait::until(DEADLINE, || async { state_of_plan().await == PlanState::Stopped }).await.unwrap();
    broker.holds(3).await;
    assert_eq!((state(2).await, state(3).await), (LetterState::Open, LetterState::Open));

    // A person looks, and lets the rest go.
    f.store.begin_run(plan.id, Rules { canary: 0, ..rules }, &actor(), "go on").await.unwrap();
    f.replay.wake();
    wait::until(DEADLINE, || async { published().await == 3 }).await.unwrap();
    broker.holds(4).await;
    stop.cancel();
    for one in both {
        one.await.unwrap();
    }
    broker.boot.close().await;
}
