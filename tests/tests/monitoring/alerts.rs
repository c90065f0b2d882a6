//! Each alert says how urgent it is, what is the matter and what to do, has a runbook, and is tested.

use crate::{found, text};

#[test]
fn every_alert_says_what_to_do() {
    let rules = text("k8s/monitoring/alerts.yaml");
    let alerts: Vec<&str> = rules.split("- alert: ").skip(1).collect();
    assert!(alerts.len() > 20);
    for alert in alerts {
        let name = alert.lines().next().unwrap().trim();
        for part in ["severity: ", "summary: \"", "action: \"", "runbook: "] {
            assert!(alert.contains(part), "{name} lacks {part}");
        }
        let action = found("action: \"(.*)\"\n", alert).into_iter().next().unwrap();
        assert!(action.ends_with('.') && action.len() > 40, "{name}: {action}");
        let severity = found("severity: (.*)\n", alert).into_iter().next().unwrap();
        assert!(["page", "ticket"].contains(&severity.as_str()), "{name}: {severity}");
    }
}

#[test]
fn every_alert_has_its_runbook_and_every_runbook_its_alert() {
    let rules = text("k8s/monitoring/alerts.yaml");
    let names = found(r"- alert: (\w+)", &rules);
    let runbooks = text("docs/runbooks.md");
    assert_eq!(names, found(r"(?m)^## (\w+)$", &runbooks));
    let links = found(r"runbook: (\S+)", &rules);
    let expected = names.iter().map(|name| format!("docs/runbooks.md#{}", name.to_lowercase())).collect();
    assert_eq!(links, expected);
}

#[test]
fn every_alert_is_tested() {
    let names = found(r"- alert: (\w+)", &text("k8s/monitoring/alerts.yaml"));
    let tested = found(r#"alertname="(\w+)", severity"#, &text("k8s/monitoring/tests.yaml"));
    assert_eq!(names, tested, "each must be seen to fire");
}

#[test]
fn the_three_promises_burn_at_three_rates() {
    let rules = text("k8s/monitoring/alerts.yaml");
    for (sli, budget) in [("intake_to_ehr", "0.01"), ("availability", "0.001"), ("errors", "0.01")] {
        for (rate, long, short) in [("14.4", "1h", "5m"), ("6", "6h", "30m"), ("1", "3d", "6h")] {
            for window in [long, short] {
                let part = format!("slo:{sli}:error_ratio_rate{window} > ({rate} * {budget})");
                assert!(rules.contains(&part), "{part}");
            }
        }
    }
}

#[test]
fn commands_in_runbooks_are_commands() {
    use clap::CommandFactory as _;
    let program = frontdesk::cli::Cli::command();
    let told = text("docs/runbooks.md") + &text("k8s/monitoring/alerts.yaml");
    for command in found(r"`frontdesk ([a-z]+(?: [a-z]+)?)", &told) {
        let mut words = command.split(' ');
        let first = words.next().unwrap();
        let known = program.find_subcommand(first).unwrap_or_else(|| panic!("there is no frontdesk {first}"));
        if let Some(second) = words.next().filter(|_| known.has_subcommands()) {
            assert!(known.find_subcommand(second).is_some(), "there is no frontdesk {first} {second}");
        }
    }
}
