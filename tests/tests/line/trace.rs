//! A submission is found by anything that names it, its patient by phone and e-mail, and who looked is on record.

use std::process::Output;

use e2e::{Forms, Line};
use serde_json::Value;

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The first text in a form that is an e-mail address, or a phone of the shape that the samples have.
fn find(form: &Value, fits: &dyn Fn(&str) -> bool) -> Option<String> {
    match form {
        Value::String(text) => Some(text.clone()).filter(|text| fits(text)),
        Value::Array(items) => items.iter().find_map(|item| find(item, fits)),
        Value::Object(members) => members.values().find_map(|item| find(item, fits)),
        _ => None,
    }
}

#[tokio::test]
async fn a_submission_is_found_by_all_its_names_and_a_look_up_is_an_act() -> anyhow::Result<()> {
    let line = Line::up(&["--lanes", "1"]).await?;
    let run = async |args: &[&str]| line.frontdesk(args).await.unwrap();
    let submissions = Forms::read()?.of("clinic-01", 2)?;
    for form in &submissions {
        line.broker.submit(form).await?;
    }
    let ids = Forms::ids(&submissions);
    let rows = line.settled(&ids).await?;
    assert!(rows.iter().all(|row| row.state == "completed"), "{rows:?}");

    let found = json(&run(&["trace", &ids[0], "--format", "json"]).await);
    assert_eq!(
        (&found["matches"][0]["by"], found["matches"].as_array().unwrap().len()),
        (&"submission".into(), 1)
    );
    let (one, admission) = (&found["matches"][0], &found["admission"]);
    assert_eq!(admission["timeline"].as_array().unwrap().len(), 4, "a hop of every stage: {admission}");
    for (name, by) in [
        (&one["admission_id"], "admission"),
        (&one["correlation_id"], "correlation"),
        (&admission["appointment"], "appointment"),
        (&admission["timeline"][1]["trace_id"], "trace"),
    ] {
        // One submission, one trace: what came without one begins its own.
        let name = name.as_str().unwrap();
        let again = json(&run(&["trace", name, "--format", "json"]).await);
        assert_eq!(
            (&again["matches"][0]["by"], &again["matches"][0]["submission_id"]),
            (&by.into(), &ids[0].as_str().into())
        );
    }
    let told = text(&run(&["trace", &ids[0]]).await);
    for part in ["completed", "validation", "notification", "waited", "in hand", "EHR appointment"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let nothing = run(&["trace", "no-such-thing"]).await;
    assert_eq!(nothing.status.code(), Some(4), "{}", text(&nothing));

    let email = find(&submissions[0], &|text| text.contains('@')).unwrap();
    let asked = async |args: &[&str], value: &str| {
        line.frontdesk_reading(&[&["trace"], args].concat(), &format!("{value}\n")).await
    };
    let found =
        asked(&["--email", "-", "--purpose", "the patient calls", "--format", "json"], &email).await?;
    assert!(found.status.success(), "{}", text(&found));
    assert!(
        json(&found)["matches"].as_array().unwrap().iter().any(|one| one["submission_id"] == ids[0].as_str())
    );
    let nobody = asked(&["--phone", "-", "--purpose", "a test"], "+1 202 555 0199").await?;
    assert_eq!(nobody.status.code(), Some(4));
    assert_eq!(asked(&["--email", "-"], &email).await?.status.code(), Some(2), "without a purpose");

    let acts = run(&["acts", "--what", "looked_up", "--since", "1h", "--format", "json"]).await;
    let acts = json(&acts);
    let told: Vec<_> = acts
        .as_array()
        .unwrap()
        .iter()
        .map(|act| ["actor", "role", "scope", "reason", "outcome"].map(|name| act[name].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ["local", "operator", "phone", "a test", "nothing"],
            ["local", "operator", "email", "the patient calls", "done"]
        ]
    );
    let table = text(&run(&["acts", "--actor", "local"]).await);
    assert!(table.contains("looked_up") && table.contains("the patient calls"), "{table}");
    assert_eq!(run(&["acts", "--actor", "nobody"]).await.status.code(), Some(4));
    line.nowhere_in_logs(&email)?;
    line.broker.close().await;
    Ok(())
}
