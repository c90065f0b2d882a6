//! Two doors, one line: what a client sends twice is done once.

use e2e::{Forms, Line, post};
use serde_json::Value;

#[tokio::test]
async fn a_retry_at_either_door_changes_nothing() -> anyhow::Result<()> {
    let line = Line::up(&[]).await?;
    let submission = Forms::read()?.any(1)?.remove(0);
    let ids = Forms::ids(std::slice::from_ref(&submission));

    let first = post(&line.endpoints.gateway, &submission).await?;
    assert_eq!(first.status().as_u16(), 202);
    let accepted: Value = first.json().await?;
    assert_eq!(accepted["submission_id"], submission["submission_id"]);
    let rows = line.settled(&ids).await?;
    assert_eq!(rows[0].state, "completed", "{rows:?}");
    assert!(rows[0].patient.is_some() && rows[0].appointment.is_some(), "{rows:?}");

    // The same from another execution of the scenario, and the same again by AMQP.
    assert_eq!(post(&line.endpoints.gateway, &submission).await?.status().as_u16(), 202);
    line.broker.submit(&submission).await?;
    // Something behind them in the same queue tells that they were judged.
    let clinic = submission["clinic_id"].as_str().unwrap();
    let behind = Forms::read()?.of(clinic, 2)?.remove(1);
    line.broker.submit(&behind).await?;
    line.settled(&Forms::ids(&[behind])).await?;

    assert_eq!(line.settled(&ids).await?.len(), 1, "one row for one submission");
    let counts = line.sandbox("counts").await?;
    assert_eq!((&counts["patients"], &counts["appointments"]), (&2.into(), &2.into()), "{counts}");
    line.broker.close().await;
    Ok(())
}

#[tokio::test]
async fn killed_processes_lose_nothing_and_do_nothing_twice() -> anyhow::Result<()> {
    let line = Line::up(&[]).await?;
    let submissions = Forms::read()?.any(120)?;
    for (number, submission) in submissions.iter().enumerate() {
        line.broker.submit(submission).await?;
        if number % 24 == 12 {
            let services = ["validation", "eligibility", "ehr-writer", "notification"];
            for service in services {
                // One that is just being started again has none, and is as dead as it can be.
                if let Ok(pid) = line.pid(service) {
                    let _ =
                        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL);
                }
            }
        }
    }
    let rows = line.settled(&Forms::ids(&submissions)).await?;
    // What was being sent to the EHR or to the patient when its process died is searched for, or asked of a person; never repeated.
    let odd: Vec<_> = rows
        .iter()
        .filter(|row| row.state != "completed" && row.code.as_deref() != Some("notification_parked"))
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
    let counts = line.sandbox("counts").await?;
    assert_eq!(counts["patients"], 120, "{counts}");
    assert_eq!(counts["appointments"], 120, "{counts}");
    line.broker.close().await;
    Ok(())
}
