//! One line of its own, up and down.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use crate::{PATIENCE, broker::Broker};
use anyhow::{Context as _, bail, ensure};
use frontdesk::{
    local::{Layout, endpoints::Endpoints},
    ops::{Ops, Outcome},
};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio_postgres::{NoTls, Row};

/// The variables that name the servers of all tests.
const SERVERS: [&str; 3] = ["AMQP_URL", "AMQP_MANAGEMENT_URL", "DATABASE_URL"];

/// A running line. Dropped, it is taken down, whatever the test did to it.
pub struct Line {
    folder: tempfile::TempDir,
    /// The program that took it up, and takes it down.
    runner: PathBuf,
    /// Where everything is.
    pub endpoints: Endpoints,
    /// The operators' view.
    pub ops: Ops,
    /// The broker, as an administrator.
    pub broker: Broker,
    http: reqwest::Client,
}

/// A program of the workspace, built beside this test.
///
/// # Panics
/// If it is not built: `./dev test` builds all before it tests.
#[allow(
    clippy::panic,
    clippy::expect_used,
    reason = "test support: the message is for the person who runs the test"
)]
pub fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("the test knows where it is");
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    beside.unwrap_or_else(|| panic!("{name} is not built: cargo build --workspace --bins, or run ./dev test"))
}

impl Line {
    /// Starts a line with further arguments of `frontdesk up`.
    ///
    /// # Errors
    /// With what `frontdesk up` said.
    pub async fn up(args: &[&str]) -> anyhow::Result<Self> {
        Self::up_with(args, &[]).await
    }

    /// Starts a line whose services' settings are overridden by variables of the environment.
    ///
    /// # Errors
    /// With what `frontdesk up` said.
    pub async fn up_with(args: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::up_by(binary("frontdesk"), args, variables).await
    }

    /// Starts a line of other programs: those beside this `frontdesk`.
    ///
    /// # Errors
    /// With what `frontdesk up` said.
    pub async fn up_by(runner: PathBuf, args: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        for name in SERVERS {
            ensure!(
                std::env::var_os(name).is_some(),
                "{name} is not set: run ./dev test, which starts what it needs"
            );
        }
        let folder = tempfile::tempdir()?;
        let mut up = command(&runner, folder.path(), &[&["up", "--detach"], args].concat());
        up.envs(variables.iter().copied());
        Self::started(folder, runner, up).await
    }

    /// Starts a line that speaks TLS, on a broker and a database of its own.
    ///
    /// # Errors
    /// With what `frontdesk up` said.
    pub async fn up_secure() -> anyhow::Result<Self> {
        let (folder, runner) = (tempfile::tempdir()?, binary("frontdesk"));
        let mut up = command(&runner, folder.path(), &["up", "--detach", "--tls"]);
        for name in SERVERS {
            up.env_remove(name);
        }
        Self::started(folder, runner, up).await
    }

    async fn started(
        folder: tempfile::TempDir,
        runner: PathBuf,
        mut up: tokio::process::Command,
    ) -> anyhow::Result<Self> {
        let output = up.output().await?;
        if !output.status.success() {
            bail!("frontdesk up: {}{}", text(&output.stdout), text(&output.stderr));
        }
        let layout = Layout::find(Some(checkout()), Some(folder.path()))?;
        let endpoints: Endpoints = serde_json::from_str(&std::fs::read_to_string(layout.endpoints())?)?;
        let broker = Broker::connect(&endpoints.amqp.url_file).await?;
        let http = endpoints.client()?.no_proxy().build()?;
        Ok(Self { ops: Ops::local(&layout)?, folder, runner, endpoints, broker, http })
    }

    /// The folder of the run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command of `frontdesk` on this line, from the checkout's folder.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn frontdesk(&self, args: &[&str]) -> std::io::Result<Output> {
        command(&binary("frontdesk"), self.folder.path(), args).output().await
    }

    /// Runs a command of `frontdesk` as a service's user of the broker and role of the database.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn frontdesk_as(&self, service: &str, args: &[&str]) -> std::io::Result<Output> {
        let mut command = command(&binary("frontdesk"), self.folder.path(), args);
        for (section, whole) in [("AMQP", &self.endpoints.amqp), ("POSTGRES", &self.endpoints.postgres)] {
            let whole = &whole.url_file;
            let name = whole.file_name().unwrap_or_default().to_string_lossy();
            let own = whole.with_file_name(format!("{name}_{service}"));
            command.env(format!("FRONTDESK__{section}__URL_FILE"), own);
        }
        command.output().await
    }

    /// Runs a command of `frontdesk` that reads its standard input.
    ///
    /// # Errors
    /// If it cannot be started, or does not take the input.
    pub async fn frontdesk_reading(&self, args: &[&str], input: &str) -> std::io::Result<Output> {
        reading(command(&binary("frontdesk"), self.folder.path(), args), input).await
    }

    /// Waits until every one of these submissions stands where it stays, and gives their rows.
    ///
    /// # Errors
    /// If one does not within [`PATIENCE`]: with all rows, which hold no PHI.
    pub async fn settled(&self, ids: &[String]) -> anyhow::Result<Vec<Outcome>> {
        let begin = Instant::now();
        loop {
            let mut rows = self.ops.outcomes().await?;
            rows.retain(|row| ids.contains(&row.submission_id));
            let stands =
                |id: &String| rows.iter().any(|row| row.submission_id == *id && row.state != "in_flight");
            if ids.iter().all(stands) {
                self.nothing_was_refused()?;
                return Ok(rows);
            }
            if begin.elapsed() > PATIENCE {
                let left: Vec<_> = ids.iter().filter(|id| !stands(id)).collect();
                let first = self.ops.submission(left[0]).await;
                bail!("{} of {} not settled in time; the first: {first:#?}", left.len(), ids.len());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// What the operators' API answers at `/v1/<path>`, as it writes it.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn operators(&self, path: &str) -> anyhow::Result<Value> {
        let api = &self.endpoints.ops;
        let token = std::fs::read_to_string(&api.token_file)?;
        let request = self.http.get(format!("{}/v1/{path}", api.url)).bearer_auth(token.trim());
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// Tells the sandbox how to fail.
    ///
    /// # Errors
    /// If it does not take the rules.
    pub async fn faults(&self, rules: Value) -> anyhow::Result<()> {
        let url = format!("{}/faults", self.control()?);
        self.http.put(url).json(&rules).send().await?.error_for_status()?;
        Ok(())
    }

    /// What the sandbox holds, as its control API tells it: `counts`, `faults`.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn sandbox(&self, what: &str) -> anyhow::Result<Value> {
        let url = format!("{}/{what}", self.control()?);
        Ok(self.http.get(url).send().await?.error_for_status()?.json().await?)
    }

    /// The sandbox's lists, one JSON value a line: `writes`, `messages`, `contents?type=Patient`.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn list(&self, what: &str) -> anyhow::Result<Vec<Value>> {
        let url = format!("{}/{what}", self.control()?);
        let body = self.http.get(url).send().await?.error_for_status()?.text().await?;
        body.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    pub(crate) const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// What a process says at its metrics' address.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn metrics(&self, service: &str) -> anyhow::Result<String> {
        let service = self.endpoints.services.get(service).context("no such service")?;
        Ok(self.http.get(&service.metrics).send().await?.error_for_status()?.text().await?)
    }

    /// The log lines of a process.
    ///
    /// # Errors
    /// If one is no JSON.
    pub fn log(&self, service: &str) -> anyhow::Result<Vec<Value>> {
        let text = std::fs::read_to_string(self.endpoints.logs.join(format!("{service}.log")))?;
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    fn control(&self) -> anyhow::Result<&str> {
        let sandbox = self.endpoints.sandbox.as_ref().context("there is no sandbox")?;
        sandbox["control_url"].as_str().context("the sandbox does not say where its control API is")
    }

    /// The queues whose names begin and end so, as the ops API lists them.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn queues(&self, begin: &str, end: &str) -> anyhow::Result<Vec<String>> {
        let queues = self.ops.status().await?.queues.context("the ops API does not see the broker")?;
        let names = queues.into_iter().map(|queue| queue.queue);
        Ok(names.filter(|name| name.starts_with(begin) && name.ends_with(end)).collect())
    }

    /// Throws away what waits in a queue.
    ///
    /// # Errors
    /// If the broker does not do it.
    pub async fn purge(&self, queue: &str) -> anyhow::Result<()> {
        let mut url = reqwest::Url::parse(&self.endpoints.management.url()?)?;
        let segments = ["api", "queues", &self.endpoints.amqp.name, queue, "contents"];
        url.path_segments_mut().map_err(|()| anyhow::anyhow!("not a URL"))?.clear().extend(segments);
        self.http.delete(url).send().await?.error_for_status()?;
        Ok(())
    }

    /// The control API of the sandbox.
    ///
    /// # Errors
    /// If there is no sandbox.
    pub fn meddler(&self) -> anyhow::Result<testkit::sandbox::Control> {
        Ok(testkit::sandbox::Control::new(self.control()?)?)
    }

    /// Looks for a text in everything that any process wrote.
    ///
    /// # Errors
    /// If it is found, with the file's name.
    pub fn nowhere_in_logs(&self, text: &str) -> anyhow::Result<()> {
        for entry in std::fs::read_dir(&self.endpoints.logs)? {
            let path = entry?.path();
            if !path.is_file() {
                continue;
            }
            let found = std::fs::read(&path)?.windows(text.len()).any(|part| part == text.as_bytes());
            ensure!(!found, "{} holds it", path.display());
        }
        Ok(())
    }

    /// That every service may do all that it tries: each is a user of the broker and a role of the database of its own.
    fn nothing_was_refused(&self) -> anyhow::Result<()> {
        for refused in ["\"db.response.status_code\":\"42501\"", "ACCESS_REFUSED"] {
            self.nowhere_in_logs(refused)?;
        }
        Ok(())
    }

    /// The rows of a statement, asked as the database's owner.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn rows(&self, sql: &str) -> anyhow::Result<Vec<Row>> {
        let url = std::fs::read_to_string(&self.endpoints.postgres.url_file)?;
        let (client, connection) = tokio_postgres::connect(url.trim(), NoTls).await?;
        let connection = tokio::spawn(connection);
        let rows = client.query(sql, &[]).await?;
        drop(client);
        connection.await??;
        Ok(rows)
    }

    /// What the broker's management API answers at `/api/<path>`, asked as an administrator; `{vhost}` stands for the line's.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn management(&self, path: &str) -> anyhow::Result<Value> {
        let mut url = reqwest::Url::parse(&self.endpoints.management.url()?)?;
        url.set_path(&format!("/api/{}", path.replace("{vhost}", &self.endpoints.amqp.name)));
        Ok(self.http.get(url).send().await?.error_for_status()?.json().await?)
    }

    /// The process id of a service, as `pids.json` has it now.
    ///
    /// # Errors
    /// If it does not have it.
    pub fn pid(&self, service: &str) -> anyhow::Result<i32> {
        let pids: Value = serde_json::from_str(&std::fs::read_to_string(&self.endpoints.pids)?)?;
        let pid = pids[service].as_i64().with_context(|| format!("{service} has no process"))?;
        Ok(i32::try_from(pid)?)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let down = Command::new(&self.runner)
            .args(["--checkout".as_ref(), checkout(), "--dir".as_ref(), self.folder.path()])
            .arg("down")
            .stdin(Stdio::null())
            .output();
        if let Ok(output) = down
            && !output.status.success()
        {
            #[allow(
                clippy::print_stderr,
                reason = "a drop has no other way to tell the person who runs the test"
            )]
            {
                eprintln!("frontdesk down: {}{}", text(&output.stdout), text(&output.stderr));
            }
        }
    }
}

fn command(program: &Path, folder: &Path, args: &[&str]) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(program);
    command.args(["--checkout".as_ref(), checkout(), "--dir".as_ref(), folder]).args(args);
    command.current_dir(checkout()).stdin(Stdio::null());
    command
}

/// What a command says that has this on its standard input.
pub(crate) async fn reading(mut command: tokio::process::Command, input: &str) -> std::io::Result<Output> {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).await?;
    }
    child.wait_with_output().await
}

fn checkout() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
