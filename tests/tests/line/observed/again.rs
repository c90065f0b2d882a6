//! What goes on later belongs to the same trace: what a person lets go on, and what is published again.

use std::collections::BTreeSet;

use e2e::{Forms, Line, PATIENCE, Trace};
use serde_json::Value;
use testkit::{
    collector::{Collector, Span},
    wait,
};

use super::{check, send, settled, whole};
use crate::{holds, replay};

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
