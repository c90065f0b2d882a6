//! One step of the tests: a program, its output in a file, its time.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use nix::sys::signal::Signal;
use testkit::process::ProcessId;
use tokio::{
    fs::File,
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader},
    process::Command,
    sync::mpsc,
};

use crate::{
    local::{Layout, sweep::MARK},
    output::{self, Doing},
};

/// How many of a failed step's last lines are shown.
const SHOWN: usize = 120;

/// A program to run.
pub(super) struct Step {
    name: &'static str,
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(String, String)>,
    folder: Option<PathBuf>,
    marked: bool,
}

impl Step {
    pub(super) fn new(name: &'static str, program: impl Into<OsString>) -> Self {
        Self { name, program: program.into(), args: Vec::new(), env: Vec::new(), folder: None, marked: true }
    }

    pub(super) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(super) fn env(mut self, variables: &[(&str, String)]) -> Self {
        self.env.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self
    }

    pub(super) fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Leaves the run's mark off: the step is a run of its own, and cleans up behind itself.
    pub(super) fn unmarked(mut self) -> Self {
        self.marked = false;
        self
    }

    fn command(&self, root: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        // Whatever the step starts inherits the mark: if the tests are interrupted, it is found by it.
        if self.marked {
            command.env(MARK, root);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    Skipped(String),
}

/// The steps so far.
pub(super) struct Steps {
    layout: Layout,
    ran: Vec<(&'static str, Outcome, Duration)>,
}

impl Steps {
    pub(super) fn new(layout: &Layout) -> Self {
        Self { layout: layout.clone(), ran: Vec::new() }
    }

    /// Runs a step, and gives its output. That it fails is no error here.
    pub(super) async fn run(&mut self, step: Step) -> anyhow::Result<String> {
        let begin = Instant::now();
        let log = self.layout.logs().join(format!("step-{}.log", step.name.replace([' ', '\''], "-")));
        let doing = Doing::begin(step.name);
        let (passed, text) = follow(&step, self.layout.root(), &log, &doing)
            .await
            .with_context(|| format!("step {} cannot be run", step.name))?;
        let outcome = if passed { Outcome::Passed } else { Outcome::Failed };
        let word = if passed { "passed" } else { "FAILED" };
        doing.done(&format!("{}: {word}", step.name));
        if !passed {
            let lines: Vec<&str> = text.lines().collect();
            let shown = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
            output::result(&format!("{shown}\n(all of it: {})", log.display()))?;
        }
        self.ran.push((step.name, outcome, begin.elapsed()));
        Ok(text)
    }

    /// Notes a step that was not run.
    pub(super) fn note(&mut self, name: &'static str, outcome: Outcome) {
        self.ran.push((name, outcome, Duration::ZERO));
    }

    /// How many failed.
    pub(super) fn failed(&self) -> usize {
        self.ran.iter().filter(|(_, outcome, _)| *outcome == Outcome::Failed).count()
    }

    /// All steps as a table.
    pub(super) fn table(&self) -> comfy_table::Table {
        let mut table = output::table();
        table.set_header(["step", "", "seconds"]);
        for (name, outcome, took) in &self.ran {
            let word = match outcome {
                Outcome::Passed => "passed".to_owned(),
                Outcome::Failed => "FAILED".to_owned(),
                Outcome::Skipped(why) => format!("not run: {why}"),
            };
            table.add_row([(*name).to_owned(), word, format!("{:.1}", took.as_secs_f64())]);
        }
        table
    }
}

/// Runs the step to its end, with its output in the file and its newest line on the screen.
async fn follow(step: &Step, root: &Path, log: &Path, doing: &Doing) -> anyhow::Result<(bool, String)> {
    let mut file = File::create(log).await?;
    let mut child = step.command(root).spawn()?;
    let _ending = Ending(child.id().and_then(ProcessId::of));
    let (sender, mut lines) = mpsc::channel(256);
    let out = child.stdout.take().map(|out| tokio::spawn(read(out, sender.clone())));
    let err = child.stderr.take().map(|err| tokio::spawn(read(err, sender)));
    let mut text = String::new();
    while let Some(line) = lines.recv().await {
        file.write_all(line.as_bytes()).await?;
        file.write_all(b"\n").await?;
        if !line.trim().is_empty() {
            doing.goes(format!("{}: {}", step.name, line.trim()));
        }
        text.push_str(&line);
        text.push('\n');
    }
    file.flush().await?;
    for reader in [out, err].into_iter().flatten() {
        reader.await?;
    }
    Ok((child.wait().await?.success(), text))
}

/// Ends the step's program if nobody waits for it any more.
struct Ending(Option<ProcessId>);

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(process) = &self.0 {
            process.signal(Signal::SIGTERM);
        }
    }
}

async fn read(from: impl AsyncRead + Unpin, to: mpsc::Sender<String>) {
    let mut lines = BufReader::new(from).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        if to.send(String::from_utf8_lossy(&line).into_owned()).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Step, Steps};
    use crate::local::Layout;

    #[tokio::test]
    async fn output_is_kept_and_failure_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        for part in ["clinics", "services/frontdesk"] {
            std::fs::create_dir_all(folder.path().join(part)).unwrap();
        }
        let layout = Layout::find(Some(folder.path()), None).unwrap();
        layout.make().unwrap();
        let mut steps = Steps::new(&layout);
        let shell =
            |name, script: &str| Step::new(name, "sh").args(["-c", script]).env(&[("WORD", "x".to_owned())]);
        assert_eq!(steps.run(shell("one", "echo $WORD")).await.unwrap(), "x\n");
        steps.run(shell("two", "exit 3")).await.unwrap();
        steps.note("three", Outcome::Skipped("no reason".to_owned()));
        assert_eq!(steps.failed(), 1);
        let table = steps.table().to_string();
        assert!(
            ["passed", "FAILED", "not run: no reason"].iter().all(|word| table.contains(word)),
            "{table}"
        );
        assert_eq!(std::fs::read_to_string(layout.logs().join("step-one.log")).unwrap(), "x\n");
    }
}
