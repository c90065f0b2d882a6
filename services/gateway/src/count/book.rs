//! The count on disk: files to which lines are added, each line a submission, and which are taken away once they are told.
//!
//! A file is written by one process, from its begin to its end, and never again after something went wrong with it. So only its last line can
//! be torn, and nobody was answered for that one.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use domain::reconcile::Accepted;
use uuid::Uuid;

/// What a file of the count is called after its number.
const KIND: &str = "accepted";
/// What is called so after a number says that the count is not whole, until a person takes it away.
const DAMAGED: &str = "damaged";
/// The mark of a folder whose process has all of its count on the disk, and of one that has some of it in memory only. It is renamed, which
/// a disk that is full allows.
const WHOLE: &str = "whole";
const IN_MEMORY: &str = "in-memory";
/// A file of this size is ended, so that reading one never takes long, bytes.
const LARGE: u64 = 4 * 1024 * 1024;

/// A folder with one gateway's count.
pub(super) struct Book {
    folder: PathBuf,
    /// The file that lines are added to, if there is one.
    open: Option<(File, u64)>,
    /// The number of the next file.
    next: u64,
    /// Files that are told and could not be taken away. They are told again by the next process.
    stuck: BTreeSet<PathBuf>,
    /// Held for as long as the process lives: two that share a folder would take each other's files away.
    _lock: File,
}

/// What a file says.
pub(super) struct Page {
    pub(super) path: PathBuf,
    pub(super) lines: Vec<Accepted>,
    /// Lines that nobody can read.
    pub(super) damaged: usize,
}

impl Book {
    /// Opens the folder, makes it where it is missing, and gives the name under which its count is told: it stays with the folder.
    ///
    /// # Errors
    /// If the folder cannot be used, or another process uses it: then of the kind [`io::ErrorKind::ResourceBusy`].
    pub(super) fn open(folder: &Path, fresh: Uuid) -> io::Result<(Self, Uuid)> {
        fs::create_dir_all(folder)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                io::Error::new(io::ErrorKind::ResourceBusy, "another gateway uses it")
            }
            TryLockError::Error(error) => error,
        })?;
        let name = name(folder, fresh)?;
        let mut book =
            Self { folder: folder.to_owned(), open: None, next: 0, stuck: BTreeSet::new(), _lock: lock };
        book.next = book.numbered(&[KIND, DAMAGED])?.last().map_or(0, |(number, _)| number + 1);
        book.take_up()?;
        Ok((book, name))
    }

    /// Reads the mark of the process before: what that had in memory only when it ended is lost.
    fn take_up(&mut self) -> io::Result<()> {
        let lost = self.folder.join(IN_MEMORY);
        if lost.exists() {
            fs::rename(lost, self.folder.join(format!("{:012}.{DAMAGED}", self.next)))?;
            self.next += 1;
        }
        OpenOptions::new().create(true).truncate(false).write(true).open(self.folder.join(WHOLE))?;
        sync(&self.folder)
    }

    /// Marks that some of the count is in memory only, or that all of it is on the disk or told again.
    ///
    /// # Errors
    /// If the disk does not even take that.
    pub(super) fn mark(&self, in_memory: bool) -> io::Result<()> {
        let (from, to) = if in_memory { (WHOLE, IN_MEMORY) } else { (IN_MEMORY, WHOLE) };
        fs::rename(self.folder.join(from), self.folder.join(to))?;
        sync(&self.folder)
    }

    /// Adds lines. They are on the disk when this returns.
    ///
    /// # Errors
    /// If the disk does not take them. The next ones go into another file.
    pub(super) fn add(&mut self, lines: &[u8]) -> io::Result<()> {
        let added = self.try_add(lines);
        if added.as_ref().map_or(true, |size| *size >= LARGE) {
            self.end();
        }
        added.map(drop)
    }

    fn try_add(&mut self, lines: &[u8]) -> io::Result<u64> {
        let (mut file, size) = match self.open.take() {
            Some(open) => open,
            None => (self.begin()?, 0),
        };
        file.write_all(lines)?;
        file.sync_data()?;
        let size = size + lines.len() as u64;
        self.open = Some((file, size));
        Ok(size)
    }

    fn begin(&mut self) -> io::Result<File> {
        let path = self.folder.join(format!("{:012}.{KIND}", self.next));
        self.next += 1;
        let file = OpenOptions::new().create_new(true).append(true).open(path)?;
        sync(&self.folder)?;
        Ok(file)
    }

    /// No line is added to the present file any more.
    pub(super) fn end(&mut self) {
        self.open = None;
    }

    /// The oldest file that is ended.
    ///
    /// # Errors
    /// If the folder or the file cannot be read.
    pub(super) fn oldest(&self) -> io::Result<Option<Page>> {
        let open = self.open.is_some().then(|| self.next - 1);
        let ended = |(number, path): &(u64, PathBuf)| Some(*number) != open && !self.stuck.contains(path);
        let found = self.numbered(&[KIND])?.into_iter().find(ended);
        found.map(|(_, path)| read(path)).transpose()
    }

    /// What the page says is told.
    ///
    /// # Errors
    /// If its file cannot be taken away: then it is not given again. One that nobody could read in full is laid aside for a person.
    pub(super) fn told(&mut self, page: &Page) -> io::Result<()> {
        let gone = if page.damaged > 0 {
            fs::rename(&page.path, page.path.with_extension(DAMAGED))
        } else {
            fs::remove_file(&page.path)
        };
        if gone.is_err() {
            self.stuck.insert(page.path.clone());
        }
        gone
    }

    /// Whether a damaged file lies here: then the count is not whole.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub(super) fn is_whole(&self) -> io::Result<bool> {
        for entry in fs::read_dir(&self.folder)? {
            if entry?.path().extension().is_some_and(|kind| kind == DAMAGED) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The files of these kinds by their numbers.
    fn numbered(&self, kinds: &[&str]) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut pages = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            let fits = path.extension().is_some_and(|kind| kinds.iter().any(|one| kind == *one));
            if let (Some(number), true) = (number, fits) {
                pages.push((number, path));
            }
        }
        pages.sort_unstable();
        Ok(pages)
    }
}

/// The folder's name in the count.
fn name(folder: &Path, fresh: Uuid) -> io::Result<Uuid> {
    let path = folder.join("gateway");
    match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map_err(|_| io::Error::other("its file `gateway` holds no name")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Whole or not there at all.
            let new = folder.join("gateway.new");
            let mut file = File::create(&new)?;
            file.write_all(fresh.to_string().as_bytes())?;
            file.sync_data()?;
            fs::rename(new, path)?;
            sync(folder)?;
            Ok(fresh)
        }
        Err(error) => Err(error),
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn read(path: PathBuf) -> io::Result<Page> {
    let text = fs::read(&path)?;
    // What follows the last end of a line was not written to its end.
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let (mut lines, mut damaged) = (Vec::new(), 0);
    for line in text[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice(line) {
            Ok(line) => lines.push(line),
            Err(_) => damaged += 1,
        }
    }
    Ok(Page { path, lines, damaged })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use domain::reconcile::Accepted;
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::Book;

    const FRESH: Uuid = Uuid::from_u128(1);

    fn line(id: &str) -> Vec<u8> {
        let one = Accepted {
            submission: id.parse().unwrap(),
            clinic: "clinic-01".parse().unwrap(),
            source: "web_form".parse().unwrap(),
            received_at: Timestamp::UNIX_EPOCH,
        };
        let mut line = serde_json::to_vec(&one).unwrap();
        line.push(b'\n');
        line
    }

    /// Ends the present file, and takes all that there is.
    fn all(book: &mut Book) -> Vec<String> {
        book.end();
        let mut all = Vec::new();
        while let Some(page) = book.oldest().unwrap() {
            all.extend(page.lines.iter().map(|one| one.submission.to_string()));
            book.told(&page).unwrap();
        }
        all
    }

    #[test]
    fn what_was_added_is_there_after_a_restart_in_its_order_and_under_the_same_name() {
        let folder = tempfile::tempdir().unwrap();
        let (mut book, name) = Book::open(folder.path(), FRESH).unwrap();
        book.add(&[line("s-1"), line("s-2")].concat()).unwrap();
        assert!(book.oldest().unwrap().is_none(), "it is not ended yet");
        book.end();
        book.add(&line("s-3")).unwrap();
        drop(book);
        let (mut book, again) = Book::open(folder.path(), Uuid::from_u128(2)).unwrap();
        assert_eq!((name, again), (FRESH, FRESH));
        book.add(&line("s-4")).unwrap();
        assert_eq!(all(&mut book), ["s-1", "s-2", "s-3", "s-4"]);
        assert_eq!(all(&mut book), [""; 0]);
        assert!(book.is_whole().unwrap());
    }

    #[test]
    fn a_torn_last_line_is_nobodys_and_a_damaged_one_is_laid_aside() {
        let folder = tempfile::tempdir().unwrap();
        let (mut book, _) = Book::open(folder.path(), FRESH).unwrap();
        let torn = &line("s-2")[..20];
        fs::write(folder.path().join("000000000007.accepted"), [&line("s-1"), torn].concat()).unwrap();
        assert_eq!(all(&mut book), ["s-1"]);
        assert!(book.is_whole().unwrap());
        fs::write(folder.path().join("000000000008.accepted"), [b"{}\n".to_vec(), line("s-3")].concat())
            .unwrap();
        assert_eq!(all(&mut book), ["s-3"]);
        assert!(!book.is_whole().unwrap());
        assert!(folder.path().join("000000000008.damaged").exists());
    }

    #[test]
    fn what_was_in_memory_only_when_a_process_ended_is_missed_until_somebody_has_seen_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let (book, _) = Book::open(folder.path(), FRESH).unwrap();
        book.mark(true).unwrap();
        book.mark(false).unwrap();
        drop(book);
        let (book, _) = Book::open(folder.path(), FRESH).unwrap();
        assert!(book.is_whole().unwrap(), "it was told before the end");
        book.mark(true).unwrap();
        drop(book);
        for _ in 0..2 {
            let (mut book, _) = Book::open(folder.path(), FRESH).unwrap();
            assert!(!book.is_whole().unwrap());
            book.add(&line("s-1")).unwrap();
            assert_eq!(all(&mut book), ["s-1"]);
            // Again: what the first one left behind stays.
            book.mark(true).unwrap();
        }
        let (book, _) = Book::open(folder.path(), FRESH).unwrap();
        let left: Vec<_> = book.numbered(&["damaged"]).unwrap().into_iter().map(|(_, path)| path).collect();
        assert_eq!(left.len(), 3);
        drop(book);
        left.iter().for_each(|path| std::fs::remove_file(path).unwrap());
        let (book, _) = Book::open(folder.path(), FRESH).unwrap();
        assert!(book.is_whole().unwrap());
    }

    #[test]
    fn a_file_that_cannot_be_taken_away_is_given_once() {
        let folder = tempfile::tempdir().unwrap();
        let (mut book, _) = Book::open(folder.path(), FRESH).unwrap();
        fs::write(folder.path().join("000000000003.accepted"), [b"{}\n".to_vec(), line("s-1")].concat())
            .unwrap();
        // What it would be called is taken, and cannot be replaced.
        fs::create_dir_all(folder.path().join("000000000003.damaged/x")).unwrap();
        let page = book.oldest().unwrap().unwrap();
        assert!(book.told(&page).is_err());
        assert!(book.oldest().unwrap().is_none());
        drop(book);
        let (book, _) = Book::open(folder.path(), FRESH).unwrap();
        assert!(book.oldest().unwrap().is_some(), "the next process tells it again");
    }

    #[test]
    fn a_folder_is_one_gateways() {
        let folder = tempfile::tempdir().unwrap();
        let _book = Book::open(folder.path(), FRESH).unwrap();
        let error = Book::open(folder.path(), FRESH).err().unwrap();
        assert_eq!(error.to_string(), "another gateway uses it");
    }
}
