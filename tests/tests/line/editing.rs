//! Submissions with an e-mail that a clinic's rule cannot live with die. They are looked into, corrected beside what they say, planned and
//! replayed, and are booked once as they were corrected; what says who the patient is takes two. No value is anywhere that it need not be.

use std::{path::Path, process::Output};

use anyhow::{Context as _, ensure};
use e2e::{Forms, Line, PATIENCE};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use testkit::wait;
use tokio_postgres::NoTls;

const CLINIC: &str = "clinic-01";
/// Fails on an address without an @, and on no other.
const RULE: &str =
    "patient.email = { expr = \"form.q7_email.contains('@') ? form.q7_email : form.q7_email * 2\" }";
/// What the forms say, and what is made of it. In no log, no act and no answer but the one that shows it.
const WRONG: [&str; 2] = ["zebedee-canary", "dougal-canary"];
const RIGHT: [&str; 2] = ["zebedee-canary-2@example.com", "dougal-canary-2@example.com"];
const PHONE: &str = "(795) 555-0187";
const FAMILY: &str = "Wvutsrq";
/// `printf approver-token | sha256sum`
const LEAD: &str = "697e4faac709ff91018bf81268f62b015913da0d39c2e58eb4ee5dbffc4da325";

/// Lays the clinic's template over the checkout's, with a field's rule set otherwise.
fn template(line: &Line, rule: Option<&str>) -> anyhow::Result<()> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clinics").join(CLINIC);
    let text = std::fs::read_to_string(checkout.join("template.toml"))?;
    let folder = line.folder().join("clinics").join(CLINIC);
    std::fs::create_dir_all(&folder)?;
    let more = rule.map(|rule| format!("\n[fields]\n{rule}\n")).unwrap_or_default();
    Ok(std::fs::write(folder.join("template.toml"), text + &more)?)
}

/// Kills a service, and waits until it was started again.
async fn kill_9(line: &Line, service: &str) -> anyhow::Result<()> {
    let before = line.pid(service)?;
    kill(Pid::from_raw(before), Signal::SIGKILL)?;
    let again = || async { line.pid(service).is_ok_and(|pid| pid != before) };
    Ok(wait::until(PATIENCE, again).await?)
}

/// Gives a second person a token, and its file.
async fn second_person(line: &Line) -> anyhow::Result<String> {
    let own = line.endpoints.ops.token_file.clone();
    let tokens = own.with_file_name("tokens.toml");
    let lead = format!("\n[[token]]\nname = \"lead\"\nroles = [\"approver\"]\nsha256 = \"{LEAD}\"\n");
    std::fs::write(&tokens, std::fs::read_to_string(&tokens)? + &lead)?;
    kill_9(line, "ops").await?;
    wait::until(PATIENCE, || async { line.ops.status().await.is_ok() }).await?;
    let file = line.folder().join("lead-token");
    std::fs::write(&file, "approver-token")?;
    Ok(file.to_str().context("a path that is no text")?.to_owned())
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn hides(text: &str) -> bool {
    let text = text.to_lowercase();
    !["canary", "555-0187", "5550187", "wvutsrq"].iter().any(|word| text.contains(word))
}

async fn count(line: &Line, sql: &str) -> anyhow::Result<i64> {
    let url = std::fs::read_to_string(&line.endpoints.postgres.url_file)?;
    let (client, connection) = tokio_postgres::connect(url.trim(), NoTls).await?;
    let connection = tokio::spawn(connection);
    let found = client.query_one(sql, &[]).await?.get(0);
    drop(client);
    connection.await??;
    Ok(found)
}

/// The ids of all open letters, in the order of their deaths.
async fn letters(line: &Line) -> anyhow::Result<Vec<String>> {
    let output = line.frontdesk(&["dlq", "list", "--format", "json"]).await?;
    let listed: Value = serde_json::from_slice(&output.stdout)?;
    let ids = listed.as_array().context("no list")?.iter().map(|letter| letter["id"].as_str());
    ids.map(|id| Ok(id.context("no id")?.to_owned())).collect()
}

#[tokio::test]
async fn a_dead_letter_is_looked_into_corrected_and_booked_once_as_it_was_corrected() -> anyhow::Result<()> {
    let line = Line::up(&["--lanes", "1"]).await?;
    template(&line, Some(RULE))?;
    kill_9(&line, "validation").await?;
    let lead = second_person(&line).await?;
    let mut submissions = Forms::read()?.of(CLINIC, 2)?;
    let (mut dead, mut died) = (Vec::new(), 0);
    // One after the other: so they are listed.
    for (submission, wrong) in submissions.iter_mut().zip(WRONG) {
        submission["form"]["q7_email"] = json!(wrong);
        submission["form"]["q6_phoneNumber"]["full"] = json!(PHONE);
        line.broker.submit(submission).await?;
        died += 1;
        dead = line.dead_letters(died).await?;
    }
    assert!(dead.iter().all(|letter| letter.code == "template_failed" && hides(&letter.row)));
    let ids = letters(&line).await?;
    let run = async |args: &[&str]| line.frontdesk(args).await.unwrap();

    // One field, to one person who says what for.
    let reveal = ["dlq", "show", &ids[0], "--reveal", "patient.phone"];
    let refused = run(&reveal).await;
    assert!(
        refused.status.code() == Some(1) && text(&refused).contains("purpose_needed"),
        "{}",
        text(&refused)
    );
    let shown = run(&[&reveal[..], &["--purpose", "to call the patient"]].concat()).await;
    assert!(shown.status.success() && text(&shown).contains(PHONE), "{}", text(&shown));
    let again = run(&[&reveal[..], &["--format", "json"]].concat()).await;
    assert_eq!(serde_json::from_slice::<Value>(&again.stdout)?["value"], json!(PHONE));

    // Corrected by one, in what one may correct. An edit that cannot be is not kept.
    let edit = ["dlq", "edit", &ids[0], "--field", "patient.email", "--reason", "the patient spelt it"];
    let unread = line.frontdesk_reading(&edit, &format!("{}\n", WRONG[0])).await?;
    assert!(unread.status.code() == Some(1) && hides(&text(&unread)), "{}", text(&unread));
    assert!(text(&unread).contains("value_refused patient.email"), "{}", text(&unread));
    let edited = line.frontdesk_reading(&edit, &format!("{}\n", RIGHT[0])).await?;
    let said = text(&edited);
    assert!(edited.status.success() && said.contains("dry run: would create") && hides(&said), "{said}");
    // Who the patient is takes two.
    let who = ["patient.family", "patient.email"].map(|field| ["--field", field]).concat();
    let edit = [&["dlq", "edit", &ids[1], "--reason", "as in the passport"], &who[..]].concat();
    let asked = line.frontdesk_reading(&edit, &format!("{FAMILY}\n{}\n", RIGHT[1])).await?;
    let said = text(&asked);
    assert!(asked.status.code() == Some(6) && hides(&said), "{said}");
    let plan = ["dlq", "plan", "--code", "template_failed", "--reason", "edited", "--format", "json"];
    let early: Value = serde_json::from_slice(&run(&plan).await.stdout)?;
    assert_eq!(early["tally"]["forecast"], json!({"refused": 1, "would_create": 1}));
    let waiting: Value =
        serde_json::from_slice(&run(&["dlq", "approvals", "--format", "json"]).await.stdout)?;
    assert_eq!((&waiting[0]["kind"], &waiting[0]["letter_id"]), (&json!("edit"), &json!(ids[1])));
    let request = waiting[0]["id"].as_str().context("no id")?;
    let approve = ["dlq", "approve", request, "--reason", "as the patient says"];
    assert_eq!(run(&approve).await.status.code(), Some(1), "whoever asked has no such role");
    let second = ["--url", &line.endpoints.ops.url, "--token-file", &lead];
    let approved = run(&[&approve[..], &second].concat()).await;
    assert!(approved.status.success() && hides(&text(&approved)), "{}", text(&approved));

    // What was planned before it was approved is not what would go now.
    let (early, _) = replay(&line, &early).await?;
    assert!(early.contains("is done: published 1 of 1: 1 completed"), "{early}");
    let late: Value = serde_json::from_slice(&run(&plan).await.stdout)?;
    assert_eq!(late["tally"]["forecast"], json!({"would_create": 1}));
    let (said, shown) = replay(&line, &late).await?;
    assert!(said.contains("is done: published 1 of 1: 1 completed"), "{said}");
    assert!(shown.contains("would create, edited") && hides(&shown), "{shown}");
    let names = Forms::ids(&submissions);
    let rows = line.settled(&names).await?;
    assert!(rows.len() == 2 && rows.iter().all(|row| row.state == "completed"), "{rows:?}");
    once(&line).await?;

    // The originals again, late, to a template that takes them: they are the same submissions, and change nothing.
    template(&line, None)?;
    kill_9(&line, "validation").await?;
    let before = count(&line, "SELECT count(*) FROM journal WHERE stage = 'validation'").await?;
    for submission in &submissions {
        line.broker.submit(submission).await?;
    }
    let judged = || async {
        count(&line, "SELECT count(*) FROM journal WHERE stage = 'validation'")
            .await
            .is_ok_and(|now| now == before + 2)
    };
    wait::until(PATIENCE, judged).await?;
    assert_eq!(count(&line, "SELECT count(*) FROM submission").await?, 2);
    once(&line).await?;

    let acts = text(&run(&["acts", "--since", "1h", "--format", "json"]).await);
    for what in ["revealed", "edited", "edit_requested", "edit_approved"] {
        assert!(acts.contains(&format!("\"{what}\"")), "{what} in {acts}");
    }
    let told = text(&run(&["dlq", "show", &ids[1]]).await);
    assert!(
        told.contains("patient.family, patient.email: in force") && told.contains("approved by lead"),
        "{told}"
    );
    assert!(hides(&acts) && hides(&told));
    for value in WRONG.iter().chain(&RIGHT).chain(&[PHONE, FAMILY]) {
        line.nowhere_in_logs(value)?;
    }
    line.broker.close().await;
    Ok(())
}

/// Replays a plan to its end: what that says, and what the plan tells then.
async fn replay(line: &Line, plan: &Value) -> anyhow::Result<(String, String)> {
    let id = plan["id"].as_str().context("no plan")?;
    let output = line.frontdesk(&["dlq", "replay", id, "--watch", "--reason", "edited"]).await?;
    ensure!(output.status.success(), "{}", text(&output));
    Ok((text(&output), text(&line.frontdesk(&["dlq", "plan", "show", id]).await?)))
}

/// Each patient and each appointment is there once, as it was corrected.
async fn once(line: &Line) -> anyhow::Result<()> {
    ensure!(line.list("contents?type=Appointment").await?.len() == 2, "not two appointments");
    let patients = line.list("contents?type=Patient").await?;
    ensure!(patients.len() == 2, "{} patients", patients.len());
    let all = patients.iter().map(ToString::to_string).collect::<Vec<_>>().concat();
    for value in RIGHT.iter().chain(&[FAMILY]) {
        ensure!(all.contains(value), "the EHR has it not as it was corrected");
    }
    Ok(())
}
