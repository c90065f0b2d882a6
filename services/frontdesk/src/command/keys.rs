//! `frontdesk keys`.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use domain::clock::{Clock as _, SystemClock};
use jiff::{SignedDuration, Timestamp};
use ledger::Store;
use runtime::{
    Settings,
    config::KeysSection,
    keys::{Key, KeyFiles, KeySource, Vault, fresh_id, sealing},
};
use serde::Serialize;

use super::{how::Format, migrate::ConfigArgs};
use crate::{local::Layout, output};

/// The sealing keys: which there are, which one seals, and a new one. No key's content is ever shown.
///
/// A new key does not seal at once. First every process learns to open with it, and once it is `[keys] settle_s` old all of them seal
/// with it. Nothing has to be restarted. A key that was taken away opens nothing any more: docs/keys.md says when that may be.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes:\n  0  done\n  1  nothing was done: the configuration, the keys, the vault or the database\n  2  the command line"
)]
pub struct KeysCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The keys by age, with what each does.
    List {
        /// Also count what the database keeps that is sealed with each. It reads all of that.
        #[arg(long)]
        used: bool,
        /// How it is written.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Make a new key, beside the others.
    Rotate {
        #[command(flatten)]
        config: ConfigArgs,
    },
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Does {
    /// It seals what is new, and opens.
    Seals,
    /// It opens what was sealed with it.
    Opens,
    /// It will seal once it has settled.
    Settles,
}

impl Does {
    const fn text(self) -> &'static str {
        match self {
            Self::Seals => "seals",
            Self::Opens => "opens",
            Self::Settles => "settles",
        }
    }
}

/// One key as it is shown.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    does: Does,
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<BTreeMap<String, u64>>,
}

impl KeysCommand {
    /// Does it.
    ///
    /// # Errors
    /// If the keys cannot be read or none can be made.
    pub async fn run(&self, layout: &Layout) -> anyhow::Result<()> {
        match &self.what {
            What::List { used, format, config } => list(&config.load(layout)?, *used, *format).await,
            What::Rotate { config } => rotate(&config.load(layout)?).await,
        }
    }
}

async fn list(settings: &Settings, used: bool, format: Format) -> anyhow::Result<()> {
    let section = KeysSection::read(settings)?;
    let keys = source(settings, &section)?.load().await.context("the keys")?;
    let mut rows = rows(&keys, SystemClock.now(), &section);
    if used {
        let store = Store::connect(&settings.section("postgres")?, Arc::new(SystemClock)).await?;
        let mut by_key: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for one in store.sealed_under().await? {
            by_key.entry(one.key).or_default().insert(one.table, one.rows);
        }
        rows.iter_mut().for_each(|row| row.used = Some(by_key.remove(&row.id).unwrap_or_default()));
        for (id, tables) in &by_key {
            let number: u64 = tables.values().sum();
            output::line(&format!(
                "{number} rows are sealed with {id}, which is not here: they cannot be opened"
            ));
        }
    }
    match format {
        Format::Json => output::result(&serde_json::to_string_pretty(&rows)?)?,
        Format::Table => output::result(&table(&rows))?,
    }
    Ok(())
}

/// The keys by age. What is younger than the one that seals is on its way there.
fn rows(keys: &[Key], now: Timestamp, section: &KeysSection) -> Vec<Row> {
    let ids = keys.iter().map(|key| (key.id.as_str(), key.made));
    let seals = sealing(ids, now, section.settle()).unwrap_or_default();
    let does = |id: &str| match id.cmp(seals) {
        std::cmp::Ordering::Less => Does::Opens,
        std::cmp::Ordering::Equal => Does::Seals,
        std::cmp::Ordering::Greater => Does::Settles,
    };
    let mut rows: Vec<Row> = keys
        .iter()
        .map(|key| Row { id: key.id.clone(), does: does(&key.id), made: key.made, used: None })
        .collect();
    rows.sort_by(|one, other| one.id.cmp(&other.id));
    rows
}

fn table(rows: &[Row]) -> String {
    let mut table = output::wide_table();
    table.set_header(["key", "made", "does", "rows sealed with it"]);
    for row in rows {
        let made = row.made.map_or_else(|| "-".to_owned(), |made| made.to_string());
        let used = row.used.as_ref().map_or_else(
            || "not counted".to_owned(),
            |tables| {
                let each = tables.iter().map(|(table, rows)| format!("{table} {rows}"));
                Some(each.collect::<Vec<_>>().join(", "))
                    .filter(|text| !text.is_empty())
                    .unwrap_or("none".to_owned())
            },
        );
        table.add_row([row.id.as_str(), &made, row.does.text(), &used]);
    }
    table.to_string()
}

async fn rotate(settings: &Settings) -> anyhow::Result<()> {
    let section = KeysSection::read(settings)?;
    let now = SystemClock.now();
    let name = match (&section.sealing_dir, &section.vault) {
        (_, Some(vault)) => {
            Vault::new(vault)?.rotate().await?;
            format!("a new version of {}", vault.key)
        }
        (Some(folder), None) => {
            let files = KeyFiles::new(settings.resolve(folder));
            let id = fresh_id(now);
            // One that would never seal is no rotation.
            let last = files.read()?.into_iter().map(|key| key.id).max();
            if let Some(other) = last.filter(|last| *last >= id) {
                bail!(
                    "the key {other} does not sort before {id}, and would go on sealing: nothing was made; see docs/keys.md"
                );
            }
            let bytes: [u8; 32] = std::array::from_fn(|_| rand::random());
            files.add(&id, &bytes).context("the new key cannot be written")?;
            id
        }
        (None, None) => bail!("configuration key `keys.sealing_dir`: missing; give it or [keys.vault]"),
    };
    let settle = SignedDuration::try_from(section.settle())?;
    let from = now.checked_add(settle)?.round(jiff::Unit::Second)?;
    output::result(&format!(
        "{name} is there. Every process learns it within {} s, and seals with it from {from} on.",
        section.reload_s
    ))?;
    Ok(())
}

fn source(settings: &Settings, section: &KeysSection) -> anyhow::Result<Box<dyn KeySource>> {
    Ok(match (&section.sealing_dir, &section.vault) {
        (_, Some(vault)) => Box::new(Vault::new(vault)?),
        (Some(folder), None) => Box::new(KeyFiles::new(settings.resolve(folder))),
        (None, None) => bail!("configuration key `keys.sealing_dir`: missing; give it or [keys.vault]"),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use runtime::{Settings, config::KeysSection, keys::Key};

    use super::{Does, rotate, rows, table};

    fn settings(folder: &Path) -> Settings {
        Settings::from_toml("[keys]\nsealing_dir = \".\"\nreload_s = 1\nsettle_s = 60\n", folder).unwrap()
    }

    #[test]
    fn each_key_says_what_it_does_and_not_what_it_is() {
        let section = KeysSection::read(&settings(Path::new("/nowhere"))).unwrap();
        let ids = ["2026-11-22T203500Z", "2025-01", "2026-10-01T000000Z"];
        let keys: Vec<_> = ids.iter().map(|id| Key::new((*id).to_owned(), vec![0xab; 32])).collect();
        let rows = rows(&keys, "2026-11-22T20:35:30Z".parse().unwrap(), &section);
        let does: Vec<_> = rows.iter().map(|row| (row.id.as_str(), row.does)).collect();
        assert_eq!(does, [(ids[1], Does::Opens), (ids[2], Does::Seals), (ids[0], Does::Settles)]);
        let shown = table(&rows) + &serde_json::to_string(&rows).unwrap();
        assert!(shown.contains("settles") && !shown.contains("abab"), "{shown}");
    }

    #[tokio::test]
    async fn a_new_key_sorts_behind_all_others_or_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("2025-01.key"), "0a".repeat(32)).unwrap();
        rotate(&settings(folder.path())).await.unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        std::fs::write(folder.path().join("local-1.key"), "0b".repeat(32)).unwrap();
        let error = rotate(&settings(folder.path())).await.unwrap_err().to_string();
        assert!(error.contains("local-1 does not sort before"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
