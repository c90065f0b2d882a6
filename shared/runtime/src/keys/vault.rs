//! Keys of Vault's transit engine. The key must be exportable and of the type `aes256-gcm96`: its versions are fetched, and sealing is done here.
//! So a vault that is down stops nobody who has the keys, and no message waits for one.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use jiff::Timestamp;
use reqwest::{Client, StatusCode, Url};
use serde::{Deserialize, de::DeserializeOwned};

use super::{Key, KeySource, KeysError, read};
use crate::{
    ConfigError,
    config::{VaultSection, tls_client},
};

const TIMEOUT: Duration = Duration::from_secs(10);

/// One key of a transit engine, with all its versions.
pub struct Vault {
    http: Client,
    base: Url,
    mount: String,
    key: String,
    token_file: PathBuf,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Described {
    /// Version → seconds since 1970.
    keys: BTreeMap<String, i64>,
    min_decryption_version: u32,
}

#[derive(Deserialize)]
struct Exported {
    /// Version → base64.
    keys: BTreeMap<String, String>,
}

impl Vault {
    /// The key that the settings name.
    ///
    /// # Errors
    /// [`ConfigError`] names the configuration's key.
    pub fn new(section: &VaultSection) -> Result<Self, ConfigError> {
        let bad = |reason: &str| ConfigError::key("keys.vault.url", reason);
        let base = Url::parse(&section.url).map_err(|_| bad("must be a URL"))?;
        let loopback = matches!(base.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        if base.scheme() != "https" && !loopback {
            return Err(bad("must be https: it carries keys"));
        }
        let mut http = Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
        if loopback {
            http = http.no_proxy();
        }
        if base.scheme() == "https" {
            http = http.tls_backend_preconfigured(tls_client("keys.vault", section.tls())?);
        }
        Ok(Self {
            http: http.build().map_err(|error| bad(&error.to_string()))?,
            base,
            mount: section.mount.clone(),
            key: section.key.clone(),
            token_file: section.token_file.clone(),
        })
    }

    /// Makes a new version.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn rotate(&self) -> Result<(), KeysError> {
        let url = self.url(&["keys", &self.key, "rotate"])?;
        self.sent(self.http.post(url)).await.map(drop)
    }

    async fn versions(&self) -> Result<Vec<Key>, KeysError> {
        // Described last: a version that a rotation makes between the two is not taken up without its time.
        let exported: Answer<Exported> = self.get(&["export", "encryption-key", &self.key]).await?;
        let described: Answer<Described> = self.get(&["keys", &self.key]).await?;
        let Described { keys: made, min_decryption_version } = described.data;
        let mut keys = Vec::new();
        for (version, text) in &exported.data.keys {
            let number: u32 = version.parse().map_err(|_| unreadable())?;
            if number >= min_decryption_version {
                // Nobody knows how long the others had to learn it: it opens, and does not seal.
                let made = made.get(version).and_then(|at| Timestamp::from_second(*at).ok());
                let made = Some(made.unwrap_or(Timestamp::MAX));
                // So that the tenth sorts behind the ninth.
                let id = format!("{}-v{number:06}", self.key);
                keys.push(Key { id, made, bytes: bytes(text)? });
            }
        }
        Ok(keys)
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, KeysError> {
        let answer = self.sent(self.http.get(self.url(path)?)).await?;
        answer.json().await.map_err(|_| unreadable())
    }

    async fn sent(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, KeysError> {
        let token = read(&self.token_file)?;
        let request = request.header("X-Vault-Token", token.expose());
        let failed = |error: reqwest::Error| KeysError(format!("the vault: {}", error.without_url()));
        match request.send().await.map_err(failed)? {
            answer if answer.status().is_success() => Ok(answer),
            answer if answer.status() == StatusCode::FORBIDDEN => {
                Err(KeysError("the vault refuses the token in keys.vault.token_file".to_owned()))
            }
            answer => Err(KeysError(format!("the vault answers {}", answer.status()))),
        }
    }

    fn url(&self, path: &[&str]) -> Result<Url, KeysError> {
        let mut url = self.base.clone();
        let segments = url.path_segments_mut();
        let mut segments = segments.map_err(|()| KeysError("the vault's URL takes no path".to_owned()))?;
        segments.pop_if_empty().push("v1").extend(self.mount.split('/')).extend(path);
        drop(segments);
        Ok(url)
    }
}

impl KeySource for Vault {
    fn load(&self) -> BoxFuture<'_, Result<Vec<Key>, KeysError>> {
        self.versions().boxed()
    }
}

fn unreadable() -> KeysError {
    KeysError("the vault's answer cannot be read: the key must be exportable, and aes256-gcm96".to_owned())
}

fn bytes(text: &str) -> Result<Vec<u8>, KeysError> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.decode(text).ok().filter(|bytes| bytes.len() == 32).ok_or_else(unreadable)
}
