//! Arguments and environments of the run's processes, looked at again and again while it goes on: some live for a moment only.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use frontdesk::local::sweep::MARK;
use tokio::task::AbortHandle;

use super::{Sink, Written};

/// Looks are this far apart.
const PAUSE: Duration = Duration::from_millis(200);

type Seen = Arc<Mutex<BTreeMap<Vec<u8>, String>>>;

/// The look-out; it ends when it is dropped.
pub struct Watch {
    root: PathBuf,
    seen: Seen,
    task: AbortHandle,
}

impl Watch {
    /// Looks from now on at everything that carries the run's mark or descends from it or from this process.
    pub fn begin(root: &Path) -> Self {
        let seen = Seen::default();
        let (into, folder) = (seen.clone(), root.to_owned());
        let task = tokio::spawn(async move {
            loop {
                look(&folder, &into);
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self { root: root.to_owned(), seen, task: task.abort_handle() }
    }

    pub(super) fn written(&self) -> Vec<Written> {
        look(&self.root, &self.seen);
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().map(|(bytes, place)| Written::bytes(Sink::Processes, place, bytes.clone())).collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn look(root: &Path, seen: &Seen) {
    let mark = [MARK.as_bytes(), b"=", root.as_os_str().as_bytes()].concat();
    let Ok(entries) = fs::read_dir("/proc") else { return };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let mut parents: HashMap<u32, u32> = HashMap::new();
    let (mut ours, mut texts) = (BTreeSet::from([std::process::id()]), BTreeMap::new());
    for pid in pids {
        let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let (arguments, environment) = (read("cmdline"), read("environ"));
        if environment.split(|byte| *byte == 0).any(|variable| variable == mark) {
            ours.insert(pid);
        }
        if let Some(parent) = parent(&read("stat")) {
            parents.insert(pid, parent);
        }
        texts.insert(pid, (arguments, environment));
    }
    let is_ours = |pid: &u32| {
        let mut line = std::iter::successors(Some(*pid), |pid| parents.get(pid).copied()).take(64);
        line.any(|one| ours.contains(&one))
    };
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    for (pid, (arguments, environment)) in texts.into_iter().filter(|(pid, _)| is_ours(pid)) {
        seen.entry(arguments).or_insert_with(|| format!("arguments of process {pid}"));
        seen.entry(environment).or_insert_with(|| format!("environment of process {pid}"));
    }
}

/// The fourth field; the second is a name in brackets, in which anything may stand.
fn parent(stat: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(stat);
    text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Seen, look, parent};

    #[test]
    fn a_process_is_known_by_its_parents() {
        assert_eq!(parent(b"42 (a) b) S 7 42 42"), Some(7));
        assert_eq!(parent(b""), None);
    }

    #[test]
    fn what_descends_from_us_is_seen_with_its_arguments_and_its_environment() {
        let mut child = std::process::Command::new("cat")
            .args(["-", "Zebedee"])
            .env("SECOND", "Dougal")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let seen = Seen::default();
        look(std::path::Path::new("/nowhere"), &seen);
        child.kill().unwrap();
        child.wait().unwrap();
        let text: String = seen.lock().unwrap().keys().map(|one| String::from_utf8_lossy(one)).collect();
        assert!(text.contains("Zebedee") && text.contains("Dougal"));
    }
}
