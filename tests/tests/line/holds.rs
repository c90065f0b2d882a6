//! What is held is decided from the command line and goes on through the line: a doubtful match both ways, a taken slot, and a decision
//! whose process died before it could publish it.

use std::{process::Output, sync::Arc};

use domain::{
    clock::SystemClock,
    hold::{Verdict, Word},
};
use e2e::{Forms, Line, PATIENCE};
use ledger::{Config, Store, acts::Actor, holds::NewDecision};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use testkit::wait;

/// Samples, each held for a doubt about another one: the same person, born a day later.
pub(crate) const DOUBTFUL: [(&str, &str); 2] = [
    ("3b51d375-f933-4f74-ab29-35f2c02823ec", "b06e1d51-34c5-4125-bdab-0850b8160826"),
    ("b299303e-ddb3-49a9-9c66-d9a397825378", "70a29a72-2bf5-4c69-a828-188b6f8e3560"),
];
/// Two persons who want one slot.
const SLOT: (&str, &str) = ("a65023ba-662d-4088-9954-f128f3c151a4", "2da54a07-d6ae-4cae-bfc2-47155b5b46b3");

struct Desk(Line);

impl Desk {
    /// Sends a sample, waits until it stands where it stays, and says where that is.
    async fn send(&self, id: &str) -> anyhow::Result<String> {
        self.0.broker.submit(&Forms::named(id)?).await?;
        self.ends(id).await
    }

    async fn ends(&self, id: &str) -> anyhow::Result<String> {
        let row = self.0.settled(&[id.to_owned()]).await?.remove(0);
        Ok([Some(row.state), row.code].into_iter().flatten().collect::<Vec<_>>().join(" "))
    }

    async fn run(&self, args: &[&str]) -> Output {
        self.0.frontdesk(args).await.unwrap()
    }

    async fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--format", "json"]].concat()).await;
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The admission's id of what is held of a submission. Its state is known a moment before the rest of it.
    async fn held(&self, submission: &str) -> anyhow::Result<String> {
        let find = async || {
            let holds = self.json(&["holds", "list"]).await;
            let hold = holds.as_array()?.iter().find(|hold| hold["submission_id"] == submission)?;
            Some(hold["admission_id"].as_str()?.to_owned())
        };
        Ok(wait::until_some(PATIENCE, find).await?)
    }

    async fn decide(&self, id: &str, decision: &[&str]) -> (Option<i32>, String) {
        let output =
            self.run(&[&["holds", "decide", id], decision, &["--reason", "by phone"]].concat()).await;
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    async fn patients(&self) -> anyhow::Result<usize> {
        Ok(self.0.list("contents?type=Patient").await?.len())
    }
}

#[tokio::test]
async fn a_doubtful_match_is_decided_both_ways_and_each_goes_on() -> anyhow::Result<()> {
    let desk = Desk(Line::up(&[]).await?);
    assert_eq!(desk.run(&["holds", "list"]).await.status.code(), Some(4), "nothing is held yet");
    let [same, different] = DOUBTFUL;
    for (known, doubtful) in [same, different] {
        assert_eq!(desk.send(known).await?, "completed");
        assert_eq!(desk.send(doubtful).await?, "held doubtful_match");
    }
    assert_eq!(desk.patients().await?, 2);

    let (one, other) = (desk.held(same.1).await?, desk.held(different.1).await?);
    let shown = desk.json(&["holds", "show", &one]).await;
    let candidate = &shown["candidates"][0];
    assert!(candidate["differs"].as_array().unwrap().iter().any(|one| one == "birth_date:typo"), "{shown}");
    let (code, said) = desk.decide(&one, &["not-done"]).await;
    assert!(code == Some(1) && said.contains("same-person PERSON, different-person or close"), "{said}");
    assert_eq!(desk.decide(&one, &["same-person"]).await.0, Some(2), "it names nobody");

    let person = candidate["id"].as_str().unwrap();
    let (code, said) = desk.decide(&one, &["same-person", person]).await;
    assert!(code == Some(0) && said.contains("goes on through the line"), "{said}");
    let (code, said) = desk.decide(&one, &["different-person"]).await;
    assert!(code == Some(1) && said.contains("not_held"), "{said}");
    assert_eq!(desk.decide(&other, &["different-person"]).await.0, Some(0));
    for (_, doubtful) in [same, different] {
        assert_eq!(desk.ends(doubtful).await?, "completed");
    }
    assert_eq!(desk.patients().await?, 3, "one person twice, and two persons");
    assert_eq!(desk.0.list("contents?type=Appointment").await?.len(), 4);

    // Who decided, and why, is in the timeline and among the acts.
    let life = desk.run(&["trace", same.1]).await;
    assert!(String::from_utf8(life.stdout)?.contains("decided (doubtful_match)"));
    let acts = desk.0.operators("acts?what=decided").await?;
    assert_eq!(acts["acts"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&acts["acts"][0]["actor"], &acts["acts"][0]["reason"]),
        (&"local".into(), &"by phone".into())
    );

    // A lost broker brings back what was let go on, and does not hold it again.
    let recovered = desk.0.frontdesk(&["recover", "--dry-run"]).await?;
    assert!(String::from_utf8_lossy(&recovered.stdout).contains("0 held"));
    desk.0.broker.close().await;
    Ok(())
}

#[tokio::test]
async fn a_taken_slot_is_decided_and_a_dead_process_loses_no_decision() -> anyhow::Result<()> {
    let desk = Desk(Line::up(&[]).await?);
    assert_eq!(desk.send(SLOT.0).await?, "completed");
    assert_eq!(desk.send(SLOT.1).await?, "held slot_taken");
    let id = desk.held(SLOT.1).await?;
    let shown = desk.json(&["holds", "show", &id]).await;
    let slots = shown["slots"].as_array().unwrap();
    assert!(!slots.is_empty(), "{shown}");
    let (slot, start) = (slots[0]["id"].as_str().unwrap(), slots[0]["start"].as_str().unwrap());
    let (code, said) = desk.decide(&id, &["slot", "slot-of-nobody"]).await;
    assert!(code == Some(1) && said.contains("not_offered"), "{said}");
    assert_eq!(desk.decide(&id, &["slot", slot]).await.0, Some(0));
    assert_eq!(desk.ends(SLOT.1).await?, "completed");
    let booked = desk.0.list("contents?type=Appointment").await?;
    assert_eq!(booked.len(), 2);
    assert!(booked.iter().any(|visit| visit["start"] == start), "{start}");

    // The decision is committed, and the process that took it is dead: the next one publishes it.
    let (known, doubtful) = DOUBTFUL[0];
    assert_eq!(desk.send(known).await?, "completed");
    assert_eq!(desk.send(doubtful).await?, "held doubtful_match");
    let admission = desk.held(doubtful).await?.parse()?;
    let dead = desk.0.pid("ops")?;
    kill(Pid::from_raw(dead), Signal::SIGKILL)?;
    let url = std::fs::read_to_string(&desk.0.endpoints.postgres.url_file)?;
    let store = Store::connect(&Config::with_url(url.trim()), Arc::new(SystemClock)).await?;
    let decision = NewDecision {
        admission,
        verdict: Verdict::new(Word::DifferentPerson, None)?,
        actor: Actor { name: "sam".to_owned(), role: "operator".to_owned() },
        reason: "another phone".to_owned(),
    };
    store.decide(&decision).await?;
    wait::until(PATIENCE, || async {
        let state = store.admission(admission).await.ok().flatten();
        state.is_some_and(|status| status.state.as_str() == "completed")
    })
    .await?;
    wait::until(PATIENCE, || async { store.releases(0, 1).await.is_ok_and(|left| left.is_empty()) }).await?;
    wait::until(PATIENCE, || async { desk.0.pid("ops").is_ok_and(|pid| pid != dead) }).await?;
    assert_eq!(desk.patients().await?, 4, "two for the slot, and two who are not one");
    desk.0.broker.close().await;
    Ok(())
}
