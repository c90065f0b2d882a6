//! What processes took of the machine, from `/proc`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use frontdesk::local::Supervisor;

/// Clock ticks a second in `/proc/PID/stat`: `USER_HZ`, which is 100 on every architecture that Linux runs on today.
const TICKS: f64 = 100.0;

/// What a process and all its children have taken since they began.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Processor time.
    pub cpu: Duration,
    /// The most memory that one of them had resident, bytes.
    pub peak: u64,
}

/// What each process of a run has taken, by name: the services', the broker, the database, the sandbox.
pub fn of(supervisor: &Supervisor, names: &[String]) -> BTreeMap<String, Usage> {
    let all = stats();
    let taken = |name: &String| Some((name.clone(), tree(&all, supervisor.process(name)?.pid)));
    names.iter().filter_map(taken).collect()
}

/// One line of `/proc/PID/stat`.
struct Stat {
    parent: i32,
    ticks: u64,
}

fn stats() -> BTreeMap<i32, Stat> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = folders.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| Some((pid, read(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?)))
        .collect()
}

/// The parent, and the time of the process and of those of its children that have ended.
fn read(stat: &str) -> Option<Stat> {
    // The second field is the program's name in brackets, which may itself hold brackets and spaces.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().map(|ticks| ticks.parse::<u64>()).sum::<Result<u64, _>>().ok()?;
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}

fn tree(all: &BTreeMap<i32, Stat>, root: i32) -> Usage {
    let mut members = BTreeSet::from([root]);
    loop {
        let before = members.len();
        members.extend(
            all.iter()
                .filter(|(_, stat)| members.contains(&stat.parent))
                .map(|(pid, _)| *pid)
                .collect::<Vec<_>>(),
        );
        if members.len() == before {
            break;
        }
    }
    let ticks: u64 = members.iter().filter_map(|pid| all.get(pid)).map(|stat| stat.ticks).sum();
    let peak =
        members.iter().filter_map(|pid| peak(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?));
    // A run's ticks are far below what a double counts exactly.
    #[allow(clippy::cast_precision_loss)]
    let cpu = Duration::from_secs_f64(ticks as f64 / TICKS);
    Usage { cpu, peak: peak.max().unwrap_or(0) }
}

/// The most resident memory that a process has had (`VmHWM`), bytes.
fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use super::{Stat, peak, read, tree};

    #[test]
    fn reads_what_the_kernel_writes() {
        let fields: Vec<String> = (5..=52).map(|field| field.to_string()).collect();
        let stat = read(&format!("12 (a) b) S 7 {}", fields.join(" "))).unwrap();
        assert_eq!((stat.parent, stat.ticks), (7, 14 + 15 + 16 + 17));
        assert_eq!(peak("Name:\tx\nVmHWM:\t   17408 kB\nVmRSS:\t 12 kB\n"), Some(17 << 20));
        assert!(read("12 (cut").is_none() && peak("Name: x").is_none());
    }

    #[test]
    fn children_count_for_whoever_started_them() {
        let stat = |parent, ticks| Stat { parent, ticks };
        let all =
            BTreeMap::from([(-5, stat(-2, 100)), (-2, stat(-1, 50)), (-1, stat(0, 7)), (-9, stat(0, 1))]);
        assert_eq!(tree(&all, -2).cpu, Duration::from_millis(1500));
        assert_eq!(tree(&all, -9).cpu, Duration::from_millis(10));
    }
}
