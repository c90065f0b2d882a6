//! The sections that the runtime itself reads. Every one refuses keys that it does not know.

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf, time::Duration};

use domain::{ClinicId, LaneName};
use serde::Deserialize;

use super::{ConfigError, Secret, Settings};

/// `[amqp]`: the broker.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AmqpSection {
    /// `amqps://user:password@host:port/vhost`, or `amqp://…` where `[tls] plain` lets it. With `?auth_mechanism=external` the broker
    /// takes the name in our certificate for the user.
    pub url: Option<Secret>,
    /// A file that holds the URL.
    pub url_file: Option<PathBuf>,
    /// Messages published and not yet confirmed, at most.
    pub in_flight: usize,
    /// Milliseconds after which an unconfirmed publish means that the connection is not what it seems.
    pub confirm_timeout_ms: u64,
    /// PEM file of the authorities that the broker's certificate may be of; the system's if absent.
    pub ca_file: Option<PathBuf>,
    /// PEM file of the certificate that we show, where the broker asks for one. It goes with `client_key_file`.
    pub client_cert_file: Option<PathBuf>,
    /// Its private key.
    pub client_key_file: Option<PathBuf>,
}

impl Default for AmqpSection {
    fn default() -> Self {
        Self {
            url: None,
            url_file: None,
            in_flight: 512,
            confirm_timeout_ms: 30_000,
            ca_file: None,
            client_cert_file: None,
            client_key_file: None,
        }
    }
}

/// `[management]`: the broker's management API, for `topology` and queue depths. Stages do not need it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ManagementSection {
    /// `https://user:password@host:port`, or `http://…` where `[tls] plain` lets it.
    pub url: Option<Secret>,
    /// A file that holds the URL.
    pub url_file: Option<PathBuf>,
    /// PEM file of the authorities that the broker's certificate may be of; the system's if absent.
    pub ca_file: Option<PathBuf>,
    /// PEM file of the certificate that we show, where the broker asks for one. It goes with `client_key_file`.
    pub client_cert_file: Option<PathBuf>,
    /// Its private key.
    pub client_key_file: Option<PathBuf>,
}

/// `[keys]`: where the keys lie.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeysSection {
    /// Folder of `<id>.key` files, 64 hexadecimal digits each. The id that sorts last seals, once it has settled.
    pub sealing_dir: Option<PathBuf>,
    /// Or a key of Vault's transit engine.
    pub vault: Option<VaultSection>,
    /// Seconds between two looks for new keys.
    pub reload_s: u64,
    /// Seconds after its making until a key seals: every process must have learnt it by then.
    pub settle_s: u64,
    /// File of 64 hexadecimal digits: the key of the blind indexes.
    pub index_file: Option<PathBuf>,
}

impl Default for KeysSection {
    fn default() -> Self {
        Self { sealing_dir: None, vault: None, reload_s: 10, settle_s: 300, index_file: None }
    }
}

/// `[keys.vault]`: a key of Vault's transit engine, exportable and of the type `aes256-gcm96`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultSection {
    /// The vault's address, such as `https://vault.example:8200`.
    pub url: String,
    /// Where the engine is mounted.
    #[serde(default = "transit")]
    pub mount: String,
    /// The key's name.
    pub key: String,
    /// A file with a token; it is read anew for each request.
    pub token_file: PathBuf,
    /// PEM file of the authorities that the vault's certificate may be of; the system's if absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// PEM file of the certificate that we show, where the vault asks for one. It goes with `client_key_file`.
    #[serde(default)]
    pub client_cert_file: Option<PathBuf>,
    /// Its private key.
    #[serde(default)]
    pub client_key_file: Option<PathBuf>,
}

fn transit() -> String {
    "transit".to_owned()
}

/// `[stage]`: how this process consumes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StageSection {
    /// The lanes that this process consumes; all configured lanes and `default` when empty.
    pub lanes: BTreeSet<LaneName>,
    /// Deliveries in hand at once, per lane.
    pub concurrency: usize,
    /// Deliveries that the broker sends ahead, per lane.
    pub prefetch: u16,
    /// Seconds to finish what is in hand at shutdown.
    pub drain_s: u64,
    /// Bytes of the largest body that a stage reads.
    pub max_body: usize,
}

impl Default for StageSection {
    fn default() -> Self {
        Self { lanes: BTreeSet::new(), concurrency: 64, prefetch: 128, drain_s: 20, max_body: 512 * 1024 }
    }
}

/// `[retry]`: how often and how long a transient fault is tried again.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetrySection {
    /// Attempts before a message is dead.
    pub attempts: u32,
    /// Seconds since the first failure after which a message is dead.
    pub max_age_s: u64,
    /// Milliseconds of the first delay.
    pub base_ms: u64,
    /// The factor from one delay to the next.
    pub factor: f64,
    /// Milliseconds of the longest delay.
    pub max_ms: u64,
}

impl Default for RetrySection {
    fn default() -> Self {
        Self { attempts: 20, max_age_s: 24 * 3600, base_ms: 1000, factor: 2.0, max_ms: 3_600_000 }
    }
}

/// `[health]`: liveness, readiness and metrics over HTTP.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HealthSection {
    /// Address to listen on; port 0 takes any free one. No server without it.
    pub listen: Option<SocketAddr>,
    /// File that the chosen address is written to.
    pub address_file: Option<PathBuf>,
}

/// `[telemetry]`: logs, traces and metrics.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySection {
    /// Log filter: a level, or `target=level` pairs with commas between them.
    pub log: String,
    /// Base address of an OTLP/HTTP collector, such as `https://collector:4318`. No export without it.
    pub otlp_endpoint: Option<String>,
    /// Share of traces that start here and are sampled, 0 to 1. Spans that failed are kept in any case.
    pub sample_ratio: f64,
    /// Seconds from one push of the metrics to the collector to the next, 1 to 3600.
    pub metrics_every_s: u64,
    /// PEM file of the authorities that the collector's certificate may be of; the system's if absent.
    pub ca_file: Option<PathBuf>,
    /// PEM file of the certificate that we show, where the collector asks for one. It goes with `client_key_file`.
    pub client_cert_file: Option<PathBuf>,
    /// Its private key.
    pub client_key_file: Option<PathBuf>,
}

impl Default for TelemetrySection {
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            otlp_endpoint: None,
            sample_ratio: 1.0,
            metrics_every_s: 60,
            ca_file: None,
            client_cert_file: None,
            client_key_file: None,
        }
    }
}

macro_rules! tls_files {
    ($($section:ty),*) => {
        $(impl $section {
            /// The files for TLS.
            pub fn tls(&self) -> tls::Files {
                tls::Files {
                    ca: self.ca_file.clone(),
                    cert: self.client_cert_file.clone(),
                    key: self.client_key_file.clone(),
                }
            }
        })*
    };
}

tls_files!(AmqpSection, ManagementSection, VaultSection, TelemetrySection);

/// `[lanes.<name>]`: one lane.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LaneSection {
    /// The clinics that it serves.
    pub clinics: BTreeSet<ClinicId>,
    /// Deliveries in hand at once, in each process that consumes the lane; without, `[stage] concurrency`.
    pub concurrency: Option<usize>,
    /// Deliveries that the broker sends ahead, to each process; without, `[stage] prefetch`.
    pub prefetch: Option<u16>,
    /// The priority of a process's consumers among all that read the same queue: those of a lower one get what the others have no room
    /// for. So processes that have a lane to themselves come first, and those that consume all lanes help out. 0 without.
    pub priority: i16,
}

/// `[clinics]`: where the templates lie.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClinicsSection {
    /// Folders of templates.
    pub dirs: Vec<PathBuf>,
}

/// `[drill]`: see [`domain::drill`]. A release refuses the section.
#[cfg(debug_assertions)]
#[derive(Debug, Clone, Default)]
pub(crate) struct DrillSection {
    /// Where requests to die are looked for.
    pub(crate) request_file: Option<PathBuf>,
    /// The protections that are taken away.
    pub(crate) off: Vec<domain::drill::Protection>,
}

impl AmqpSection {
    /// Reads and checks the section.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn read(settings: &Settings) -> Result<(Self, Secret), ConfigError> {
        let section: Self = settings.section("amqp")?;
        if section.in_flight == 0 {
            return Err(ConfigError::key("amqp.in_flight", "must be at least 1"));
        }
        Ok((section, settings.secret("amqp", "url")?))
    }

    /// The watchdog's patience.
    pub const fn confirm_timeout(&self) -> Duration {
        Duration::from_millis(self.confirm_timeout_ms)
    }
}

impl KeysSection {
    /// Reads and checks the section.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let section: Self = settings.section("keys")?;
        if section.reload_s == 0 {
            return Err(ConfigError::key("keys.reload_s", "must be at least 1"));
        }
        if section.settle_s < section.reload_s {
            return Err(ConfigError::key("keys.settle_s", "must be at least keys.reload_s"));
        }
        Ok(section)
    }

    /// The time between two looks for new keys.
    pub const fn reload(&self) -> Duration {
        Duration::from_secs(self.reload_s)
    }

    /// How old a key is before it seals.
    pub const fn settle(&self) -> Duration {
        Duration::from_secs(self.settle_s)
    }
}

impl StageSection {
    /// Reads and checks the section.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let section: Self = settings.section("stage")?;
        if section.concurrency == 0 {
            return Err(ConfigError::key("stage.concurrency", "must be at least 1"));
        }
        if usize::from(section.prefetch) < section.concurrency {
            return Err(ConfigError::key("stage.prefetch", "must be at least stage.concurrency"));
        }
        Ok(section)
    }
}

impl RetrySection {
    /// Reads and checks the section.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let section: Self = settings.section("retry")?;
        if section.attempts == 0 {
            return Err(ConfigError::key("retry.attempts", "must be at least 1"));
        }
        if !(1.0..=10.0).contains(&section.factor) {
            return Err(ConfigError::key("retry.factor", "must be from 1 to 10"));
        }
        if section.base_ms == 0 || section.base_ms > section.max_ms {
            return Err(ConfigError::key("retry.base_ms", "must be from 1 to retry.max_ms"));
        }
        Ok(section)
    }
}

#[cfg(debug_assertions)]
impl DrillSection {
    /// Reads and checks the section.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub(crate) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct Raw {
            request_file: Option<PathBuf>,
            off: Vec<String>,
        }
        let Raw { request_file, off } = settings.section("drill")?;
        // An environment variable that is set to nothing is a list of one empty name.
        let names = off.iter().filter(|name| !name.is_empty());
        let off = names
            .map(|name| {
                name.parse().map_err(|_| ConfigError::key("drill.off", "no protection has that name"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { request_file, off })
    }
}

impl TelemetrySection {
    /// Reads and checks the section.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let section: Self = settings.section("telemetry")?;
        if !(0.0..=1.0).contains(&section.sample_ratio) {
            return Err(ConfigError::key("telemetry.sample_ratio", "must be from 0 to 1"));
        }
        if !(1..=3600).contains(&section.metrics_every_s) {
            return Err(ConfigError::key("telemetry.metrics_every_s", "must be from 1 to 3600"));
        }
        Ok(section)
    }
}
