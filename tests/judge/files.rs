//! Folders and files of the tests: a folder that goes away, and byte copies that keep holes.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A folder of its own for a test, removed at the end.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::Builder::new().prefix("litecopy-judge-").tempdir().unwrap())
    }

    /// One for byte copies that SQLite is to look at: in memory where the system offers that, so that no sync takes time.
    pub(crate) fn for_judging() -> Self {
        let mut builder = tempfile::Builder::new();
        builder.prefix("litecopy-judge-");
        Self(builder.tempdir_in("/dev/shm").or_else(|_| builder.tempdir()).unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The names in the folder, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// The path of a database's companion: `-wal`, `-shm`, `-journal`.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Copies the bytes of a database at rest, with its log and journal but never its `-shm`, into `folder`.
pub(crate) fn byte_copy(database: &Path, folder: &Folder) -> PathBuf {
    let copy = folder.join("bytes.db");
    copy_with_holes(database, &copy);
    for suffix in ["-wal", "-journal"] {
        let companion = beside(database, suffix);
        if companion.exists() {
            copy_with_holes(&companion, &beside(&copy, suffix));
        }
    }
    copy
}

/// Calls `see` with each chunk of the file that is not all zeros, and where it lies.
pub(crate) fn for_each_chunk(path: &Path, mut see: impl FnMut(u64, &[u8])) {
    const CHUNK_BYTES: usize = 1 << 20;
    static ZEROS: [u8; CHUNK_BYTES] = [0; CHUNK_BYTES];
    let mut file = File::open(path).unwrap();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut at = 0;
    loop {
        // Only whole chunks are passed over, so that files with other holes have the same chunks.
        at += holes_at(&file, at) / CHUNK_BYTES as u64 * CHUNK_BYTES as u64;
        file.seek(SeekFrom::Start(at)).unwrap();
        let mut filled = 0;
        while filled < CHUNK_BYTES {
            match file.read(&mut chunk[filled..]).unwrap() {
                0 => break,
                read => filled += read,
            }
        }
        if filled == 0 {
            return;
        }
        if chunk[..filled] != ZEROS[..filled] {
            see(at, &chunk[..filled]);
        }
        at += filled as u64;
    }
}

/// How many bytes from `at` on are surely zeros, where the system tells.
#[cfg(target_os = "linux")]
fn holes_at(file: &File, at: u64) -> u64 {
    match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(at)) {
        Ok(data) => data - at,
        // Nothing but a hole up to the end.
        Err(rustix::io::Errno::NXIO) => file.metadata().unwrap().len().saturating_sub(at),
        Err(_) => 0,
    }
}

#[cfg(not(target_os = "linux"))]
fn holes_at(_: &File, _: u64) -> u64 {
    0
}

fn copy_with_holes(from: &Path, to: &Path) {
    let mut target = OpenOptions::new().write(true).create_new(true).open(to).unwrap();
    for_each_chunk(from, |at, bytes| {
        target.seek(SeekFrom::Start(at)).unwrap();
        target.write_all(bytes).unwrap();
    });
    target.set_len(fs::metadata(from).unwrap().len()).unwrap();
}

/// Overwrites bytes in the middle of a file.
pub(crate) fn patch(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

/// Up to `count` bytes of a file from `at` on.
pub(crate) fn bytes_at(path: &Path, at: u64, count: usize) -> Vec<u8> {
    let mut file = File::open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    let mut bytes = Vec::new();
    file.take(count as u64).read_to_end(&mut bytes).unwrap();
    bytes
}
