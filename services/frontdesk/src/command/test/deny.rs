//! The dependencies' check, by `cargo-deny`: the one on the machine, or one that is compiled once into `.frontdesk/tools`.

use std::path::PathBuf;

use testkit::backends::in_path;
use tokio::{process::Command, task::JoinHandle};

use super::step::{Outcome, Step, Steps};
use crate::{
    local::{Layout, sweep::MARK},
    output,
};

const NAME: &str = "dependencies";

/// Finds the tool, or has it compiled meanwhile.
pub(super) fn tool(layout: &Layout) -> JoinHandle<Result<PathBuf, String>> {
    let tools = layout.checkout().join(".frontdesk/tools");
    let own = tools.join("bin/cargo-deny");
    if let Some(found) = in_path("cargo-deny").or_else(|| own.is_file().then_some(own.clone())) {
        return tokio::spawn(async { Ok(found) });
    }
    output::line("cargo-deny is not installed: compiling it meanwhile, once, into .frontdesk/tools");
    let (log, root) = (layout.logs().join("cargo-deny.log"), layout.root().to_owned());
    tokio::spawn(async move {
        let failed = |error: std::io::Error| error.to_string();
        let file = std::fs::File::create(&log).map_err(failed)?;
        // Behind the checks that a person waits for.
        let status = Command::new("nice")
            .args(["-n", "10", "cargo", "install", "--quiet", "--locked", "cargo-deny", "--root"])
            .arg(&tools)
            .env(MARK, root)
            .stdout(file.try_clone().map_err(failed)?)
            .stderr(file)
            .kill_on_drop(true)
            .status()
            .await
            .map_err(failed)?;
        if status.success() {
            Ok(own)
        } else {
            Err(format!("cargo-deny cannot be installed (log: {})", log.display()))
        }
    })
}

/// Checks licences, bans and sources; and advisories, if their database can be had.
pub(super) async fn check(
    layout: &Layout,
    steps: &mut Steps,
    tool: JoinHandle<Result<PathBuf, String>>,
) -> anyhow::Result<()> {
    let tool = match tool.await? {
        Ok(tool) => tool,
        Err(why) => {
            output::line(&why);
            steps.note(NAME, Outcome::Failed);
            return Ok(());
        }
    };
    let deny = |name, what: &[&str]| {
        let args = [
            "--manifest-path",
            "Cargo.toml",
            "--locked",
            "--all-features",
            "check",
            "--hide-inclusion-graph",
        ];
        Step::new(name, &tool).args(args).args(what).folder(layout.checkout())
    };
    steps.run(deny("dependencies", &["licenses", "bans", "sources"])).await?;
    // Fetching is a step of its own: that it cannot be done says nothing about the dependencies.
    let fetched = Command::new(&tool).args(["fetch", "db"]).current_dir(layout.checkout()).output().await?;
    if fetched.status.success() {
        steps.run(deny("advisories", &["--disable-fetch", "advisories"])).await?;
    } else {
        steps
            .note("advisories", Outcome::Skipped("their database cannot be fetched: no network?".to_owned()));
    }
    Ok(())
}
