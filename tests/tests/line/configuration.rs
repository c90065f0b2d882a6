//! A wrong configuration is told, by its key, before anything is connected.

use std::process::Command;

use e2e::binary;

/// A broker and a database that nobody has: a service that tried them first would not fail at once, or not with this.
const SOUND: &str = r#"
[amqp]
url = "amqp://nobody:nothing@127.0.0.1:9/%2f"
[postgres]
url = "postgres://nobody:nothing@127.0.0.1:9/none"
[keys]
sealing_dir = "sealing"
index_file = "index.key"
[clinics]
dirs = ["clinics"]
[health]
listen = "127.0.0.1:0"
[lanes.default]
clinics = []
"#;

const SERVICES: [&str; 6] = ["gateway", "validation", "eligibility", "ehr-writer", "notification", "ops"];

fn said(service: &str, text: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("sealing")).unwrap();
    std::fs::create_dir_all(folder.path().join("clinics")).unwrap();
    let key = "ab".repeat(32);
    std::fs::write(folder.path().join("sealing/2026-01.key"), &key).unwrap();
    std::fs::write(folder.path().join("index.key"), &key).unwrap();
    let file = folder.path().join("frontdesk.toml");
    std::fs::write(&file, text).unwrap();
    let output = Command::new(binary(service)).arg("--config").arg(&file).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn every_service_names_the_wrong_key_and_ends() {
    for service in SERVICES {
        for (text, key) in [
            (SOUND.replace("listen = \"127.0.0.1:0\"", "listen = \"here\""), "health.listen"),
            (SOUND.replace("[health]", "[telemetry]\nlogg = \"info\"\n[health]"), "logg"),
            (SOUND.replace("[lanes.default]", "[lanes.\"Not a lane\"]"), "lanes"),
        ] {
            let (code, stderr) = said(service, &text);
            assert_eq!(code, Some(1), "{service}: {stderr}");
            assert!(stderr.contains(key), "{service} should name {key}: {stderr}");
            assert!(!stderr.contains("nothing"), "{service} quotes a password: {stderr}");
        }
    }
}

#[test]
fn a_missing_file_is_named() {
    for service in SERVICES {
        let output =
            Command::new(binary(service)).args(["--config", "/nowhere/frontdesk.toml"]).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{service}: {stderr}");
        assert!(stderr.contains("/nowhere/frontdesk.toml"), "{service}: {stderr}");
    }
}
