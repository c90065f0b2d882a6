//! Requests to die or to stop, by file.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use domain::drill::Point;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::countdown::{Countdown, Strike};

const EVERY: Duration = Duration::from_millis(100);

/// Looks for requests for as long as the process lives. A thread of its own: a drill must not depend on the runtime that it breaks.
pub(super) fn follow(file: PathBuf, countdown: Arc<Countdown>) {
    std::thread::spawn(move || {
        loop {
            if let Some((point, nth, strike)) = take(&file) {
                countdown.arm(point, nth, strike);
                tracing::warn!(drill.point = point.as_str(), drill.nth = nth, "drill.armed");
            }
            std::thread::sleep(EVERY);
        }
    });
}

/// The request, if there is one. What cannot be read as one is removed too; an empty file is one that is being written.
fn take(file: &Path) -> Option<(Point, u32, Strike)> {
    let text = fs::read_to_string(file).ok()?;
    if text.is_empty() || fs::remove_file(file).is_err() {
        return None;
    }
    let request = parse(&text);
    if request.is_none() {
        tracing::warn!("drill.unreadable");
    }
    request
}

/// `<point> <nth>`, and `stop` or `panic` behind it for who shall not die; `nth` counts from 1, and 0 takes back what was asked.
fn parse(text: &str) -> Option<(Point, u32, Strike)> {
    let mut words = text.split_whitespace();
    let (point, nth) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let strike = match words.next() {
        None => Strike::Die,
        Some("stop") => Strike::Stop,
        Some("panic") => Strike::Panic,
        Some(_) => return None,
    };
    words.next().is_none().then_some((point, nth, strike))
}

/// Strikes the process.
pub(super) fn strike(file: &Path, point: Point, strike: Strike) {
    match strike {
        Strike::Die => die(file, point),
        // Every thread of it. Whoever asked sees that it has stopped, and lets it go on.
        Strike::Stop => {
            tracing::warn!(drill.point = point.as_str(), "drill.stop");
            let _ = kill(Pid::this(), Signal::SIGSTOP);
        }
        Strike::Panic => {
            tracing::warn!(drill.point = point.as_str(), "drill.panic");
            #[allow(clippy::panic, reason = "it is asked for, and no release has it")]
            std::panic::panic_any(words(file));
        }
    }
}

/// What a panic says: whatever the file beside the request holds. Taken away, so that nothing but the panic can tell it.
fn words(file: &Path) -> String {
    let beside = beside(file, ".words");
    let words = fs::read_to_string(&beside).unwrap_or_default();
    let _ = fs::remove_file(beside);
    words
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// Leaves a note and kills the process. Nothing of it runs any more, no destructor and no handler: as with any other `kill -9`.
fn die(file: &Path, point: Point) -> ! {
    tracing::warn!(drill.point = point.as_str(), "drill.crash");
    note(file, point);
    // A signal to oneself cannot fail for want of rights, and this one cannot be caught.
    let _ = kill(Pid::this(), Signal::SIGKILL);
    loop {
        std::thread::park();
    }
}

/// Adds a line to the log beside the request file. Whoever counts the crashes reads it; without it the process dies all the same.
fn note(file: &Path, point: Point) {
    let opened = OpenOptions::new().create(true).append(true).open(beside(file, ".log"));
    let _ = opened.and_then(|mut log| log.write_all(format!("{point}\n").as_bytes()));
}

#[cfg(test)]
mod tests {
    use domain::drill::Point;

    use super::{Strike, note, parse, strike, take};

    #[test]
    fn a_request_is_a_point_and_a_number() {
        for point in Point::ALL {
            assert_eq!(parse(&format!("{point} 7\n")), Some((*point, 7, Strike::Die)));
            assert_eq!(parse(&format!("{point} 7 stop\n")), Some((*point, 7, Strike::Stop)));
            assert_eq!(parse(&format!("{point} 7 panic\n")), Some((*point, 7, Strike::Panic)));
        }
        assert_eq!(parse("ack.before 0"), Some((Point::BeforeAck, 0, Strike::Die)), "nothing any more");
        for text in
            ["", "ack.before", "ack.before -1", "ack.before 1 2", "ack.before 1 stop 2", "nowhere 1", "1"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_request_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("request");
        assert_eq!(take(&file), None);
        std::fs::write(&file, "").unwrap();
        assert_eq!((take(&file), file.exists()), (None, true), "it is being written");
        std::fs::write(&file, "ack.before 2").unwrap();
        assert_eq!((take(&file), file.exists()), (Some((Point::BeforeAck, 2, Strike::Die)), false));
        std::fs::write(&file, "nonsense").unwrap();
        assert_eq!((take(&file), file.exists()), (None, false));
    }

    #[test]
    fn a_panic_says_what_the_file_beside_holds_and_takes_it_away() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("request");
        std::fs::write(folder.path().join("request.words"), "Zebedee").unwrap();
        let said = std::panic::catch_unwind(|| strike(&file, Point::BeforeHandling, Strike::Panic));
        assert_eq!(said.unwrap_err().downcast_ref::<String>().map(String::as_str), Some("Zebedee"));
        assert!(!folder.path().join("request.words").exists());
    }

    #[test]
    fn crashes_are_noted_one_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("request");
        note(&file, Point::BeforeAck);
        note(&file, Point::AfterPublish);
        let log = std::fs::read_to_string(folder.path().join("request.log")).unwrap();
        assert_eq!(log, "ack.before\npublish.after\n");
    }
}
