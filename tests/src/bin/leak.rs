//! `./dev leak`: the proof that nothing leaks.

use std::process::ExitCode;

use anyhow::ensure;
use clap::Parser as _;
use e2e::{
    leak::{args::Args, run::prove},
    program,
};
use frontdesk::output;

async fn run(args: &Args) -> anyhow::Result<()> {
    let (layout, seed) = args.place.drill("leak")?;
    let report = prove(&layout, seed).await?;
    output::result(&report.text())?;
    let again = format!("the same again: with --seed {seed}");
    ensure!(report.kept(), "something leaked, or a planted leak was not found; {again}");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program::main("leak", run(&Args::parse())).await
}
