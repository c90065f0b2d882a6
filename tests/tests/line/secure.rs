//! A line that speaks TLS, with an authority of its own: every service with broker and database, and whoever asks with both APIs. That production
//! goes no other way is held in `tests/tests/manifests/secure.rs`.

use anyhow::ensure;
use e2e::{Line, PATIENCE};
use testkit::{
    backends::{BrokerPrograms, PostgresPrograms},
    wait,
};

#[tokio::test]
async fn a_submission_goes_through_a_line_over_tls() -> anyhow::Result<()> {
    // Where they are not, the first `./dev up` installs them.
    if BrokerPrograms::find().is_none() || PostgresPrograms::find().is_none() {
        return Ok(());
    }
    let line = Line::up_secure().await?;
    let sent = line.frontdesk(&["submit", "docs/examples/intake.json"]).await?;
    ensure!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let rows = line.settled(&["tour-01".to_owned()]).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "{rows:?}");

    // All but the administrator's own; the broker tells of connections a few seconds late.
    let secure = || async {
        let connections = line.management("connections").await.unwrap_or_default();
        let all = connections.as_array().into_iter().flatten();
        let services: Vec<bool> =
            all.filter(|one| one["user"] != "frontdesk").map(|one| one["ssl"] == true).collect();
        services.len() >= 6 && services.iter().all(|secure| *secure)
    };
    wait::until(PATIENCE, secure).await?;
    let roles = line
        .rows(
            "SELECT count(DISTINCT usename), bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
            WHERE datname = current_database() AND usename <> current_user",
        )
        .await?;
    assert_eq!((roles[0].get::<_, i64>(0), roles[0].get::<_, bool>(1)), (6, true));

    let told = line.metrics("gateway").await?;
    for file in ["amqp.ca_file", "postgres.ca_file", "gateway.cert_file"] {
        let told = told.lines().any(|text| {
            text.starts_with("frontdesk_tls_not_after_timestamp_seconds{")
                && text.contains(&format!("file=\"{file}\""))
        });
        assert!(told, "until when {file} is good");
    }

    let client = reqwest::Client::builder().no_proxy().build()?;
    for url in [&line.endpoints.gateway.url, &line.endpoints.ops.url] {
        ensure!(url.starts_with("https://"), "{url}");
        assert!(client.get(url).send().await.is_err(), "an authority that nobody knows");
        assert!(client.get(url.replace("https:", "http:")).send().await.is_err(), "no TLS");
    }
    line.broker.close().await;
    Ok(())
}
