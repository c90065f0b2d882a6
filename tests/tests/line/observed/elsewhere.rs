//! What is to be seen of the same submissions beside their traces: on the broker, in the journal, in logs, and as metrics.

use std::collections::{BTreeMap, BTreeSet};

use e2e::{Line, PATIENCE};
use runtime::telemetry::catalogue;
use serde_json::Value;
use testkit::{collector::Collector, wait};

use super::Sent;

const SERVICES: [&str; 6] = ["gateway", "validation", "eligibility", "ehr-writer", "notification", "ops"];

/// Every message of the line that was announced has the correlation id of its trace.
pub(super) async fn on_the_broker(line: &Line, sent: &BTreeMap<String, Sent>) -> anyhow::Result<()> {
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

pub(super) async fn in_the_journal(line: &Line, sent: &BTreeMap<String, Sent>) -> anyhow::Result<()> {
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
pub(super) fn in_the_logs(line: &Line, sent: &BTreeMap<String, Sent>) -> anyhow::Result<()> {
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
pub(super) async fn metrics_are_told(line: &Line, collector: &Collector) -> anyhow::Result<()> {
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
    // What nothing happened to in this run: a breaker that opens, poison, a dead letter, a hold, a difference, silence, a pause;
    // and certificates, of which a line without TLS has none.
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
        catalogue::TLS_NOT_AFTER,
        catalogue::TLS_REFUSED,
    ];
    let quiet: BTreeSet<&str> = quiet.iter().map(|metric| metric.name).collect();
    let missing: Vec<_> =
        known.iter().filter(|name| !told.contains(*name) && !quiet.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "nobody tells {missing:?}");
    Ok(())
}

/// No span holds what a form holds: its e-mail addresses, whole, and its sender's id in a name.
pub(super) fn nobody_is_named(collector: &Collector, submissions: &[Value]) {
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
