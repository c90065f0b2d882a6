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

/// As `docs/operations.md` has it done after the broker's data is lost: in the pod of `ops`, with what that has.
#[tokio::test]
async fn ops_may_publish_again_what_is_in_flight_and_a_stage_may_not() -> anyhow::Result<()> {
    let line = Line::up(&[]).await?;
    let paused = line.frontdesk(&["pause", "--stage", "eligibility", "--reason", "a test"]).await?;
    assert!(paused.status.success(), "{paused:?}");
    let nobody_takes = || async {
        let queues = line.management("queues/{vhost}").await.unwrap_or_default();
        let mut own = queues.as_array().into_iter().flatten().filter(|queue| {
            let name = queue["name"].as_str().unwrap_or_default();
            name.starts_with("eligibility.") && !name.ends_with(".dlq")
        });
        own.clone().count() > 1 && own.all(|queue| queue["consumers"] == 0)
    };
    wait::until(PATIENCE, nobody_takes).await?;
    let submissions = Forms::read()?.any(2)?;
    for form in &submissions {
        line.broker.submit(form).await?;
    }
    let admitted = || async {
        let rows = line.rows("SELECT count(*) FROM submission WHERE state = 'in_flight'").await;
        rows.is_ok_and(|rows| rows[0].get::<_, i64>(0) == 2)
    };
    wait::until(PATIENCE, admitted).await?;

    let said = |output: &std::process::Output| {
        let (out, error) = (&output.stdout, &output.stderr);
        format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(error))
    };
    let refused = line.frontdesk_as("eligibility", &["recover"]).await?;
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    let done = line.frontdesk_as("ops", &["recover"]).await?;
    assert!(done.status.success() && said(&done).contains("published again: 2"), "{}", said(&done));

    let resumed = line.frontdesk(&["resume", "--stage", "eligibility", "--reason", "a test"]).await?;
    assert!(resumed.status.success(), "{resumed:?}");
    let rows = line.settled(&Forms::ids(&submissions)).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "{rows:?}");
    line.dead_letters(0).await?;
    line.broker.close().await;
    Ok(())
}
