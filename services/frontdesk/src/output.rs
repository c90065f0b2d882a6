//! What a person sees. Results go to stdout; progress goes to stderr, moving on a terminal, as plain timed lines elsewhere.

use std::{
    borrow::Cow,
    io::{self, IsTerminal as _, Write as _},
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);
static MOVING: LazyLock<bool> = LazyLock::new(|| io::stderr().is_terminal());

/// How wide a page is, in columns.
pub const PAGE: u16 = 100;
/// Where there is no terminal, progress is told this often.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Starts counting time.
pub fn begin() {
    LazyLock::force(&BEGIN);
}

/// One line of progress, with the time since the start.
pub fn line(text: &str) {
    let text = format!("{:>6.1} s  {text}", BEGIN.elapsed().as_secs_f64());
    // Progress that nobody can see is no reason to stop.
    if *MOVING {
        BARS.println(text).ok()
    } else {
        writeln!(io::stderr(), "{text}").ok()
    };
}

/// The last word of a command that did not end as was hoped for.
pub fn ending(text: &str) {
    // Nobody to tell it to is no reason to end otherwise.
    writeln!(io::stderr(), "{text}").ok();
}

/// A part of the result.
///
/// # Errors
/// If it cannot be written, such as into a closed pipe.
pub fn result(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// A text that somebody wrote, fit for one line: no line breaks, and nothing that a terminal would obey.
pub fn one_line(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { ' ' } else { one }).collect()
}

/// A text of so many characters at most; one that is longer ends in an ellipsis.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// An empty table, as wide as the terminal at most; elsewhere as wide as a page. [`text`] makes lines of it.
pub fn table() -> Table {
    const LINE: LineStyle = LineStyle::none().fill('─').junction('─');
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LINE));
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if !io::stdout().is_terminal() {
        table.set_width(PAGE);
    }
    table
}

/// An empty table whose cells are never broken: for what is copied out of it.
pub fn wide_table() -> Table {
    let mut table = table();
    table.set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// Ids in the first column are never broken: they are copied out of it.
pub fn keep_first(table: &mut Table) {
    if let Some(column) = table.column_mut(0) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
}

/// A table as lines, with two spaces between columns and none at either side.
pub fn text(mut table: Table) -> String {
    let last = table.column_count().saturating_sub(1);
    for (at, column) in table.column_iter_mut().enumerate() {
        // One more is between columns anyway.
        column.set_padding((0, u16::from(at < last)));
    }
    let lines = table.to_string();
    lines.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

/// Something that takes a while.
pub struct Doing {
    bar: ProgressBar,
    begin: Instant,
    told: Mutex<Instant>,
}

impl Doing {
    /// It begins.
    pub fn begin(what: impl Into<Cow<'static, str>>) -> Self {
        let what = what.into();
        let bar = if *MOVING { BARS.add(ProgressBar::new_spinner()) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{elapsed:>6}    {spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        bar.set_message(what);
        Self { bar, begin: Instant::now(), told: Mutex::new(Instant::now()) }
    }

    /// How it goes.
    pub fn goes(&self, text: impl Into<Cow<'static, str>>) {
        let text = text.into();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !*MOVING && told.elapsed() > TOLD_EVERY {
            line(&text);
            *told = Instant::now();
        }
        self.bar.set_message(text);
    }

    /// It is done: says so, with the time that it took.
    pub fn done(self, text: &str) {
        let took = self.begin.elapsed();
        self.bar.finish_and_clear();
        line(&format!("{text} ({:.1} s)", took.as_secs_f64()));
    }
}

impl Drop for Doing {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
