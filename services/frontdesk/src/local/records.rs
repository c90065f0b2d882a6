//! Which processes run: for other programs (`pids.json`), and for whoever has to stop them after us (`processes.json`).

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use testkit::process::{ProcessId, Program};

use super::Layout;

/// The order of stopping: a higher tier is stopped before a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// What a backend needs: the broker's port mapper.
    Support,
    /// Broker and database.
    Backend,
    /// The sandbox.
    Outside,
    /// Our services.
    Service,
}

/// One process that runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// Which.
    pub process: ProcessId,
    /// When to stop it.
    pub tier: Tier,
    /// The signal that ends it in good order, by name.
    signal: String,
    /// Seconds that it may take over that.
    grace_s: u64,
}

impl Record {
    /// The record of a program that was started.
    pub fn new(process: ProcessId, tier: Tier, program: &Program) -> Self {
        Self { process, tier, signal: program.end.as_str().to_owned(), grace_s: program.grace.as_secs() }
    }

    /// Stops the process: in good order if it can be, or at once.
    pub async fn stop(&self, at_once: bool) -> bool {
        let signal = self.signal.parse().unwrap_or(Signal::SIGTERM);
        let grace = if at_once { 0 } else { self.grace_s };
        self.process.stop(signal, Duration::from_secs(grace)).await
    }
}

/// All processes of a run.
pub struct Records {
    layout: Layout,
    running: Mutex<BTreeMap<String, Record>>,
}

impl Records {
    /// None yet.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn empty(layout: &Layout) -> io::Result<Self> {
        let records = Self { layout: layout.clone(), running: Mutex::default() };
        records.write()?;
        Ok(records)
    }

    /// Notes a process, in place of an earlier one of that name.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn put(&self, name: &str, record: Record) -> io::Result<()> {
        self.lock().insert(name.to_owned(), record);
        self.write()
    }

    /// Forgets a process.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        self.lock().remove(name);
        self.write()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Record>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> io::Result<()> {
        let running = self.lock();
        let pids: BTreeMap<&str, i32> =
            running.iter().map(|(name, of)| (name.as_str(), of.process.pid)).collect();
        write_json(&processes(&self.layout), &*running)?;
        write_json(&self.layout.pids(), &pids)
    }
}

/// The processes that the last run wrote down.
pub fn last(layout: &Layout) -> BTreeMap<String, Record> {
    read_json(&processes(layout)).unwrap_or_default()
}

fn processes(layout: &Layout) -> std::path::PathBuf {
    layout.root().join("processes.json")
}

/// The runner itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Runner {
    /// Its process.
    pub process: ProcessId,
    /// Whether everything is up.
    pub ready: bool,
}

impl Runner {
    /// Writes the own process down.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(layout: &Layout, ready: bool) -> io::Result<()> {
        let process = ProcessId::own().ok_or_else(|| io::Error::other("/proc is not readable"))?;
        write_json(&layout.root().join("runner.json"), &Self { process, ready })
    }

    /// The runner that was written down last.
    pub fn read(layout: &Layout) -> Option<Self> {
        read_json(&layout.root().join("runner.json"))
    }
}

/// Writes beside and renames: a reader never sees half of it.
pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let beside = path.with_extension("json.new");
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    fs::write(&beside, text)?;
    fs::rename(&beside, path)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{Record, Records, Tier, last};
    use crate::local::Layout;
    use testkit::process::{ProcessId, Program};

    #[test]
    fn what_is_written_is_read_back_and_stops_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for part in ["clinics", "services/frontdesk"] {
            std::fs::create_dir_all(folder.path().join(part)).unwrap();
        }
        let layout = Layout::find(Some(folder.path()), None).unwrap();
        layout.make().unwrap();
        let records = Records::empty(&layout).unwrap();
        let own = ProcessId::own().unwrap();
        let program = Program::new("/bin/true", "/dev/null");
        records.put("broker", Record::new(own.clone(), Tier::Backend, &program)).unwrap();
        records.put("gateway", Record::new(own.clone(), Tier::Service, &program)).unwrap();
        let pids: serde_json::Value = serde_json::from_slice(&std::fs::read(layout.pids()).unwrap()).unwrap();
        assert_eq!(pids, serde_json::json!({ "broker": own.pid, "gateway": own.pid }));
        let read = last(&layout);
        assert!(read["broker"].process == own && read["broker"].tier < read["gateway"].tier);
        records.remove("broker").unwrap();
        assert_eq!(last(&layout).len(), 1);
    }
}
