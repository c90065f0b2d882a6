//! The ideal forwarder as a process.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Parser;
use e2e::{bench::forward::forward, program};

/// Forwards from one queue to another, for `./dev bench`.
#[derive(Debug, Parser)]
struct Args {
    /// The file with the broker's URL, user and password included.
    url_file: PathBuf,
    /// The queue to take from.
    from: String,
    /// The queue to put into.
    to: String,
}

async fn run(args: &Args) -> anyhow::Result<()> {
    let url = std::fs::read_to_string(&args.url_file).context("the file with the broker's URL")?;
    forward(url.trim(), &args.from, &args.to).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    program::main("forward", run(&Args::parse())).await
}
