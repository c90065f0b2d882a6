//! What can be said to `./dev bench`.

use std::path::PathBuf;

use clap::Parser;

use super::run::Plan;
use crate::program::Place;

/// Measures the line beside its limit: an ideal chain of forwarders over as many queues, on the same broker, in the same run. Both as fast as
/// they go and at an offered load; then each stage alone. Tells what each process took.
///
/// Exit codes: 0 measured, and nothing was lost, doubled or unbounded; 1 something was, or the run could not be made.
#[derive(Debug, Parser)]
#[command(name = "bench", max_term_width = 100)]
pub struct Args {
    /// Where it runs, and what it is drawn from.
    #[command(flatten)]
    pub place: Place,
    /// Intakes of each measurement as fast as they go.
    #[arg(long, value_name = "N", default_value_t = 6_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub intakes: u32,
    /// Rounds: line and limit take turns, and medians are told.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub rounds: u32,
    /// Seconds of each measurement at an offered load.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub seconds: u32,
    /// Lanes that the clinics are spread over.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub lanes: u16,
    /// Processes of each stage.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=4))]
    pub consumers: u16,
    /// Only the line and its limit as fast as they go, without the offered loads and the stages alone.
    #[arg(long)]
    pub short: bool,
    /// Write the figures to this file as well, as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

impl Args {
    /// What is to be measured.
    pub const fn plan(&self, seed: u64) -> Plan {
        let Self { intakes, rounds, seconds, lanes, consumers, short, .. } = *self;
        Plan { seed, intakes, rounds, seconds, lanes, consumers, short }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::Args;

    #[test]
    fn is_well_formed() {
        Args::command().debug_assert();
        assert!(Args::try_parse_from(["bench", "--intakes", "0"]).is_err());
    }
}
