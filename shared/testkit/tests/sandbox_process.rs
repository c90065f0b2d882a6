//! The sandbox as a process: start, address file, client key, stop.
#![allow(clippy::expect_used, reason = "a test's helpers fail the test")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use testkit::sandbox::{Addresses, Control};

/// Ends the process even if the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(folder: &Path, arguments: &[&str]) -> Running {
    let child = Command::new(env!("CARGO_BIN_EXE_sandbox"))
        .current_dir(folder)
        .args(arguments)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the sandbox starts");
    Running(child)
}

fn addresses(file: &Path) -> Addresses {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !file.exists() {
        assert!(Instant::now() < deadline, "no address file");
        std::thread::sleep(Duration::from_millis(10));
    }
    serde_json::from_str(&fs::read_to_string(file).expect("readable")).expect("addresses")
}

#[tokio::test]
async fn it_announces_itself_and_stops_in_order_on_both_signals() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(
            folder.path().join("slots.csv"),
            "clinic_id,provider,start,minutes\nc,p,2027-02-19T14:20:00Z,20\n",
        )
        .expect("slots");
        let file = folder.path().join("addresses.json");
        fs::write(&file, "left over").expect("an old file");
        let arguments = ["--slots", "slots.csv", "--auth", "on", "--smtp-starttls", "on", "--address-file"];
        // The old file goes first, so that nobody takes it for the new one.
        let mut running = start(folder.path(), &[&arguments[..], &["addresses.json"]].concat());
        let deadline = Instant::now() + Duration::from_secs(30);
        while fs::read_to_string(&file).is_ok_and(|text| text == "left over") {
            assert!(Instant::now() < deadline, "the old file stays");
            std::thread::sleep(Duration::from_millis(10));
        }
        let addresses = addresses(&file);
        assert_eq!(addresses.pid, running.0.id());
        for named in [&addresses.client_key_file, &addresses.smtp_ca_file] {
            let named = folder.path().join(named.as_deref().expect("a file"));
            assert!(fs::read_to_string(named).expect("readable").starts_with("-----BEGIN"));
        }
        let control = Control::new(&addresses.control_url).expect("a client");
        assert_eq!(control.counts().await.expect("counts").slots_free, 1);
        let process = Pid::from_raw(i32::try_from(running.0.id()).expect("a pid"));
        kill(process, signal).expect("a signal");
        assert_eq!(running.0.wait().expect("an end").code(), Some(0));
    }
}

#[test]
fn it_refuses_other_addresses_and_names_bad_files() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("bad.csv"), "clinic_id,provider,start,minutes\nc,p,soon,20\n")
        .expect("slots");
    for (arguments, reason) in [
        (["--listen", "0.0.0.0:0"], "loopback"),
        (["--smtp", "[::]:0"], "loopback"),
        (["--audience", "https://example.org/token"], "loopback"),
        (["--slots", "bad.csv"], "row 2"),
        (["--members", "missing.csv"], "missing.csv"),
        (["--faults", "bad.csv"], "not a list of rules"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_sandbox"))
            .current_dir(folder.path())
            .args(arguments)
            .output()
            .expect("the sandbox runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(reason) && said.contains("for tests and the demo only"), "{said}");
    }
}
