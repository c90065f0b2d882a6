//! Exported spans as traces.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use testkit::collector::Span;

/// The spans of one trace.
pub struct Trace(Vec<Span>);

impl Trace {
    /// All traces among some spans, by their ids.
    pub fn of(spans: Vec<Span>) -> BTreeMap<String, Self> {
        let mut traces: BTreeMap<String, Self> = BTreeMap::new();
        for span in spans {
            traces.entry(span.trace.clone()).or_insert_with(|| Self(Vec::new())).0.push(span);
        }
        for trace in traces.values_mut() {
            trace.0.sort_by_key(|span| (span.begin, span.end));
        }
        traces
    }

    /// Its spans, the earliest first.
    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    /// Whether it has a span of that service and that name; where it ends with `*`, whose name begins so.
    pub fn has(&self, service: &str, name: &str) -> bool {
        self.find(service, name).is_some()
    }

    /// The first such span.
    pub fn find(&self, service: &str, name: &str) -> Option<&Span> {
        let fits = |span: &&Span| match name.strip_suffix('*') {
            Some(begin) => span.name.starts_with(begin),
            None => span.name == name,
        };
        self.0.iter().filter(|span| span.service == service).find(fits)
    }

    /// The spans whose parent is neither among them nor `root`.
    pub fn orphans(&self, root: &str) -> Vec<&Span> {
        let known: BTreeSet<&str> = self.0.iter().map(|span| span.id.as_str()).chain([root]).collect();
        self.0.iter().filter(|span| span.parent.as_deref().is_none_or(|id| !known.contains(id))).collect()
    }

    /// The trace as a person reads it: who called whom, when, and for how long.
    pub fn waterfall(&self) -> String {
        let begin = self.0.first().map_or(0, |span| span.begin);
        let known: BTreeSet<&str> = self.0.iter().map(|span| span.id.as_str()).collect();
        let mut text = format!("{:>8} {:>8}  span\n", "at ms", "took ms");
        let roots = self.0.iter().filter(|one| one.parent.as_deref().is_none_or(|id| !known.contains(id)));
        for root in roots {
            self.branch(root, begin, 0, &mut text);
        }
        text
    }

    fn branch(&self, span: &Span, begin: u64, depth: usize, text: &mut String) {
        let ms = |nanoseconds: u64| nanoseconds as f64 / 1e6;
        let (at, took) = (ms(span.begin.saturating_sub(begin)), ms(span.end.saturating_sub(span.begin)));
        let (indent, failed) = ("  ".repeat(depth), if span.failed { " (failed)" } else { "" });
        let linked = if span.links.is_empty() { "" } else { " (linked)" };
        let _ = writeln!(
            text,
            "{at:>8.1} {took:>8.1}  {indent}{} · {} · {}{failed}{linked}",
            span.service, span.kind, span.name
        );
        for child in self.0.iter().filter(|one| one.parent.as_deref() == Some(span.id.as_str())) {
            self.branch(child, begin, depth + 1, text);
        }
    }
}
