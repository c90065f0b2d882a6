//! The command line.

use std::process::ExitCode;

use clap::Parser as _;
use frontdesk::{
    cli::Cli,
    exit::{Differs, NeedsApproval, NothingMatched, Partly, StoppedByGuard},
    local::run::Interrupted,
    output,
    recover::NotAll,
};

fn main() -> ExitCode {
    output::begin();
    let cli = Cli::parse();
    // Also for the servers that it starts.
    if let Err(error) = runtime::boot::no_core_dumps() {
        output::ending(&format!("failed: core dumps cannot be forbidden: {error}"));
        return ExitCode::FAILURE;
    }
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => match runtime.block_on(cli.run()) {
            Ok(()) => ExitCode::SUCCESS,
            // As shells say it of a program that Ctrl-C ended.
            Err(error) if error.is::<Interrupted>() => ExitCode::from(130),
            // Whoever reads our output has seen enough. As shells say it of a program that SIGPIPE ended: not success, for what the exit
            // code would have said was not reached.
            Err(error) if is_broken_pipe(&error) => ExitCode::from(141),
            // No failure, but not what was hoped for either.
            Err(error) if error.is::<NothingMatched>() => {
                output::ending(&format!("nothing matched: {error}"));
                ExitCode::from(4)
            }
            Err(error) if error.is::<StoppedByGuard>() => {
                output::ending(&format!("stopped: {error}"));
                ExitCode::from(5)
            }
            Err(error) if error.is::<NeedsApproval>() => {
                output::ending(&format!("needs approval: {error}"));
                ExitCode::from(6)
            }
            Err(error) if error.is::<Differs>() => {
                output::ending(&error.to_string());
                ExitCode::from(3)
            }
            Err(error) => {
                output::ending(&format!("failed: {error:#}"));
                if error.is::<NotAll>() || error.is::<Partly>() {
                    // Something was done, and something is left to do.
                    ExitCode::from(3)
                } else {
                    ExitCode::FAILURE
                }
            }
        },
        Err(error) => {
            output::ending(&format!("failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
