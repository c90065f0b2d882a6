//! Negative controls: with a protection taken away the suite must find a broken promise. One that cannot fail proves nothing.

use std::time::Duration;

use anyhow::{bail, ensure};
use domain::drill::Protection;
use frontdesk::{local::Layout, output};
use testkit::sandbox::Rule;

use super::{
    drain::Patience,
    report::Report,
    run::{Trial, chaos},
    schedule::Mix,
    settings::LATENESS_MS,
    weather,
};

/// Submissions of one control.
const SUBMISSIONS: u64 = 400;
/// The time over which they are sent.
const TIME: Duration = Duration::from_secs(30);

impl Trial {
    /// The trial that brings to light that a protection is missing.
    pub fn control(seed: u64, protection: Protection) -> Self {
        let (weather, time, lateness_ms, still): (fn(u8) -> Vec<Rule>, _, _, _) = match protection {
            // Who sleeps past a lease sleeps long, and what it was about to send comes as late. Time for some sleeps.
            Protection::Fencing => {
                (|_| weather::against_sleepers(), TIME * 2, LATENESS_MS, Duration::from_secs(60))
            }
            // Longer than the longest wait queue that a search in doubt is put into.
            _ => (|_| weather::against_rewriting(), TIME, 8_000, Duration::from_secs(45)),
        };
        Self {
            seed,
            submissions: SUBMISSIONS,
            time,
            mix: Mix::against(protection),
            without: Some(protection),
            weather,
            lose_broker: false,
            lateness_ms,
            patience: Patience { all: Duration::from_secs(180), still },
        }
    }
}

/// What a missing protection must show as: something lost, or there twice, or the check that is about it.
fn found(protection: Protection, report: &Report) -> Vec<String> {
    let about = match protection {
        // What is only late is not lost.
        Protection::AckAfterCommit | Protection::Confirms if report.verdict.lost == 0 => return Vec::new(),
        Protection::AckAfterCommit | Protection::Confirms => "admitted once",
        Protection::IntentBeforeWrite => "has a lease begun before it arrived",
        Protection::SearchBeforeRewrite | Protection::PatientSlot => "no two resources carry one identifier",
        Protection::Fencing => "under the lease in force",
    };
    report.found().into_iter().filter(|check| check.contains(about)).collect()
}

/// Runs each control.
///
/// # Errors
/// If one of them finds nothing.
pub async fn controls(layout: &Layout, seed: u64, protections: &[Protection]) -> anyhow::Result<()> {
    let mut table = output::table();
    table.set_header(["without", "lost", "twice", "what gives it away", "other checks"]);
    let mut blind = Vec::new();
    for protection in protections {
        output::line(&format!("negative control: without {protection}"));
        let layout = layout.below(protection.as_str());
        let report = chaos(&layout, &Trial::control(seed, *protection)).await?;
        let telling = found(*protection, &report);
        if telling.is_empty() {
            blind.push(protection.as_str());
            output::result(&report.table())?;
        }
        table.add_row([
            protection.as_str().to_owned(),
            report.verdict.lost.to_string(),
            report.verdict.duplicates.to_string(),
            if telling.is_empty() { "NOTHING".to_owned() } else { telling.join("; ") },
            report.found().len().saturating_sub(telling.len()).to_string(),
        ]);
    }
    output::result(&table.to_string())?;
    if !blind.is_empty() {
        bail!("the suite does not notice that these are missing: {}", blind.join(", "));
    }
    Ok(())
}

/// Strikes as a control does, with the protection in place.
///
/// # Errors
/// If a promise was broken.
pub async fn with_it(layout: &Layout, seed: u64, protection: Protection) -> anyhow::Result<()> {
    let report = chaos(layout, &Trial { without: None, ..Trial::control(seed, protection) }).await?;
    output::result(&report.table())?;
    ensure!(report.kept(), "a promise was broken although {protection} is in place");
    Ok(())
}
