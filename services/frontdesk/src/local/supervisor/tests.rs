use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;
use testkit::{
    backends::Ready,
    process::{ProcessId, Program},
    wait,
};

use super::{Endings, Supervisor, Unit};
use crate::local::{Layout, records::Tier};

const SOON: Duration = Duration::from_secs(20);

/// A supervisor of one unit, `sleeper`, and its first process.
async fn sleeper() -> (TempDir, Supervisor, ProcessId) {
    let folder = tempfile::tempdir().unwrap();
    for part in ["clinics", "services/frontdesk"] {
        std::fs::create_dir_all(folder.path().join(part)).unwrap();
    }
    let layout = Layout::find(Some(folder.path()), None).unwrap();
    layout.make().unwrap();
    let supervisor = Supervisor::new(&layout).unwrap();
    let program = Program::new("/bin/sleep", layout.logs().join("sleeper.log")).arg("600");
    let unit = Unit {
        name: "sleeper".to_owned(),
        program,
        ready: Ready::All(Vec::new()),
        patience: SOON,
        tier: Tier::Service,
    };
    supervisor.start(unit).await.unwrap();
    let process = supervisor.process("sleeper").unwrap();
    (folder, supervisor, process)
}

/// The process that runs instead of another.
async fn successor(supervisor: &Supervisor, of: &ProcessId) -> ProcessId {
    let another = || async { supervisor.process("sleeper").filter(|process| process != of) };
    wait::until_some(SOON, another).await.unwrap()
}

#[tokio::test]
async fn what_is_killed_is_started_again_and_counted() {
    let (_folder, supervisor, mut process) = sleeper().await;
    assert_eq!(supervisor.endings()["sleeper"], Endings::default());
    for times in 1..=3 {
        process.signal(Signal::SIGKILL);
        process = successor(&supervisor, &process).await;
        assert!(process.is_running());
        wait::until(SOON, || async { supervisor.endings()["sleeper"].killed == times }).await.unwrap();
    }
    supervisor.stop().await;
    assert!(!process.is_running() && supervisor.process("sleeper").is_none());
}

#[tokio::test]
async fn what_is_held_stays_down_until_it_is_released() {
    let (_folder, supervisor, process) = sleeper().await;
    assert!(supervisor.hold("sleeper") && !supervisor.hold("nobody"));
    process.signal(Signal::SIGKILL);
    wait::until(SOON, || async { supervisor.process("sleeper").is_none() }).await.unwrap();
    // Longer than the pause after which it would be started again.
    let started =
        wait::until(Duration::from_millis(600), || async { supervisor.process("sleeper").is_some() });
    assert!(started.await.is_err());
    assert!(supervisor.release("sleeper") && !supervisor.release("nobody"));
    assert!(successor(&supervisor, &process).await.is_running());
    supervisor.stop().await;
}

#[tokio::test]
async fn what_is_held_and_down_can_be_stopped() {
    let (_folder, supervisor, process) = sleeper().await;
    supervisor.hold("sleeper");
    process.signal(Signal::SIGKILL);
    wait::until(SOON, || async { supervisor.process("sleeper").is_none() }).await.unwrap();
    tokio::time::timeout(SOON, supervisor.stop()).await.unwrap();
    assert!(supervisor.process("sleeper").is_none());
}
