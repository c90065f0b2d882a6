//! A day is reconciled over the whole line and the sandbox's EHR: nothing is different after a clean run; then what somebody deletes, copies
//! and plants there, and what the broker loses, is found as what it is, and what is stuck is brought back.

use std::collections::BTreeMap;

use domain::clock::{Clock as _, SystemClock};
use e2e::{Forms, Line, PATIENCE};
use frontdesk::ops::Place;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use testkit::{sandbox::Kind, wait};

/// All submissions are of one clinic, which has its own clock.
pub(crate) const CLINIC: &str = "clinic-01";
const ZONE: &str = "America/New_York";

pub(crate) fn today() -> String {
    SystemClock.now().to_zoned(TimeZone::get(ZONE).unwrap()).date().to_string()
}

/// Runs `frontdesk reconcile` for today, and gives its exit code and its answer.
pub(crate) async fn reconcile(line: &Line, more: &[&str]) -> anyhow::Result<(Option<i32>, Value)> {
    let today = today();
    let args = [&["reconcile", "--date", &today, "--format", "json"], more].concat();
    let output = line.frontdesk(&args).await?;
    let answer = serde_json::from_slice(&output.stdout);
    let answer = answer.map_err(|_| anyhow::anyhow!("{}", String::from_utf8_lossy(&output.stderr)))?;
    Ok((output.status.code(), answer))
}

/// What was found: kind and submission.
pub(crate) fn found(run: &Value) -> Vec<(String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let rows = run["differences"].as_array().into_iter().flatten();
    rows.map(|row| (text(&row["kind"]).unwrap(), text(&row["submission_id"]))).collect()
}

pub(crate) fn counts(run: &Value) -> &Value {
    let own = |one: &&Value| one["clinic_id"] == CLINIC;
    run["compared"].as_array().unwrap().iter().find(own).unwrap()
}

/// Reconciles again until a condition holds.
pub(crate) async fn until(
    line: &Line,
    more: &[&str],
    holds: impl Fn(&Value) -> bool,
) -> anyhow::Result<(Option<i32>, Value)> {
    let look = async || reconcile(line, more).await.ok().filter(|(_, run)| holds(run));
    match wait::until_some(PATIENCE, look).await {
        Ok(seen) => Ok(seen),
        Err(_) => anyhow::bail!("it does not come to hold: {}", reconcile(line, more).await?.1),
    }
}

#[tokio::test]
async fn what_is_different_is_found_and_what_is_stuck_is_brought_back() -> anyhow::Result<()> {
    let sla = [("FRONTDESK__RECONCILIATION__SLA_S", "5")];
    let line = Line::up_with(&["--lanes", "1"], &sla).await?;
    let forms = Forms::read()?.of(CLINIC, 12)?;
    let (forms, more) = forms.split_at(4);
    for form in forms {
        line.broker.submit(form).await?;
    }
    let rows = line.settled(&Forms::ids(forms)).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "{rows:?}");

    // What was written in the last seconds is not compared yet.
    let (code, run) = until(&line, &[], |run| counts(run)["written"] == 12).await?;
    assert_eq!((code, &run["differences"], &run["gaps"]), (Some(0), &json!([]), &json!([])), "{run}");
    let own = counts(&run);
    for name in ["admitted", "journalled", "completed"] {
        assert_eq!(own[name], 4, "{name} of {own}");
    }
    assert_eq!(own["in_ehr"], 12, "{own}");
    assert!(own["notified"].as_u64() > Some(0), "{own}");
    let plain = line.frontdesk(&["reconcile", "--date", &today(), "--clinic", CLINIC]).await?;
    let said = String::from_utf8_lossy(&plain.stdout).into_owned();
    assert!(plain.status.success() && said.contains("no differences on"), "{said}");

    let file = line.folder().join("sent.csv");
    let told = |count| format!("date,clinic,source,sent\n{},{CLINIC},web_form,{count}\n", today());
    for (count, code, kinds) in [(4, 0, vec![]), (6, 3, vec![("lost".to_owned(), None)])] {
        std::fs::write(&file, told(count))?;
        let (exit, run) = reconcile(&line, &["--sent", &file.display().to_string()]).await?;
        assert_eq!((exit, found(&run)), (Some(code), kinds), "{run}");
    }

    let meddler = line.meddler()?;
    let visits = meddler.contents(Kind::Appointment).await?;
    let of: BTreeMap<_, _> =
        rows.iter().map(|row| (row.appointment.clone().unwrap(), row.submission_id.clone())).collect();
    let id = |nth: usize| visits[nth]["id"].as_str().unwrap().to_owned();
    meddler.remove(Kind::Appointment, &id(0)).await?;
    meddler.plant(Kind::Appointment, &visits[1]).await?;
    let stranger = json!({"resourceType": "Patient", "identifier": [{"system": "urn:frontdesk:patient", "value": "ab".repeat(32)}]});
    meddler.plant(Kind::Patient, &stranger).await?;
    let (code, run) = reconcile(&line, &[]).await?;
    assert_eq!(code, Some(3), "{run}");
    let mischief = [
        ("missing_in_ehr".to_owned(), Some(of[&id(0)].clone())),
        ("twice_in_ehr".to_owned(), Some(of[&id(1)].clone())),
        ("not_in_ledger".to_owned(), None),
    ];
    assert_eq!(found(&run), mischief, "{run}");
    assert_eq!(counts(&run)["in_ehr"], 11, "{run}");
    let advice = run["differences"][0]["advice"].as_str().unwrap();
    assert!(advice.contains(&format!("`frontdesk trace {}`", of[&id(0)])), "{advice}");

    let stuck = lose(&line, more).await?;
    let overdue = ("overdue".to_owned(), stuck["submission_id"].as_str().map(str::to_owned));
    until(&line, &[], |run| found(run).contains(&overdue)).await?;
    let repair = ["--repair", "--reason", "its queue was purged"];
    // The broker's counts are some seconds old.
    let (code, run) =
        until(&line, &repair, |run| run["repair"]["redriven"].as_array().is_some_and(|all| all.len() == 1))
            .await?;
    assert_eq!(code, Some(3), "what was different is told once more: {run}");
    let rows = line.settled(&Forms::ids(std::slice::from_ref(&stuck))).await?;
    assert_eq!(rows[0].state, "completed", "{rows:?}");
    let url = std::fs::read_to_string(&line.endpoints.postgres.url_file)?;
    let traces =
        "SELECT count(DISTINCT trace_id) FROM journal WHERE submission_id = $1 AND trace_id IS NOT NULL";
    let (client, connection) = tokio_postgres::connect(url.trim(), tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    let traces: i64 = client.query_one(traces, &[&stuck["submission_id"].as_str()]).await?.try_get(0)?;
    drop(client);
    connection.await??;
    assert_eq!(traces, 1, "what is published again goes on with its trace");
    let (_, run) = reconcile(&line, &[]).await?;
    assert_eq!(found(&run), mischief, "the rest is for people: {run}");

    let acts = line.operators("acts?what=redriven").await?;
    let last = &acts["acts"][0];
    assert_eq!(
        (&last["actor"], &last["reason"]),
        (&json!("local"), &json!("its queue was purged")),
        "{acts}"
    );
    let kept = line.operators("reconciliations").await?;
    assert_eq!((&kept[0]["id"], &kept[0]["daily"]), (&run["id"], &json!(false)), "{kept}");
    line.broker.close().await;
    Ok(())
}

/// Loses the message of a submission on the broker, before the last stage, and gives the submission.
async fn lose(line: &Line, forms: &[Value]) -> anyhow::Result<Value> {
    let pause = line.frontdesk(&["pause", "--stage", "notification", "--reason", "a drill"]).await?;
    assert!(pause.status.success(), "{}", String::from_utf8_lossy(&pause.stderr));
    // The stage obeys soon, not at once: what slips through in between completes, and the next one is tried.
    for form in forms {
        line.broker.submit(form).await?;
        let id = form["submission_id"].as_str().unwrap_or_default();
        let seen = async || {
            let places = line.ops.status().await.map(|status| status.lanes).unwrap_or_default();
            let waits = |place: &&Place| place.stage == "notification" && place.ready == Some(1);
            let waits = places.iter().find(waits).filter(|place| place.unacknowledged == Some(0));
            let rows = line.ops.outcomes().await.unwrap_or_default();
            let through = rows.iter().any(|row| row.submission_id == id && row.state == "completed");
            (waits.is_some() || through).then(|| waits.map(|place| format!("notification.{}", place.lane)))
        };
        let Some(queue) = wait::until_some(PATIENCE, seen).await? else { continue };
        line.purge(&queue).await?;
        let resume =
            line.frontdesk(&["resume", "--stage", "notification", "--reason", "the drill is over"]).await?;
        assert!(resume.status.success(), "{}", String::from_utf8_lossy(&resume.stderr));
        return Ok(form.clone());
    }
    anyhow::bail!("the pause is not obeyed")
}
