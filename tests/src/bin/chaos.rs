//! `./dev chaos`: the line under faults.

use std::process::ExitCode;

use anyhow::ensure;
use clap::Parser as _;
use domain::drill::Protection;
use e2e::{
    chaos::{
        args::Args,
        controls::{controls, with_it},
        run::chaos,
    },
    program,
};
use frontdesk::output;

async fn run(args: &Args) -> anyhow::Result<()> {
    let (layout, seed) = args.place.drill("chaos")?;
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
    let again = format!("the same again: with --seed {seed}");
    ensure!(report.kept(), "a promise was broken, or the run was not worth its name; {again}");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program::main("chaos", run(&Args::parse())).await
}
