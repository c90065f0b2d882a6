//! The manifests, as Kustomize builds them, by the tools of others: Kubernetes' own schemas, checkov and yamllint. What can be checked without
//! them is a test (`tests/tests/manifests`).

use std::path::{Path, PathBuf};

use testkit::backends::{in_path, install};
use tokio::process::Command;

use super::step::{Outcome, Step, Steps};
use crate::{local::Layout, output};

const NAMES: [&str; 4] =
    ["manifests built", "manifests by schema", "manifests by checkov", "manifests by yamllint"];
/// From PyPI, by version: what is valid today is valid tomorrow.
const TOOLS: [&str; 3] = ["kubernetes-validate==1.37.0", "checkov==3.3.30", "yamllint==1.38.0"];
/// The oldest Kubernetes that the manifests are for, of those whose schemas the tool has.
const KUBERNETES: &str = "1.32";
const PARTS: [&str; 7] = [
    "k8s/monitoring",
    "k8s/overlays/dev/platform",
    "k8s/overlays/dev/jobs",
    "k8s/overlays/dev",
    "k8s/overlays/production/platform",
    "k8s/overlays/production/jobs",
    "k8s/overlays/production",
];

/// Builds and validates. Where a tool cannot be had that is said, and is no failure.
pub(super) async fn check(layout: &Layout, steps: &mut Steps) -> anyhow::Result<()> {
    let [built, by_schema, by_checkov, by_yamllint] = NAMES;
    let tools = match tools(layout).await {
        Ok(tools) => tools,
        Err(why) => {
            NAMES.iter().for_each(|name| steps.note(name, Outcome::Skipped(why.clone())));
            return Ok(());
        }
    };
    let k8s = layout.checkout().join("k8s");
    let lint = ["-s", "-c", "yamllint.yaml", ".", "../docker-compose.yml"];
    steps.run(Step::new(by_yamllint, tools.join("yamllint")).args(lint).folder(&k8s)).await?;
    let files = match build(layout).await? {
        Ok(files) => files,
        Err(outcome) => {
            steps.note(built, outcome);
            let why = "they could not be built".to_owned();
            [by_schema, by_checkov].iter().for_each(|name| steps.note(name, Outcome::Skipped(why.clone())));
            return Ok(());
        }
    };
    steps.note(built, Outcome::Passed);
    let validate = Step::new(by_schema, tools.join("kubernetes-validate"));
    let validate = validate.args(["-k", KUBERNETES, "--strict", "--quiet", "--no-warn"]).args(&files);
    steps.run(validate).await?;
    let checkov = Step::new(by_checkov, tools.join("checkov"));
    let checkov = checkov
        .args(["--config-file", "checkov.yaml"])
        .args(files.iter().flat_map(|file| [Path::new("-f"), file]));
    steps.run(checkov.folder(&k8s)).await?;
    Ok(())
}

/// The folder of the tools' programs: an environment of their own, made once.
async fn tools(layout: &Layout) -> Result<PathBuf, String> {
    let folder = layout.checkout().join(".frontdesk/tools/manifests");
    let (programs, mark) = (folder.join("bin"), folder.join("installed"));
    if std::fs::read_to_string(&mark).is_ok_and(|text| text == TOOLS.join("\n")) {
        return Ok(programs);
    }
    let told = |error: std::io::Error| error.to_string();
    let venv = || Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).output();
    let made = in_path("python3").is_some() && venv().await.map_err(told)?.status.success();
    if !made {
        let log = layout.logs().join("apt-python3-venv.log");
        let instead = "the manifests are not validated without it";
        install(&["python3-venv"], &log, instead, &|text| output::line(&text))
            .await
            .map_err(|error| error.to_string())?;
        if !venv().await.map_err(told)?.status.success() {
            return Err("python3 -m venv fails".to_owned());
        }
    }
    output::line("installing kubernetes-validate, checkov and yamllint once, into .frontdesk/tools");
    let pip = Command::new(programs.join("pip"))
        .args(["install", "--quiet"])
        .args(TOOLS)
        .output()
        .await
        .map_err(told)?;
    if !pip.status.success() {
        return Err("pip cannot install the tools: no network?".to_owned());
    }
    std::fs::write(mark, TOOLS.join("\n")).map_err(told)?;
    Ok(programs)
}

/// Every part as one file, as `kubectl apply -k` would send it.
async fn build(layout: &Layout) -> anyhow::Result<Result<Vec<PathBuf>, Outcome>> {
    if in_path("kubectl").is_none() {
        return Ok(Err(Outcome::Skipped("kubectl is not installed".to_owned())));
    }
    let folder = layout.root().join("manifests");
    std::fs::create_dir_all(&folder)?;
    let mut files = Vec::new();
    for part in PARTS {
        let made =
            Command::new("kubectl").arg("kustomize").arg(layout.checkout().join(part)).output().await?;
        let said = String::from_utf8_lossy(&made.stderr);
        if said.contains("unknown field \"components\"") {
            return Ok(Err(Outcome::Skipped("kubectl is too old: 1.27 or newer is needed".to_owned())));
        }
        // An empty answer is no success, whatever the exit code.
        if !made.status.success() || made.stdout.is_empty() {
            output::result(&format!("{part}: {said}"))?;
            return Ok(Err(Outcome::Failed));
        }
        let file = folder.join(format!("{}.yaml", part.replace('/', "-")));
        std::fs::write(&file, made.stdout)?;
        files.push(file);
    }
    Ok(Ok(files))
}
