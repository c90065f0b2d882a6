//! Files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use frontdesk::local::Layout;

use super::{Sink, Written};

/// All files of the run: logs, the broker's data, everything else.
pub(super) fn written(layout: &Layout, broker: Option<&Path>) -> io::Result<Vec<Written>> {
    let logs = layout.logs();
    let sink = |path: PathBuf| {
        let in_broker = broker.is_some_and(|folder| path.starts_with(folder));
        let sink = match () {
            () if path.starts_with(&logs) => Sink::Output,
            () if in_broker => Sink::BrokerDisk,
            () => Sink::Files,
        };
        // What a scenario published in clear lies there until the broker lets go of it.
        Written::file(sink, path).clear(in_broker)
    };
    Ok(below(layout.root())?.into_iter().map(sink).collect())
}

/// All files in a folder and below. What goes away meanwhile is not there.
pub(super) fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries.filter_map(Result::ok) {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    #[test]
    fn files_are_found_however_deep() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(top.path().join("a/b")).unwrap();
        for name in ["one", "a/two", "a/b/three"] {
            std::fs::write(top.path().join(name), "x").unwrap();
        }
        assert_eq!(super::below(top.path()).unwrap().len(), 3);
        assert!(super::below(&top.path().join("nowhere")).unwrap().is_empty());
    }
}
