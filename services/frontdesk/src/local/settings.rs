//! `frontdesk.toml`: the one file that all services read.

use std::path::{Path, PathBuf};

use domain::{ClinicId, LaneName};
use toml::{Table, Value};

use super::services::Places;

/// Where an EHR is, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct EhrAccess {
    /// The FHIR base URL.
    pub url: String,
    /// The profile's name.
    pub profile: String,
    /// How one authenticates there; without, no token is sent.
    pub client: Option<EhrClient>,
}

/// A registered SMART Backend Services client.
#[derive(Debug, Clone)]
pub struct EhrClient {
    /// The token endpoint.
    pub token_url: String,
    /// The client's id.
    pub client_id: String,
    /// The private key's file.
    pub key_file: PathBuf,
    /// The public key's id.
    pub key_id: String,
    /// The signature's algorithm.
    pub algorithm: String,
}

/// Where the world outside is.
pub struct Outside {
    /// The EHR.
    pub ehr: EhrAccess,
    /// Payers that speak JSON.
    pub payer_json: String,
    /// Payers that speak X12.
    pub payer_x12: String,
    /// The payers' token.
    pub payer_token_file: PathBuf,
    /// The SMS provider.
    pub sms: String,
    /// Its token.
    pub sms_token_file: PathBuf,
    /// The mail relay's port on this machine.
    pub smtp_port: u16,
}

/// Files with secrets.
pub struct Files<'a> {
    /// AMQP URL.
    pub amqp: &'a Path,
    /// Management URL.
    pub management: &'a Path,
    /// Database URL.
    pub postgres: &'a Path,
    /// Folder of sealing keys.
    pub sealing: &'a Path,
    /// Key of the blind indexes.
    pub index: &'a Path,
    /// The gateway's sources.
    pub sources: &'a Path,
    /// The ops API's tokens.
    pub tokens: &'a Path,
}

/// The configuration's text, with what is added or set otherwise.
///
/// # Errors
/// If a value cannot be written as TOML.
pub fn text(
    places: &Places,
    files: &Files<'_>,
    clinics: &[PathBuf],
    lanes: &[(LaneName, Vec<ClinicId>)],
    (outside, extra): (&Outside, &Table),
) -> Result<String, toml::ser::Error> {
    let mut root = Table::new();
    let mut section = |name: &str, entries: Vec<(&str, Value)>| {
        root.insert(name.to_owned(), Value::Table(table(entries)));
    };
    section("tls", vec![("plain", string("loopback")), ("reload_s", 1.into())]);
    section("amqp", vec![("url_file", path(files.amqp))]);
    section("management", vec![("url_file", path(files.management))]);
    section("postgres", vec![("url_file", path(files.postgres))]);
    // All processes read one folder: what is in it is known to all at once.
    let keys = vec![
        ("sealing_dir", path(files.sealing)),
        ("index_file", path(files.index)),
        ("reload_s", 1.into()),
        ("settle_s", 5.into()),
    ];
    section("keys", keys);
    section("clinics", vec![("dirs", Value::Array(clinics.iter().map(|dir| path(dir)).collect()))]);
    let listen = |address: std::net::SocketAddr| ("listen", string(&address));
    let gateway = vec![
        listen(places.gateway()),
        ("sources_file", path(files.sources)),
        // Beside the configuration.
        ("count_dir", string("count")),
    ];
    section("gateway", gateway);
    section("ops", vec![listen(places.ops()), ("tokens_file", path(files.tokens))]);
    section("eligibility", vec![("patience_s", PAYER_PATIENCE_S.into())]);
    // The SMS provider is the sandbox: nobody is woken.
    section("notification", vec![("quiet_hours", false.into())]);
    // A local run is watched: what failed is tried again within seconds, not hours.
    section("retry", vec![("base_ms", 500.into()), ("max_ms", 5000.into())]);
    section("payers", payers(outside));
    section("ehrs", vec![("sandbox", Value::Table(ehr(&outside.ehr)))]);
    section("sms", vec![("url", string(&outside.sms)), ("token_file", path(&outside.sms_token_file))]);
    section("smtp", smtp(outside.smtp_port));
    let lanes = lanes.iter().map(|(name, clinics)| {
        let clinics = Value::Array(clinics.iter().map(string).collect());
        (name.to_string(), Value::Table(table(vec![("clinics", clinics)])))
    });
    root.insert("lanes".to_owned(), Value::Table(lanes.collect()));
    merge(&mut root, extra);
    toml::to_string(&root)
}

/// Adds the entries of a table to another, and sets those that are there: tables within by their own entries, all else as a whole.
pub(super) fn merge(into: &mut Table, extra: &Table) {
    for (key, value) in extra {
        match (into.get_mut(key), value) {
            (Some(Value::Table(inner)), Value::Table(more)) => merge(inner, more),
            _ => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

/// How long an intake of the demo waits for a payer that is down: the sandbox's stay down for ever.
const PAYER_PATIENCE_S: i64 = 5;

fn payers(outside: &Outside) -> Vec<(&'static str, Value)> {
    let payer = |protocol: &str, url: &str| {
        Value::Table(table(vec![
            ("protocol", string(protocol)),
            ("url", string(url)),
            ("organisation", string("Frontdesk Demo Clinics")),
            ("npi", string("1234567893")),
            ("token_file", path(&outside.payer_token_file)),
        ]))
    };
    vec![("json", payer("json", &outside.payer_json)), ("x12", payer("x12", &outside.payer_x12))]
}

fn ehr(access: &EhrAccess) -> Table {
    let mut entries = vec![("profile", string(&access.profile)), ("url", string(&access.url))];
    if let Some(client) = &access.client {
        entries.extend([
            ("token_url", string(&client.token_url)),
            ("client_id", string(&client.client_id)),
            ("key_file", path(&client.key_file)),
            ("key_id", string(&client.key_id)),
            ("algorithm", string(&client.algorithm)),
        ]);
    }
    table(entries)
}

fn smtp(port: u16) -> Vec<(&'static str, Value)> {
    vec![
        ("host", string("127.0.0.1")),
        ("port", i64::from(port).into()),
        ("security", string("none")),
        ("from", string("Frontdesk <frontdesk@example.com>")),
    ]
}

fn table(entries: Vec<(&str, Value)>) -> Table {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn string(text: &(impl ToString + ?Sized)) -> Value {
    Value::String(text.to_string())
}

fn path(path: &Path) -> Value {
    string(&path.display())
}

/// The clinics in lanes, in turn.
pub fn lanes(clinics: &[ClinicId], number: usize) -> Vec<(LaneName, Vec<ClinicId>)> {
    let name = |at: usize| LaneName::parse(&format!("lane-{}", at + 1)).ok();
    let mut lanes: Vec<(LaneName, Vec<ClinicId>)> =
        (0..number).filter_map(name).map(|name| (name, Vec::new())).collect();
    for (at, clinic) in clinics.iter().enumerate() {
        if let Some((_, clinics)) = lanes.get_mut(at % number.max(1)) {
            clinics.push(clinic.clone());
        }
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::merge;

    #[test]
    fn what_is_set_otherwise_leaves_its_neighbours() {
        let mut table = toml::from_str("[retry]\nbase_ms = 500\nmax_ms = 5000\n[sms]\nurl = 'a'\n").unwrap();
        let extra = toml::from_str("[retry]\nmax_ms = 100\n[ehrs.sandbox]\ndeadline_ms = 900\n").unwrap();
        merge(&mut table, &extra);
        let expected =
            "[retry]\nbase_ms = 500\nmax_ms = 100\n[sms]\nurl = 'a'\n[ehrs.sandbox]\ndeadline_ms = 900\n";
        assert_eq!(table, toml::from_str(expected).unwrap());
    }
}
