//! What can be said to the leak proof.

use clap::Parser;

use crate::program::Place;

/// Sends submissions with values that occur nowhere else on every path through the line, and then looks for them in everything that was written: logs,
/// traces, metrics, messages, disks, answers, processes. Then plants a leak in each of these places, and looks whether it is found.
///
/// Exit codes: 0 nothing leaked and each planted leak was found; 1 something leaked, a planted leak was not found, or the run could not be made.
#[derive(Debug, Parser)]
#[command(name = "leak", max_term_width = 100)]
pub struct Args {
    /// Where it runs, and what it is drawn from.
    #[command(flatten)]
    pub place: Place,
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
