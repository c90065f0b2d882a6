//! The rules of `docs/logging.md`, held against every call that logs; and the list of events in it.
//!
//! `FRONTDESK_WRITE_SCHEMAS=1 cargo nextest run -p e2e --test monitoring` writes the list.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;

use crate::text;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/logging.md");
const LIST: &str = "## The events\n";

/// One call.
struct Call {
    place: String,
    level: String,
    fields: Vec<String>,
    message: String,
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            sources(&path, out);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            out.push(path);
        }
    }
}

/// All files of the product's code, each with its place, tests left out.
fn code() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for group in ["shared", "services"] {
        for member in fs::read_dir(root.join(group)).unwrap() {
            let member = member.unwrap().path();
            // The test kit logs nothing of the line's.
            if !member.ends_with("testkit") {
                sources(&member.join("src"), &mut files);
            }
        }
    }
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap().to_owned();
        (file.strip_prefix(&root).unwrap().display().to_string(), code)
    };
    files.into_iter().map(read).collect()
}

/// Every call that logs.
fn calls() -> Vec<Call> {
    let start = Regex::new(r"tracing::(trace|debug|info|warn|error)!\(").unwrap();
    let mut calls = Vec::new();
    for (place, code) in code() {
        for found in start.captures_iter(&code) {
            let mut parts = arguments(&code[found.get(0).unwrap().end()..]);
            let message = parts.pop().unwrap_or_default();
            calls.push(Call { place: place.clone(), level: found[1].to_owned(), fields: parts, message });
        }
    }
    assert!(calls.len() > 50, "the calls are not found any more");
    calls
}

/// Every field of a span, of which the lines within it and what is exported have them all: where, name and value.
fn spans() -> Vec<(String, String)> {
    let start = Regex::new(r#"\b(?:trace_|debug_|info_|warn_|error_)?span!\("#).unwrap();
    let record = Regex::new(r"\.record\(\s*(\x22[^\x22]+\x22)\s*,").unwrap();
    let mut fields = Vec::new();
    for (place, code) in code() {
        for found in start.find_iter(&code) {
            // The first argument is the span's name.
            let parts = arguments(&code[found.end()..]).into_iter().skip(1);
            fields.extend(parts.map(|field| (place.clone(), field)));
        }
        for found in record.captures_iter(&code) {
            let value = arguments(&code[found.get(0).unwrap().end()..]).join(", ");
            fields.push((place.clone(), format!("{} = {value}", &found[1])));
        }
    }
    assert!(fields.len() > 50, "the spans are not found any more");
    fields
}

/// Every field that is logged or exported.
fn fields() -> Vec<(String, String)> {
    let logged = calls()
        .into_iter()
        .flat_map(|Call { place, fields, .. }| fields.into_iter().map(move |field| (place.clone(), field)));
    logged.chain(spans()).collect()
}

/// The arguments of a macro, up to its closing parenthesis.
fn arguments(code: &str) -> Vec<String> {
    let (mut parts, mut part, mut depth, mut quoted, mut before) = (Vec::new(), String::new(), 0, false, ' ');
    for c in code.chars() {
        if c == '"' && before != '\\' {
            quoted = !quoted;
        }
        before = c;
        if !quoted {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' if depth == 0 => break,
                ')' | ']' | '}' => depth -= 1,
                ',' if depth == 0 => {
                    parts.push(part.trim().to_owned());
                    part.clear();
                    continue;
                }
                _ => {}
            }
        }
        part.push(c);
    }
    if !part.trim().is_empty() {
        parts.push(part.trim().to_owned());
    }
    parts
}

#[test]
fn a_message_is_the_name_of_an_event() {
    let name = Regex::new(r#"^"[a-z_]+(\.[a-z_]+)+"$"#).unwrap();
    for call in calls() {
        assert!(name.is_match(&call.message), "{}: {}", call.place, call.message);
    }
}

#[test]
fn fields_have_dotted_names_and_nothing_is_printed_by_its_debug() {
    for (place, field) in fields() {
        let (name, value) = field.split_once('=').unwrap_or((field.as_str(), field.as_str()));
        let name = name.trim().trim_start_matches('%');
        assert!(name == "error" || name.contains('.'), "{place}: {field}");
        assert!(
            !value.trim_start().starts_with('?')
                && !field.starts_with('?')
                && !value.contains("field::debug"),
            "{place}: {field} prints a Debug"
        );
    }
}

#[test]
fn no_field_is_about_a_person() {
    let forbidden = [
        "patient",
        "name",
        "phone",
        "email",
        "mail",
        "birth",
        "address",
        "member",
        "diagnosis",
        "body",
        "payload",
        "url",
    ];
    let ours = [
        "service.name",
        "server.address",
        "messaging.destination.name",
        "messaging.operation.name",
        "messaging.message.body.size",
        "otel.name",
        "db.system.name",
        "url.template",
    ];
    for (place, field) in fields() {
        let name = field.split('=').next().unwrap().trim().trim_matches('"').to_owned();
        let bad = forbidden.iter().any(|word| name.split(['.', '_']).any(|part| part == *word));
        assert!(!bad || ours.contains(&name.as_str()), "{place}: {field}");
    }
}

#[test]
fn the_list_of_events_is_fresh() {
    let mut events: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for call in calls() {
        let member: Vec<&str> = call.place.split('/').take(2).collect();
        let event = events.entry(call.message.trim_matches('"').to_owned()).or_default();
        event.0.insert(call.level);
        event.1.insert(member.join("/"));
    }
    let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
    let mut table = format!(
        "{LIST}\nMade from the code, as the test in `tests/tests/monitoring/logs.rs` says.\n\n| event | level | from |\n| --- | --- | --- |\n"
    );
    for (event, (levels, from)) in events {
        writeln!(table, "| `{event}` | {} | {} |", list(levels), list(from)).unwrap();
    }
    let document = text("docs/logging.md");
    let (rules, told) = document.split_once(LIST).unwrap();
    if std::env::var_os("FRONTDESK_WRITE_SCHEMAS").is_some() {
        fs::write(FILE, format!("{rules}{table}")).unwrap();
        return;
    }
    assert_eq!(format!("{LIST}{told}"), table, "docs/logging.md is not fresh");
}
