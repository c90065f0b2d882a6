//! A stage that dies of some messages, as one does whose stack overflows: for the test that such a message is isolated. What it would
//! tell the store it keeps in a folder, so that the next process of it knows.

use std::{fs, io::Write as _, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use domain::{
    Exchange, Fault, Outcome, Stage,
    breaker::BreakerReport,
    envelope::{Message, Secret},
    hop::Hop,
    ids::{ProcessId, SuspectId},
    ports::{HopLog, Pending, StageLog, StoreDown, SwitchBoard, SwitchScope},
    suspect::{Alone, DEATHS_ALONE, Suspect},
    template::Clinics,
};
use runtime::{Context, Handler, run_stage};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Ping {
    text: String,
}

impl Secret for Ping {
    const SCHEMA: &'static str = "example.ping.v1";
    const EXCHANGE: Exchange = Exchange::Validated;
}

#[derive(Serialize, Deserialize)]
struct Pong {
    text: String,
}

impl Secret for Pong {
    const SCHEMA: &'static str = "example.pong.v1";
    const EXCHANGE: Exchange = Exchange::Checked;
}

/// Takes a moment, so that others are in hand when it dies.
struct Mortal;

impl Handler for Mortal {
    const STAGE: Stage = Stage::Eligibility;
    type Input = Message<Ping>;
    type Output = Pong;

    async fn handle(&self, input: Message<Ping>, _: &Context) -> Result<Outcome<Message<Pong>>, Fault> {
        let secret = input.secret.map(|ping| Pong { text: ping.text });
        if secret.expose().text.starts_with("poison") {
            std::process::abort();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(Outcome::Emit(Message { meta: input.meta, secret }))
    }
}

#[derive(Deserialize)]
struct Section {
    folder: PathBuf,
}

/// A store in a folder: hops as lines of a file, a file for each suspect.
struct Folder(PathBuf);

impl Folder {
    fn note(&self, file: &str, line: &str) -> Result<(), StoreDown> {
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.0.join(file))
            .map_err(|_| StoreDown)?;
        writeln!(file, "{line}").map_err(|_| StoreDown)
    }
}

impl HopLog for Folder {
    fn append(&self, hop: Hop) -> Pending<Result<(), StoreDown>> {
        let code = hop.code.map_or("-", |code| code.as_str());
        let submission = hop.submission.as_ref().map_or("-", |id| id.as_str());
        let noted = self.note("hops", &format!("{} {code} {submission}", hop.event.as_str()));
        Box::pin(async move { noted })
    }

    fn ready(&self) -> Pending<bool> {
        Box::pin(async { true })
    }
}

impl StageLog for Folder {
    fn breakers(&self, _: BreakerReport) -> Pending<Result<(), StoreDown>> {
        Box::pin(async { Ok(()) })
    }

    /// Whoever left something here is dead: there is one process at a time.
    fn begin_alone(&self, suspect: Suspect) -> Pending<Result<Alone, StoreDown>> {
        let file = self.0.join(suspect.id.to_string());
        let own = suspect.process.to_string();
        let left = fs::read_to_string(&file).unwrap_or_default();
        let (process, deaths) = left.split_once(' ').unwrap_or((&own, "0"));
        let died = u32::from(process != own);
        let deaths = deaths.parse::<u32>().unwrap_or(0) + died;
        let noted = fs::write(&file, format!("{own} {deaths}")).map_err(|_| StoreDown);
        let known =
            if deaths >= DEATHS_ALONE { Alone::Proven { deaths, last: suspect.at } } else { Alone::Begun };
        Box::pin(async move { noted.map(|()| known) })
    }

    fn end_alone(&self, suspect: SuspectId, _: ProcessId) -> Pending<Result<(), StoreDown>> {
        let gone = fs::remove_file(self.0.join(suspect.to_string())).map_err(|_| StoreDown);
        Box::pin(async move { gone })
    }

    fn isolated(&self, _: SuspectId, _: jiff::Timestamp) -> Pending<Result<(), StoreDown>> {
        Box::pin(async { Ok(()) })
    }
}

impl SwitchBoard for Folder {
    fn paused(&self) -> Pending<Result<Vec<SwitchScope>, StoreDown>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

fn main() -> ExitCode {
    runtime::main("mortal", |boot| async move {
        let section: Section = boot.settings().section("folder")?;
        let store = Arc::new(Folder(boot.settings().resolve(&section.folder)));
        run_stage(&boot, Mortal, store.clone(), store, Arc::<Clinics>::default()).await?;
        Ok(())
    })
}
