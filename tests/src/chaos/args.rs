//! What can be said to `./dev chaos`.

use std::time::Duration;

use clap::Parser;
use domain::drill::Protection;

use super::{drain::Patience, run::Trial, schedule::Mix, settings::LATENESS_MS, weather};
use crate::program::Place;

/// How long the line may take to empty after the last fault.
const PATIENCE: Patience = Patience { all: Duration::from_secs(30 * 60), still: Duration::from_secs(240) };

/// Sends submissions through the whole line while processes are killed and stopped, connections cut, answers lost and the EHR misbehaves;
/// then heals everything, waits until the line is empty, and looks from outside whether anything is lost or there twice.
///
/// Exit codes: 0 every promise was kept; 1 one was broken, or the run could not be made.
#[derive(Debug, Parser)]
#[command(name = "chaos", max_term_width = 100)]
pub struct Args {
    /// Where it runs, and what it is drawn from.
    #[command(flatten)]
    pub place: Place,
    /// How many submissions.
    #[arg(long, value_name = "N", default_value_t = 1_500)]
    pub submissions: u64,
    /// Minutes over which they are sent, and faults strike.
    #[arg(long, value_name = "N", default_value_t = 1.5, value_parser = positive)]
    pub minutes: f64,
    /// Mean seconds between two faults.
    #[arg(long, value_name = "N", default_value_t = 1.5, value_parser = positive)]
    pub pause: f64,
    /// Run all six negative controls: each takes a protection away, and must find a broken promise.
    #[arg(long, conflicts_with_all = ["without", "with", "lose_broker", "submissions", "minutes", "pause"])]
    pub controls: bool,
    /// Run one of them.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["with", "lose_broker", "submissions", "minutes", "pause"])]
    pub without: Option<Protection>,
    /// Strike as the control of this protection does, with the protection in place: no promise may break.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["lose_broker", "submissions", "minutes", "pause"])]
    pub with: Option<Protection>,
    /// Strike only once: delete the broker's data with submissions in flight, and recover them from the database.
    #[arg(long, conflicts_with = "pause")]
    pub lose_broker: bool,
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "not a number above zero".to_owned())
}

impl Args {
    /// The trial that is asked for.
    pub fn trial(&self, seed: u64) -> Trial {
        let pause = Duration::from_secs_f64(self.pause);
        Trial {
            seed,
            submissions: self.submissions,
            time: Duration::from_secs_f64(self.minutes * 60.0),
            mix: if self.lose_broker { Mix::calm(pause) } else { Mix::full(pause) },
            without: None,
            weather: weather::rules,
            lose_broker: self.lose_broker,
            lateness_ms: LATENESS_MS,
            patience: PATIENCE,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::Args;

    #[test]
    fn is_well_formed() {
        Args::command().debug_assert();
        assert!(Args::try_parse_from(["chaos", "--minutes", "-1"]).is_err());
        assert!(Args::try_parse_from(["chaos", "--controls", "--minutes", "1"]).is_err());
    }

    #[test]
    fn the_commands_in_the_documentation_are_understood() {
        let text = include_str!("../../../docs/reliability.md");
        let commands = text.lines().filter_map(|line| line.strip_prefix("    ./dev chaos"));
        let mut seen = 0;
        for command in commands {
            let words = command.split('#').next().unwrap_or_default().split_whitespace();
            assert!(Args::try_parse_from(["chaos"].into_iter().chain(words)).is_ok(), "{command}");
            seen += 1;
        }
        assert!(seen >= 5, "the document shows how to run it");
    }
}
