//! A whole stage: what it reads, what it decides, what it hands on. Its `main` is the last function.
//!
//! `docs/adding-a-stage.md` walks through a real one. This one keeps its journal in nobody's memory.

use std::{process::ExitCode, sync::Arc};

use domain::{
    Exchange, Fault, Outcome, Stage,
    breaker::BreakerReport,
    envelope::{Message, Secret},
    hop::Hop,
    ids::{ProcessId, SuspectId},
    ports::{HopLog, Pending, StageLog, StoreDown, SwitchBoard, SwitchScope},
    suspect::{Alone, Suspect},
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

struct Echo;

impl Handler for Echo {
    const STAGE: Stage = Stage::Eligibility;
    type Input = Message<Ping>;
    type Output = Pong;

    async fn handle(&self, input: Message<Ping>, _: &Context) -> Result<Outcome<Message<Pong>>, Fault> {
        let secret = input.secret.map(|ping| Pong { text: ping.text });
        Ok(Outcome::Emit(Message { meta: input.meta, secret }))
    }
}

/// A store that remembers nothing and pauses nothing.
struct Forgetful;

impl HopLog for Forgetful {
    fn append(&self, _: Hop) -> Pending<Result<(), StoreDown>> {
        Box::pin(async { Ok(()) })
    }

    fn ready(&self) -> Pending<bool> {
        Box::pin(async { true })
    }
}

impl StageLog for Forgetful {
    fn breakers(&self, _: BreakerReport) -> Pending<Result<(), StoreDown>> {
        Box::pin(async { Ok(()) })
    }

    fn begin_alone(&self, _: Suspect) -> Pending<Result<Alone, StoreDown>> {
        Box::pin(async { Ok(Alone::Begun) })
    }

    fn end_alone(&self, _: SuspectId, _: ProcessId) -> Pending<Result<(), StoreDown>> {
        Box::pin(async { Ok(()) })
    }

    fn isolated(&self, _: SuspectId, _: jiff::Timestamp) -> Pending<Result<(), StoreDown>> {
        Box::pin(async { Ok(()) })
    }
}

impl SwitchBoard for Forgetful {
    fn paused(&self) -> Pending<Result<Vec<SwitchScope>, StoreDown>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

fn main() -> ExitCode {
    runtime::main("echo", |boot| async move {
        let store = Arc::new(Forgetful);
        run_stage(&boot, Echo, store.clone(), store, Arc::<Clinics>::default()).await?;
        Ok(())
    })
}
