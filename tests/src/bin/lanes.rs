//! `./dev lanes`: what a flood of one clinic does to another lane.

use std::process::ExitCode;

use anyhow::bail;
use clap::Parser as _;
use e2e::lanes::{args::Args, run::measure};
use frontdesk::{local::Layout, output};

async fn run(args: &Args) -> anyhow::Result<()> {
    let layout = Layout::find(args.checkout.as_deref(), args.dir.as_deref())?;
    let layout = if args.dir.is_some() { layout } else { layout.below("lanes") };
    let seed = args.seed.unwrap_or_else(rand::random);
    output::line(&format!("seed {seed}"));
    let report = measure(&layout, args, seed).await?;
    output::result(&report.table())?;
    if !report.kept() {
        bail!("the flood changed the quiet lane");
    }
    Ok(())
}

#[allow(clippy::print_stderr, reason = "the last words of a program, for a person")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    output::begin();
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lanes: {error:#}");
            ExitCode::FAILURE
        }
    }
}
