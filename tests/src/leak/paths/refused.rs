//! What is no submission at all: at the gateway it is refused, by AMQP it dies or is rejected by name.

use anyhow::{Context as _, ensure};
use domain::{envelope, submission::SCHEMA};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use testkit::{
    sandbox::{Class, Commit, Fault, Rule},
    wait,
};

use super::{Door, Walk, by};
use crate::{
    PATIENCE,
    chaos::look,
    leak::{person::Person, world::World},
};

const CLINIC: &str = "clinic-01";

/// Bodies that nobody can read, with a person in them.
fn bodies(person: &Person) -> Vec<(&'static str, Vec<u8>)> {
    let Person { given, family, phone, email, reason, .. } = person;
    vec![
        ("no JSON", format!("name={given} {family}&phone={phone}").into_bytes()),
        (
            "cut off",
            format!("{{\"form\": {{\"name\": \"{given} {family}\", \"phone\": \"{phone}").into_bytes(),
        ),
        ("no object", json!([given, family, { "mail": email }]).to_string().into_bytes()),
        ("no UTF-8", [family.as_bytes(), b"\xff\xfe\xe9", reason.as_bytes()].concat()),
        ("twice", format!("{{\"{given}\": 1, \"{given}\": \"{phone}\"}}").into_bytes()),
        ("too deep", format!("{}\"{family}\"", "[".repeat(10_000)).into_bytes()),
        ("too large", [format!("{{\"form\": \"{family} ").as_bytes(), &vec![b'x'; 1 << 20]].concat()),
        (
            "a name as an id",
            json!({ "submission_id": format!("{given} {family}"), "clinic_id": CLINIC })
                .to_string()
                .into_bytes(),
        ),
        (
            "a name as a clinic",
            json!({ "submission_id": "leak-c", "clinic_id": family, "form": { "mail": email } })
                .to_string()
                .into_bytes(),
        ),
        (
            "numbers as texts",
            json!({ "submission_id": 7, "clinic_id": {}, "source": [], "form": reason })
                .to_string()
                .into_bytes(),
        ),
    ]
}

/// Submissions that have a name, and are none all the same.
fn spoilt(mut sound: Value, person: &Person) -> Vec<(&'static str, Value)> {
    let mut change = |member: &str, value: Value| {
        let before = sound.clone();
        sound[member] = value;
        std::mem::replace(&mut sound, before)
    };
    vec![
        ("a clinic that is not there", change("clinic_id", "no-such-clinic".into())),
        ("a person as a source", change("source", person.family.as_str().into())),
        ("a small name as a source", change("source", person.given.to_lowercase().into())),
        ("a small name as a clinic", change("clinic_id", person.given.to_lowercase().into())),
        ("a number as a source", change("source", 7.into())),
        ("a name as a time", change("submitted_at", person.given.as_str().into())),
        ("a name as a version", change("form_version", person.family.as_str().into())),
        ("a text as a form", change("form", format!("{} {}", person.given, person.phone).into())),
        ("a list as a form", change("form", json!([person.given, person.phone]))),
        ("a member too many", change("patient", json!({ "name": person.family }))),
        ("a name as a member", change(&person.family, person.phone.as_str().into())),
    ]
}

impl Walk<'_, '_> {
    pub(super) async fn refused(&mut self) -> anyhow::Result<()> {
        let world = self.world;
        let before = letters(world).await?;
        let mut nameless = 0;
        for (what, _) in bodies(&Person::of(0, 0)) {
            let path = by(Door::Gateway, what);
            self.id(&path);
            let sent = body(world, &path, Door::Gateway, what);
            let status = world.post(&path, CLINIC, sent, |request| request).await?;
            ensure!(status.is_client_error(), "the gateway took {what}: {status}");

            let path = by(Door::Amqp, what);
            self.id(&path);
            world.publish(CLINIC, SCHEMA, body(world, &path, Door::Amqp, what)).await?;
            nameless += 1;
        }
        let path = by(Door::Amqp, "a schema that nobody knows");
        self.id(&path);
        let unknown = json!({ "name": world.stranger(&path, Door::Amqp).family }).to_string();
        world.publish(CLINIC, "intake.submission.v9", unknown.into_bytes()).await?;
        nameless += 1;
        self.spoilt().await?;
        self.requests().await?;
        nameless += self.properties().await?;
        let all = || async { letters(world).await.is_ok_and(|now| now >= before + nameless) };
        wait::until(PATIENCE, all).await.context("what nobody can read does not die")
    }

    async fn spoilt(&mut self) -> anyhow::Result<()> {
        let mut ids = Vec::new();
        for door in [Door::Gateway, Door::Amqp] {
            for (nth, (what, _)) in spoilt(json!({}), &Person::of(0, 0)).iter().enumerate() {
                let path = by(door, what);
                let id = self.id(&path);
                let person = self.world.stranger(&path, door);
                let slot = self.world.slot(CLINIC).await?;
                let sound = self.submission(&id, CLINIC, &person, &slot)?;
                let (_, submission) = spoilt(sound, &person).swap_remove(nth);
                let body = serde_json::to_vec(&submission)?;
                if door == Door::Amqp {
                    self.world.publish(CLINIC, SCHEMA, body).await?;
                    ids.push(id);
                } else {
                    let status = self.world.post(&path, CLINIC, body, |request| request).await?;
                    ensure!(!status.is_server_error(), "{what}: the gateway answers {status}");
                }
            }
        }
        self.world.settled(&ids).await.map(drop)
    }

    /// Messages with a person where a scenario may write what it likes: in properties and headers. Gives how many of them die.
    async fn properties(&mut self) -> anyhow::Result<u64> {
        let path = by(Door::Amqp, "a person in properties and headers");
        let id = self.id(&path);
        let person = self.world.person(&path, Door::Amqp).await?;
        let slot = self.world.slot(CLINIC).await?;
        let sound = self.submission(&id, CLINIC, &person, &slot)?;
        let Person { given, family, phone, email, member, .. } = &person;
        let of = |schema: &str| {
            json!({
                "content_type": "application/json", "type": schema, "delivery_mode": 2,
                "correlation_id": email, "message_id": phone, "app_id": given, "reply_to": email,
                "headers": {
                    "patient": family, "traceparent": phone, "frontdesk-clinic": given, "frontdesk-lane": family,
                    "frontdesk-attempt": member, "frontdesk-first-failed-at": given, "x-death": family,
                },
            })
        };
        self.tap.publish(CLINIC, of(SCHEMA), &sound).await?;
        self.world.ends(&[(id, "completed")]).await?;
        self.traced().await?;
        // Names that could be the name of a schema.
        self.tap.publish(CLINIC, of(&given.to_lowercase()), &sound).await?;
        let enveloped = json!({ "schema": given.to_lowercase(), "meta": {}, "sealed": { "key": family, "nonce": "", "data": "" } });
        self.tap.publish(CLINIC, of(&given.to_lowercase()), &enveloped).await?;
        Ok(2)
    }

    /// A message in a trace that is one, with a person in all that may stand beside the ids. It waits for a retry on its way.
    async fn traced(&mut self) -> anyhow::Result<()> {
        let path = by(Door::Amqp, "a person in a trace");
        let id = self.id(&path);
        let person = self.world.person(&path, Door::Amqp).await?;
        let slot = self.world.slot(CLINIC).await?;
        let sound = self.submission(&id, CLINIC, &person, &slot)?;
        let mut headers = json!({ "frontdesk-link": traceparent(&person.member) });
        for (name, value) in tracing(&person) {
            headers[name] = value.into();
        }
        let fault = Fault::Error { status: Some(503), commit: Commit::Before };
        self.world.control.set_faults(&[Rule::new(Class::Ehr, fault).times(2)]).await?;
        let properties = json!({ "content_type": "application/json", "type": SCHEMA, "delivery_mode": 2, "headers": headers });
        self.tap.publish(CLINIC, properties, &sound).await?;
        self.world.ends(&[(id, "completed")]).await?;
        Ok(self.world.control.clear_faults().await.map(drop)?)
    }

    /// Requests that are wrong beside their body.
    async fn requests(&mut self) -> anyhow::Result<()> {
        let world = self.world;
        let gateway = &world.stack.endpoints.gateway.url;
        let path = by(Door::Gateway, "wrong requests");
        self.id(&path);
        let person = world.stranger(&path, Door::Gateway);
        let slot = world.slot(CLINIC).await?;
        let whole = serde_json::to_vec(&self.submission("leak-wrong-request", CLINIC, &person, &slot)?)?;
        let Person { given, family, phone, email, .. } = &person;
        world
            .post("unsigned", CLINIC, whole.clone(), |request| request.header("webhook-signature", "v1,AAAA"))
            .await?;
        world
            .post("another type", CLINIC, whole.clone(), |request| {
                request.header("content-type", envelope::CONTENT_TYPE)
            })
            .await?;
        world
            .post("a key", CLINIC, whole.clone(), |request| request.header("idempotency-key", email))
            .await?;
        world.post("a trace", CLINIC, whole.clone(), |request| request.header("traceparent", phone)).await?;
        let traced = |request: RequestBuilder| {
            tracing(&person).into_iter().fold(request, |request, (name, value)| request.header(name, value))
        };
        let taken = world.post("a person in a trace", CLINIC, whole.clone(), traced).await?;
        ensure!(taken.is_success(), "the gateway does not take a submission in a trace: {taken}");
        let stranger = traced(world.http.get(format!("{gateway}/v1/submissions/leak-1")));
        let status = world.exchange("a stranger's trace", stranger).await?;
        ensure!(status == StatusCode::UNAUTHORIZED, "the gateway answers a stranger {status}");
        for (label, request) in [
            ("a name as a clinic", world.http.post(format!("{gateway}/v1/intake/{family}"))),
            ("a name as a version", world.http.post(format!("{gateway}/v1/intake/{CLINIC}/{given}"))),
            ("a query", world.http.post(format!("{gateway}/v1/intake/{CLINIC}?name={given}&phone={phone}"))),
            ("a name as a submission", world.http.get(format!("{gateway}/v1/submissions/{family}"))),
            ("a name as an address", world.http.get(format!("{gateway}/{given}/{family}"))),
            (
                "a name as a method",
                world.http.request(family.to_uppercase().replace('É', "E").parse()?, gateway),
            ),
        ] {
            let status = world.exchange(label, request.body(whole.clone())).await?;
            ensure!(status.is_client_error(), "{label}: the gateway answers {status}");
        }
        for path in [
            format!("v1/submissions/{family}"),
            format!("v1/traces/{phone}?email={email}"),
            format!("v1/{given}"),
        ] {
            let ops = &world.stack.endpoints.ops;
            let token = std::fs::read_to_string(&ops.token_file)?;
            let request = world.http.get(format!("{}/{path}", ops.url)).bearer_auth(token.trim());
            world.exchange("a name asked of the operators' API", request).await?;
        }
        Ok(())
    }
}

/// Trace context with ids that are good and a person in everything else: by the standard all of it is for others to carry on.
fn tracing(person: &Person) -> [(&'static str, String); 3] {
    let Person { given, email, phone, member, .. } = person;
    [
        ("traceparent", traceparent(given)),
        ("tracestate", format!("patient={phone} {email},vendor={given}")),
        ("baggage", format!("member={member},patient={given}")),
    ]
}

/// Of a version to come, with a field more.
fn traceparent(word: &str) -> String {
    format!("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-{word}")
}

/// The same body, of somebody new.
fn body(world: &World<'_>, path: &str, door: Door, what: &str) -> Vec<u8> {
    let person = world.stranger(path, door);
    bodies(&person).into_iter().find(|(name, _)| *name == what).map(|(_, body)| body).unwrap_or_default()
}

/// How many dead letters are collected.
pub(super) async fn letters(world: &World<'_>) -> anyhow::Result<u64> {
    let [count] = look::counts(&world.database, "SELECT count(*) FROM dead_letter").await?;
    Ok(count)
}
