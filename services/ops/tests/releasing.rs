//! What is decided goes on its way over a real broker and a real database: committed, published, and only then marked.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use domain::{
    AdmissionId, Code, MessageId, Phi, Stage,
    clock::{Clock as _, SystemClock},
    envelope::{Envelope, Secret as _},
    hold::{Verdict, Word},
    hop::{Event, Facts, Hop, Transition},
    ports::HopLog as _,
    submission::SubmittedForm,
};
use ledger::{
    AdmissionRequest, Config, MatchDecision, MatchRequest, Matcher, Proposed, Store, acts::Actor,
    holds::NewDecision,
};
use reqwest::Url;
use runtime::{
    Boot, Settings,
    topology::{Lanes, Management, Topology},
};
use testkit::{
    desk,
    env::{TestDatabase, TestVhost},
    proxy::Proxy,
    wait,
};
use tokio::{sync::Notify, task::JoinHandle};

const DEADLINE: Duration = Duration::from_secs(60);

struct Fixture {
    boot: Boot,
    store: Store,
    broker: Proxy,
    management: Management,
    decided: Arc<Notify>,
    _kept: (TestDatabase, TestVhost, tempfile::TempDir),
}

impl Fixture {
    async fn new() -> Self {
        let (data, vhost) = (TestDatabase::create().await.unwrap(), TestVhost::create().await.unwrap());
        let folder = tempfile::tempdir().unwrap();
        let mut url = Url::parse(vhost.amqp_url()).unwrap();
        let behind = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let broker = Proxy::start(behind.parse::<SocketAddr>().unwrap()).unwrap();
        url.set_port(Some(broker.address().port())).unwrap();
        let text = format!(
            "[amqp]\nurl = {:?}\n[management]\nurl = {:?}\n[lanes.north]\nclinics = [\"clinic-n\"]\n",
            url.to_string(),
            vhost.management_url()
        );
        let settings = Settings::from_toml(&text, folder.path()).unwrap();
        let boot = Boot::new("ops", settings, Arc::new(SystemClock)).unwrap();
        let management = Management::from_settings(boot.settings()).unwrap();
        let lanes = Lanes::read(boot.settings()).unwrap();
        management.apply(&Topology::derive(&lanes)).await.unwrap();
        let config = Config::with_url(data.url());
        ledger::migrate(&config).await.unwrap();
        let store = Store::connect(&config, Arc::new(SystemClock)).await.unwrap();
        let decided = Arc::new(Notify::new());
        Self { boot, store, broker, management, decided, _kept: (data, vhost, folder) }
    }

    /// Admits a submission, has it held, and lets it go on.
    async fn decide(&self, id: &str) -> AdmissionId {
        self.decide_of(desk::CLINIC, id).await
    }

    async fn decide_of(&self, clinic: &str, id: &str) -> AdmissionId {
        let mut meta = desk::meta().unwrap();
        meta.submission = id.parse().unwrap();
        meta.clinic = clinic.parse().unwrap();
        let keys = desk::keys().unwrap();
        let original =
            Envelope::seal_bytes(SubmittedForm::SCHEMA, meta.clone(), Phi::new(b"{}".to_vec()), &keys);
        let index = desk::index();
        let request = AdmissionRequest {
            submission: meta.submission.clone(),
            clinic: meta.clinic.clone(),
            message: MessageId::from_uuid(SystemClock.fresh_id()),
            correlation: meta.correlation,
            source: meta.source.clone(),
            submitted_at: meta.submitted_at,
            received_at: meta.received_at,
            appointment_at: None,
            template: None,
            content: index.index("content", &[id]),
            corrected: false,
            original: original.unwrap().to_vec().unwrap(),
            proposed: Proposed::Match(MatchRequest {
                blocks: vec![index.index("block", &[id])],
                person: Vec::new(),
                request: index.index("request", &[id]),
            }),
        };
        let matcher: Arc<Matcher> = Arc::new(|_: &AdmissionRequest, _: &[_]| MatchDecision::New);
        let message = request.message;
        let admission = self.store.admit(request, matcher).await.unwrap().admission;
        let code = Code::SlotTaken;
        let hop = Hop {
            admission: Some(admission),
            submission: Some(meta.submission),
            clinic: Some(meta.clinic),
            correlation: Some(meta.correlation),
            message,
            stage: Stage::EhrWriter,
            lane: "default".parse().unwrap(),
            event: Event::Held,
            code: Some(code),
            field: None,
            endpoint: None,
            template: None,
            attempt: 1,
            trace_id: None,
            started_at: meta.received_at,
            finished_at: meta.received_at,
            transition: Some(Transition::Hold { code, field: None }),
            facts: Facts::default(),
            parked: Some(b"sealed".to_vec()),
        };
        self.store.append(hop).await.unwrap();
        let actor = Actor { name: "sam".to_owned(), role: "operator".to_owned() };
        let verdict = Verdict::new(Word::Again, None).unwrap();
        let reason = "it is free".to_owned();
        self.store.decide(&NewDecision { admission, verdict, actor, reason }).await.unwrap();
        admission
    }

    fn run(&self) -> JoinHandle<()> {
        let (boot, store, decided) = (self.boot.clone(), self.store.clone(), self.decided.clone());
        tokio::spawn(async move { ops::releases::run(&boot, &store, &decided).await.unwrap() })
    }

    async fn waiting(&self) -> usize {
        self.store.releases(0, 100).await.unwrap().len()
    }

    /// Messages that wait for validation, as the broker counts them every few seconds.
    async fn arrived(&self, count: u64) {
        let here = async || {
            let depths = self.management.depths().await.unwrap_or_default();
            depths.iter().any(|depth| depth.queue == "validation.default" && depth.ready == count)
        };
        wait::until(DEADLINE, here).await.unwrap();
    }

    async fn stop(&self, running: JoinHandle<()>) {
        self.boot.shutdown().soft().cancel();
        running.await.unwrap();
        self.boot.close().await;
    }
}

#[tokio::test]
async fn what_an_earlier_process_left_and_what_is_decided_now_is_published_once() {
    let f = Fixture::new().await;
    f.decide("s-1").await;
    assert_eq!(f.waiting().await, 1);
    let running = f.run();
    wait::until(DEADLINE, || async { f.waiting().await == 0 }).await.unwrap();
    f.arrived(1).await;
    f.decide("s-2").await;
    f.decided.notify_one();
    wait::until(DEADLINE, || async { f.waiting().await == 0 }).await.unwrap();
    f.arrived(2).await;
    f.stop(running).await;
}

#[tokio::test]
async fn while_the_broker_is_away_a_decision_waits_in_the_database() {
    let f = Fixture::new().await;
    f.broker.refuse(true);
    let running = f.run();
    let admission = f.decide("s-1").await;
    f.decided.notify_one();
    // It is decided all the same, and stays decided.
    let status = f.store.admission(admission).await.unwrap().unwrap();
    assert_eq!((status.state.as_str(), f.waiting().await), ("in_flight", 1));
    f.broker.refuse(false);
    wait::until(DEADLINE, || async { f.waiting().await == 0 }).await.unwrap();
    f.arrived(1).await;
    f.stop(running).await;
}

impl Fixture {
    /// Lets the broker take hardly anything more for a queue.
    async fn narrow(&self, queue: &str) {
        let (_, vhost, _) = &self._kept;
        let (base, name) = (vhost.management_url().trim_end_matches('/'), vhost.name());
        let policy = format!(
            "{{\"pattern\": \"^{}$\", \"apply-to\": \"queues\", \"definition\": {{\"max-length\": 1, \"overflow\": \"reject-publish\"}}}}",
            queue.replace('.', "[.]")
        );
        let client = reqwest::Client::new();
        let put = client.put(format!("{base}/api/policies/{name}/narrow")).body(policy);
        assert!(put.send().await.unwrap().status().is_success());
        let applied = || async {
            let shown = client.get(format!("{base}/api/queues/{name}/{queue}")).send().await.unwrap();
            shown.text().await.unwrap().contains("\"policy\":\"narrow\"")
        };
        wait::until(DEADLINE, applied).await.unwrap();
    }
}

#[tokio::test]
async fn a_queue_that_is_full_keeps_no_other_back() {
    let f = Fixture::new().await;
    f.narrow("validation.north").await;
    for n in 0..8 {
        f.decide_of("clinic-n", &format!("n-{n}")).await;
    }
    f.decide("s-1").await;
    let running = f.run();
    f.arrived(1).await;
    assert!(f.waiting().await > 0, "the others wait for their queue");
    f.stop(running).await;
}
