//! The runbooks are executed, command by command: what they show is what the commands print. `FRONTDESK_WRITE_RUNBOOKS=1` writes what they
//! print into them.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use e2e::{
    Line,
    runbook::{Document, play},
};

/// Every runbook; the README only leads to them.
fn runbooks() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/runbooks");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ext| ext == "md")).collect();
    files.retain(|path| path.file_name().is_some_and(|name| name != "README.md"));
    files.sort();
    assert!(!files.is_empty());
    files
}

fn read(path: &Path) -> anyhow::Result<Document> {
    Document::parse(&std::fs::read_to_string(path)?).with_context(|| path.display().to_string())
}

fn writes() -> bool {
    std::env::var_os("FRONTDESK_WRITE_RUNBOOKS").is_some_and(|value| value == "1")
}

#[test]
fn each_fits_a_terminal_and_shows_what_it_waits_for() -> anyhow::Result<()> {
    for path in runbooks() {
        let document = read(&path)?;
        if !writes() {
            document.check(100).with_context(|| path.display().to_string())?;
        }
        for step in document.sessions().flat_map(|session| &session.steps) {
            assert!(step.text.chars().count() <= 140, "line {} is too long", step.line);
        }
    }
    Ok(())
}

#[tokio::test]
async fn each_prints_what_it_shows() -> anyhow::Result<()> {
    for path in runbooks() {
        let document = read(&path)?;
        let line = Line::up(&["--lanes", "1"]).await?;
        let written = play(&document, &line, writes()).await;
        let written = written.with_context(|| {
            format!("{}; if it is right so, FRONTDESK_WRITE_RUNBOOKS=1 writes it", path.display())
        })?;
        if let Some(text) = written {
            std::fs::write(&path, text)?;
        }
        line.broker.close().await;
    }
    Ok(())
}
