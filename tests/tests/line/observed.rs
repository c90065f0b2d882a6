//! Seen end to end: each of 200 submissions is one connected trace over all services, under one correlation id in spans, on the broker, in
//! logs and in the journal.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    CorrelationId,
    clock::{Clock as _, SystemClock},
};
use e2e::{Forms, Line, PATIENCE, Trace, post, post_within};
use runtime::telemetry::catalogue;
use serde_json::{Value, json};
use testkit::{
    collector::{Collector, Span},
    wait,
};

use crate::{holds, replay};

const SERVICES: [&str; 6] = ["gateway", "validation", "eligibility", "ehr-writer", "notification", "ops"];
/// What every trace has after the door: service, kind, name; where that ends with `*`, how it begins.
const EXPECTED: [(&str, &str, &str); 16] = [
    ("validation", "consumer", "process validation.*"),
    ("validation", "client", "admit submission"),
    ("validation", "client", "INSERT journal"),
    ("validation", "producer", "send intake.validated"),
    ("eligibility", "consumer", "process eligibility.*"),
    ("eligibility", "client", "POST eligibility"),
    ("eligibility", "client", "INSERT journal"),
    ("eligibility", "producer", "send intake.checked"),
    ("ehr-writer", "consumer", "process ehr-writer.*"),
    ("ehr-writer", "client", "begin ehr_op"),
    ("ehr-writer", "client", "POST Patient/_search"),
    ("ehr-writer", "client", "POST Appointment"),
    ("ehr-writer", "client", "settle ehr_op"),
    ("ehr-writer", "producer", "send intake.written"),
    ("notification", "consumer", "process notification.*"),
    ("notification", "client", "INSERT journal"),
];

/// What was sent.
struct Sent {
    submission: String,
    correlation: String,
    /// The sender's own span.
    root: String,
    by_http: bool,
    /// Whether the patient was told.
    told: bool,
}

/// Waits until all stand where they stay, and notes whose patients were told.
async fn settled(line: &Line, sent: &mut BTreeMap<String, Sent>) -> anyhow::Result<()> {
    let ids: Vec<String> = sent.values().map(|one| one.submission.clone()).collect();
    let rows = line.settled(&ids).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "{rows:?}");
    for one in sent.values_mut() {
        let row = rows.iter().find(|row| row.submission_id == one.submission).unwrap();
        one.told = row.notified.as_ref().is_some_and(|channels| !channels.is_empty());
    }
    Ok(())
}

/// Sends submissions as parts of traces of their own, every second one by HTTP and the others by AMQP; gives them by trace.
async fn send(line: &Line, submissions: &[Value]) -> anyhow::Result<BTreeMap<String, Sent>> {
    let mut sent = BTreeMap::new();
    for (n, submission) in submissions.iter().enumerate() {
        let trace = SystemClock.fresh_id().simple().to_string();
        let root = format!("{:016x}", n + 1);
        let traceparent = format!("00-{trace}-{root}-01");
        let by_http = n % 2 == 0;
        let correlation = if by_http {
            let answer = post_within(&line.endpoints.gateway, submission, &traceparent).await?;
            assert_eq!(answer.status().as_u16(), 202);
            let header = answer.headers()["x-correlation-id"].to_str()?.to_owned();
            let body: Value = answer.json().await?;
            assert_eq!(body["correlation_id"], header.as_str(), "the webhook's answer");
            header
        } else {
            let id = CorrelationId::from_uuid(SystemClock.fresh_id());
            line.broker.submit_within(submission, &traceparent, id).await?;
            id.to_string()
        };
        let submission = submission["submission_id"].as_str().unwrap().to_owned();
        sent.insert(trace, Sent { submission, correlation, root, by_http, told: false });
    }
    Ok(sent)
}

/// Whether a trace has all that it must have.
fn whole(trace: &Trace, sent: &Sent) -> bool {
    let door = [("gateway", "POST /v1/intake/{clinic}"), ("gateway", "send intake.ingest")];
    EXPECTED.iter().all(|(service, _, name)| trace.has(service, name))
        && (!sent.by_http || door.iter().all(|(service, name)| trace.has(service, name)))
        && (!sent.told || trace.has("notification", "begin notification"))
        && (!sent.told || ["POST message", "SMTP send"].iter().any(|name| trace.has("notification", name)))
        && trace.orphans(&sent.root).is_empty()
}

fn check(trace: &Trace, sent: &Sent) {
    let told = || trace.waterfall();
    for (service, kind, name) in EXPECTED {
        let span = trace.find(service, name).unwrap();
        assert_eq!(span.kind, kind, "{}", span.name);
    }
    for span in trace.spans() {
        assert_eq!(span.attribute("frontdesk.correlation"), sent.correlation, "{} of {}", span.name, told());
        assert!(!span.name.contains("clinic-") && !span.name.contains(&sent.submission), "{}", span.name);
        if ["producer", "consumer"].contains(&span.kind) {
            assert_eq!(span.attribute("messaging.system"), "rabbitmq");
            assert_eq!(span.attribute("messaging.message.conversation_id"), sent.correlation);
            assert!(!span.attribute("messaging.message.id").is_empty(), "{}", span.name);
            assert!(!span.attribute("messaging.destination.name").is_empty(), "{}", span.name);
            let operation = if span.kind == "producer" { "send" } else { "process" };
            assert_eq!(span.attribute("messaging.operation.type"), operation);
        }
        if span.kind == "consumer" && span.attribute("frontdesk.attempt") != "1" {
            assert!(!span.links.is_empty(), "an attempt is linked to the one before: {}", told());
        }
    }
}

#[tokio::test]
async fn each_submission_is_one_trace_under_one_correlation_id_everywhere() -> anyhow::Result<()> {
    let collector = Collector::start().await?;
    let settings = [
        ("FRONTDESK__TELEMETRY__OTLP_ENDPOINT", collector.url()),
        ("FRONTDESK__TELEMETRY__METRICS_EVERY_S", "1"),
    ];
    let line = Line::up_with(&["--lanes", "2"], &settings).await?;
    line.tap().await?;
    // Some are tried again, so that there are retries to be seen.
    let fault = json!({"kind": "error", "status": 503, "commit": "before"});
    line.faults(json!([{"class": "ehr", "fault": fault, "probability": 0.1, "count": 12}])).await?;
    let submissions = Forms::read()?.any(200)?;
    let mut sent = send(&line, &submissions).await?;
    settled(&line, &mut sent).await?;
    assert!(sent.values().filter(|one| one.told).count() > 50, "few patients were told");

    let all = || async {
        let traces = Trace::of(collector.spans());
        sent.iter().all(|(id, sent)| traces.get(id).is_some_and(|trace| whole(trace, sent)))
    };
    if wait::until(PATIENCE, all).await.is_err() {
        let traces = Trace::of(collector.spans());
        let (id, _) =
            sent.iter().find(|(id, sent)| !traces.get(*id).is_some_and(|trace| whole(trace, sent))).unwrap();
        let told = traces.get(id).map_or_else(String::new, Trace::waterfall);
        anyhow::bail!("a trace is not whole:\n{told}");
    }
    let traces = Trace::of(collector.spans());
    sent.iter().for_each(|(id, sent)| check(&traces[id], sent));
    let links: usize = traces.values().flat_map(Trace::spans).map(|span| span.links.len()).sum();
    assert!(links > 0, "nothing was tried again");
    nothing_else(&traces, &sent);
    // Each patient was created once, within a trace.
    let created = |span: &&Span| span.name == "POST Patient" && !span.failed;
    let created = traces.values().flat_map(Trace::spans).filter(created).count();
    assert_eq!(created, line.list("contents?type=Patient").await?.len());

    on_the_broker(&line, &sent).await?;
    in_the_journal(&line, &sent).await?;
    in_the_logs(&line, &sent)?;
    metrics_are_told(&line, &collector).await?;
    nobody_is_named(&collector, &submissions);
    if let Some(file) = std::env::var_os("FRONTDESK_WRITE_WATERFALL") {
        // The one with the most to see: told, and tried again.
        let links = |id: &str| traces[id].spans().iter().map(|span| span.links.len()).sum::<usize>().min(1);
        let (id, _) = sent.iter().max_by_key(|(id, sent)| (sent.by_http, sent.told, links(id))).unwrap();
        std::fs::write(file, traces[id].waterfall())?;
    }
    line.broker.close().await;
    Ok(())
}

/// Whatever else is exported is of no submission: it was asked whether the gateway is well.
fn nothing_else(traces: &BTreeMap<String, Trace>, sent: &BTreeMap<String, Sent>) {
    for trace in traces.iter().filter(|(id, _)| !sent.contains_key(*id)).map(|(_, trace)| trace) {
        let probe = |span: &Span| span.service == "gateway" && span.name.starts_with("GET /health/");
        assert!(trace.spans().iter().all(probe), "a stray trace:\n{}", trace.waterfall());
    }
}

/// Without sampling only what failed is exported, and what comes of it.
#[tokio::test]
async fn of_what_is_not_sampled_the_failures_are_kept() -> anyhow::Result<()> {
    let collector = Collector::start().await?;
    let settings = [
        ("FRONTDESK__TELEMETRY__OTLP_ENDPOINT", collector.url()),
        ("FRONTDESK__TELEMETRY__SAMPLE_RATIO", "0"),
    ];
    let line = Line::up_with(&["--lanes", "1"], &settings).await?;
    let fault = json!({"kind": "error", "status": 503, "commit": "before"});
    line.faults(json!([{"class": "ehr", "fault": fault, "count": 1}])).await?;
    let submissions = Forms::read()?.any(6)?;
    for submission in &submissions {
        assert_eq!(post(&line.endpoints.gateway, submission).await?.status().as_u16(), 202);
    }
    let rows = line.settled(&Forms::ids(&submissions)).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "{rows:?}");
    let again = |span: &Span| span.name.starts_with("process ehr-writer.") && !span.links.is_empty();
    let kept = || async { collector.spans().iter().any(|span| again(span) && !span.failed) };
    wait::until(PATIENCE, kept).await?;
    let spans = collector.spans();
    let traces: BTreeSet<&str> = spans.iter().map(|span| span.trace.as_str()).collect();
    assert_eq!(traces.len(), 1, "only the one that failed");
    let failed = spans.iter().find(|span| span.failed && span.name.starts_with("process ")).unwrap();
    assert!(spans.iter().all(|span| span.failed || span.begin >= failed.begin), "what went well before it");
    line.broker.close().await;
    Ok(())
}

/// What a person lets go on, and what is published again, goes on with the trace that it came in.
#[tokio::test]
async fn a_decision_belongs_to_the_trace_of_what_was_held() -> anyhow::Result<()> {
    let collector = Collector::start().await?;
    let settings = [("FRONTDESK__TELEMETRY__OTLP_ENDPOINT", collector.url())];
    let line = Line::up_with(&["--lanes", "1"], &settings).await?;
    let (known, doubtful) = holds::DOUBTFUL[0];
    let mut sent = send(&line, &[Forms::named(known)?]).await?;
    settled(&line, &mut sent).await?;
    let sent = send(&line, &[Forms::named(doubtful)?]).await?;
    let rows = line.settled(&[doubtful.to_owned()]).await?;
    assert_eq!(rows[0].state, "held");
    let held = async || {
        let holds = line.frontdesk(&["holds", "list", "--format", "json"]).await.ok()?;
        let holds: Value = serde_json::from_slice(&holds.stdout).ok()?;
        Some(holds.as_array()?.first()?["admission_id"].as_str()?.to_owned())
    };
    let hold = wait::until_some(PATIENCE, held).await?;
    let decide = ["holds", "decide", &hold, "different-person", "--reason", "by phone"];
    assert!(line.frontdesk(&decide).await?.status.success());
    let done =
        async || line.settled(&[doubtful.to_owned()]).await.is_ok_and(|rows| rows[0].state == "completed");
    wait::until(PATIENCE, done).await?;

    let (id, sent) = sent.iter().find(|(_, one)| one.submission == doubtful).unwrap();
    let all = || async {
        Trace::of(collector.spans()).get(id).is_some_and(|trace| {
            trace.has("ops", "release hold") && trace.has("notification", "process notification.*")
        })
    };
    let complete = wait::until(PATIENCE, all).await;
    let traces = Trace::of(collector.spans());
    let trace = &traces[id];
    assert!(complete.is_ok(), "{}", trace.waterfall());
    // Each decision and each release begins anew within the trace: the journal has the trace's id, and no span's.
    let roots: BTreeSet<&str> = trace.orphans(&sent.root).iter().map(|span| span.name.as_str()).collect();
    assert_eq!(roots, BTreeSet::from(["decide hold", "release hold"]), "{}", trace.waterfall());
    let release = trace.find("ops", "release hold").unwrap();
    assert_eq!(trace.find("ops", "send intake.ingest").unwrap().parent.as_ref(), Some(&release.id));
    for span in trace.spans() {
        let correlation =
            [span.attribute("frontdesk.correlation"), span.attribute("messaging.message.conversation_id")];
        assert!(correlation.contains(&sent.correlation.as_str()), "{}: {}", span.name, trace.waterfall());
    }
    for event in ["ops.decided", "hold.released"] {
        let line = line.log("ops")?.into_iter().find(|line| line["message"] == event).unwrap();
        assert_eq!(line["correlation_id"], sent.correlation.as_str(), "{line}");
        assert_eq!(line["trace_id"], id.as_str(), "{line}");
    }
    line.broker.close().await;
    Ok(())
}

/// A dead letter and its replay belong to the same trace: what died is collected below the hand-off to the dead letters, and sent again below that.
#[tokio::test]
async fn a_replay_goes_on_with_the_trace_of_what_died() -> anyhow::Result<()> {
    let collector = Collector::start().await?;
    let settings = [("FRONTDESK__TELEMETRY__OTLP_ENDPOINT", collector.url())];
    let line = Line::up_with(&["--lanes", "1"], &settings).await?;
    line.template(replay::CLINIC, Some(replay::BAD))?;
    line.kill_9("validation").await?;
    let submissions = Forms::read()?.of(replay::CLINIC, 1)?;
    let mut sent = send(&line, &submissions).await?;
    line.dead_letters(1).await?;
    // What was not sent yet would die with the process.
    let died = || async {
        Trace::of(collector.spans()).values().any(|trace| {
            trace.has("validation", "send validation.lane-1.dlx")
                && trace.has("validation", "process validation.lane-1")
        })
    };
    wait::until(PATIENCE, died).await?;
    line.template(replay::CLINIC, None)?;
    line.kill_9("validation").await?;
    let (plan, _) = replay::plan(&line).await?;
    let (code, said, error) = replay::dlq(&line, &["replay", &plan, "--watch", "--reason", "mended"]).await?;
    assert_eq!(code, Some(0), "{said}{error}");
    settled(&line, &mut sent).await?;
    let (id, sent) = sent.iter().next().unwrap();
    let all = || async { Trace::of(collector.spans()).get(id).is_some_and(|trace| whole(trace, sent)) };
    let complete = wait::until(PATIENCE, all).await;
    let traces = Trace::of(collector.spans());
    let trace = traces.get(id).unwrap();
    assert!(complete.is_ok(), "{}", trace.waterfall());
    check(trace, sent);
    let of = |service: &str, name: &str| {
        let fits = |one: &&Span| one.service == service && one.name == name;
        trace.spans().iter().filter(fits).collect::<Vec<_>>()
    };
    let (handled, collected) =
        (of("validation", "process validation.lane-1"), of("ops", "process validation.lane-1.dlq"));
    let again = of("ops", "send validation.lane-1");
    assert_eq!((handled.len(), collected.len(), again.len()), (2, 1, 1), "{}", trace.waterfall());
    assert!(handled[0].failed && !handled[1].failed, "{}", trace.waterfall());
    assert_eq!(handled[0].attribute("error.type"), "template_failed");
    let collected = &collected[0].id;
    assert_eq!(again[0].parent.as_ref(), Some(collected));
    assert_eq!(again[0].links, [(id.clone(), collected.clone())]);
    assert_eq!(handled[1].parent.as_ref(), Some(&again[0].id));
    line.broker.close().await;
    Ok(())
}

/// Every message of the line that was announced has the correlation id of its trace.
async fn on_the_broker(line: &Line, sent: &BTreeMap<String, Sent>) -> anyhow::Result<()> {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for message in line.tapped().await? {
        let traceparent = message["properties"]["headers"]["traceparent"].as_str().unwrap();
        let trace = traceparent.split('-').nth(1).unwrap();
        assert_eq!(message["properties"]["correlation_id"], sent[trace].correlation.as_str());
        seen.entry(trace.to_owned()).or_default().insert(message["exchange"].as_str().unwrap().to_owned());
    }
    for trace in sent.keys() {
        let exchanges: Vec<&str> = seen[trace].iter().map(String::as_str).collect();
        assert_eq!(exchanges, ["intake.checked", "intake.ingest", "intake.validated", "intake.written"]);
    }
    Ok(())
}

async fn in_the_journal(line: &Line, sent: &BTreeMap<String, Sent>) -> anyhow::Result<()> {
    let url = std::fs::read_to_string(&line.endpoints.postgres.url_file)?;
    let (client, connection) = tokio_postgres::connect(url.trim(), tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    let rows =
        client.query("SELECT trace_id, correlation_id::text, submission_id, stage FROM journal", &[]).await?;
    drop(client);
    connection.await??;
    let mut stages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        let trace: String = row.try_get(0)?;
        let sent = &sent[&trace];
        assert_eq!(row.try_get::<_, String>(1)?, sent.correlation);
        assert_eq!(row.try_get::<_, String>(2)?, sent.submission);
        stages.entry(trace).or_default().insert(row.try_get(3)?);
    }
    assert!(stages.len() == sent.len() && stages.values().all(|stages| stages.len() == 4));
    Ok(())
}

/// The door tells of each request, the stages of what failed: always under both ids.
fn in_the_logs(line: &Line, sent: &BTreeMap<String, Sent>) -> anyhow::Result<()> {
    let mut answered = BTreeSet::new();
    let mut retried = 0;
    for service in ["gateway", "validation", "eligibility", "ehr-writer", "notification"] {
        for one in line.log(service)? {
            let message = one["message"].as_str().unwrap().to_owned();
            let about = message.starts_with("delivery.") || message == "gateway.answered";
            assert!(!about || one["correlation_id"].is_string(), "{one}");
            let Some(correlation) = one["correlation_id"].as_str() else { continue };
            let known = &sent[one["trace_id"].as_str().unwrap()];
            assert_eq!(correlation, known.correlation, "{one}");
            match message.as_str() {
                "gateway.answered" => drop(answered.insert(correlation.to_owned())),
                "delivery.retried" => retried += 1,
                _ => {}
            }
        }
    }
    let by_http: BTreeSet<String> =
        sent.values().filter(|sent| sent.by_http).map(|sent| sent.correlation.clone()).collect();
    assert_eq!(answered, by_http);
    assert!(retried > 0, "nothing was tried again");
    Ok(())
}

/// Told at `/metrics` and pushed, and all of it is in the catalogue.
async fn metrics_are_told(line: &Line, collector: &Collector) -> anyhow::Result<()> {
    let mut told = BTreeSet::new();
    for service in SERVICES {
        let text = line.metrics(service).await?;
        let names = text.lines().filter_map(|one| one.strip_prefix("# TYPE ")?.split(' ').next());
        told.extend(names.map(str::to_owned));
        for lane in ["lane=\"lane-1\"", "lane=\"default\""] {
            let stage = !["gateway", "ops"].contains(&service);
            assert!(!stage || text.contains(lane), "{service} does not tell of {lane}");
        }
        let pushed = || async { collector.metrics().iter().any(|(of, _)| of == service) };
        assert!(wait::until(PATIENCE, pushed).await.is_ok(), "{service} pushed nothing");
    }
    let known: BTreeSet<String> = catalogue::ALL.iter().map(|metric| metric.name.to_owned()).collect();
    assert_eq!(told.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
    // What nothing happened to in this run: a breaker that opens, poison, a dead letter, a hold, a difference, silence, a pause.
    let quiet = [
        catalogue::BREAKER_OPENED,
        catalogue::COLLECTED,
        catalogue::DEAD_LETTERS,
        catalogue::DIFFERENCES,
        catalogue::EFFECTS,
        catalogue::GAPS,
        catalogue::HOLDS,
        catalogue::RECONCILED,
        catalogue::SILENT,
        catalogue::SWITCHES,
    ];
    let quiet: BTreeSet<&str> = quiet.iter().map(|metric| metric.name).collect();
    let missing: Vec<_> =
        known.iter().filter(|name| !told.contains(*name) && !quiet.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "nobody tells {missing:?}");
    Ok(())
}

/// No span holds what a form holds: its e-mail addresses, whole, and its sender's id in a name.
fn nobody_is_named(collector: &Collector, submissions: &[Value]) {
    let spans = collector.spans();
    let texts: String = spans
        .iter()
        .flat_map(|span| span.attributes.values().map(String::as_str).chain([span.name.as_str()]))
        .fold(String::new(), |all, text| all + text + "\n");
    assert!(!texts.contains('@'), "an address in a span");
    for submission in submissions {
        let mut found = Vec::new();
        strings(&submission["form"], &mut found);
        for text in found.iter().filter(|text| text.len() > 9) {
            assert!(!texts.contains(text.as_str()), "a form's value in a span");
        }
    }
}

fn strings(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, out)),
        Value::Object(members) => members.values().for_each(|item| strings(item, out)),
        _ => {}
    }
}
