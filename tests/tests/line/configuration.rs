//! A wrong configuration is told, by its key, before anything is connected.

use std::process::Command;

use e2e::binary;

/// A broker and a database that nobody has: a service that tried them first would not fail at once, or not with this.
const SOUND: &str = r#"
[tls]
plain = "loopback"
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

/// What no service starts with unless its settings let it: `docs/tls.md` promises it.
#[test]
fn every_service_refuses_what_goes_without_tls() {
    for service in SERVICES {
        for (from, to, key) in [
            ("plain = \"loopback\"", "", "amqp.url"),
            ("amqp://nobody:nothing@127.0.0.1", "amqp://nobody:nothing@broker.example", "amqp.url"),
            ("@127.0.0.1:9/none", "@db.example/none", "postgres.url"),
            ("@127.0.0.1:9/none", "@db.example/none?sslmode=disable", "postgres.url"),
            ("[health]", "[ehrs.main]\nurl = \"http://ehr.example\"\n[health]", "ehrs.main.url"),
            ("[health]", "[ops]\nlisten = \"0.0.0.0:9\"\n[health]", "ops.listen"),
        ] {
            let (code, stderr) = said(service, &SOUND.replace(from, to));
            assert_eq!(code, Some(1), "{service}: {stderr}");
            let names =
                stderr.contains(&format!("`{key}`: goes without TLS")) && stderr.contains("docs/tls.md");
            assert!(names, "{service} should name {key}: {stderr}");
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

/// The clinics of this checkout: the stages check their own sections against them.
const CLINICS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../clinics");

#[test]
fn every_service_checks_its_own_sections() {
    let with = |more: &str| {
        format!("{}\n{more}", SOUND.replace("dirs = [\"clinics\"]", &format!("dirs = [{CLINICS:?}]")))
    };
    let ehr = "[ehrs.sandbox]\nurl = \"http://127.0.0.1:9\"\n";
    let sections = "[gateway]\nlisten = \"127.0.0.1:0\"\n";
    for (service, text, key) in [
        ("gateway", with("[gateway]\nlisten = \"here\"\nsources_file = \"none\""), "gateway.listen"),
        ("gateway", with(&format!("{sections}sources_file = \"none\"")), "gateway.sources_file"),
        ("ops", with("[ops]\nlisten = \"127.0.0.1:0\"\ntokens_file = \"none\""), "ops.tokens_file"),
        ("validation", SOUND.to_owned(), "clinics.dirs"),
        ("validation", with("").replace("[keys]", "pool_size = 0\n[keys]"), "postgres.pool_size"),
        ("eligibility", with(""), "payers"),
        ("eligibility", with("[payers.p]\nprotocol = \"fax\""), "payers"),
        ("ehr-writer", with(""), "ehrs.sandbox"),
        ("ehr-writer", with(&format!("{ehr}profile = \"none\"")), "ehrs.sandbox.profile"),
        ("notification", with(""), "smtp"),
        (
            "notification",
            with("[notification]\nquiet = true\n[sms]\nurl = \"http://sms.example\""),
            "sms.url",
        ),
    ] {
        let (code, stderr) = said(service, &text);
        assert_eq!(code, Some(1), "{service}, {key}: {stderr}");
        assert!(stderr.contains(key), "{service} should name {key}: {stderr}");
    }
}
