//! Each service runs as a user of the broker and as a role of the database of its own, and may do what it needs and no more. That it may do
//! enough, every test of the line proves; what the broker and the database refuse is proven beside the tables of what they allow.

use std::collections::BTreeSet;

use e2e::{Forms, Line, PATIENCE};
use testkit::wait;

#[tokio::test]
async fn every_service_is_somebody_of_its_own() -> anyhow::Result<()> {
    let line = Line::up(&[]).await?;
    let submissions = Forms::read()?.any(4)?;
    for form in &submissions {
        line.broker.submit(form).await?;
    }
    let rows = line.settled(&Forms::ids(&submissions)).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "{rows:?}");

    let services = ["ehr-writer", "eligibility", "gateway", "notification", "ops", "validation"];
    let roles = line
        .rows("SELECT DISTINCT usename::text FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        .await?;
    let roles: BTreeSet<String> = roles.iter().map(|row| row.get(0)).collect();
    let own = |prefix: &str, dash: &str| -> BTreeSet<String> {
        services.iter().map(|service| format!("{prefix}_{}", service.replace('-', dash))).collect()
    };
    assert_eq!(roles, own(&line.endpoints.postgres.name, "_"), "and nobody is the owner");

    // The tests' own connection is the administrator's; the broker tells of connections a few seconds late.
    let mine = own(&line.endpoints.amqp.name, "-");
    let seen = async || {
        let connections = line.management("vhosts/{vhost}/connections").await.unwrap_or_default();
        let users = connections.as_array().into_iter().flatten().filter_map(|one| one["user"].as_str());
        let users: BTreeSet<String> = users.map(str::to_owned).collect();
        users.is_superset(&mine) && users.len() == mine.len() + 1
    };
    wait::until(PATIENCE, seen).await?;
    line.broker.close().await;
    Ok(())
}
