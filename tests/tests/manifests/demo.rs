//! What `docker compose up` shows, without a container engine: the same programs with the same configuration, credentials and commands, on the
//! tests' broker and database. One submission goes through the front door, and its patient is told.

use std::{net::TcpListener, path::Path};

use e2e::binary;
use frontdesk::kubernetes::SERVICES;
use testkit::{
    env::{TestDatabase, TestVhost},
    wait,
};
use tokio::process::Command;

use super::{
    path, read,
    starts::{self, PATIENCE, Told},
};

/// A port that is free now.
fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The configuration, about the sandbox that runs and ports that are free.
fn about(sandbox: &Told, gateway: u16, ops: u16) -> String {
    read("k8s/compose/frontdesk.toml")
        .replace("http://127.0.0.1:18080", &sandbox.base)
        .replace("port = 1025", &format!("port = {}", sandbox.smtp_port))
        .replace("0.0.0.0:8080", &format!("127.0.0.1:{gateway}"))
        .replace("0.0.0.0:8081", &format!("127.0.0.1:{ops}"))
}

pub(crate) fn frontdesk(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary("frontdesk"));
    // Where there is no checkout around, as in the image.
    command.current_dir(folder).args(args).env("FRONTDESK_CONFIG", folder.join("frontdesk.toml"));
    for (section, file) in
        [("AMQP", "amqp_url"), ("MANAGEMENT", "management_url"), ("POSTGRES", "postgres_url")]
    {
        command.env(format!("FRONTDESK__{section}__URL_FILE"), folder.join("services/frontdesk").join(file));
    }
    command.kill_on_drop(true);
    command
}

#[tokio::test]
async fn the_demo_of_compose_goes_through() {
    let (database, vhost) = (TestDatabase::create().await.unwrap(), TestVhost::create().await.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    super::compose::secrets(at);
    let (_sandbox, told) = starts::sandbox(at, starts::ANYWHERE, &[]).await;
    let (gateway, ops) = (free(), free());
    let config = starts::laid_out(at, &about(&told, gateway, ops));
    for (file, url) in [
        ("amqp_url", vhost.amqp_url()),
        ("management_url", vhost.management_url()),
        ("postgres_url", database.url()),
    ] {
        std::fs::write(at.join("services/frontdesk").join(file), url).unwrap();
    }
    let done = async |args: &[&str]| {
        let output = frontdesk(at, args).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{args:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    };
    done(&["migrate"]).await;
    done(&["topology", "apply"]).await;
    assert_eq!(done(&["topology", "plan"]).await.trim(), "nothing to do");

    let start = |name| starts::command(name, at, &config, database.url()).spawn().unwrap();
    let _children: Vec<_> = SERVICES.iter().map(|service| start(service.name)).collect();
    for service in SERVICES {
        let ready = || async {
            let address = std::fs::read_to_string(at.join(service.name)).ok()?;
            let url = format!("http://{}/health/ready", address.trim());
            // As the containers' health check asks it.
            frontdesk(at, &["health", &url]).output().await.ok()?.status.success().then_some(())
        };
        wait::until_some(PATIENCE, ready).await.unwrap_or_else(|_| panic!("{} is not ready", service.name));
    }
    let (door, secret) = (format!("http://127.0.0.1:{gateway}"), at.join("services/sources/make.secret"));
    let example = path("docs/examples/intake.json");
    let submit =
        ["submit", "--url", &door, "--secret-file", secret.to_str().unwrap(), example.to_str().unwrap()];
    assert!(done(&submit).await.contains("\"tour-01\""));

    let (api, token) = (format!("http://127.0.0.1:{ops}"), at.join("services/ops/ops_token"));
    let trace = ["trace", "tour-01", "--url", &api, "--token-file", token.to_str().unwrap()];
    let completed = || async {
        let output = frontdesk(at, &trace).output().await.ok()?;
        String::from_utf8_lossy(&output.stdout).contains("completed").then_some(())
    };
    wait::until_some(PATIENCE, completed).await.unwrap();
}
