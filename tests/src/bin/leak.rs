//! `./dev leak`: the proof that nothing leaks.

use std::process::ExitCode;

use anyhow::bail;
use clap::Parser as _;
use e2e::leak::{args::Args, run::prove};
use frontdesk::{local::Layout, output};

async fn run(args: &Args) -> anyhow::Result<()> {
    if !cfg!(debug_assertions) {
        bail!("a release has no drills: run ./dev leak");
    }
    let layout = Layout::find(args.checkout.as_deref(), args.dir.as_deref())?;
    let layout = if args.dir.is_some() { layout } else { layout.below("leak") };
    let seed = args.seed.unwrap_or_else(rand::random);
    output::line(&format!("seed {seed}"));
    let report = prove(&layout, seed).await?;
    output::result(&report.text())?;
    if !report.kept() {
        bail!("something leaked, or a planted leak was not found; the same again: with --seed {seed}");
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
            eprintln!("leak: {error:#}");
            ExitCode::FAILURE
        }
    }
}
