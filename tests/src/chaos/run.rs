//! One trial: start, send and strike, heal, drain, look from outside.

mod lose_broker;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::{SocketAddr, ToSocketAddrs as _},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use domain::{
    clock::{Clock as _, SystemClock},
    drill::Protection,
};
use frontdesk::{
    local::{Layout, Options, Stack, endpoints::Gateway, run::run, supervisor::Supervisor},
    output,
};
use runtime::topology::Management;
use testkit::{
    sandbox::{Control, Rule},
    wait,
};
use tokio_util::task::TaskTracker;

use super::{
    ambiguity::Ambiguity,
    back::Watch,
    check, clinics,
    drain::{Patience, drain},
    injector::Injector,
    look,
    people::{Clinic, Dispatch, load, offers, plan},
    report::Report,
    routes::Routes,
    schedule::{INSTANCES, Mix, Peer, SENDER, Schedule},
    senders::{Doors, Flight, Pace, Tally, send},
    settings,
    strikes::Strikes,
};
use crate::program::own_line;

/// What to do.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What everything is drawn from.
    pub seed: u64,
    /// How many submissions.
    pub submissions: u64,
    /// Over which time they are sent.
    pub time: Duration,
    /// What strikes.
    pub mix: Mix,
    /// A protection that is taken away.
    pub without: Option<Protection>,
    /// The outside world's faults for a kind of weather.
    pub weather: fn(u8) -> Vec<Rule>,
    /// Whether the broker's data is deleted once, with submissions in flight.
    pub lose_broker: bool,
    /// Milliseconds after which no write lands at the EHR any more: see `docs/reliability.md`, which says what follows from it.
    pub lateness_ms: u32,
    /// How long the line may take to empty.
    pub patience: Patience,
}

/// Submissions on their way at once, at most: enough to keep every stage busy, and not so many that the end waits for a backlog.
const UNSETTLED: u64 = 3_000;
/// Dispatches in a sender's hand at once.
const AT_ONCE: usize = 128;
/// How long a sender tries after the time for sending is over.
const GRACE: Duration = Duration::from_secs(180);

/// Does it, in a folder of its own.
///
/// # Errors
/// If the line cannot be started or looked at. A broken promise is none: the report says it.
pub async fn chaos(layout: &Layout, trial: &Trial) -> anyhow::Result<Report> {
    run(layout, async |supervisor| {
        layout.fresh_logs()?;
        let folder = layout.root().join("chaos-clinics");
        for emptied in [&layout.root().join("drill"), &folder] {
            std::fs::remove_dir_all(emptied).ok();
            std::fs::create_dir_all(emptied)?;
        }
        clinics::copy(&layout.clinics(), &folder)?;
        let routes = Arc::new(Routes::default());
        let options = Options {
            dress: routes.dress(layout, trial.without),
            replicas: BTreeMap::from([("validation".to_owned(), 2), ("ehr-writer".to_owned(), 2)]),
            extra: settings::extra(layout, &folder, trial.lateness_ms),
            ..own_line(layout)
        };
        let stack = Stack::start(layout, supervisor, &options).await?;
        let running = Running {
            layout,
            supervisor,
            stack: &stack,
            routes: &routes,
            trial,
            database: stack.endpoints.postgres.url()?,
            management: Management::from_settings(&stack.settings)?,
            control: Control::new(&stack.sandbox.control_url)?,
            strikes: Arc::default(),
        };
        let report = running.go().await;
        stack.remove().await;
        report
    })
    .await
}

pub(super) struct Running<'a> {
    layout: &'a Layout,
    supervisor: &'a Supervisor,
    stack: &'a Stack,
    routes: &'a Arc<Routes>,
    trial: &'a Trial,
    database: String,
    management: Management,
    control: Control,
    strikes: Arc<Strikes>,
}

impl Running<'_> {
    async fn go(&self) -> anyhow::Result<Report> {
        let Trial { seed, submissions, time, mix, weather, patience, .. } = self.trial;
        let clinics = Clinic::read(&self.layout.samples())?;
        let start = SystemClock.now();
        load(&self.control, offers(*seed, *submissions, start, &clinics)?).await?;
        // Searches that see the past must see the slots, or the first submissions find none: nothing can be waited for but time.
        tokio::time::sleep(Duration::from_millis(2 * settings::UNSEEN_MS)).await;
        let injector = Injector {
            layout: self.layout,
            supervisor: self.supervisor,
            routes: self.routes,
            control: &self.control,
            strikes: &self.strikes,
            watch: &Watch { broker: self.broker()?, database: self.database.clone() },
            weather: *weather,
            frozen: Arc::default(),
            beside: TaskTracker::new(),
        };
        let begin = Instant::now();
        let flight = Arc::new(Flight::default());
        let sent = tokio::select! {
            never = self.pile_up(&flight), if self.trial.lose_broker => match never? {},
            sent = self.send(plan(*seed, *submissions, start, clinics)?, &flight) => sent?,
            never = injector.run(Schedule::new(*seed, mix.clone())) => match never? {},
            never = injector.change_weather(*time), if !self.trial.lose_broker => match never? {},
            never = self.follow(&flight) => match never {},
        };
        let sending = begin.elapsed();
        let outside = self.outside_struck().await?;
        let own_ends = self.own_ends();
        injector.heal().await?;
        output::line(&format!("{} submissions accepted, every fault healed", sent.sent.len()));
        if self.trial.lose_broker {
            self.lose_broker(u64::try_from(sent.sent.len())?).await?;
        }
        let accepted = u64::try_from(sent.sent.len())?;
        let drained = drain(&self.database, &self.management, accepted, *patience).await?;
        injector.count().await;
        let repeats = (sent.retries, sent.duplicates);
        let poison = u64::try_from(sent.poison.accepted.len())? + sent.poison.refused;
        let facts = check::gather(&self.sources()?, sent).await?;
        Ok(Report {
            trial: self.trial.clone(),
            accepted,
            own_ends,
            connections: self.routes.counts(),
            repeats,
            poison,
            sending,
            drained,
            strikes: self.strikes.clone(),
            outside,
            ambiguity: Ambiguity::count(&self.database).await?,
            verdict: check::verdict(&facts),
        })
    }

    /// Sends the plan over the time that the trial has, by way of proxies of the senders' own.
    async fn send(&self, plan: super::people::Plan, flight: &Arc<Flight>) -> anyhow::Result<Tally> {
        let Trial { submissions, time, lose_broker, .. } = self.trial;
        // Its dead letters would be lost with the broker.
        let plan = plan.filter(|dispatch| !lose_broker || !matches!(dispatch, Dispatch::Poison(_)));
        let url = self.stack.endpoints.amqp.url()?;
        let by_way = self.layout.secrets().join("by_way_sender_amqp_url");
        testkit::backends::write_private(&by_way, &self.routes.url(SENDER, Peer::Broker, &url)?)?;
        let gateway = &self.stack.endpoints.gateway;
        let doors = Doors {
            amqp_url_file: by_way,
            connections: 3,
            gateway: Gateway {
                url: self.routes.url(SENDER, Peer::Outside, &gateway.url)?,
                ..gateway.clone()
            },
        };
        #[allow(clippy::cast_precision_loss, reason = "a rate")]
        let a_second = *submissions as f64 / time.as_secs_f64().max(1.0);
        let pace = Pace {
            a_second: Some(a_second),
            unsettled: UNSETTLED,
            at_once: AT_ONCE,
            // Faults hold the senders up: they are given time to finish the plan, and the faults go on meanwhile.
            deadline: tokio::time::Instant::now() + *time * 3,
            grace: GRACE,
        };
        send(plan, &doors, &pace, flight).await
    }

    /// Tells the senders, again and again, how many submissions are settled.
    async fn follow(&self, flight: &Flight) -> Infallible {
        const SQL: &str = "SELECT count(*) FROM submission WHERE NOT copy AND state <> 'in_flight'";
        let doing = output::Doing::begin("sending");
        loop {
            let look = look::counts(&self.database, SQL);
            if let Ok(Ok([settled])) = tokio::time::timeout(Duration::from_secs(10), look).await {
                flight.settled(settled);
                doing.goes(format!(
                    "sending: {} of {} accepted, {settled} settled, {} strikes",
                    flight.accepted(),
                    self.trial.submissions,
                    self.strikes.total(),
                ));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// On how many requests which of the sandbox's faults struck.
    async fn outside_struck(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let report = wait::until_some(Duration::from_secs(30), || async { self.control.faults().await.ok() });
        Ok(report.await.context("the sandbox does not answer")?.injected)
    }

    /// How many of our services' processes ended though nobody killed them: a lost broker or database must end none.
    fn own_ends(&self) -> u64 {
        let endings = self.supervisor.endings();
        INSTANCES.iter().filter_map(|instance| endings.get(*instance)).map(|ends| ends.of_itself).sum()
    }

    /// Where the checks look: at everything itself, past the proxies.
    fn sources(&self) -> anyhow::Result<check::Sources> {
        Ok(check::Sources {
            database_url: self.database.clone(),
            control_url: self.stack.sandbox.control_url.clone(),
            management_url: self.stack.endpoints.management.url()?,
            vhost: self.management.vhost().to_owned(),
        })
    }

    fn broker(&self) -> anyhow::Result<SocketAddr> {
        let amqp = &self.stack.endpoints.amqp;
        let mut addresses = (amqp.host.as_str(), amqp.port).to_socket_addrs()?;
        addresses.next().context("the broker has no address")
    }
}
