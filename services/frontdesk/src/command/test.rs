//! `frontdesk test`: every check and test, with times.

mod deny;
mod manifests;
mod rules;
mod step;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use testkit::backends::{in_path, install};

use crate::{
    cli::GivenArgs,
    local::{
        Layout, backends,
        run::{run, stop},
        secrets::Secrets,
        services::{Places, program},
    },
    output::{self, Doing},
};
use step::{Outcome, Step, Steps};

/// Format, lints, dependencies, every test over a real broker and database, the alerting rules, the manifests, the templates' examples, the samples' score,
/// the leak proof, the line beside its limit, and the line under faults.
#[derive(Debug, Args)]
pub struct Test {
    #[command(flatten)]
    given: GivenArgs,
}

impl Test {
    /// Runs all; a step that fails does not keep the others from running.
    ///
    /// # Errors
    /// If a step failed.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        let layout = layout.below("test");
        let result = run(&layout, async |supervisor| {
            layout.fresh_logs()?;
            let mut steps = Steps::new(&layout);
            // Compiles in the background, if it has to, while the others do.
            let deny = deny::tool(&layout);
            steps.run(cargo(&layout, "format", &["fmt", "--all", "--check"])).await?;
            let lints = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
            steps.run(cargo(&layout, "clippy", &lints)).await?;

            let places = Places::take(None)?;
            let secrets = Secrets::open(&layout, true)?;
            let doing = Doing::begin("starting a broker and a database");
            let given = self.given.given();
            let wanted = backends::Wanted { given: &given, secrets: &secrets, fresh: true, tls: None };
            let backends = backends::start(&layout, &places, supervisor, wanted).await?;
            doing.done("broker and database are up");
            let environment = [
                ("AMQP_URL", backends.amqp.clone()),
                ("AMQP_MANAGEMENT_URL", backends.management.clone()),
                ("DATABASE_URL", backends.postgres.clone()),
            ];
            let closing = tests(&layout, &mut steps, &environment).await?;
            deny::check(&layout, &mut steps, deny).await?;
            rules::check(&layout, &mut steps).await?;
            manifests::check(&layout, &mut steps).await?;
            templates(&layout, &mut steps).await?;
            score(&layout, &mut steps, &environment).await?;
            backends.remove().await;
            leak(&layout, &mut steps).await?;
            bench(&layout, &mut steps).await?;
            chaos(&layout, &mut steps).await?;
            Ok((steps, closing))
        })
        .await;
        // An interrupted one may still be on its way out.
        for apart in ["demo", "leak", "bench", "chaos"] {
            stop(&layout.below(apart)).await?;
        }
        let (steps, closing) = result?;
        output::result(&steps.table().to_string())?;
        output::result(&closing)?;
        match steps.failed() {
            0 => Ok(()),
            1 => bail!("one step failed"),
            number => bail!("{number} steps failed"),
        }
    }
}

fn cargo(layout: &Layout, name: &'static str, args: &[&str]) -> Step {
    Step::new(name, "cargo").args(args).folder(layout.checkout())
}

/// The runner's closing line; where each test program closes by itself, one for all of them.
fn closing(text: &str, sign: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(sign)).collect();
    match lines.as_slice() {
        [] => "the test runner did not close".to_owned(),
        [one] => one.trim().to_owned(),
        many => {
            let count = |what: &str| -> u64 {
                let before = many.iter().filter_map(|line| line.split_once(what));
                before
                    .filter_map(|(text, _)| {
                        text.rsplit([' ', ';']).find(|word| !word.is_empty())?.parse::<u64>().ok()
                    })
                    .sum()
            };
            format!("{} passed, {} failed, {} skipped", count(" passed"), count(" failed"), count(" ignored"))
        }
    }
}

/// All tests. Gives the runner's closing line. They may build this very program anew, so that it is looked for by its name afterwards.
async fn tests(layout: &Layout, steps: &mut Steps, environment: &[(&str, String)]) -> anyhow::Result<String> {
    let nextest = in_path("cargo-nextest").is_some();
    let (args, sign): (&[&str], _) = if nextest {
        (
            &["nextest", "run", "--locked", "--workspace", "--no-fail-fast", "--failure-output=final"],
            "Summary",
        )
    } else {
        (&["test", "--locked", "--workspace", "--all-targets", "--no-fail-fast"], "test result:")
    };
    let ran = steps.run(cargo(layout, "tests", args).env(environment)).await?;
    let closing = closing(&ran, sign);
    if std::env::var_os("FRONTDESK_PREVIOUS").is_none() {
        let why = "FRONTDESK_PREVIOUS names no folder with the programs of the version before".to_owned();
        steps.note("the version before on this schema", Outcome::Skipped(why));
    }
    let docs =
        cargo(layout, "documentation's tests", &["test", "--locked", "--workspace", "--doc", "--quiet"]);
    steps.run(docs.env(environment)).await?;
    Ok(closing)
}

async fn templates(layout: &Layout, steps: &mut Steps) -> anyhow::Result<()> {
    let check =
        Step::new("clinics' templates", program("frontdesk")?).args(["--checkout"]).args([layout.checkout()]);
    steps.run(check.args(["templates", "check"])).await?;
    Ok(())
}

/// The samples through the whole line, on the tests' own backends, held against the answer key.
async fn score(layout: &Layout, steps: &mut Steps, environment: &[(&str, String)]) -> anyhow::Result<()> {
    let samples = layout.samples();
    let outcomes = layout.root().join("outcomes.jsonl");
    remove(&outcomes)?;
    let demo = Step::new("samples through the line", program("frontdesk")?)
        .args(["--checkout".as_ref(), layout.checkout(), "--dir".as_ref(), layout.below("demo").root()])
        .args(["demo".as_ref(), "--samples".as_ref(), samples.as_path(), "--outcomes".as_ref(), &outcomes]);
    steps.run(demo.env(environment).unmarked()).await?;
    if in_path("python3").is_none() {
        let log = layout.logs().join("apt-python3.log");
        install(&["python3"], &log, "", &|text| output::line(&text)).await?;
    }
    let score = Step::new("samples' score", "python3").args([
        samples.join("score.py"),
        samples.join("expected.jsonl"),
        outcomes,
    ] as [PathBuf; 3]);
    steps.run(score).await?;
    Ok(())
}

/// The proof that no patient's data gets out. On a broker and a database of its own, whose disks it searches.
async fn leak(layout: &Layout, steps: &mut Steps) -> anyhow::Result<()> {
    steps.run(apart(layout, "leak proof", "leak", &[])?).await.map(drop)
}

/// The line beside its limit, briefly. What it fails for is what is lost, doubled or without bound, never time.
async fn bench(layout: &Layout, steps: &mut Steps) -> anyhow::Result<()> {
    let args = ["--short", "--intakes", "600", "--rounds", "1"];
    steps.run(apart(layout, "bench, a short run", "bench", &args)?).await.map(drop)
}

/// The line under faults: everything at once for a minute and a half, then the broker's data lost, then each protection taken away.
/// Each on a broker and a database of its own, which it kills.
async fn chaos(layout: &Layout, steps: &mut Steps) -> anyhow::Result<()> {
    let runs: [(&'static str, &[&str]); 3] = [
        ("chaos, a short run", &["--submissions", "1500", "--minutes", "1.5"]),
        ("chaos, the broker's data lost", &["--lose-broker", "--submissions", "300", "--minutes", "0.3"]),
        ("chaos, negative controls", &["--controls"]),
    ];
    for (name, args) in runs {
        steps.run(apart(layout, name, "chaos", args)?).await?;
    }
    Ok(())
}

/// A program with a broker and a database of its own, in a folder of its own name.
fn apart(layout: &Layout, name: &'static str, of: &str, args: &[&str]) -> anyhow::Result<Step> {
    let below = layout.below(of);
    let place = ["--checkout".as_ref(), layout.checkout(), "--dir".as_ref(), below.root()];
    Ok(Step::new(name, program(of)?).args(place).args(args).unmarked())
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::closing;

    #[test]
    fn many_programs_close_with_one_line() {
        let many = "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured\nx\n\
                    test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured\n";
        assert_eq!(closing(many, "test result:"), "15 passed, 1 failed, 2 skipped");
        let one = "     Summary [   1.0s] 2 tests run: 2 passed, 0 skipped\n";
        assert_eq!(closing(one, "Summary"), "Summary [   1.0s] 2 tests run: 2 passed, 0 skipped");
        assert_eq!(closing("", "Summary"), "the test runner did not close");
    }
}
