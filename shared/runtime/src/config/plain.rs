//! `[tls]`: what may go without it. One look at all settings, whoever reads them, so that no section can forget it.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Duration,
};

use serde::Deserialize;
use toml::{Table, Value};

use super::{ConfigError, Settings};

/// `[tls]`: certificates, and what may go without them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSection {
    /// Where connections and listeners may go without TLS.
    pub plain: Plain,
    /// Seconds between two looks for new certificates, at least 1.
    pub reload_s: u64,
}

/// Where TLS may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plain {
    /// Nowhere.
    #[default]
    Refuse,
    /// Within this machine: for development.
    Loopback,
    /// Anywhere: the network is protected by other means, such as a mesh.
    Anywhere,
}

impl Default for TlsSection {
    fn default() -> Self {
        Self { plain: Plain::Refuse, reload_s: 10 }
    }
}

impl TlsSection {
    /// Reads and checks the section.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let section: Self = settings.section("tls")?;
        if section.reload_s == 0 {
            return Err(ConfigError::key("tls.reload_s", "must be at least 1"));
        }
        Ok(section)
    }

    /// The time between two looks for new certificates.
    pub const fn reload(&self) -> Duration {
        Duration::from_secs(self.reload_s)
    }
}

/// Refuses what is plain and may not be.
pub(super) fn check(settings: &Settings) -> Result<(), ConfigError> {
    let plain = TlsSection::read(settings)?.plain;
    if plain == Plain::Anywhere {
        return Ok(());
    }
    let all: Table = settings.all()?;
    let mut found = Vec::new();
    look(&all, "", &|file| settings.resolve(file), &mut found);
    match found.into_iter().find(|one| plain == Plain::Refuse || !one.local) {
        Some(Found { key, advice, .. }) => {
            let unless = match plain {
                Plain::Loopback => "tls.plain = \"loopback\" lets only this machine's own addresses",
                _ => "only for development, tls.plain = \"loopback\" lets this machine's own addresses",
            };
            Err(ConfigError::key(key, format!("goes without TLS: {advice}; {unless}; see docs/tls.md")))
        }
        None => Ok(()),
    }
}

/// Something without TLS.
struct Found {
    key: String,
    advice: &'static str,
    /// Whether it stays within this machine.
    local: bool,
}

fn look(table: &Table, path: &str, resolve: &dyn Fn(&Path) -> std::path::PathBuf, found: &mut Vec<Found>) {
    for (name, value) in table {
        let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let (advice, local) = match value {
            Value::Table(inner) => {
                look(inner, &key, resolve, found);
                continue;
            }
            // Health and metrics hold no PHI, and their askers, the kubelet among them, have no certificates.
            Value::String(text) if name == "listen" && path != "health" => {
                if table.contains_key("cert_file") {
                    continue;
                }
                let local = text.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback());
                ("give cert_file and key_file in its section", local)
            }
            Value::String(text) if key == "smtp.security" && text == "none" => {
                let host = table.get("host").and_then(Value::as_str).unwrap_or_default();
                ("set it to starttls or tls", is_loopback(host))
            }
            // One that cannot be read is told by whoever needs it: not every service needs every section.
            Value::String(file) if name == "url_file" => {
                match std::fs::read_to_string(resolve(Path::new(file)))
                    .ok()
                    .and_then(|url| plain_url(url.trim()))
                {
                    Some(plain) => plain,
                    None => continue,
                }
            }
            Value::String(text) => match plain_url(text) {
                Some(plain) => plain,
                None => continue,
            },
            _ => continue,
        };
        found.push(Found { key, advice, local });
    }
}

/// What to do about a URL without TLS, and whether it stays within this machine; `None` for one with TLS, or no URL.
fn plain_url(text: &str) -> Option<(&'static str, bool)> {
    let Some((scheme, rest)) = text.split_once("://") else {
        // Postgres knows another form: `host=… user=…`.
        let pairs = || text.split_whitespace().filter_map(|pair| pair.split_once('='));
        let database = pairs().any(|(name, _)| matches!(name, "host" | "hostaddr" | "dbname"));
        let secure = pairs().any(|pair| pair == ("sslmode", "require"));
        return (database && !secure).then_some((POSTGRES, false));
    };
    let (head, query) = rest.split_once('?').unwrap_or((rest, ""));
    let pairs = || query.split('&').filter_map(|pair| pair.split_once('='));
    let authority = head.split(['/', '#']).next().unwrap_or_default();
    let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
    // A database's URL may name several hosts, and further ones behind the question mark.
    let local = hosts.split(',').all(|host| is_loopback(without_port(host)))
        && !pairs().any(|(name, _)| matches!(name, "host" | "hostaddr"));
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Some(("use https://", local)),
        "amqp" => Some(("use amqps://", local)),
        "postgres" | "postgresql" if pairs().any(|pair| pair == ("sslmode", "require")) => None,
        "postgres" | "postgresql" => Some((POSTGRES, local)),
        _ => None,
    }
}

const POSTGRES: &str = "add sslmode=require to the URL: certificate and host name are then always checked";

fn without_port(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{Settings, TlsSection};
    use crate::telemetry::catalogue::{TLS_NOT_AFTER, TLS_REFUSED};

    fn refused(text: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plain.url"), "amqp://u:hunter2@broker/%2f\n").unwrap();
        std::fs::write(folder.path().join("secure.url"), "amqps://u:hunter2@broker/%2f\n").unwrap();
        let settings = Settings::from_toml(text, folder.path()).unwrap();
        let error = settings.refuse_plain().err()?.to_string();
        assert!(!error.contains("hunter2") && error.contains("docs/tls.md"), "{error}");
        Some(error)
    }

    #[test]
    fn what_is_plain_is_refused_by_its_key() {
        for (text, key) in [
            ("[amqp]\nurl = 'amqp://u:hunter2@broker/%2f'", "amqp.url"),
            ("[amqp]\nurl = 'AMQP://u:hunter2@broker/%2f'", "amqp.url"),
            ("[amqp]\nurl_file = 'plain.url'", "amqp.url_file"),
            ("[management]\nurl = 'http://u:hunter2@broker:15672'", "management.url"),
            ("[postgres]\nurl = 'postgres://u:hunter2@db/x'", "postgres.url"),
            ("[postgres]\nurl = 'postgresql://u:hunter2@db/x?sslmode=prefer'", "postgres.url"),
            ("[postgres]\nurl = 'postgres://u:hunter2@db/x?sslmode=disable'", "postgres.url"),
            ("[postgres]\nurl = 'host=db user=u password=hunter2'", "postgres.url"),
            ("[telemetry]\notlp_endpoint = 'http://collector:4318'", "telemetry.otlp_endpoint"),
            ("[keys.vault]\nurl = 'http://vault:8200'", "keys.vault.url"),
            ("[ehrs.main]\nurl = 'http://ehr.example/fhir'\nplain_http = true", "ehrs.main.url"),
            ("[ehrs.main]\nurl = 'https://e'\ntoken_url = 'http://t.example'", "ehrs.main.token_url"),
            ("[payers.json]\nurl = 'http://payer.example'", "payers.json.url"),
            ("[sms]\nurl = 'http://sms.example'", "sms.url"),
            ("[smtp]\nhost = 'mail'\nsecurity = 'none'", "smtp.security"),
            ("[gateway]\nlisten = '0.0.0.0:8080'", "gateway.listen"),
            ("[gateway]\npublic_url = 'http://intake.example'", "gateway.public_url"),
            ("[ops]\nlisten = '[::]:8081'", "ops.listen"),
        ] {
            for policy in ["", "[tls]\nplain = 'loopback'\n"] {
                let error = refused(&format!("{policy}{text}")).unwrap_or_else(|| panic!("taken: {text}"));
                assert!(error.contains(&format!("`{key}`")), "{error}");
            }
            assert_eq!(refused(&format!("[tls]\nplain = 'anywhere'\n{text}")), None);
        }
    }

    #[test]
    fn this_machine_is_let_in_development_only() {
        for text in [
            "[amqp]\nurl = 'amqp://u:p@127.0.0.1:5672/%2f'",
            "[management]\nurl = 'http://u:p%40@[::1]:15672/'",
            "[postgres]\nurl = 'postgres://u@localhost/x'",
            "[postgres]\nurl = 'postgres://u@localhost:1,127.0.0.1:2/x?sslmode=disable'",
            "[smtp]\nhost = '127.0.0.1'\nsecurity = 'none'",
            "[ops]\nlisten = '127.0.0.1:0'",
        ] {
            assert!(refused(text).is_some(), "{text}");
            assert_eq!(refused(&format!("[tls]\nplain = 'loopback'\n{text}")), None, "{text}");
        }
        for text in [
            "[postgres]\nurl = 'postgres://u@localhost,db.example/x'",
            "[postgres]\nurl = 'postgres://u@localhost/x?host=db.example'",
            "[amqp]\nurl = 'amqp://localhost@broker/%2f'",
            "[sms]\nurl = 'http://127.0.0.1.example/'",
        ] {
            assert!(refused(&format!("[tls]\nplain = 'loopback'\n{text}")).is_some(), "{text}");
        }
    }

    #[test]
    fn the_document_says_what_is_so() {
        let text =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tls.md")).unwrap();
        let block: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("    ")).collect();
        let settings = Settings::from_toml(&block.join("\n"), "".as_ref()).unwrap();
        assert_eq!(TlsSection::read(&settings).unwrap(), TlsSection::default());
        let keys =
            ["ca_file", "client_cert_file", "client_key_file", "cert_file", "key_file", "client_ca_file"];
        let told =
            [TLS_NOT_AFTER.name, TLS_REFUSED.name, "tls.taken_up", "tls.not_usable", "sslmode=require"];
        for name in keys.iter().chain(&told) {
            assert!(text.contains(&format!("`{name}`")), "{name}");
        }
        for (at, scheme) in ["amqp", "http", "postgres"].into_iter().enumerate() {
            assert!(text.contains(&format!("| a URL `{scheme}://…`")), "{scheme}");
            assert!(refused(&format!("[s{at}]\nurl = '{scheme}://host/x'")).is_some(), "{scheme}");
        }
    }

    #[test]
    fn what_is_encrypted_is_taken() {
        let text = "[amqp]\nurl_file = 'secure.url'\n[management]\nurl = 'https://u:p@broker'\n\
                    [postgres]\nurl = 'postgres://u@db/x?sslmode=require&a=b'\n[smtp]\nhost = 'mail'\n\
                    [gateway]\nlisten = '0.0.0.0:8443'\ncert_file = 'c'\nkey_file = 'k'\n\
                    [health]\nlisten = '0.0.0.0:9000'\n[sms]\nurl = 'https://sms.example'\n\
                    [ops]\nurl_file = 'not there'\n";
        assert_eq!(refused(text), None);
        assert!(Settings::from_toml("[tls]\nplain = 'never'", "".as_ref()).unwrap().refuse_plain().is_err());
        assert!(Settings::from_toml("[tls]\nreload_s = 0", "".as_ref()).unwrap().refuse_plain().is_err());
    }
}
