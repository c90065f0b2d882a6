//! `./dev chaos`: the line under faults.

use std::process::ExitCode;

use anyhow::bail;
use clap::Parser as _;
use domain::drill::Protection;
use e2e::chaos::{
    args::Args,
    controls::{controls, with_it},
    run::chaos,
};
use frontdesk::{local::Layout, output};

async fn run(args: &Args) -> anyhow::Result<()> {
    if !cfg!(debug_assertions) {
        bail!("a release has no drills: run ./dev chaos, which builds with the profile `chaos`");
    }
    let layout = Layout::find(args.checkout.as_deref(), args.dir.as_deref())?;
    let layout = if args.dir.is_some() { layout } else { layout.below("chaos") };
    let seed = args.seed.unwrap_or_else(rand::random);
    output::line(&format!("seed {seed}"));
    if args.controls {
        return controls(&layout, seed, Protection::ALL).await;
    }
    if let Some(protection) = args.without {
        return controls(&layout, seed, &[protection]).await;
    }
    if let Some(protection) = args.with {
        return with_it(&layout, seed, protection).await;
    }
    let report = chaos(&layout, &args.trial(seed)).await?;
    output::result(&report.table())?;
    if !report.kept() {
        bail!("a promise was broken, or the run was not worth its name; the same again: with --seed {seed}");
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
            eprintln!("chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}
