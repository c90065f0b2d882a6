//! Keys of a vault, over its HTTP API.

use domain::{
    clock::{Clock as _, SystemClock},
    envelope::CONTENT_TYPE,
    hop::Event,
    seal::Keyring,
};
use jiff::SignedDuration;
use runtime::{
    Settings,
    config::{KeysSection, VaultSection},
    keys::{KeySource, Vault, sealing},
};
use testkit::vault;

use crate::support::{Act, fixture, message};

fn settings(url: &str, folder: &std::path::Path) -> VaultSection {
    let text = format!("[keys.vault]\nurl = \"{url}\"\nkey = \"frontdesk\"\ntoken_file = \"token\"\n");
    let settings = Settings::from_toml(&text, folder).unwrap();
    KeysSection::read(&settings).unwrap().vault.unwrap()
}

async fn ids(vault: &Vault) -> Result<Vec<String>, String> {
    let mut ids: Vec<_> =
        vault.load().await.map_err(|error| error.to_string())?.into_iter().map(|key| key.id).collect();
    ids.sort();
    Ok(ids)
}

#[tokio::test]
async fn a_vaults_versions_are_keys_and_rotate_and_retire_there() {
    let folder = tempfile::tempdir().unwrap();
    let server = vault::Vault::start("s.secret", "frontdesk", true).await.unwrap();
    let vault = Vault::new(&settings(server.url(), folder.path())).unwrap();
    assert!(ids(&vault).await.unwrap_err().contains("token"), "there is no token yet");
    std::fs::write(folder.path().join("token"), "s.wrong\n").unwrap();
    let error = ids(&vault).await.unwrap_err();
    assert!(error.contains("refuses the token") && !error.contains("s.wrong"), "{error}");
    std::fs::write(folder.path().join("token"), "s.secret\n").unwrap();
    assert_eq!(ids(&vault).await.unwrap(), ["frontdesk-v000001"], "a token that was renewed is used at once");
    for _ in 0..10 {
        vault.rotate().await.unwrap();
    }
    let keys = vault.load().await.unwrap();
    let at = SystemClock.now() + SignedDuration::from_mins(2);
    let by_age = keys.iter().map(|key| (key.id.as_str(), key.made));
    assert_eq!(sealing(by_age, at, std::time::Duration::from_secs(60)), Some("frontdesk-v000011"));
    server.retire_before(11);
    assert_eq!(ids(&vault).await.unwrap(), ["frontdesk-v000011"]);
}

#[tokio::test]
async fn a_key_that_may_not_leave_its_vault_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "t").unwrap();
    let server = vault::Vault::start("t", "frontdesk", false).await.unwrap();
    let vault = Vault::new(&settings(server.url(), folder.path())).unwrap();
    assert!(ids(&vault).await.unwrap_err().contains("answers 400"));
    let error = Vault::new(&settings("http://vault.example:8200", folder.path())).err().unwrap();
    assert!(error.to_string().contains("https"), "{error}");
}

#[tokio::test]
async fn while_the_keys_cannot_be_read_a_message_waits_for_its_key() {
    let f = fixture().await;
    let running = f.run();
    let both = [("2026-01".to_owned(), vec![10; 32]), ("2026-02".to_owned(), vec![11; 32])];
    let others = Keyring::new(both).unwrap();
    let envelope = message("clinic-n", "late key", Act::Emit).seal(&others).unwrap();
    let broken = f.folder().join("2026-02.key");
    std::fs::write(&broken, "half a ke").unwrap();
    f.publish_raw("clinic-n", f.properties(CONTENT_TYPE), envelope.to_vec().unwrap()).await;
    f.until(async || f.rows.all().iter().any(|row| row.event == Event::Retried)).await;
    let waits = f.rows.all().into_iter().find(|row| row.event == Event::Retried).unwrap();
    assert!(waits.submission.is_some() && waits.clinic.is_some(), "it is known whose it is");
    std::fs::write(&broken, "0b".repeat(32)).unwrap();
    let got = f.take("ehr-writer.north").await;
    assert_eq!(
        got.envelope().open::<crate::support::Onward>(&others).unwrap().secret.expose().text,
        "late key"
    );
    assert!(f.rows.all().iter().all(|row| row.event != Event::Died));
    f.stop(running).await;
}
