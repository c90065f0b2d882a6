//! The line as the proof uses it: who was planted, both doors, and where a submission stands.

use std::{
    collections::BTreeMap,
    process::Output,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use domain::{
    clock::{Clock as _, SystemClock},
    submission::SCHEMA,
};
use frontdesk::{
    door::Door as Webhook,
    local::{Layout, Stack, supervisor::Supervisor},
    ops::Ops,
};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;
use testkit::{
    process::{ProcessId, Program},
    sandbox::{Control, Member, MemberStatus, SlotRow},
    wait,
};

use super::{canary::Canary, person::Person, sinks::Answers};
use crate::{Broker, PATIENCE, line::reading};

/// By which door a submission comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The gateway seals it before anything is written: it may be found nowhere.
    Gateway,
    /// A scenario publishes it in clear, and so it lies in clear in the queues of the first stage until that has it.
    Amqp,
}

/// A planted value and the door that it came by.
pub type Planted = (Door, Canary);

/// A time that a clinic offers.
pub struct Slot {
    /// With whom.
    pub provider: String,
    /// When.
    pub start: Timestamp,
}

/// One proof's line.
pub struct World<'a> {
    /// The run's folder.
    pub layout: &'a Layout,
    /// Its processes.
    pub supervisor: &'a Supervisor,
    /// Where everything is.
    pub stack: &'a Stack,
    /// The sandbox.
    pub control: Control,
    /// The operators' view.
    pub ops: Ops,
    /// The database's URL.
    pub database: String,
    /// What HTTP and commands answered.
    pub answers: Answers,
    /// What processes that are no longer there told at their metrics endpoints.
    pub scraped: Answers,
    /// For whatever is asked over HTTP.
    pub http: Client,
    seed: u64,
    broker: Broker,
    people: AtomicU32,
    slots: AtomicU32,
    planted: Mutex<Vec<Planted>>,
}

impl<'a> World<'a> {
    /// A line that is up.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub async fn new(
        layout: &'a Layout,
        supervisor: &'a Supervisor,
        stack: &'a Stack,
        seed: u64,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            control: Control::new(&stack.sandbox.control_url)?,
            ops: Ops::local(layout)?,
            database: stack.endpoints.postgres.url()?,
            answers: Answers::default(),
            scraped: Answers::default(),
            http: Client::builder().no_proxy().timeout(Duration::from_secs(60)).build()?,
            broker: Broker::connect(&stack.endpoints.amqp.url_file).await?,
            people: AtomicU32::new(0),
            slots: AtomicU32::new(0),
            planted: Mutex::default(),
            layout,
            supervisor,
            stack,
            seed,
        })
    }

    /// Somebody new, known to the payer, whose every value is looked for from now on.
    ///
    /// # Errors
    /// If the sandbox does not take the member.
    pub async fn person(&self, path: &str, door: Door) -> anyhow::Result<Person> {
        let person = self.stranger(path, door);
        let mut members = csv::Writer::from_writer(Vec::new());
        members.serialize(Member {
            member_id: person.member.clone(),
            payer: "Aetna".to_owned(),
            status: MemberStatus::Active,
            first: person.given.clone(),
            last: person.family.clone(),
            birth_date: person.born,
        })?;
        self.control.load_members(text(members)?).await?;
        Ok(person)
    }

    /// Somebody new whom no payer knows.
    pub fn stranger(&self, path: &str, door: Door) -> Person {
        let person = Person::of(self.seed, self.people.fetch_add(1, Ordering::Relaxed));
        self.plant(door, person.canaries(path));
        person
    }

    /// Looks for these from now on.
    pub fn plant(&self, door: Door, canaries: Vec<Canary>) {
        let mut planted = self.planted.lock().unwrap_or_else(PoisonError::into_inner);
        planted.extend(canaries.into_iter().map(|canary| (door, canary)));
    }

    /// Everything that was planted.
    pub fn planted(&self) -> Vec<Planted> {
        self.planted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A time of a clinic that is free.
    ///
    /// # Errors
    /// If the sandbox does not take it.
    pub async fn slot(&self, clinic: &str) -> anyhow::Result<Slot> {
        let nth = i64::from(self.slots.fetch_add(1, Ordering::Relaxed));
        let now = SystemClock.now().as_second();
        let midnight = Timestamp::from_second(now - now.rem_euclid(86_400))?;
        let start = midnight.checked_add(SignedDuration::from_hours(14 * 24 + 15 + 24 * (nth / 20)))?;
        let start = start.checked_add(SignedDuration::from_mins(20 * (nth % 20)))?;
        let provider = format!("{clinic}-prov-1");
        let mut slots = csv::Writer::from_writer(Vec::new());
        slots.serialize(SlotRow {
            clinic_id: clinic.to_owned(),
            provider: provider.clone(),
            start,
            minutes: 20,
        })?;
        self.control.load_slots(text(slots)?).await?;
        Ok(Slot { provider, start })
    }

    /// Sends a submission by a door.
    ///
    /// # Errors
    /// If the gateway does not answer, or the broker does not take it.
    pub async fn send(&self, door: Door, submission: &Value) -> anyhow::Result<()> {
        let clinic = submission["clinic_id"].as_str().context("a submission without a clinic")?;
        let body = serde_json::to_vec(submission)?;
        match door {
            Door::Amqp => self.publish(clinic, SCHEMA, body).await,
            Door::Gateway => self.post("post", clinic, body, |request| request).await.map(drop),
        }
    }

    /// Publishes anything to the ingest exchange, in clear, as a scenario does.
    ///
    /// # Errors
    /// If the broker does not take it.
    pub async fn publish(&self, clinic: &str, schema: &str, body: Vec<u8>) -> anyhow::Result<()> {
        self.broker.raw(clinic, schema, "application/json", body).await
    }

    /// Posts anything to the gateway, signed as a scenario signs it, with whatever else is to be wrong with the request.
    ///
    /// # Errors
    /// If the gateway does not answer.
    pub async fn post(
        &self,
        label: &str,
        clinic: &str,
        body: Vec<u8>,
        change: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<StatusCode> {
        self.post_as(&Webhook::fresh_id(), label, clinic, body, change).await
    }

    /// The same under a webhook-id.
    ///
    /// # Errors
    /// As [`World::post`].
    pub async fn post_as(
        &self,
        id: &str,
        label: &str,
        clinic: &str,
        body: Vec<u8>,
        change: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> anyhow::Result<StatusCode> {
        let door = Webhook::of(&self.stack.endpoints.gateway, &self.http, clinic)?;
        // Only a text can be signed.
        let signed = String::from_utf8_lossy(&body).into_owned().into_bytes();
        self.exchange(label, change(door.request(id, signed)?.body(body))).await
    }

    /// Makes a request, and keeps all of the answer.
    ///
    /// # Errors
    /// If there is none.
    pub async fn exchange(&self, label: &str, request: RequestBuilder) -> anyhow::Result<StatusCode> {
        let answer = request.send().await?;
        let status = answer.status();
        let mut kept = format!("{status}\n").into_bytes();
        for (name, value) in answer.headers() {
            kept.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat());
        }
        kept.extend_from_slice(&answer.bytes().await?);
        self.answers.keep(label, kept);
        Ok(status)
    }

    /// Runs a command of `frontdesk`, keeps all that it says, and gives its exit code and its standard output.
    ///
    /// # Errors
    /// If it cannot be run.
    pub async fn frontdesk(&self, args: &[&str]) -> anyhow::Result<(Option<i32>, String)> {
        self.frontdesk_reading(args, "").await
    }

    /// As [`World::frontdesk`], with something on its standard input.
    ///
    /// # Errors
    /// If it cannot be run.
    pub async fn frontdesk_reading(
        &self,
        args: &[&str],
        input: &str,
    ) -> anyhow::Result<(Option<i32>, String)> {
        let output = self.output(args, input).await?;
        self.keep(args, &[&*output.stdout, &*output.stderr].concat());
        Ok((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
    }

    /// What a command shows on its standard output to the one person who is to see it: that is not kept, all else that it says is.
    ///
    /// # Errors
    /// If it cannot be run, or refuses.
    pub async fn revealed(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = self.output(args, "").await?;
        self.keep(args, &output.stderr);
        ensure!(output.status.success(), "frontdesk {} refuses", args.join(" "));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn keep(&self, args: &[&str], said: &[u8]) {
        self.answers.keep(&format!("frontdesk {}", args.join(" ")), said.to_vec());
    }

    async fn output(&self, args: &[&str], input: &str) -> anyhow::Result<Output> {
        let mut command = tokio::process::Command::new(frontdesk::local::services::program("frontdesk")?);
        command.args(["--checkout".as_ref(), self.layout.checkout(), "--dir".as_ref(), self.layout.root()]);
        command.args(args);
        Ok(reading(command, input).await?)
    }

    /// As [`World::frontdesk`], for a command that answers in JSON.
    ///
    /// # Errors
    /// If it cannot be run, or says something else.
    pub async fn json(&self, args: &[&str]) -> anyhow::Result<Value> {
        let (_, said) = self.frontdesk(&[args, &["--format", "json"]].concat()).await?;
        serde_json::from_str(&said).with_context(|| format!("frontdesk {} says no JSON", args.join(" ")))
    }

    /// Where each of these submissions stands, once all of them stand where they stay: `completed`, or such as `held slot_taken`.
    ///
    /// # Errors
    /// If one does not within the tests' patience.
    pub async fn settled(&self, ids: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
        let look = async || {
            let rows = self.ops.outcomes().await.ok()?;
            let of = |id: &String| {
                let row = rows.iter().find(|row| row.submission_id == *id && row.state != "in_flight")?;
                let state = [Some(row.state.as_str()), row.code.as_deref()];
                Some((id.clone(), state.into_iter().flatten().collect::<Vec<_>>().join(" ")))
            };
            ids.iter().map(of).collect::<Option<BTreeMap<_, _>>>()
        };
        match wait::until_some(PATIENCE, look).await {
            Ok(all) => Ok(all),
            Err(_) => bail!("not all of {} come to their end", ids.join(", ")),
        }
    }

    /// Waits until each of these stands where it is meant to stay.
    ///
    /// # Errors
    /// If one stands elsewhere, or nowhere: then it did not take the path that it was sent on.
    pub async fn ends(&self, expected: &[(String, &str)]) -> anyhow::Result<()> {
        let ids: Vec<String> = expected.iter().map(|(id, _)| id.clone()).collect();
        let rows = self.settled(&ids).await?;
        for (id, end) in expected {
            let is = rows.get(id).map_or("", String::as_str);
            ensure!(is == *end, "{id} is {is}, and was sent to be {end}");
        }
        Ok(())
    }

    /// Asks a service to end, so that it sends what it has not sent yet, after it was asked for its metrics. Gives its process.
    async fn end(&self, name: &str) -> anyhow::Result<ProcessId> {
        let process = self.supervisor.process(name).with_context(|| format!("{name} has no process"))?;
        let url = &self.stack.endpoints.services.get(name).context("no such service")?.metrics;
        let told = self.http.get(url).send().await.with_context(|| format!("{name} tells no metrics"))?;
        self.scraped
            .keep(&format!("{name}, before it ended"), told.error_for_status()?.bytes().await?.to_vec());
        process.signal(nix::sys::signal::Signal::SIGTERM);
        Ok(process)
    }

    /// Ends a service that is not to come back until it is let.
    ///
    /// # Errors
    /// If it does not end.
    pub async fn hold(&self, name: &str) -> anyhow::Result<()> {
        self.supervisor.hold(name);
        self.end(name).await?;
        let gone = || async { self.supervisor.process(name).is_none() };
        wait::until(PATIENCE, gone).await.with_context(|| format!("{name} does not end"))
    }

    /// Ends a service, and waits until another process runs in its place and answers.
    ///
    /// # Errors
    /// If none comes.
    pub async fn restart(&self, name: &str) -> anyhow::Result<()> {
        let before = self.end(name).await?;
        let ready = async || {
            let again = self.supervisor.process(name).is_some_and(|process| process != before);
            let Some(service) = self.stack.endpoints.services.get(name) else { return again };
            again
                && self.http.get(&service.ready).send().await.is_ok_and(|answer| answer.status().is_success())
        };
        wait::until(PATIENCE, ready).await.with_context(|| format!("{name} does not come back"))
    }

    /// A program as one of the run's processes.
    pub fn program(&self, path: &str, log: &str) -> Program {
        Program::new(path, self.layout.logs().join(log))
    }

    /// Closes what it holds open.
    pub async fn close(&self) {
        self.broker.close().await;
    }
}

fn text(writer: csv::Writer<Vec<u8>>) -> anyhow::Result<String> {
    let bytes = writer.into_inner().map_err(|error| anyhow::anyhow!("{}", error.error()))?;
    Ok(String::from_utf8(bytes)?)
}
