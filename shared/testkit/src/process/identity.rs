//! A process as it can be recognised later, when its number may belong to another.

use std::{fs, time::Duration};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use crate::wait;

/// A process: its number, when it was started, and in which boot of the machine. Numbers are reused; the three are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    /// The process number.
    pub pid: i32,
    /// Clock ticks from the machine's boot to the process's start (field 22 of `/proc/PID/stat`).
    started: u64,
    /// The boot (`/proc/sys/kernel/random/boot_id`).
    boot: String,
}

impl ProcessId {
    /// The running process of that number, if there is one.
    pub fn of(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        Some(Self { pid, started: running_since(pid)?, boot: boot() })
    }

    /// This process.
    pub fn own() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// Whether that very process still runs. A zombie does not.
    pub fn is_running(&self) -> bool {
        self.boot == boot() && running_since(self.pid) == Some(self.started)
    }

    /// Whether that very process is stopped, as by SIGSTOP.
    pub fn is_stopped(&self) -> bool {
        self.boot == boot() && of_running(self.pid) == Some(('T', self.started))
    }

    /// Sends a signal to that very process; nothing happens if it is gone.
    pub fn signal(&self, signal: Signal) {
        if self.is_running() {
            kill(Pid::from_raw(self.pid), signal).ok();
        }
    }

    /// Asks the process to end with `signal`, and after `grace` kills it and its process group.
    ///
    /// Gives whether it is gone; it can only stay if the machine keeps it from ending.
    pub async fn stop(&self, signal: Signal, grace: Duration) -> bool {
        self.signal(signal);
        if self.gone_within(grace).await {
            return true;
        }
        // It leads its own process group (see `Program`); if it does not, there is no such group.
        killpg(Pid::from_raw(self.pid), Signal::SIGKILL).ok();
        self.signal(Signal::SIGKILL);
        self.gone_within(Duration::from_secs(10)).await
    }

    /// Waits until the process is gone.
    pub async fn gone_within(&self, deadline: Duration) -> bool {
        wait::until(deadline, || async { !self.is_running() }).await.is_ok()
    }
}

/// The start time of a process that runs.
fn running_since(pid: i32) -> Option<u64> {
    of_running(pid).map(|(_, started)| started)
}

/// State and start time of a process that runs.
fn of_running(pid: i32) -> Option<(char, u64)> {
    read(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// State and start time in the text of `/proc/PID/stat`, unless the process has ended and only waits to be collected.
fn read(stat: &str) -> Option<(char, u64)> {
    // The second field is the program's name in brackets, which may itself hold brackets and spaces.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?.chars().next().filter(|state| !matches!(state, 'Z' | 'X' | 'x'))?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{ProcessId, read};
    use crate::wait;
    use nix::sys::signal::Signal;
    use std::time::Duration;

    #[test]
    fn reads_the_start_time_behind_a_strange_name() {
        let fields: Vec<String> = (4..=52).map(|field| field.to_string()).collect();
        let line = |state: &str| format!("12 (a) b) {state} {}", fields.join(" "));
        assert_eq!(read(&line("S")), Some(('S', 22)));
        assert_eq!(read(&line("Z")), None);
        assert_eq!(read("12 (cut"), None);
    }

    #[tokio::test]
    async fn another_process_of_the_same_number_is_not_signalled() {
        let mut child = tokio::process::Command::new("sleep").arg("60").spawn().unwrap();
        let real = ProcessId::of(child.id().unwrap()).unwrap();
        let other = ProcessId { started: real.started + 1, ..real.clone() };
        assert!(!other.is_running());
        other.signal(Signal::SIGKILL);
        assert!(real.is_running());
        assert!(!real.is_stopped());
        real.signal(Signal::SIGSTOP);
        wait::until(Duration::from_secs(10), || async { real.is_stopped() }).await.unwrap();
        assert!(real.is_running() && !other.is_stopped());
        real.signal(Signal::SIGCONT);
        let (gone, status) = tokio::join!(real.stop(Signal::SIGTERM, Duration::from_secs(5)), child.wait());
        assert!(gone && !status.unwrap().success());
    }
}
