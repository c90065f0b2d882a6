//! `./dev bench`: the line measured against its limit.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Parser as _;
use e2e::{
    bench::{args::Args, run::bench},
    program,
};
use frontdesk::output;

async fn run(args: &Args) -> anyhow::Result<()> {
    let (layout, seed) = args.place.enter("bench")?;
    let report = bench(&layout, args.plan(seed)).await?;
    output::result(&report.text())?;
    if let Some(file) = &args.json {
        let text = serde_json::to_string_pretty(&report.json())? + "\n";
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    ensure!(report.broken().is_empty(), "a promise was broken; the same again: with --seed {seed}");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program::main("bench", run(&Args::parse())).await
}
