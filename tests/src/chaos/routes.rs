//! Every process's connections, each through a fault proxy of its own.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, ToSocketAddrs as _},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, anyhow};
use domain::drill::Protection;
use frontdesk::local::{Dress, Layout};
use reqwest::Url;
use testkit::{
    process::Program,
    proxy::{Counts, Proxy},
    sandbox::Addresses,
};

use super::schedule::{Peer, service};

/// The proxies of a run.
#[derive(Default)]
pub struct Routes {
    proxies: Mutex<BTreeMap<(String, Peer), Proxy>>,
}

impl Routes {
    /// The proxy between a process and a peer.
    pub fn get(&self, instance: &str, peer: Peer) -> Option<Proxy> {
        self.lock().get(&(instance.to_owned(), peer)).cloned()
    }

    /// The proxy between a name and a server, made when it is first asked for.
    ///
    /// # Errors
    /// If none can be made.
    pub fn to(&self, instance: &str, peer: Peer, upstream: SocketAddr) -> io::Result<SocketAddr> {
        let mut proxies = self.lock();
        if let Some(proxy) = proxies.get(&(instance.to_owned(), peer)) {
            return Ok(proxy.address());
        }
        let proxy = Proxy::start(upstream)?;
        let address = proxy.address();
        proxies.insert((instance.to_owned(), peer), proxy);
        Ok(address)
    }

    /// Everything passes again.
    pub fn heal(&self) {
        self.lock().values().for_each(Proxy::heal);
    }

    /// What all proxies counted, together.
    pub fn counts(&self) -> Counts {
        self.lock().values().map(Proxy::counts).fold(Counts::default(), |sum, one| Counts {
            connections: sum.connections + one.connections,
            open: sum.open + one.open,
            unreachable: sum.unreachable + one.unreachable,
            refused: sum.refused + one.refused,
            cut: sum.cut + one.cut,
            blackholed: sum.blackholed + one.blackholed,
            delayed: sum.delayed + one.delayed,
            lost_to_server: sum.lost_to_server + one.lost_to_server,
            lost_to_client: sum.lost_to_client + one.lost_to_client,
            bytes_to_server: sum.bytes_to_server + one.bytes_to_server,
            bytes_to_client: sum.bytes_to_client + one.bytes_to_client,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, Peer), Proxy>> {
        self.proxies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a service's connections through proxies, and lets it drill.
    pub fn dress(self: &Arc<Self>, layout: &Layout, without: Option<Protection>) -> Dress {
        let (routes, layout) = (self.clone(), layout.clone());
        Dress::new(move |instance, program| routes.put_between(&layout, instance, program, without))
    }

    fn put_between(
        &self,
        layout: &Layout,
        instance: &str,
        mut program: Program,
        without: Option<Protection>,
    ) -> anyhow::Result<Program> {
        let service = service(instance);
        let secrets = layout.secrets();
        let outside: Addresses =
            serde_json::from_str(&std::fs::read_to_string(secrets.join("sandbox.json"))?)?;
        for peer in Peer::of(instance) {
            let set: Vec<(&str, String)> = match peer {
                Peer::Broker => {
                    let file = secrets.join(format!("amqp_url_{service}"));
                    vec![("AMQP__URL_FILE", self.file(layout, instance, *peer, &file)?)]
                }
                Peer::Database => {
                    let file = secrets.join(format!("postgres_url_{service}"));
                    vec![("POSTGRES__URL_FILE", self.file(layout, instance, *peer, &file)?)]
                }
                Peer::Outside => match service {
                    "ehr-writer" => vec![
                        ("EHRS__SANDBOX__URL", self.url(instance, *peer, &outside.fhir_url)?),
                        ("EHRS__PLAIN__URL", self.url(instance, *peer, &outside.fhir_url)?),
                        // Signed requests name their recipient: the token endpoint is asked by its own address.
                        ("EHRS__PLAIN__TOKEN_URL", outside.token_url.clone()),
                    ],
                    "eligibility" => vec![
                        ("PAYERS__JSON__URL", self.url(instance, *peer, &outside.payer_json_url)?),
                        ("PAYERS__X12__URL", self.url(instance, *peer, &outside.payer_x12_url)?),
                    ],
                    _ => vec![("SMS__URL", self.url(instance, *peer, &outside.sms_url)?)],
                },
                Peer::Mail => {
                    vec![("SMTP__PORT", self.to(instance, *peer, outside.smtp_addr)?.port().to_string())]
                }
            };
            for (key, value) in set {
                program = program.env(format!("FRONTDESK__{key}"), value);
            }
        }
        program = program.env("FRONTDESK__DRILL__REQUEST_FILE", request_file(layout, instance));
        if let Some(protection) = without {
            program = program.env("FRONTDESK__DRILL__OFF", protection.as_str());
        }
        Ok(program)
    }

    /// The URL in a file, by way of a proxy, in a file of its own.
    fn file(&self, layout: &Layout, instance: &str, peer: Peer, file: &Path) -> anyhow::Result<String> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let by_way = self.url(instance, peer, text.trim())?;
        let name = file.file_name().context("a file has a name")?.to_string_lossy();
        let path = layout.secrets().join(format!("by_way_{instance}_{name}"));
        testkit::backends::write_private(&path, &by_way)?;
        Ok(path.display().to_string())
    }

    /// A URL by way of a proxy.
    ///
    /// # Errors
    /// If it is none, or no proxy can be made.
    pub fn url(&self, instance: &str, peer: Peer, url: &str) -> anyhow::Result<String> {
        let mut url = Url::parse(url)?;
        let host = url.host_str().context("a URL has a host")?.to_owned();
        let port = url.port().context("a local URL has a port")?;
        let upstream = (host.as_str(), port).to_socket_addrs()?.next().context("the host has no address")?;
        let address = self.to(instance, peer, upstream)?;
        let set = url.set_port(Some(address.port()));
        set.map_err(|()| anyhow!("the URL takes no port"))?;
        // A base address without a path is written without a slash at its end, as those are that paths are added to.
        Ok(url.as_str().trim_end_matches('/').to_owned())
    }
}

/// Where a process looks for what a drill asks of it.
pub fn request_file(layout: &Layout, instance: &str) -> std::path::PathBuf {
    layout.root().join("drill").join(instance)
}
