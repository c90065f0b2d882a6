//! `frontdesk pause` and `frontdesk resume`.

mod told;

use clap::Args;
use domain::clock::{Clock, SystemClock};
use jiff::{SignedDuration, Timestamp};

use self::told::{paused, resumed, unknown};
use super::outcomes::ApiArgs;
use crate::{
    exit::{NothingMatched, Partly},
    local::Layout,
    ops::Ops,
    output,
};

/// Let a part of the line wait: a stage, a clinic, a lane, an EHR, a payer or a messenger.
///
/// Every process obeys within two seconds. Messages wait where they are, none is lost, and none burns an attempt. The gateway answers
/// a paused clinic's senders 503 with Retry-After. A pause that is in force already is replaced. Who, why and until when is noted for
/// good (GET /v1/acts): no patient's data in the reason.
#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub struct Pause {
    #[command(flatten)]
    scopes: ScopeArgs,
    /// Why: for those who find it paused, and for the audit.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// It ends by itself after so long, such as 30m or 2h [default: when it is resumed].
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    lasts: Option<SignedDuration>,
    /// It ends by itself then, such as 2026-11-22T15:00:00Z.
    #[arg(long, value_name = "TIME", conflicts_with = "lasts")]
    until: Option<Timestamp>,
    #[command(flatten)]
    api: ApiArgs,
}

/// Let what was paused go on.
///
/// A stage or a lane goes on within two seconds; the messages of a clinic, an EHR, a payer or a messenger, which were put off one by one,
/// come again within 30 seconds. Who and why is noted for good.
#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub struct Resume {
    #[command(flatten)]
    scopes: ScopeArgs,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    api: ApiArgs,
}

const CODES: &str = "Exit codes:\n  0  done\n  1  failed: the ops API refused it, or did not answer (then look at status)\n  2  the command line\n  \
    3  some of it was done: see what it says\n  \
    4  nothing matched, and nothing was done: a name that nothing has (the known ones are told), or nothing of it was paused";

/// What is meant: one or more, each as often as needed.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = true)]
struct ScopeArgs {
    /// A stage: validation, eligibility, ehr-writer or notification.
    #[arg(long, value_name = "NAME")]
    stage: Vec<String>,
    /// A clinic, at every stage and at the gateway.
    #[arg(long, value_name = "ID")]
    clinic: Vec<String>,
    /// A lane, at every stage.
    #[arg(long, value_name = "NAME")]
    lane: Vec<String>,
    /// An EHR, by its name in the configuration.
    #[arg(long, value_name = "NAME")]
    ehr: Vec<String>,
    /// A payer, by its name in the configuration.
    #[arg(long, value_name = "NAME")]
    payer: Vec<String>,
    /// A messenger: email or sms.
    #[arg(long, value_name = "NAME")]
    messenger: Vec<String>,
}

fn span(text: &str) -> Result<SignedDuration, String> {
    match text.parse::<SignedDuration>() {
        Ok(span) if span.is_positive() => Ok(span),
        _ => Err("not a time such as 30m or 2h".to_owned()),
    }
}

impl ScopeArgs {
    /// As `<kind>:<name>`, each once.
    fn all(&self) -> Vec<String> {
        let Self { stage, clinic, lane, ehr, payer, messenger } = self;
        let kinds = [
            ("stage", stage),
            ("clinic", clinic),
            ("lane", lane),
            ("ehr", ehr),
            ("payer", payer),
            ("messenger", messenger),
        ];
        let mut all: Vec<String> = Vec::new();
        for (kind, names) in kinds {
            for scope in names.iter().map(|name| format!("{kind}:{name}")) {
                if !all.contains(&scope) {
                    all.push(scope);
                }
            }
        }
        all
    }
}

impl Pause {
    /// Does it, and says what will wait.
    ///
    /// # Errors
    /// [`NothingMatched`] if one of the names is unknown: then nothing was paused. [`Partly`] if not all could be paused.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let ops = self.api.connect(layout)?;
        let scopes = self.scopes.all();
        let known = ops.scopes().await?;
        if let Some(refused) = scopes.iter().find_map(|scope| unknown(&known, scope)) {
            return Err(NothingMatched(refused).into());
        }
        let until = match self.lasts {
            Some(lasts) => Some(SystemClock.now().checked_add(lasts)?),
            None => self.until,
        };
        for (done, scope) in scopes.iter().enumerate() {
            match ops.pause(scope, &self.reason, until).await {
                Ok(made) => output::result(&paused(&made))?,
                Err(error) if done == 0 => return Err(error),
                Err(error) => {
                    let left = scopes.get(done..).unwrap_or_default().join(", ");
                    return Err(Partly(format!("not paused: {left}: {error:#}")).into());
                }
            }
        }
        Ok(())
    }
}

impl Resume {
    /// Does it, and says what was paused.
    ///
    /// # Errors
    /// [`NothingMatched`] if nothing of it was paused; [`Partly`] if not all of it was, or could be resumed.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let ops = self.api.connect(layout)?;
        let scopes = self.scopes.all();
        let (mut done, mut left) = (0, Vec::new());
        for scope in &scopes {
            match ops.resume(scope, &self.reason).await {
                Ok(Some(ended)) => {
                    output::result(&resumed(&ended))?;
                    done += 1;
                }
                Ok(None) => left.push(why_not(&ops, scope).await),
                Err(error) if done == 0 => return Err(error),
                Err(error) => left.push(format!("{scope}: {error:#}")),
            }
        }
        match (done, left.is_empty()) {
            (_, true) => Ok(()),
            (0, false) => Err(NothingMatched(left.join("; ")).into()),
            (_, false) => Err(Partly(left.join("; ")).into()),
        }
    }
}

/// What may be resumed need not be known any more; what is not paused is told to be unknown if it is.
async fn why_not(ops: &Ops, scope: &str) -> String {
    let known = ops.scopes().await.ok();
    known.and_then(|known| unknown(&known, scope)).unwrap_or_else(|| format!("{scope} is not paused"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Pause, span};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        pause: Pause,
    }

    fn parse(args: &[&str]) -> Result<Vec<String>, clap::error::ErrorKind> {
        let line = Line::try_parse_from([&["pause"], args].concat());
        line.map(|line| line.pause.scopes.all()).map_err(|error| error.kind())
    }

    #[test]
    fn scopes_are_named_by_kind_as_often_as_needed() {
        let args =
            ["--clinic", "a", "--stage", "validation", "--clinic", "b", "--clinic", "a", "--ehr", "main"];
        let scopes = parse(&[args.as_slice(), &["--reason", "x"]].concat()).unwrap();
        assert_eq!(scopes, ["stage:validation", "clinic:a", "clinic:b", "ehr:main"]);
    }

    #[test]
    fn a_scope_and_a_reason_are_required_and_one_end_at_most() {
        use clap::error::ErrorKind::{ArgumentConflict, MissingRequiredArgument, ValueValidation};
        assert_eq!(parse(&["--reason", "x"]), Err(MissingRequiredArgument));
        assert_eq!(parse(&["--lane", "north"]), Err(MissingRequiredArgument));
        let ends = |args: &[&str]| parse(&[&["--lane", "north", "--reason", "x"], args].concat());
        assert_eq!(ends(&["--for", "30m", "--until", "2026-11-22T15:00:00Z"]), Err(ArgumentConflict));
        assert_eq!(ends(&["--until", "tomorrow"]), Err(ValueValidation));
        assert!(ends(&["--for", "30m"]).is_ok() && ends(&["--until", "2026-11-22T15:00:00Z"]).is_ok());
    }

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, seconds) in [("30m", 1800), ("2h", 7200), ("1h 30m", 5400)] {
            assert_eq!(span(text).map(|span| span.as_secs()), Ok(seconds), "{text}");
        }
        assert!(span("0s").is_err() && span("-5m").is_err() && span("soon").is_err());
    }
}
