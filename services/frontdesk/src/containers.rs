//! The credentials of a line in containers on one host: made once, at random, each in a file.
//!
//! The folder has three parts, a volume each: `services/` for our own processes, `broker/` and `database/` for what those two start with.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::clock::{Clock as _, SystemClock};
use reqwest::Url;
use runtime::keys::{KeyFiles, fresh_id};
use serde_json::{Value, json};

use crate::{
    kubernetes::{SERVICES, broker_users},
    local::{sandbox::Keys, secrets::Secrets},
};

/// Where the servers are, without users and passwords.
pub struct Hosts<'a> {
    /// AMQP, with the virtual host.
    pub amqp: &'a Url,
    /// The management API.
    pub management: &'a Url,
    /// The database.
    pub database: &'a Url,
}

impl Hosts<'_> {
    /// Makes what is not there yet.
    ///
    /// # Errors
    /// If a file cannot be written, or a URL is none that takes a user.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let part = |name: &str| {
            let path = folder.join(name);
            fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
            anyhow::Ok(Secrets::at(path))
        };
        let (services, broker, database) = (part("services")?, part("broker")?, part("database")?);
        ours(&services)?;
        self.broker(&services, &broker)?;
        self.database(&services, &database)
    }

    /// A user for each service, with exactly the permissions that the topology gives it, as a definitions file.
    fn broker(&self, services: &Secrets, broker: &Secrets) -> anyhow::Result<()> {
        let vhost = self.amqp.path().trim_start_matches('/');
        let (mut users, mut permissions) = (Vec::new(), Vec::new());
        for user in broker_users() {
            let name = &user.name;
            let password = services.hex::<24>(&format!("broker/{name}/password"))?;
            services.put(&format!("broker/{name}/amqp_url"), with(self.amqp, name, &password)?.as_str())?;
            if !user.tags.is_empty() {
                let url = with(self.management, name, &password)?;
                services.put(&format!("broker/{name}/management_url"), url.as_str())?;
            }
            users.push(json!({
                "name": name, "tags": user.tags, "limits": {},
                "password_hash": hash(&password), "hashing_algorithm": "rabbit_password_hashing_sha256",
            }));
            let [configure, write, read] = &user.may;
            permissions.push(
                json!({ "user": name, "vhost": vhost, "configure": configure, "write": write, "read": read }),
            );
        }
        let definitions =
            json!({ "vhosts": [{ "name": vhost }], "users": users, "permissions": permissions });
        put_readable(broker, "users.json", &serde_json::to_string_pretty(&definitions)?)
    }

    /// A role for each service. What each may do is the migrations' to say.
    fn database(&self, services: &Secrets, database: &Secrets) -> anyhow::Result<()> {
        let mut sql = String::new();
        let url = |name: &str, role: &str, password: &str| {
            services
                .put(&format!("database/{name}/postgres_url"), with(self.database, role, password)?.as_str())
        };
        for service in &SERVICES {
            let Some(role) = service.role() else { continue };
            let password = services.hex::<24>(&format!("database/{}/password", service.name))?;
            url(service.name, &role, &password)?;
            sql.push_str(&format!("CREATE ROLE {role} LOGIN PASSWORD '{password}';\n"));
        }
        let owner = services.hex::<24>("database/owner/password")?;
        url("owner", "frontdesk", &owner)?;
        put_readable(database, "password", &owner)?;
        put_readable(database, "roles.sql", &sql)
    }
}

/// Keys, tokens, and the sources that may post.
fn ours(secrets: &Secrets) -> anyhow::Result<()> {
    let sealing = KeyFiles::new(secrets.path("sealing"));
    if sealing.read().is_err() {
        secrets.hex::<32>(&format!("sealing/{}.key", fresh_id(SystemClock.now())))?;
    }
    secrets.hex::<32>("frontdesk/index.key")?;
    for token in ["payer_token", "sms_token"] {
        secrets.hex::<16>(&format!("frontdesk/{token}"))?;
    }
    let token = secrets.hex::<32>("ops/ops_token")?;
    let sha256 = hex(digest(&SHA256, token.as_bytes()).as_ref());
    let tokens =
        format!("[[token]]\nname = \"local\"\nroles = [\"viewer\", \"operator\"]\nsha256 = \"{sha256}\"");
    secrets.put("frontdesk/tokens.toml", &tokens)?;
    if !secrets.path("sources/make.secret").is_file() {
        let random: [u8; 32] = std::array::from_fn(|_| rand::random());
        secrets.put("sources/make.secret", &format!("whsec_{}", STANDARD.encode(random)))?;
    }
    let source = "[[source]]\nname = \"make\"\nkind = \"web_form\"\nclinics = [\"*\"]\nsecret_files = [\"make.secret\"]";
    secrets.put("sources/sources.toml", source)?;
    fs::create_dir_all(secrets.path("frontdesk"))?;
    Keys::make(&Secrets::at(secrets.path("frontdesk")))?;
    Ok(())
}

fn with(url: &Url, user: &str, password: &str) -> anyhow::Result<Url> {
    let mut url = url.clone();
    let set = url.set_username(user).and_then(|()| url.set_password(Some(password)));
    set.map_err(|()| anyhow!("not a URL that takes a user"))?;
    Ok(url)
}

/// As RabbitMQ keeps a password: four bytes of salt, and the SHA-256 of salt and password.
fn hash(password: &str) -> Value {
    let salt: [u8; 4] = std::array::from_fn(|_| rand::random());
    let salted = [&salt, password.as_bytes()].concat();
    json!(STANDARD.encode([&salt, digest(&SHA256, &salted).as_ref()].concat()))
}

/// For a server that runs as a user of its own, in a volume that only it has.
fn put_readable(secrets: &Secrets, name: &str, text: &str) -> anyhow::Result<()> {
    let path = secrets.put(name, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))
        .with_context(|| format!("cannot open {} to its reader", path.display()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::Value;

    use super::{Hosts, digest, hash};

    fn write(folder: &Path) {
        let url = |text: &str| text.parse().unwrap();
        let (amqp, management) = (url("amqp://broker:5672/frontdesk"), url("http://broker:15672"));
        let database = url("postgres://database:5432/frontdesk?sslmode=disable");
        Hosts { amqp: &amqp, management: &management, database: &database }.write(folder).unwrap();
    }

    #[test]
    fn what_is_there_stays_and_everybody_has_a_password_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap().trim().to_owned();
        write(folder.path());
        let before = (read("services/broker/ehr-writer/amqp_url"), read("services/sources/make.secret"));
        write(folder.path());
        assert_eq!(
            (read("services/broker/ehr-writer/amqp_url"), read("services/sources/make.secret")),
            before
        );
        assert_ne!(read("services/broker/gateway/password"), read("services/broker/ehr-writer/password"));
        let database = read("services/database/ehr-writer/postgres_url");
        assert!(
            database.starts_with("postgres://frontdesk_ehr_writer:")
                && database.ends_with("@database:5432/frontdesk?sslmode=disable")
        );
        let password = read("services/database/ehr-writer/password");
        assert!(
            read("database/roles.sql")
                .contains(&format!("CREATE ROLE frontdesk_ehr_writer LOGIN PASSWORD '{password}';"))
        );
    }

    #[test]
    fn the_brokers_users_may_what_the_topology_says() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path());
        let users: Value =
            serde_json::from_str(&fs::read_to_string(folder.path().join("broker/users.json")).unwrap())
                .unwrap();
        for permission in runtime::topology::permissions() {
            let of = |list: &str, key: &str| {
                users[list]
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|entry| entry[key] == permission.service.as_str())
                    .unwrap()
                    .clone()
            };
            assert_eq!(of("permissions", "user")["write"], permission.write.as_str());
            assert_eq!(of("users", "name")["tags"], serde_json::json!([]));
        }
        assert!(
            !users.to_string().contains(
                &fs::read_to_string(folder.path().join("services/broker/ops/password"))
                    .unwrap()
                    .trim()
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_password_is_kept_as_the_broker_keeps_it() {
        let bytes = STANDARD.decode(hash("x").as_str().unwrap()).unwrap();
        let salted = [&bytes[..4], b"x"].concat();
        assert_eq!(&bytes[4..], digest(&super::SHA256, &salted).as_ref());
    }
}
