use std::path::Path;

use super::{AmqpSection, KeysSection, RetrySection, Settings, StageSection, TelemetrySection, index_key};
use crate::keys;

fn settings(text: &str) -> Settings {
    Settings::from_toml(text, Path::new("/nowhere")).unwrap()
}

fn stage_error(text: &str) -> String {
    StageSection::read(&settings(text)).unwrap_err().to_string()
}

#[test]
fn absent_sections_are_defaults() {
    let section = StageSection::read(&settings("")).unwrap();
    assert_eq!((section.concurrency, section.prefetch), (64, 128));
    assert!(RetrySection::read(&settings("")).is_ok());
    assert!(TelemetrySection::read(&settings("")).is_ok());
}

#[test]
fn errors_name_the_key_and_why() {
    for (text, key, why) in [
        ("[stage]\nprefetch = \"many\"", "`stage.prefetch`", "expected"),
        ("[stage]\nprefetch = 1", "`stage.prefetch`", "at least"),
        ("[stage]\nprefetsch = 1", "`stage", "prefetsch"),
        ("[stage]\nlanes = [\"Not A Lane\"]", "`stage", "1 to 63"),
    ] {
        let error = stage_error(text);
        assert!(error.contains(key) && error.contains(why), "{text}: {error}");
    }
    let error = AmqpSection::read(&settings("")).unwrap_err().to_string();
    assert_eq!(error, "configuration key `amqp.url`: missing; give it or url_file");
}

#[cfg(debug_assertions)]
#[test]
fn a_drill_names_what_it_takes_away() {
    use domain::drill::Protection;

    use super::DrillSection;

    let text = "[drill]\nrequest_file = \"drill/request\"\noff = [\"confirms\", \"fencing\"]";
    let section = DrillSection::read(&settings(text)).unwrap();
    assert_eq!(section.off, [Protection::Confirms, Protection::Fencing]);
    assert_eq!(section.request_file.as_deref(), Some(Path::new("/nowhere/drill/request")));
    assert!(DrillSection::read(&settings("[drill]\noff = [\"\"]")).unwrap().off.is_empty());
    let error = DrillSection::read(&settings("[drill]\noff = [\"seatbelt\"]")).unwrap_err().to_string();
    assert!(error.contains("`drill.off`") && !error.contains("seatbelt"), "{error}");
}

#[test]
fn errors_do_not_quote_values() {
    let broken = "[amqp]\nurl = \"amqp://u:hunter2@host\nin_flight = 1";
    let Err(error) = Settings::from_toml(broken, Path::new("/nowhere")) else { panic!("read") };
    assert!(!error.to_string().contains("hunter2"), "{error}");
    assert!(error.to_string().contains("line"), "{error}");
    let error = AmqpSection::read(&settings("[amqp]\nin_flight = \"hunter2\"")).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
    assert!(error.contains("amqp.in_flight"), "{error}");
    let (section, _) = AmqpSection::read(&settings("[amqp]\nurl = \"amqp://u:hunter2@host\"")).unwrap();
    assert!(!format!("{section:?}").contains("hunter2"));
}

#[test]
fn secrets_and_keys_come_from_files_beside_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    at("amqp.url", "amqp://u:p@host\n");
    at("2026-01.key", &"0a".repeat(32));
    at("index", &"0b".repeat(32));
    let text = "[amqp]\nurl_file = \"amqp.url\"\n[keys]\nsealing_dir = \".\"\nindex_file = \"index\"";
    let settings = Settings::from_toml(text, folder.path()).unwrap();
    assert_eq!(AmqpSection::read(&settings).unwrap().1.expose(), "amqp://u:p@host");
    let now = "2026-11-22T20:00:00Z".parse().unwrap();
    assert_eq!(keys::of(&settings, now, &Default::default()).unwrap().unwrap().ring.ids(), ["2026-01"]);
    assert!(index_key(&settings).is_ok());
    at("2026-02.key", "not a key");
    let error = keys::of(&settings, now, &Default::default()).err().unwrap().to_string();
    assert!(error.contains("keys.sealing_dir") && error.contains("2026-02.key"), "{error}");
}

#[test]
fn the_index_key_is_no_sealing_key() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("2026-01.key"), "0a".repeat(32)).unwrap();
    std::fs::write(folder.path().join("index"), "0A".repeat(32)).unwrap();
    let text = "[keys]\nsealing_dir = \".\"\nindex_file = \"index\"";
    let settings = Settings::from_toml(text, folder.path()).unwrap();
    let error = index_key(&settings).unwrap_err().to_string();
    assert!(error.contains("keys.index_file") && error.contains("a key of its own"), "{error}");
}

#[test]
fn a_key_has_the_time_to_be_learnt_before_it_seals() {
    let read = |text: &str| KeysSection::read(&Settings::from_toml(text, Path::new("/")).unwrap());
    assert!(read("").is_ok_and(|section| section.reload() < section.settle()));
    for (text, key) in [
        ("[keys]\nreload_s = 0", "keys.reload_s"),
        ("[keys]\nreload_s = 30\nsettle_s = 20", "keys.settle_s"),
        ("[keys.vault]\nurl = \"https://vault.example\"\nkey = \"k\"", "token_file"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
}
