//! Stopping what a run left behind: what it wrote down, and what carries its mark.

use std::{fs, os::unix::ffi::OsStrExt as _, path::Path, time::Duration};

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use testkit::process::ProcessId;

use super::{
    Layout,
    records::{self, Record, Tier},
};

/// The variable that every process of a run carries, with the run's folder as its value. So one that was started just before the
/// runner was killed, and not yet written down, is found as well.
pub const MARK: &str = "FRONTDESK_RUN";

/// How much time processes get to end by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// What each needs to end in good order.
    Full,
    /// None: they are killed.
    None,
}

/// Stops everything that is left of the folder's last run. Gives the names of what was still running.
pub async fn sweep(layout: &Layout, patience: Patience) -> Vec<String> {
    let left: Vec<(String, Record)> =
        records::last(layout).into_iter().filter(|(_, record)| record.process.is_running()).collect();
    for tier in [Tier::Service, Tier::Outside, Tier::Backend, Tier::Support] {
        let these = left.iter().filter(|(_, record)| record.tier == tier).map(|(_, record)| record);
        join_all(these.map(|record| record.stop(patience == Patience::None))).await;
    }
    let mut names: Vec<String> = left.into_iter().map(|(name, _)| name).collect();
    let marked = marked(layout.root());
    names.extend(marked.iter().map(|process| format!("process {}", process.pid)));
    let grace = if patience == Patience::None { Duration::ZERO } else { Duration::from_secs(5) };
    join_all(marked.iter().map(|process| process.stop(Signal::SIGTERM, grace))).await;
    names
}

/// The processes whose environment, as far as we may read it, carries the run's mark.
fn marked(root: &Path) -> Vec<ProcessId> {
    let mut mark = format!("{MARK}=").into_bytes();
    mark.extend_from_slice(root.as_os_str().as_bytes());
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != std::process::id())
        .filter(|pid| {
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
                environment.split(|byte| *byte == 0).any(|variable| variable == mark)
            })
        })
        .filter_map(ProcessId::of)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{MARK, marked};
    use std::{path::Path, process::Command};

    #[test]
    fn finds_only_the_processes_of_this_run() {
        let folder = tempfile::tempdir().unwrap();
        let start = |root: &Path| Command::new("sleep").arg("60").env(MARK, root).spawn().unwrap();
        let mut ours = start(folder.path());
        let mut other = start(&folder.path().join("test"));
        // The environment is there once the program runs.
        let found = (0..200).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            marked(folder.path()).pop()
        });
        assert_eq!(found.map(|process| process.pid), i32::try_from(ours.id()).ok());
        for child in [&mut ours, &mut other] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(marked(folder.path()).is_empty());
    }
}
