//! What each service needs: which secrets, which neighbours, which ports.

/// What a service reaches beside the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The database.
    Database,
    /// The broker's management API.
    Management,
    /// EHRs, payers or providers of messages, at these ports, outside of the cluster.
    Outside(&'static [u16]),
}

/// One service.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    /// Its name, which is its program's and its broker user's.
    pub name: &'static str,
    /// What it reaches.
    pub needs: &'static [Need],
    /// The files that only it has: `(secret, key)`; each appears under the key's name.
    pub files: &'static [(&'static str, &'static str)],
    /// The port at which others call it.
    pub port: Option<u16>,
    /// Whether each of its pods has a disk of its own, for what is to outlive it.
    pub keeps: bool,
}

/// EHRs and payers are asked by HTTPS.
const HTTPS: Need = Need::Outside(&[443]);

/// All services, in the order of the line.
pub const SERVICES: [Service; 6] = [
    Service {
        name: "gateway",
        needs: &[Need::Database],
        files: &[],
        port: Some(super::GATEWAY_PORT),
        // What it has accepted and the database has not counted yet.
        keeps: true,
    },
    Service { name: "validation", needs: &[Need::Database], files: &[], port: None, keeps: false },
    Service {
        name: "eligibility",
        needs: &[Need::Database, HTTPS],
        files: &[("payer", "payer_token")],
        port: None,
        keeps: false,
    },
    Service {
        name: "ehr-writer",
        needs: &[Need::Database, HTTPS],
        files: &[("ehr-client", "ehr_client.pem")],
        port: None,
        keeps: false,
    },
    Service {
        name: "notification",
        needs: &[Need::Database, Need::Outside(&[443, 587])],
        files: &[("messages", "sms_token"), ("messages", "smtp_password")],
        port: None,
        keeps: false,
    },
    Service {
        name: "ops",
        needs: &[Need::Database, Need::Management, HTTPS],
        files: &[
            ("broker-monitor", "management_url"),
            ("ops-tokens", "tokens.toml"),
            ("ehr-client", "ehr_client.pem"),
        ],
        port: Some(super::OPS_PORT),
        keeps: false,
    },
];

impl Service {
    /// The service of that name.
    pub fn of(name: &str) -> Option<&'static Self> {
        SERVICES.iter().find(|service| service.name == name)
    }

    /// Whether it needs that.
    pub fn has(&self, need: Need) -> bool {
        self.needs.contains(&need)
    }

    /// The database role that it is, if it uses the database.
    pub fn role(&self) -> Option<String> {
        self.has(Need::Database).then(|| format!("frontdesk_{}", self.name.replace('-', "_")))
    }

    /// The ports outside of the cluster that it calls.
    pub fn outside(&self) -> Vec<u16> {
        let ports = self.needs.iter().filter_map(|need| match need {
            Need::Outside(ports) => Some(*ports),
            _ => None,
        });
        ports.flatten().copied().collect()
    }

    /// Every file below `/run/secrets/frontdesk`, with where it comes from.
    pub fn all_files(&self) -> Vec<(String, String)> {
        let own = |secret: &str, key: &str| (secret.to_owned(), key.to_owned());
        let mut files =
            vec![own(&format!("broker-{}", self.name), "amqp_url"), own("index-key", "index.key")];
        if self.has(Need::Database) {
            files.push(own(&format!("database-{}", self.name), "postgres_url"));
        }
        files.extend(self.files.iter().map(|(secret, key)| own(secret, key)));
        files
    }
}
