//! Seen end to end: each of 200 submissions is one connected trace over all services, under one correlation id in spans, on the broker, in
//! logs and in the journal.

mod again;
mod elsewhere;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    CorrelationId,
    clock::{Clock as _, SystemClock},
};
use e2e::{Forms, Line, PATIENCE, Trace, post, post_within};
use serde_json::{Value, json};
use testkit::{
    collector::{Collector, Span},
    wait,
};

use self::elsewhere::{in_the_journal, in_the_logs, metrics_are_told, nobody_is_named, on_the_broker};

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
