//! The document: read, and written again with other outputs.

use std::{fmt::Write as _, ops::Range};

use anyhow::{Context as _, bail, ensure};

use super::world::Event;

/// A fence that begins a session.
const FENCE: &str = "```console";
/// What a command's line begins with.
const PROMPT: &str = "$ ";
/// Asks for the code that the command before ended with.
const CODE: &str = "$ echo $?";

/// A runbook.
#[derive(Debug)]
pub struct Document {
    lines: Vec<String>,
    /// What is executed, in the order of the document.
    pub parts: Vec<Part>,
}

/// What is executed.
#[derive(Debug)]
pub enum Part {
    /// Something happens outside.
    World(Event),
    /// Somebody works at a terminal.
    Session(Session),
}

/// A block of commands.
#[derive(Debug)]
pub struct Session {
    /// What is to be shown before the reader goes on; empty: it is run once.
    pub until: Vec<String>,
    /// The commands.
    pub steps: Vec<Step>,
    /// Its lines in the document, without the fences.
    span: Range<usize>,
}

/// A command, and what it prints.
#[derive(Debug)]
pub struct Step {
    /// Its line in the document, from 1.
    pub line: usize,
    /// The command as it is written.
    pub text: String,
    /// The arguments of `frontdesk`.
    pub args: Vec<String>,
    /// What the document shows of it.
    pub output: Vec<String>,
    /// With which code it is to end.
    pub code: i32,
    /// Whether the document asks for the code.
    asks: bool,
}

/// What a command printed, and how it ended.
pub(super) type Printed = (Vec<String>, i32);

impl Document {
    /// Reads one.
    ///
    /// # Errors
    /// With the line that is wrong.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let (mut parts, mut paragraph, mut at) = (Vec::new(), String::new(), 0);
        let mut ended = true;
        while let Some(line) = lines.get(at) {
            let wrong = || format!("line {}", at + 1);
            if line == FENCE {
                let begin = at + 1;
                let length = lines[begin..].iter().position(|line| line == "```").with_context(wrong)?;
                let span = begin..begin + length;
                let session = Session::parse(&lines, span.clone(), until(&paragraph)).with_context(wrong)?;
                parts.push(Part::Session(session));
                paragraph.clear();
                at = span.end;
            } else if let Some(event) = line.strip_prefix("<!-- world: ") {
                let event = event.strip_suffix(" -->").with_context(wrong)?;
                parts.push(Part::World(event.parse().with_context(wrong)?));
            } else if line.trim().is_empty() {
                ended = true;
            } else {
                if std::mem::take(&mut ended) {
                    paragraph.clear();
                }
                paragraph += &format!("{line} ");
            }
            at += 1;
        }
        Ok(Self { lines, parts })
    }

    /// Every session.
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.parts.iter().filter_map(|part| match part {
            Part::Session(session) => Some(session),
            Part::World(_) => None,
        })
    }

    /// Checks what can be checked without a line: that each output fits into so many columns, and that what is repeated shows what it is
    /// repeated for.
    ///
    /// # Errors
    /// With the command in question.
    pub fn check(&self, columns: usize) -> anyhow::Result<()> {
        for session in self.sessions() {
            for step in &session.steps {
                let wide = step.output.iter().find(|line| line.chars().count() > columns);
                ensure!(wide.is_none(), "line {}: `{}` prints a line that is too wide", step.line, step.text);
                ensure!(session.shown(&step.output), "line {}: `{}` does not show it", step.line, step.text);
            }
        }
        Ok(())
    }

    /// The document with what was printed in the place of what was shown: one for each step, in their order.
    pub(super) fn with(&self, mut printed: impl Iterator<Item = Printed>) -> String {
        let (mut text, mut at) = (String::new(), 0);
        for session in self.sessions() {
            self.copy(at..session.span.start, &mut text);
            for (step, (output, code)) in session.steps.iter().zip(&mut printed) {
                let _ = writeln!(text, "{PROMPT}{}", step.text);
                for line in output {
                    let _ = writeln!(text, "{line}");
                }
                if step.asks || code != 0 {
                    let _ = writeln!(text, "{CODE}\n{code}");
                }
            }
            at = session.span.end;
        }
        self.copy(at..self.lines.len(), &mut text);
        text
    }

    fn copy(&self, range: Range<usize>, text: &mut String) {
        for line in &self.lines[range] {
            let _ = writeln!(text, "{line}");
        }
    }
}

impl Session {
    fn parse(lines: &[String], span: Range<usize>, until: Option<Vec<String>>) -> anyhow::Result<Self> {
        let mut steps: Vec<Step> = Vec::new();
        let mut asked = false;
        for at in span.clone() {
            let line = lines[at].trim_end();
            if line == CODE {
                steps.last_mut().context("it asks for a code before a command")?.asks = true;
                asked = true;
            } else if std::mem::take(&mut asked) {
                steps.last_mut().context("no command")?.code = line.parse().context("not an exit code")?;
            } else if let Some(text) = line.strip_prefix(PROMPT) {
                let args = words(text)?;
                let (name, args) = args.split_first().context("no command")?;
                ensure!(name == "frontdesk", "`{name}` is not frontdesk");
                steps.push(Step {
                    line: at + 1,
                    text: text.to_owned(),
                    args: args.to_vec(),
                    output: Vec::new(),
                    code: 0,
                    asks: false,
                });
            } else {
                steps.last_mut().context("a session begins with a command")?.output.push(line.to_owned());
            }
        }
        ensure!(
            !steps.is_empty() && !asked,
            "a session needs a command, and a code that is asked for is told"
        );
        if let Some(until) = &until {
            ensure!(!until.is_empty(), "until what is it to be repeated?");
            ensure!(steps.len() == 1, "one command is repeated, not {}", steps.len());
        }
        Ok(Self { until: until.unwrap_or_default(), steps, span })
    }

    /// Whether these lines show what the reader waits for. How many spaces there are does not count.
    pub fn shown(&self, output: &[String]) -> bool {
        let even = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let output: Vec<String> = output.iter().map(|line| even(line)).collect();
        self.until.iter().all(|wanted| output.iter().any(|line| line.contains(&even(wanted))))
    }
}

/// What the paragraph before a block says that it is repeated for.
fn until(paragraph: &str) -> Option<Vec<String>> {
    let (_, wanted) = paragraph.split_once("Repeat until")?;
    Some(wanted.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

/// The words of a command, as a shell would have them; more than words and quotes is refused.
fn words(text: &str) -> anyhow::Result<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for one in text.chars() {
        match (quote, one) {
            (Some(open), one) if one == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(one);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '|' | '&' | ';' | '<' | '>') | (None | Some('"'), '$' | '`' | '\\') => {
                bail!("`{text}`: a runbook has plain commands only")
            }
            (_, one) => word.get_or_insert_default().push(one),
        }
    }
    ensure!(quote.is_none(), "`{text}`: a quote is not closed");
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::{Document, Part};

    const TEXT: &str = "# A runbook\n\nThe EHR is down.\n<!-- world: the EHR is down -->\n\nLook. Repeat until it shows `dead 0` and\n\
        `down`:\n\n```console\n$ frontdesk status\nlane-1   down\ndead  0\n```\n\nThen:\n\n```console\n\
        $ frontdesk dlq plan --reason \"a b\" --code 'c d'\nnothing\n$ echo $?\n4\n$ frontdesk acts\n\nx\n```\nEnd.\n";

    fn wrong(text: &str) -> String {
        format!("{:#}", Document::parse(text).unwrap_err())
    }

    #[test]
    fn sessions_and_the_world_are_read_in_their_order() {
        let document = Document::parse(TEXT).unwrap();
        let [Part::World(_), Part::Session(look), Part::Session(then)] = document.parts.as_slice() else {
            panic!("{document:?}");
        };
        assert_eq!(
            (look.until.as_slice(), look.steps.len()),
            (&["dead 0".to_owned(), "down".to_owned()][..], 1)
        );
        assert_eq!((look.steps[0].line, look.steps[0].output.len(), look.steps[0].code), (10, 2, 0));
        assert!(look.shown(&look.steps[0].output) && !look.shown(&look.steps[0].output[..1]));
        assert!(then.until.is_empty() && then.shown(&[]));
        assert_eq!(then.steps[0].args, ["dlq", "plan", "--reason", "a b", "--code", "c d"]);
        assert_eq!((then.steps[0].output.len(), then.steps[0].code), (1, 4));
        assert_eq!(then.steps[1].output, ["", "x"]);
    }

    #[test]
    fn it_is_written_again_with_other_outputs_and_nothing_else() {
        let document = Document::parse(TEXT).unwrap();
        let same =
            document.sessions().flat_map(|one| &one.steps).map(|step| (step.output.clone(), step.code));
        assert_eq!(document.with(same), TEXT);
        let other = [(vec!["up".to_owned()], 0), (vec![], 0), (vec!["y".to_owned()], 3)];
        let text = document.with(other.into_iter());
        assert_eq!(
            text,
            TEXT.replace("lane-1   down\ndead  0", "up")
                .replace("nothing\n$ echo $?\n4", "$ echo $?\n0")
                .replace("\n\nx\n", "\ny\n$ echo $?\n3\n")
        );
    }

    #[test]
    fn what_cannot_be_executed_is_refused() {
        let block = |text: &str| format!("Text.\n\n```console\n{text}\n```\n");
        for (text, told) in [
            (block("status"), "begins with a command"),
            (block("$ rm -r x"), "`rm` is not frontdesk"),
            (block("$ frontdesk status | head"), "plain commands only"),
            (block("$ frontdesk status \"$(date)\""), "plain commands only"),
            (block("$ frontdesk pause \"x"), "not closed"),
            (block("$ frontdesk status\n$ echo $?"), "is told"),
            (block("$ frontdesk status\n$ echo $?\nwell"), "not an exit code"),
            ("Repeat until it is well:\n\n```console\n$ frontdesk status\n```\n".to_owned(), "until what"),
            ("Repeat until `x`:\n```console\n$ frontdesk a\n$ frontdesk b\n```\n".to_owned(), "one command"),
            ("<!-- world: it rains -->\n".to_owned(), "line 1"),
            ("```console\n$ frontdesk status\n".to_owned(), "line 1"),
        ] {
            assert!(wrong(&text).contains(told), "{text}: {}", wrong(&text));
        }
    }

    #[test]
    fn a_line_that_is_too_wide_or_never_shows_what_is_waited_for_is_found() {
        assert!(Document::parse(TEXT).unwrap().check(13).is_ok());
        let told =
            |text: &str, columns| format!("{:#}", Document::parse(text).unwrap().check(columns).unwrap_err());
        assert!(told(TEXT, 12).contains("line 10: `frontdesk status` prints a line that is too wide"));
        assert!(told(&TEXT.replace("dead  0", "dead 1"), 100).contains("does not show it"));
    }
}
