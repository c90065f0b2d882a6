//! The boot, as the process that it makes: the example stage, run as a service is.

use std::{
    path::PathBuf,
    process::{Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use domain::{
    Exchange, Phi,
    envelope::{CONTENT_TYPE, Message, Secret},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use runtime::amqp::header;
use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};

use crate::support::{CANARY, Fixture, fixture, message};

#[derive(Serialize, Deserialize)]
struct Text {
    text: String,
}

impl Secret for Text {
    const SCHEMA: &'static str = "example.ping.v1";
    const EXCHANGE: Exchange = Exchange::Validated;
}

/// Cargo puts examples beside the tests that it builds.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/stage")
}

fn start(settings: &str, environment: &[(&str, &str)]) -> (Child, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("frontdesk.toml");
    std::fs::write(&file, settings).unwrap();
    std::fs::write(folder.path().join("2026-01.key"), "0a".repeat(32)).unwrap();
    let child = Command::new(program())
        .arg("--config")
        .arg(&file)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    (child, folder)
}

async fn end(child: Child) -> Output {
    tokio::time::timeout(crate::support::DEADLINE, child.wait_with_output()).await.unwrap().unwrap()
}

fn terminate(child: &Child) {
    let pid = i32::try_from(child.id().unwrap()).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
}

/// Counts what it is sent, as a collector would take it.
async fn collector() -> (String, Arc<AtomicUsize>) {
    let batches = Arc::new(AtomicUsize::new(0));
    let count = batches.clone();
    let take = axum::routing::post(move || async move {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        axum::serve(listener, axum::Router::new().route("/v1/traces", take)).await.unwrap()
    });
    (format!("http://{address}"), batches)
}

async fn get(address: &str, path: &str) -> (u16, String) {
    match reqwest::get(format!("http://{address}{path}")).await {
        Ok(response) => (response.status().as_u16(), response.text().await.unwrap()),
        Err(_) => (0, String::new()),
    }
}

fn settings(f: &Fixture, endpoint: &str) -> String {
    format!(
        "[tls]\nplain = \"loopback\"\n[amqp]\nurl = \"{}\"\n[keys]\nsealing_dir = \".\"\n[lanes.north]\n\
         [health]\nlisten = \"127.0.0.1:0\"\naddress_file = \"health\"\n[telemetry]\notlp_endpoint = \"{endpoint}\"\n",
        f.vhost.amqp_url()
    )
}

#[tokio::test]
async fn a_service_starts_works_traces_and_stops() {
    let f = fixture().await;
    let (endpoint, batches) = collector().await;
    let (child, folder) = start(&settings(&f, &endpoint), &[("FRONTDESK__STAGE__LANES", "default,north")]);
    let file = folder.path().join("health");
    let mut address = String::new();
    f.until(async || {
        address = std::fs::read_to_string(&file).unwrap_or_default().trim().to_owned();
        !address.is_empty() && get(&address, "/health/ready").await.0 == 200
    })
    .await;
    assert_eq!(get(&address, "/health/live").await.0, 200);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id().unwrap())).unwrap();
    let cores = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(cores.split_whitespace().collect::<Vec<_>>(), ["0", "0", "bytes"], "no dump of what it holds");

    let ping =
        Message { meta: message("clinic-n", "", crate::support::Act::Emit).meta, secret: Phi::new(text()) };
    let envelope = ping.seal(&f.keys()).unwrap();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let properties = f
        .properties(CONTENT_TYPE)
        .header(header::TRACEPARENT, Some(format!("00-{trace}-b7ad6b7169203331-01")))
        .header("tracestate", Some("patient=Canary"))
        .header("baggage", Some("patient=Canary"));
    f.publish_raw("clinic-n", properties, envelope.to_vec().unwrap()).await;
    let got = f.take("ehr-writer.north").await;
    let parent = got.header(header::TRACEPARENT).unwrap();
    assert!(parent.contains(trace) && !parent.contains("b7ad6b7169203331"), "a span of its own: {parent}");
    assert_eq!((got.header("tracestate"), got.header("baggage")), (None, None), "any text: not carried");
    let metrics = get(&address, "/metrics").await.1;
    assert!(
        metrics.contains("frontdesk_deliveries_received_total{lane=\"north\",service=\"echo\"} 1"),
        "{metrics}"
    );

    terminate(&child);
    let output = end(child).await;
    assert!(output.status.success(), "{output:?}");
    assert!(batches.load(Ordering::Relaxed) > 0, "what was traced was sent");
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(!log.contains(CANARY));
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for event in
        ["service.starting", "health.listening", "broker.connected", "lane.consuming", "service.stopped"]
    {
        assert!(lines.iter().any(|line| line["message"] == event), "{event} in {log}");
    }
}

#[cfg(debug_assertions)]
#[tokio::test]
async fn a_drill_kills_at_its_point_and_nothing_is_lost() {
    use std::os::unix::process::ExitStatusExt;

    let f = fixture().await;
    let requests = tempfile::tempdir().unwrap();
    let file = requests.path().join("request");
    std::fs::write(&file, "ack.before 2\n").unwrap();
    let more = [
        ("FRONTDESK__STAGE__LANES", "north"),
        ("FRONTDESK__DRILL__REQUEST_FILE", file.to_str().unwrap()),
        ("FRONTDESK__DRILL__OFF", ""),
    ];
    let (child, _folder) = start(&settings(&f, "http://127.0.0.1:1"), &more);
    f.until(async || !file.exists()).await;
    for _ in 0..2 {
        let meta = message("clinic-n", "", crate::support::Act::Emit).meta;
        let envelope = Message { meta, secret: Phi::new(text()) }.seal(&f.keys()).unwrap();
        f.publish_raw("clinic-n", f.properties(CONTENT_TYPE), envelope.to_vec().unwrap()).await;
        f.take("ehr-writer.north").await;
    }
    let output = end(child).await;
    assert_eq!(output.status.signal(), Some(9), "{output:?}");
    let log = std::fs::read_to_string(requests.path().join("request.log")).unwrap();
    assert_eq!(log, "ack.before\n");
    assert!(String::from_utf8(output.stdout).unwrap().contains("drill.crash"));
    // What was not acknowledged comes again.
    f.until(async || f.peek.ready("eligibility.north").await == 1).await;
}

fn text() -> Text {
    Text { text: CANARY.to_owned() }
}

#[tokio::test]
async fn a_wrong_setting_is_named_before_anything_is_connected() {
    // Nothing listens there: a service that tried to connect would wait for it.
    let broker = "[tls]\nplain = \"loopback\"\n[amqp]\nurl = \"amqp://u:hunter2@127.0.0.1:1\"\n[keys]\nsealing_dir = \".\"\n";
    for (settings, environment, key) in [
        (
            format!("{broker}[stage]\nprefetch = 0"),
            [("FRONTDESK__STAGE__CONCURRENCY", "1")],
            "`stage.prefetch`",
        ),
        (
            broker.to_owned(),
            [("FRONTDESK__STAGE__LANES", "south")],
            "`stage.lanes`: there is no [lanes.south]",
        ),
        (broker.to_owned(), [("FRONTDESK__AMQP__URL", "http://hunter2")], "`amqp.url`"),
        (broker.to_owned(), [("FRONTDESK__KEYS__SEALING_DIR", "elsewhere")], "`keys.sealing_dir`"),
        (
            broker.to_owned(),
            [("FRONTDESK__AMQP__URL", "amqp://u:hunter2@broker.example")],
            "`amqp.url`: goes without TLS",
        ),
        (broker.to_owned(), [("FRONTDESK__TLS__PLAIN", "refuse")], "`amqp.url`: goes without TLS"),
        (
            broker.replace("amqp://", "amqps://"),
            [("FRONTDESK__AMQP__CA_FILE", "/nowhere/ca.pem")],
            "`amqp.ca_file`: /nowhere/ca.pem cannot be read",
        ),
        #[cfg(debug_assertions)]
        (broker.to_owned(), [("FRONTDESK__DRILL__OFF", "fencing,hunter2")], "`drill.off`"),
        (
            "[keys]\nsealing_dir = \".\"".to_owned(),
            [("FRONTDESK__STAGE__PREFETCH", "64")],
            "`amqp.url`: missing",
        ),
    ] {
        let (child, _folder) = start(&settings, &environment);
        let output = end(child).await;
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with("echo: ") && said.contains(key), "{key}: {said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
        assert!(
            !said.contains("hunter2") && !String::from_utf8_lossy(&output.stdout).contains("hunter2"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_broker_that_is_down_is_waited_for_and_reported() {
    let settings = "[tls]\nplain = \"loopback\"\n[amqp]\nurl = \"amqp://127.0.0.1:1\"\n[keys]\nsealing_dir = \".\"\n\
                    [health]\nlisten = \"127.0.0.1:0\"\naddress_file = \"health\"\n";
    let (child, folder) = start(settings, &[]);
    let file = folder.path().join("health");
    testkit::wait::until(crate::support::DEADLINE, || {
        let address = std::fs::read_to_string(&file).unwrap_or_default();
        async move { !address.is_empty() && get(address.trim(), "/health/ready").await.1.contains("broker") }
    })
    .await
    .unwrap();
    let address = std::fs::read_to_string(&file).unwrap();
    assert_eq!(get(address.trim(), "/health/ready").await.0, 503);
    terminate(&child);
    assert!(end(child).await.status.success(), "a stop is a stop, broker or not");
}

#[tokio::test]
async fn certificates_are_followed_and_how_they_stand_is_told() {
    let certificates = tempfile::tempdir().unwrap();
    let authority = testkit::certificates::Authority::new("ours").unwrap();
    let ca = authority.write(certificates.path(), "ca").unwrap();
    // No exception is asked for: over TLS a service starts as in production.
    let settings = format!(
        "[tls]\nreload_s = 1\n[amqp]\nurl = \"amqps://u:p@127.0.0.1:1/%2f\"\nca_file = {ca:?}\n[keys]\nsealing_dir = \".\"\n\
         [health]\nlisten = \"127.0.0.1:0\"\naddress_file = \"health\"\n"
    );
    let (child, folder) = start(&settings, &[]);
    let file = folder.path().join("health");
    let told = |line: &'static str| {
        let address = std::fs::read_to_string(&file).unwrap_or_default();
        async move { !address.is_empty() && get(address.trim(), "/metrics").await.1.contains(line) }
    };
    let refused = [
        "frontdesk_tls_refused{section=\"amqp\",service=\"echo\"} 0\n",
        "frontdesk_tls_refused{section=\"amqp\",service=\"echo\"} 1\n",
    ];
    let until = async |line: &'static str| {
        testkit::wait::until(crate::support::DEADLINE, || told(line)).await.unwrap();
    };
    until(refused[0]).await;
    std::fs::write(&ca, "hunter2").unwrap();
    until(refused[1]).await;
    until("frontdesk_tls_not_after_timestamp_seconds{file=\"amqp.ca_file\",service=\"echo\"} ").await;
    std::fs::write(&ca, authority.pem()).unwrap();
    until(refused[0]).await;
    terminate(&child);
    let output = end(child).await;
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.matches("tls.not_usable").count(), 1, "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}
