//! What can be said to the measurement of lanes.

use std::path::PathBuf;

use clap::Parser;

/// Measures how long the submissions of a quiet lane take, before and while another lane is flooded by fifty times as many
/// of one clinic.
///
/// Exit codes: 0 the quiet lane's p99 stayed within one and a half times of what it was; 1 it did not, or the run could not be made.
#[derive(Debug, Parser)]
#[command(name = "lanes", max_term_width = 100)]
pub struct Args {
    /// Where the clinics' templates and the sample data are [default: the checkout around this folder].
    #[arg(long, value_name = "DIR")]
    pub checkout: Option<PathBuf>,
    /// The folder of the run [default: .frontdesk/lanes in the checkout].
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// What the flood is made of [default: a new one].
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Submissions a second in the quiet lane.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub rate: u32,
    /// Submissions of the quiet lane, before the flood and again during it.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(10..=110))]
    pub submissions: u32,
    /// How many times as many the flood is; 0 for none, which tells how steady this machine is by itself.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub times: u32,
    /// Deliveries in hand at once in the flooded lane, in each stage.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub concurrency: u32,
}

#[cfg(test)]
mod tests {
    use super::Args;
    use clap::CommandFactory as _;

    #[test]
    fn is_well_formed() {
        Args::command().debug_assert();
    }
}
