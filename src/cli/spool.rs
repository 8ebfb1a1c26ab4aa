//! A backup that comes through a pipe, as over ssh: kept in a temporary file until its end, and looked at before it is used.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use litecopy::Error;
use litecopy::format::DatabaseHeader;
use tempfile::TempDir;

use super::interrupt;

/// How much is read at once.
const CHUNK_BYTES: usize = 1 << 20;

/// How long an interrupt, or the deadline, may have to wait.
const ANSWER: Duration = Duration::from_millis(100);

/// What came through the pipe. It lies in a folder that only we can look into, where nobody can lay a journal beside it, and is
/// removed with this.
pub(crate) struct Spool {
    path: PathBuf,
    _folder: TempDir,
}

/// Whether the backup comes through a pipe: stdin (`-`), a named pipe, or what a shell gives for `<(command)`.
pub(crate) fn is_pipe(backup: &Path) -> bool {
    is_stdin(backup) || backup.metadata().is_ok_and(|found| is_fifo(&found))
}

/// Whether somebody would have to type the backup.
pub(crate) fn is_terminal(backup: &Path) -> bool {
    is_stdin(backup) && io::stdin().is_terminal()
}

fn is_stdin(backup: &Path) -> bool {
    backup.as_os_str() == "-"
}

#[cfg(unix)]
fn is_fifo(found: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&found.file_type())
}

#[cfg(not(unix))]
fn is_fifo(_: &std::fs::Metadata) -> bool {
    false
}

impl Spool {
    /// Reads the backup to its end, until `end` at the latest.
    ///
    /// # Errors
    ///
    /// When it cannot be read or kept; when it is not there as a whole at `end`; and when it does not end where its header says:
    /// then whoever sent it did not get to the end.
    pub(crate) fn read(backup: &Path, end: Option<Instant>) -> Result<Self, Error> {
        keep(&chunks(backup.to_owned()), end).map_err(|error| match has_passed(end) {
            true => Error::from_deadline(backup),
            false => Error::from_io("keep the backup that comes through the pipe", backup, error),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn has_passed(end: Option<Instant>) -> bool {
    end.is_some_and(|end| Instant::now() >= end)
}

/// What is read, by a thread of its own, since neither opening a pipe nor reading it can be interrupted.
fn chunks(backup: PathBuf) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = sync_channel(2);
    std::thread::spawn(move || {
        let opened: io::Result<Box<dyn Read>> = match is_stdin(&backup) {
            true => Ok(Box::new(io::stdin().lock())),
            false => File::open(&backup).map(|file| Box::new(file) as Box<dyn Read>),
        };
        let mut pipe = match opened {
            Ok(pipe) => pipe,
            Err(error) => return drop(sender.send(Err(error))),
        };
        loop {
            let mut chunk = Vec::new();
            let read = pipe.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk);
            let is_end = !matches!(read, Ok(1..));
            if sender.send(read.map(|_| chunk)).is_err() || is_end {
                return;
            }
        }
    });
    receiver
}

fn keep(chunks: &Receiver<io::Result<Vec<u8>>>, end: Option<Instant>) -> io::Result<Spool> {
    let folder = tempfile::Builder::new().prefix("litecopy-").tempdir()?;
    let path = folder.path().join("backup");
    let mut file = File::create_new(&path)?;
    let mut whole_bytes = None;
    let mut kept_bytes = 0;
    loop {
        let chunk = next(chunks, end)?;
        if chunk.is_empty() {
            break;
        }
        if kept_bytes == 0 {
            whole_bytes = stated_bytes(&chunk)?;
        }
        kept_bytes += chunk.len() as u64;
        if whole_bytes.is_some_and(|whole_bytes| kept_bytes > whole_bytes) {
            return Err(wrong("it goes on behind the last page that its header tells of"));
        }
        file.write_all(&chunk)?;
    }
    match whole_bytes {
        Some(whole_bytes) if kept_bytes < whole_bytes => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            format!("it ends after {kept_bytes} of {whole_bytes} bytes"),
        )),
        None if kept_bytes == 0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "nothing came")),
        _ => Ok(Spool { path, _folder: folder }),
    }
}

/// The next chunk, which is empty at the end.
fn next(chunks: &Receiver<io::Result<Vec<u8>>>, end: Option<Instant>) -> io::Result<Vec<u8>> {
    loop {
        // Also of a pipe that never runs dry.
        if interrupt::came().is_some() {
            return Err(io::Error::new(io::ErrorKind::Interrupted, "interrupted"));
        }
        if has_passed(end) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "not done in time"));
        }
        match chunks.recv_timeout(ANSWER) {
            Ok(chunk) => return chunk,
            Err(RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// How long the whole of a database is by its header; `None` where the header does not tell, having been written by an old SQLite.
fn stated_bytes(beginning: &[u8]) -> io::Result<Option<u64>> {
    let header = DatabaseHeader::parse(beginning).map_err(|damage| wrong(&damage.to_string()))?;
    let stated = header.page_size.bytes_of(header.stated_page_count);
    Ok(header.size_is_valid().then_some(stated))
}

fn wrong(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}
