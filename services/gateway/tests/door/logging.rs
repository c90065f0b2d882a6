//! What a request leaves in the log: one line, without a word of the sender's.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use crate::support::{Door, keyed, submission, with};

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn one_line_a_request_and_nothing_that_was_sent() {
    let sink = Sink::default();
    let writer = sink.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let door = Door::open();
    let whole = submission("s-1").to_string();
    let accepted = door.send(keyed("/v1/intake/clinic-01", whole.clone())).await;
    let refused = [
        keyed("/v1/intake/clinic-01/Canary-form", r#"{"LAST":"Canary","LAST":"Canary"}"#),
        keyed("/v1/intake/Canary%20Smith?name=Canary", whole.clone()),
        keyed("/Canary", whole.clone()),
        with(keyed("/v1/intake/clinic-01", whole.clone()), "idempotency-key", "Canary-key"),
        with(keyed("/v1/intake/clinic-01", whole), "x-api-key", "Canary-key"),
    ];
    for request in refused {
        door.send(request).await;
    }
    let log = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("gateway.answered")).collect();
    assert_eq!(lines.len(), 6, "{log}");
    assert!(!log.contains("Canary") && !log.contains("kiosk-key"), "{log}");
    for part in ["/v1/intake/{clinic}", "202", "kiosks", "clinic-01", accepted.header("x-correlation-id")] {
        assert!(lines[0].contains(part), "{part} in {}", lines[0]);
    }
    for (line, code) in lines[1..].iter().zip([
        "duplicate_key",
        "unknown_clinic",
        "not_found",
        "idempotency_key_mismatch",
        "unauthorized",
    ]) {
        assert!(line.contains(code), "{code} in {line}");
    }
}
