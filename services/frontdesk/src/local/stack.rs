//! The whole system, started in the right order.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context as _;
use domain::{ClinicId, template::samples};
use futures_util::future::try_join_all;
use runtime::{
    Settings,
    topology::{Lanes, Management, Topology},
};
use testkit::sandbox::Addresses;

use super::{
    Layout,
    access::{self, Credentials},
    backends::{self, Backends, Given, Wanted},
    certificates::Certificates,
    endpoints::Endpoints,
    sandbox,
    secrets::Secrets,
    services::{self, Dress, Places},
    settings::{self, EhrAccess},
    supervisor::Supervisor,
};
use crate::{
    demo::samples::Clinic,
    output::{self, Doing},
};

/// What to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder with the sample data.
    pub samples: PathBuf,
    /// Another EHR than the sandbox's.
    pub ehr: Option<EhrAccess>,
    /// The profile of the EHR.
    pub profile: String,
    /// How many lanes the clinics are spread over.
    pub lanes: usize,
    /// The first port.
    pub port_base: Option<u16>,
    /// Whether to forget the data of the last run.
    pub fresh: bool,
    /// Servers to be used instead of private ones.
    pub given: Given,
    /// Whether services, broker, database and doors speak TLS with each other. The sandbox has none.
    pub tls: bool,
    /// Settings that are added, or set otherwise.
    pub extra: toml::Table,
    /// How many processes of a service run; one where it is not named. They share the service's user on the broker.
    pub replicas: BTreeMap<String, u16>,
    /// What is done to each service's process before it is first started.
    pub dress: Dress,
}

/// A system that is up. Its processes are the supervisor's.
pub struct Stack {
    /// Where everything is.
    pub endpoints: Endpoints,
    /// The sandbox.
    pub sandbox: Addresses,
    /// The services' settings, as this process reads them.
    pub settings: Settings,
    backends: Backends,
    credentials: Credentials,
    _places: Places,
}

impl Stack {
    /// Starts everything.
    ///
    /// # Errors
    /// One line that says what is wrong and what to do.
    pub async fn start(layout: &Layout, supervisor: &Supervisor, options: &Options) -> anyhow::Result<Self> {
        let begin = Instant::now();
        let clinics = Clinic::read(&options.samples)?;
        if options.fresh {
            layout.fresh_logs()?;
        }
        let places = Places::take(options.port_base)?;
        if let Some(busy) = places.block().passed_over {
            let base = places.block().base();
            output::line(&format!("port {busy} is in use by another program: taking ports from {base} on"));
        }
        let secrets = Secrets::open(layout, options.fresh)?;
        let certificates = options.tls.then(|| Certificates::make(&secrets)).transpose()?;
        let tls = certificates.as_ref();
        let wanted = Wanted { given: &options.given, secrets: &secrets, fresh: options.fresh, tls };
        let (backends, outside) = tokio::join!(
            backends::start(layout, &places, supervisor, wanted),
            sandbox::start(layout, &places, supervisor, (&options.samples, &secrets)),
        );
        let (backends, (addresses, mut outside)) = (backends?, outside?);
        outside.ehr.profile.clone_from(&options.profile);
        if let Some(ehr) = &options.ehr {
            outside.ehr = ehr.clone();
        }
        let credentials = access::write(&secrets, &backends, &clinics)?;
        let folders = templates(layout, &options.samples)?;
        let ids: Vec<ClinicId> = clinics.iter().map(|clinic| clinic.clinic_id.clone()).collect();
        let lanes = settings::lanes(&ids, options.lanes);
        let instances = services::instances(&places, &options.replicas)?;
        let files = credentials.files();
        let mut extra = tls.map(Certificates::settings).unwrap_or_default();
        settings::merge(&mut extra, &options.extra);
        let text = settings::text(&places, &files, &folders, &lanes, (&outside, &extra))?;
        testkit::backends::write_private(&layout.settings(), &text)
            .with_context(|| format!("cannot write {}", layout.settings().display()))?;
        let settings = Settings::load(&layout.settings())?;

        prepare(&settings, &credentials).await?;
        let doing = Doing::begin("services: starting");
        let units = instances
            .iter()
            .map(|instance| services::unit(layout, instance, &credentials, &options.dress))
            .collect::<anyhow::Result<Vec<_>>>()?;
        try_join_all(units.into_iter().map(|unit| supervisor.start(unit))).await?;
        let names: Vec<&str> = instances.iter().map(|instance| instance.name.as_str()).collect();
        doing.done(&format!("services: {} are ready", names.join(", ")));

        let outside = (&backends, &addresses, &outside.ehr);
        let endpoints = access::endpoints(layout, (&places, &instances), (&credentials, tls), outside)?;
        super::records::write_json(&layout.endpoints(), &endpoints)?;
        output::line(&format!("everything is up after {:.1} s", begin.elapsed().as_secs_f64()));
        Ok(Self { endpoints, sandbox: addresses, settings, backends, credentials, _places: places })
    }

    /// Says where everything is.
    pub fn announce(&self, layout: &Layout) {
        let Endpoints { gateway, ops, amqp, .. } = &self.endpoints;
        output::line(&format!("gateway  {}", gateway.url));
        output::line(&format!("ops API  {}", ops.url));
        output::line(&format!("AMQP     {}:{}", amqp.host, amqp.port));
        output::line(&format!(
            "all addresses are in {}; Ctrl-C, or ./dev down, stops it",
            layout.endpoints().display()
        ));
    }

    /// The folder with the private broker's data: if it is deleted while the broker is down, the broker begins anew, empty.
    pub fn broker_data(&self) -> Option<&Path> {
        self.backends.broker_data()
    }

    /// Makes the topology and the services' users again on a broker that has lost its data. What lay in its queues stays lost:
    /// `frontdesk recover` brings it back.
    ///
    /// # Errors
    /// If the broker does not become ready, or does not do it.
    pub async fn restore_broker(&self) -> anyhow::Result<()> {
        self.backends.broker_ready().await?;
        let topology = Topology::derive(&Lanes::read(&self.settings)?);
        broker(&self.settings, &topology, &self.credentials).await
    }

    /// Removes what was made on servers that were given. The services are to be stopped before.
    pub async fn remove(self) {
        self.backends.remove().await;
    }
}

/// The schema and the topology, and the services' roles and users.
async fn prepare(settings: &Settings, credentials: &Credentials) -> anyhow::Result<()> {
    let doing = Doing::begin("schema and topology");
    let topology = Topology::derive(&Lanes::read(settings)?);
    let schema = async {
        let config = settings.section("postgres")?;
        ledger::migrate(&config).await?;
        credentials.own().permit_on_database(&config).await
    };
    let (schema, broker) = tokio::join!(schema, broker(settings, &topology, credentials));
    schema?;
    broker?;
    let (exchanges, queues) = (topology.exchanges.len(), topology.queues.len());
    doing.done(&format!("schema and topology: {exchanges} exchanges, {queues} queues"));
    Ok(())
}

/// The topology, and the services' users.
async fn broker(settings: &Settings, topology: &Topology, credentials: &Credentials) -> anyhow::Result<()> {
    Management::from_settings(settings)?.apply(topology).await?;
    credentials.own().permit_on_broker().await
}

/// The folders of templates: the checkout's, and one with those that are made for clinics of the samples that have none.
fn templates(layout: &Layout, samples_folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let known = runtime::clinics::load_dir(&[layout.clinics()])?;
    let list = samples_folder.join("clinics.json");
    let text = fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let made = samples::missing(&known, &text)?;
    let folder = layout.root().join("clinics");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for (path, text) in &made {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        fs::write(&path, text)?;
    }
    if !made.is_empty() {
        output::line(&format!("templates: made {} from {}", made.len(), list.display()));
    }
    Ok(vec![layout.clinics(), folder])
}
