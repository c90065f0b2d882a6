//! Striking.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use domain::drill::Point;
use frontdesk::local::{Layout, supervisor::Supervisor};
use nix::sys::signal::Signal;
use testkit::{
    process::ProcessId,
    proxy::Direction,
    sandbox::{Control, Rule},
    wait,
};
use tokio_util::task::TaskTracker;

use super::{
    back,
    routes::{Routes, request_file},
    schedule::{Action, INSTANCES, Peer, Schedule, points},
    strikes::Strikes,
    weather,
};

/// `basic.ack`, as the broker sends it to a publisher: class 60, method 80.
const CONFIRM: &[u8] = &[0, 60, 0, 80];
/// How long who is asked to stop itself may take to come to the point.
const COMES: Duration = Duration::from_secs(20);
/// The statement that ends a transaction, in Postgres's simple protocol.
const COMMIT: &[u8] = b"COMMIT\0";

/// The processes that are stopped, by number.
type Frozen = Arc<Mutex<BTreeMap<i32, ProcessId>>>;

/// Who strikes. Everything is struck by its own process id, its own proxy, or the sandbox's control API.
pub struct Injector<'a> {
    /// The run's folder.
    pub layout: &'a Layout,
    /// Knows which process runs under which name.
    pub supervisor: &'a Supervisor,
    /// The proxies.
    pub routes: &'a Routes,
    /// The sandbox.
    pub control: &'a Control,
    /// What was done.
    pub strikes: &'a Arc<Strikes>,
    /// Measures how the stages come back after the broker.
    pub watch: &'a back::Watch,
    /// The outside world's faults for a kind of weather.
    pub weather: fn(u8) -> Vec<Rule>,
    /// What was stopped, and waits to be continued.
    pub frozen: Frozen,
    /// What goes on beside.
    pub beside: TaskTracker,
}

impl Injector<'_> {
    /// Strikes until the future is dropped.
    ///
    /// # Errors
    /// If the sandbox does not take its faults.
    pub async fn run(&self, schedule: Schedule) -> anyhow::Result<Infallible> {
        for (pause, action) in schedule {
            tokio::time::sleep(pause).await;
            self.strike(&action)?;
        }
        // A mix without anything strikes never.
        std::future::pending().await
    }

    /// Changes the weather, so that each kind comes twice in a run. Never fair at first.
    ///
    /// # Errors
    /// If the sandbox does not take its faults.
    pub async fn change_weather(&self, run: Duration) -> anyhow::Result<Infallible> {
        for kind in (0..weather::KINDS).cycle().skip(1) {
            self.control.set_faults(&(self.weather)(kind)).await.context("the sandbox's faults")?;
            tokio::time::sleep(run / (u32::from(weather::KINDS) * 2)).await;
        }
        std::future::pending().await
    }

    /// Ends every fault: what is stopped goes on, everything passes, the outside world behaves, and nobody is asked to die any more.
    ///
    /// # Errors
    /// If the sandbox does not answer, or a request cannot be taken back.
    pub async fn heal(&self) -> anyhow::Result<()> {
        for process in
            std::mem::take(&mut *self.frozen.lock().unwrap_or_else(PoisonError::into_inner)).values()
        {
            process.signal(Signal::SIGCONT);
        }
        self.routes.heal();
        for instance in INSTANCES.iter().filter(|instance| !points(instance).is_empty()) {
            ask(self.layout, instance, &format!("{} 0", Point::BeforeAck))?;
        }
        self.control.clear_faults().await.context("the sandbox's faults")?;
        Ok(())
    }

    /// Counts who died as asked, and waits for what is measured beside. To be called when the line is empty.
    pub async fn count(&self) {
        for instance in INSTANCES {
            let mut log = request_file(self.layout, instance).into_os_string();
            log.push(".log");
            let text = std::fs::read_to_string(log).unwrap_or_default();
            text.lines().for_each(|point| self.strikes.died_at(point));
        }
        self.beside.close();
        self.beside.wait().await;
    }

    fn strike(&self, action: &Action) -> anyhow::Result<()> {
        let struck = match action {
            Action::Kill(instance) => self.kill(instance),
            Action::KillBroker => {
                let struck = self.kill("broker");
                if struck {
                    self.beside.spawn(self.watch.clone().measure(self.strikes.clone()));
                }
                struck
            }
            Action::KillDatabase => self.kill("postgres"),
            Action::CrashAt(instance, point, nth) => {
                ask(self.layout, instance, &format!("{point} {nth}"))?;
                true
            }
            Action::Freeze(instance, time) => self.freeze(instance, *time),
            Action::FreezeAt(instance, point, nth, time) => {
                ask(self.layout, instance, &format!("{point} {nth} stop"))?;
                self.wake_stopped(instance, *time, action.name());
                // It is counted once it has come to the point.
                false
            }
            Action::Cut(instance, peer) => self.proxy(instance, *peer, |proxy| proxy.cut()),
            Action::Blackhole(instance, peer, way, time) => {
                self.proxy(instance, *peer, |proxy| proxy.blackhole(*way, *time))
            }
            Action::Delay(instance, peer, each, time) => {
                self.proxy(instance, *peer, |proxy| proxy.delay(*each, *time))
            }
            Action::LoseConfirm(instance) => {
                self.proxy(instance, Peer::Broker, |proxy| proxy.lose(Direction::ToClient, CONFIRM, 1))
            }
            Action::LoseCommit(instance) => {
                self.proxy(instance, Peer::Database, |proxy| proxy.lose(Direction::ToServer, COMMIT, 1))
            }
        };
        if struck {
            self.strikes.add(action.name());
        }
        Ok(())
    }

    fn kill(&self, name: &str) -> bool {
        let Some(process) = self.supervisor.process(name) else { return false };
        // Who is stopped is to be continued: dead it could not be.
        if is_frozen(&self.frozen, &process) {
            return false;
        }
        process.signal(Signal::SIGKILL);
        true
    }

    fn freeze(&self, name: &str, time: Duration) -> bool {
        let Some(process) = self.supervisor.process(name) else { return false };
        if is_frozen(&self.frozen, &process) {
            return false;
        }
        process.signal(Signal::SIGSTOP);
        self.beside.spawn(wake(self.frozen.clone(), process, time));
        true
    }

    /// Lets who was asked to stop itself go on after a while.
    fn wake_stopped(&self, name: &str, time: Duration, counted: &'static str) {
        let Some(process) = self.supervisor.process(name) else { return };
        let (frozen, strikes) = (self.frozen.clone(), self.strikes.clone());
        self.beside.spawn(async move {
            let stopped = || async { process.is_stopped() && !is_frozen(&frozen, &process) };
            if wait::until(COMES, stopped).await.is_ok() {
                strikes.add(counted);
                wake(frozen, process, time).await;
            }
        });
    }

    fn proxy(&self, instance: &str, peer: Peer, strike: impl FnOnce(&testkit::proxy::Proxy)) -> bool {
        let proxy = self.routes.get(instance, peer);
        proxy.as_ref().map(strike).is_some()
    }
}

fn is_frozen(frozen: &Frozen, process: &ProcessId) -> bool {
    frozen.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&process.pid)
}

/// Lets a stopped process go on after a while.
fn wake(frozen: Frozen, process: ProcessId, time: Duration) -> impl Future<Output = ()> {
    // At once, not when it is first polled: nobody else is to strike it now.
    frozen.lock().unwrap_or_else(PoisonError::into_inner).insert(process.pid, process.clone());
    async move {
        tokio::time::sleep(time).await;
        process.signal(Signal::SIGCONT);
        frozen.lock().unwrap_or_else(PoisonError::into_inner).remove(&process.pid);
    }
}

/// Asks a process to kill or to stop itself. It sees the request by itself; one that was not seen yet is replaced.
fn ask(layout: &Layout, instance: &str, request: &str) -> anyhow::Result<()> {
    let file = request_file(layout, instance);
    // In one step, so that it is never read half written.
    let draft = file.with_extension("draft");
    std::fs::write(&draft, request)?;
    std::fs::rename(&draft, &file).with_context(|| format!("cannot write {}", file.display()))
}
