//! Keeps messages in a folder, one file each: `.eml` files, or a Maildir.
//!
//! Responsible for names, for files that are whole whenever they can be seen, and for never overwriting one. What stands
//! in front of a message is the business of `reception`, which calls it. A message is on the disk before it
//! is acknowledged (RFC 5321 section 4.2.5 hands over the responsibility with 250), unless a test wants it faster.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

/// Octets that are collected before they are written.
const BUFFER: usize = 16 * 1024;

/// How messages lie in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `TIME-ID.eml`, octet for octet.
    Eml,
    /// `new`, `cur` and `tmp`; lines end as files' lines do here, with LF.
    Maildir,
}

/// A folder that messages are kept in.
pub(crate) struct Store {
    folder: PathBuf,
    form: Form,
    host_name: String,
    count: AtomicU64,
    /// How a message gets to the disk before it has its name, so that it survives a power failure.
    to_disk: Option<ToDisk>,
}

/// Brings what was written of a file to the disk.
type ToDisk = fn(&File) -> io::Result<()>;

impl Store {
    /// Makes the folder where it is missing, and tries to write to it.
    ///
    /// # Errors
    /// It cannot be made or written to.
    pub(crate) fn open(folder: &Path, form: Form, host_name: &str, durable: bool) -> io::Result<Self> {
        let inner: &[&str] = if form == Form::Maildir { &["tmp", "new", "cur"] } else { &[""] };
        for inner in inner {
            fs::create_dir_all(folder.join(inner))?;
        }
        // RFC 5321 knows neither of them in a name, Maildir forbids both.
        let host_name = host_name.replace('/', "\\057").replace(':', "\\072");
        let to_disk: Option<ToDisk> = if durable { Some(File::sync_all) } else { None };
        let store = Self { folder: folder.to_owned(), form, host_name, count: AtomicU64::new(0), to_disk };
        drop(store.begin("trial", false)?);
        Ok(store)
    }

    /// Starts a message under a name that nobody looks for. A Maildir holds lines, unless `is_binary`.
    ///
    /// # Errors
    /// The file cannot be made.
    pub(crate) fn begin(&self, id: &str, is_binary: bool) -> io::Result<StoredMessage> {
        let now = Timestamp::now();
        let (unfinished, finished) = match self.form {
            Form::Eml => (format!(".{id}.part"), format!("{}-{id}.eml", now.strftime("%Y%m%dT%H%M%S%.6fZ"))),
            Form::Maildir => {
                let name = self.unique(now);
                (format!("tmp/{name}"), format!("new/{name}"))
            }
        };
        let unfinished = self.folder.join(unfinished);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = BufWriter::with_capacity(BUFFER, options.open(&unfinished)?);
        let lines = if self.form == Form::Maildir && !is_binary { Lines::Lf } else { Lines::AsTheyAre };
        let finished = self.folder.join(finished);
        Ok(StoredMessage { file: Some(file), unfinished, finished, lines, after_cr: false, to_disk: self.to_disk })
    }

    /// A name as <https://cr.yp.to/proto/maildir.html> wants it: time, process, count, host.
    fn unique(&self, now: Timestamp) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let (seconds, microseconds) = (now.as_second(), now.subsec_microsecond());
        format!("{seconds}.M{microseconds:06}P{}Q{count}.{}", std::process::id(), self.host_name)
    }
}

/// How line ends are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lines {
    AsTheyAre,
    Lf,
}

/// A message that is being kept; dropped before its end, it was never there.
pub(crate) struct StoredMessage {
    file: Option<BufWriter<File>>,
    unfinished: PathBuf,
    finished: PathBuf,
    lines: Lines,
    after_cr: bool,
    to_disk: Option<ToDisk>,
}

impl StoredMessage {
    /// Writes the next octets.
    ///
    /// # Errors
    /// The disk is full, or fails otherwise.
    pub(crate) fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        if self.lines == Lines::AsTheyAre {
            return file.write_all(octets);
        }
        // A CR is held back until it is known whether LF follows.
        for piece in octets.split_inclusive(|octet| *octet == b'\r') {
            if std::mem::take(&mut self.after_cr) && piece.first() != Some(&b'\n') {
                file.write_all(b"\r")?;
            }
            self.after_cr = piece.ends_with(b"\r");
            file.write_all(piece.strip_suffix(b"\r").unwrap_or(piece))?;
        }
        Ok(())
    }

    /// Gives the message its name, and says which.
    ///
    /// # Errors
    /// What was collected cannot be written, or a file of that name is there.
    pub(crate) fn finish(mut self) -> io::Result<PathBuf> {
        if let Some(mut file) = self.file.take() {
            if self.after_cr {
                file.write_all(b"\r")?;
            }
            file.flush()?;
            if let Some(to_disk) = self.to_disk {
                to_disk(file.get_ref())?;
            }
        }
        publish(&self.unfinished, &self.finished)?;
        if let Some(to_disk) = self.to_disk {
            folder_to_disk(&self.finished, to_disk)?;
        }
        Ok(std::mem::take(&mut self.finished))
    }
}

impl Drop for StoredMessage {
    /// It may have its name already; then there is nothing to remove, and nothing to be done about a failure.
    fn drop(&mut self) {
        drop(self.file.take());
        _ = fs::remove_file(&self.unfinished);
    }
}

/// The name of a file is on the disk once its folder is. Not every system opens folders.
fn folder_to_disk(file: &Path, to_disk: ToDisk) -> io::Result<()> {
    match file.parent() {
        Some(folder) if cfg!(unix) => to_disk(&File::open(folder)?),
        _ => Ok(()),
    }
}

/// A link never replaces a file, as renaming would; not every file system has links.
fn publish(unfinished: &Path, finished: &Path) -> io::Result<()> {
    match fs::hard_link(unfinished, finished) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists && !finished.exists() => {
            fs::rename(unfinished, finished)
        }
        linked => linked,
    }
}

#[cfg(test)]
impl Store {
    /// The disk fails from now on.
    pub(super) fn fail(&mut self) {
        self.to_disk = Some(|_| Err(io::Error::other("the disk failed")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !folder.join(name).is_dir())
            .collect();
        names.sort();
        names
    }

    fn kept(store: &Store, octets: &[u8], size: usize, is_binary: bool) -> Vec<u8> {
        let mut message = store.begin("ID", is_binary).unwrap();
        octets.chunks(size).for_each(|piece| message.write(piece).unwrap());
        fs::read(message.finish().unwrap()).unwrap()
    }

    #[test]
    fn a_file_is_seen_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a/b"), Form::Eml, "host", true).unwrap();
        let folder = folder.path().join("a/b");
        let mut message = store.begin("ID", false).unwrap();
        message.write(b"Hi\r\n").unwrap();
        assert_eq!(files(&folder), [".ID.part"]);
        let path = message.finish().unwrap();
        let name = files(&folder).pop().unwrap();
        assert_eq!(path, folder.join(&name));
        assert!(name.ends_with("Z-ID.eml") && name.len() == "20261123T214502.123456Z-ID.eml".len(), "{name}");
        assert_eq!(fs::read(path).unwrap(), b"Hi\r\n");
        drop(store.begin("ID", false).unwrap());
        assert_eq!(files(&folder), [name]);
    }

    #[test]
    fn a_message_has_no_name_before_it_is_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), Form::Eml, "host", true).unwrap();
        store.fail();
        let mut message = store.begin("ID", false).unwrap();
        message.write(b"Hi\r\n").unwrap();
        assert_eq!(message.finish().unwrap_err().to_string(), "the disk failed");
        assert_eq!(files(folder.path()), Vec::<String>::new());
        store.to_disk = None;
        assert_eq!(kept(&store, b"Hi\r\n", 1, false), b"Hi\r\n");
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Form::Eml, "host", true).unwrap();
        let message = store.begin("ID", false).unwrap();
        fs::write(&message.finished, "mine").unwrap();
        let finished = message.finished.clone();
        assert_eq!(message.finish().unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(finished).unwrap(), b"mine");
        assert_eq!(files(folder.path()).len(), 1);
    }

    #[test]
    fn a_maildir() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Form::Maildir, "a/b:c", true).unwrap();
        assert_eq!(kept(&store, b"a\r\nb\rc\r\r\n\nd\r", 1, false), b"a\nb\rc\r\n\nd\r");
        assert_eq!(kept(&store, b"a\r\nb", 1, true), b"a\r\nb");
        let new = files(&folder.path().join("new"));
        assert_eq!(new.len(), 2);
        assert!(new.iter().all(|name| name.ends_with(".a\\057b\\072c")), "{new:?}");
        assert_eq!(files(&folder.path().join("tmp")), Vec::<String>::new());
        assert_eq!(files(&folder.path().join("cur")), Vec::<String>::new());
    }

    #[test]
    fn a_folder_that_cannot_be_made() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(Store::open(&folder.path().join("file/x"), Form::Eml, "host", true).is_err());
    }

    proptest! {
        #[test]
        fn line_ends_alike_in_any_pieces(octets in "[\r\na]{0,20}", size in 1_usize..5) {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path(), Form::Maildir, "host", true).unwrap();
            prop_assert_eq!(kept(&store, octets.as_bytes(), size, false), octets.replace("\r\n", "\n").into_bytes());
        }
    }
}
