//! A runbook is executed on a line, command by command.

use std::{
    io::{Read as _, Seek as _},
    process::Stdio,
    sync::LazyLock,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use domain::clock::{Clock as _, SystemClock};
use jiff::tz::TimeZone;
use regex::Regex;

use super::{
    compare::{Known, Now},
    document::{Document, Part, Printed, Session, Step},
    tokens::{Kind, values},
    world::World,
};
use crate::{Line, binary};

/// How long a command is repeated. An outage's last wait and the broker's late counts fit in several times.
const REPEATED: Duration = Duration::from_secs(120);
/// What is to be written is not to change for so long: the broker's counts are five seconds old at most.
const STILL: Duration = Duration::from_secs(7);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);
/// The clock of the clinics that the runbooks tell of: `reconcile` names their day.
const ZONE: &str = "America/New_York";

#[allow(clippy::unwrap_used, reason = "the expression is a constant, which the tests compile")]
static TIMED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^ *\d+\.\d s  ").unwrap());

/// What was printed for a while.
#[derive(Default)]
struct Still(Option<(Instant, Vec<String>)>);

impl Still {
    /// Whether it is the same for long enough.
    fn lasts(&mut self, printed: &[String], now: &Now) -> bool {
        match &self.0 {
            Some((since, before)) if Known::default().same(before, printed, now).is_ok() => {
                since.elapsed() > STILL
            }
            _ => {
                self.0 = Some((Instant::now(), printed.to_vec()));
                false
            }
        }
    }
}

struct Desk<'a> {
    line: &'a Line,
    world: World<'a>,
    known: Known,
    /// Whether the document is to be written, and not held to what it shows.
    write: bool,
    changed: bool,
    written: Vec<Printed>,
}

/// Executes a document. With `write` it gives the document with what was printed, if that is not what is shown.
///
/// # Errors
/// What is different from what is shown; or what cannot be done.
pub async fn play(document: &Document, line: &Line, write: bool) -> anyhow::Result<Option<String>> {
    let world = World::new(line)?;
    let mut desk = Desk { line, world, known: Known::default(), write, changed: false, written: Vec::new() };
    for part in &document.parts {
        match part {
            Part::World(event) => desk.world.happen(event).await.with_context(|| format!("{event:?}"))?,
            Part::Session(session) => {
                for step in &session.steps {
                    desk.step(session, step)
                        .await
                        .with_context(|| format!("line {}: $ {}", step.line, step.text))?;
                }
            }
        }
    }
    Ok(desk.changed.then(|| document.with(desk.written.into_iter())))
}

impl Desk<'_> {
    async fn step(&mut self, session: &Session, step: &Step) -> anyhow::Result<()> {
        let args = self.args(step)?;
        let begin = Instant::now();
        let mut still = Still::default();
        loop {
            let (printed, code) = self.run(&args).await?;
            ensure!(!self.world.leaks(&printed.join("\n")), "it prints what a patient wrote");
            let now = Now::at(SystemClock.now());
            let once = session.until.is_empty();
            // What is written is what is held to be there later: it must last.
            if self.write && session.shown(&printed) && (once || still.lasts(&printed, &now)) {
                self.changed |= self.known.same(&step.output, &printed, &now).is_err() || code != step.code;
                let shown = self.known.written(&step.output, &printed);
                self.written.push((shown, code));
                return Ok(());
            }
            let told = self.known.same(&step.output, &printed, &now);
            if !self.write && told.is_ok() && code == step.code {
                return Ok(());
            }
            if once || begin.elapsed() > REPEATED {
                let told = told.err().unwrap_or_default();
                let codes = if code == step.code {
                    String::new()
                } else {
                    format!("it ends with {code}, and the document says {}; ", step.code)
                };
                bail!("{codes}- is the document, + is what it prints:\n{told}");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The arguments, with what stands in this run for what the document shows.
    fn args(&self, step: &Step) -> anyhow::Result<Vec<String>> {
        let now = SystemClock.now();
        let until = Now::at(now);
        let today = now.to_zoned(TimeZone::get(ZONE)?).date().to_string();
        let put = |arg: &String| {
            let mut text = arg.clone();
            for id in values(std::slice::from_ref(arg), Kind::Id) {
                let real = self.known.real(id).with_context(|| format!("nothing before shows {id}"))?;
                text = text.replace(id, real);
            }
            for day in values(std::slice::from_ref(arg), Kind::Time) {
                if until.varies(day) {
                    text = text.replace(day, &today);
                }
            }
            Ok(text)
        };
        step.args.iter().map(put).collect()
    }

    /// Runs a command as somebody does who has an address and a token and no more: what it prints on both outputs, in its order.
    async fn run(&self, args: &[String]) -> anyhow::Result<Printed> {
        let mut file = tempfile::tempfile()?;
        let mut command = tokio::process::Command::new(binary("frontdesk"));
        let status = command
            .args(args)
            .current_dir(self.line.folder())
            .env("FRONTDESK_OPS_URL", &self.line.endpoints.ops.url)
            .env("FRONTDESK_OPS_TOKEN_FILE", &self.line.endpoints.ops.token_file)
            .env_remove("FRONTDESK_CHECKOUT")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file.try_clone()?)
            .status()
            .await?;
        let mut text = String::new();
        file.rewind()?;
        file.read_to_string(&mut text)?;
        Ok((lines(&text), status.code().context("it was killed")?))
    }
}

/// What a person sees in the end. How often progress is told on the way depends on how fast the machine is: the last of it is kept.
fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if TIMED.is_match(line) && lines.last().is_some_and(|last| TIMED.is_match(last)) {
            lines.pop();
        }
        lines.push(line.to_owned());
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn the_last_of_progress_is_kept() {
        let text = "  0.1 s  a\n 10.0 s  b  \nx\n\n  12.0 s  c\ny 1.0 s  z\n\n\n";
        assert_eq!(lines(text), [" 10.0 s  b", "x", "", "  12.0 s  c", "y 1.0 s  z"]);
    }
}
