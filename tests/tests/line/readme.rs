//! The README's commands do what it says.

use std::process::Command;

use e2e::{Line, binary};

const README: &str = include_str!("../../../README.md");

/// The commands that the README shows, without `./dev`.
fn commands() -> Vec<Vec<&'static str>> {
    let lines = README.lines().filter_map(|line| line.strip_prefix("    ./dev "));
    lines.map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn every_command_exists() {
    let commands = commands();
    assert!(commands.len() >= 8, "{commands:?}");
    for command in commands {
        let output = Command::new(binary("frontdesk")).args(&command).arg("--help").output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test]
async fn the_tour_goes_as_told() -> anyhow::Result<()> {
    let line = Line::up(&[]).await?;
    for command in commands() {
        if matches!(command[0], "demo" | "test" | "up" | "down") {
            continue;
        }
        if command[0] == "trace" {
            line.settled(&["tour-01".to_owned()]).await?;
        }
        let output = line.frontdesk(&command).await?;
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{command:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        match command[0] {
            "submit" => assert!(said.contains("correlation_id") && said.contains("status_url"), "{said}"),
            "trace" => assert!(said.contains("completed") && said.contains("ehr-writer"), "{said}"),
            "status" => assert!(said.contains("ehr-writer") && said.contains("completed 1"), "{said}"),
            "outcomes" => assert!(said.contains("tour-01"), "{said}"),
            _ => {}
        }
    }
    line.broker.close().await;
    Ok(())
}
