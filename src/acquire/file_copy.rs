//! One file on its way into a bundle: copied as it lies there, and read again to see that it stayed so.

use super::bundle_folder::READ_BYTES;
use super::facts;
use super::options::AcquireProgress;
use crate::error::{Error, Problem, Result};
use crate::format::lock_bytes::{DATABASE_LOCKS, WAL_INDEX_LOCKS};
use crate::halt::Halt;
use crate::manifest::{BundleFile, FileRole, FileStatus, hex};
use crate::os::durable_folder::DurableFolder;
use crate::os::lock_file::LockFile;
use crate::os::random_access::{ReadAt, is_zero, read_padded, read_padded_around, write_all_at};
use sha2::{Digest, Sha256};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What of a file's permissions its copy has: it is to be read, and not to be written by mistake.
#[cfg(unix)]
const READABLE: u32 = 0o444;
/// What is always there: else we could not read it ourselves.
const OWNER_READS: u32 = 0o400;

/// The work at hand: who is told of it, and what may end it.
pub(super) struct Work<'w> {
    pub(super) halt: &'w Halt,
    /// When the files were locked, and how long they may be; `None` for a time when they are not.
    pub(super) held: Option<(Instant, Option<Duration>)>,
    pub(super) progress: &'w mut dyn FnMut(AcquireProgress),
    pub(super) done_bytes: u64,
    pub(super) total_bytes: u64,
}

impl Work<'_> {
    /// Tells that so many bytes more are done of the file at `path`.
    pub(super) fn step(&mut self, path: &Path, bytes: usize) -> Result<()> {
        self.halt.check(path)?;
        if let Some((since, Some(most))) = self.held
            && since.elapsed() > most
        {
            let limit = Problem::HoldLimit { held: since.elapsed(), grown_bytes: 0 };
            return Err(Error::new(path, limit));
        }
        self.done_bytes = self.done_bytes.saturating_add(bytes as u64);
        let total_bytes = self.total_bytes.max(self.done_bytes);
        (self.progress)(AcquireProgress { done_bytes: self.done_bytes, total_bytes });
        Ok(())
    }
}

/// A file that is read where it was found.
pub(super) enum Handle<'h> {
    /// Nobody locks it: it may be closed at any time.
    Plain(File),
    /// Others have locks on it.
    Lockable(LockFile),
    /// The database, locked.
    Locked(&'h LockFile),
}

impl Handle<'_> {
    pub(super) fn bytes(&self) -> &dyn ReadAt {
        match self {
            Self::Plain(file) => file,
            Self::Lockable(file) => file,
            Self::Locked(file) => *file,
        }
    }

    fn metadata(&self) -> io::Result<Metadata> {
        match self {
            Self::Plain(file) => file.metadata(),
            Self::Lockable(file) => file.metadata(),
            Self::Locked(file) => file.metadata(),
        }
    }
}

/// A file as it was found, and its copy.
pub(super) struct FileCopy<'h> {
    pub(super) role: FileRole,
    from: Handle<'h>,
    from_path: PathBuf,
    to: File,
    /// The copy, as messages call it.
    to_path: PathBuf,
    before: FileStatus,
    /// How many bytes the copy has.
    size_bytes: u64,
}

impl<'h> FileCopy<'h> {
    /// Makes an empty copy of the file at `from_path`. `shown` is what the bundle is called.
    pub(super) fn new(
        role: FileRole,
        (from, from_path): (Handle<'h>, &Path),
        (folder, shown): (&DurableFolder, &Path),
    ) -> Result<Self> {
        let to_path = shown.join(role.name());
        let metadata = from.metadata().map_err(Error::io("look at it", from_path))?;
        let to =
            folder.create_file(role.name(), mode_of(&metadata)).map_err(Error::io("create", &to_path))?;
        let before = facts::status(&metadata);
        Ok(Self { role, from, from_path: from_path.to_owned(), to, to_path, before, size_bytes: 0 })
    }

    /// Reads the file where it was found. On Windows bytes that others have locked, which mean nothing, read as zeros.
    fn read(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let locks = match self.role {
            FileRole::Database => DATABASE_LOCKS,
            FileRole::WalIndex => WAL_INDEX_LOCKS,
            _ => 0..0,
        };
        read_padded_around(self.from.bytes(), buffer, offset, locks)
    }

    /// How many bytes the file has now.
    pub(super) fn found_bytes(&self) -> Result<u64> {
        self.from.bytes().size_bytes().map_err(Error::io("look at it", &self.from_path))
    }

    /// The first bytes of the file as it was found; fewer where there are not as many.
    pub(super) fn read_found(&self, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        let there =
            read_padded(self.from.bytes(), &mut bytes, 0).map_err(Error::io("read", &self.from_path))?;
        bytes.truncate(there);
        Ok(bytes)
    }

    /// Copies what the file has now, as far as that is not copied yet, up to `end`.
    pub(super) fn copy_to(&mut self, end: u64, work: &mut Work<'_>) -> Result<()> {
        let mut buffer = vec![0; READ_BYTES];
        while self.size_bytes < end {
            let wanted = usize::try_from(end - self.size_bytes).unwrap_or(usize::MAX).min(READ_BYTES);
            let piece = buffer.get_mut(..wanted).unwrap_or_default();
            let there = self.read(piece, self.size_bytes).map_err(Error::io("read", &self.from_path))?;
            let piece = piece.get(..there).unwrap_or_default();
            if !is_zero(piece) {
                write_all_at(&self.to, piece, self.size_bytes).map_err(Error::io("write", &self.to_path))?;
            }
            self.size_bytes = self.size_bytes.saturating_add(there as u64);
            work.step(&self.from_path, there)?;
            if there < wanted {
                break;
            }
        }
        self.to.set_len(self.size_bytes).map_err(Error::io("write", &self.to_path))
    }

    /// Copies all that the file has now.
    pub(super) fn copy(&mut self, work: &mut Work<'_>) -> Result<()> {
        let end = self.found_bytes()?;
        self.copy_to(end, work)
    }

    /// Begins again.
    pub(super) fn void(&mut self) {
        self.size_bytes = 0;
    }

    /// The copy, to be read.
    pub(super) fn copied(&self) -> &dyn ReadAt {
        &self.to
    }

    /// Reads the file again where it was found, compares it with the copy, and tells what came of it. The copy's own sum is still to be
    /// made.
    pub(super) fn read_again(&self, work: &mut Work<'_>) -> Result<BundleFile> {
        let [mut found, mut copied] = [(); 2].map(|()| vec![0; READ_BYTES]);
        let mut sha256 = Sha256::new();
        let (mut offset, mut same_bytes) = (0, None);
        while offset < self.size_bytes {
            let wanted = usize::try_from(self.size_bytes - offset).unwrap_or(usize::MAX).min(READ_BYTES);
            let found = found.get_mut(..wanted).unwrap_or_default();
            let copied = copied.get_mut(..wanted).unwrap_or_default();
            let there = self.read(found, offset).map_err(Error::io("read again", &self.from_path))?;
            read_padded(&self.to, copied, offset).map_err(Error::io("read back", &self.to_path))?;
            let found = found.get(..there).unwrap_or_default();
            sha256.update(found);
            if same_bytes.is_none() && found != &*copied {
                let same = found.iter().zip(copied.iter()).take_while(|(found, copied)| found == copied);
                same_bytes = Some(offset.saturating_add(same.count() as u64));
            }
            offset = offset.saturating_add(wanted as u64);
            work.step(&self.from_path, there)?;
        }
        let metadata = self.from.metadata().map_err(Error::io("look at it", &self.from_path))?;
        Ok(BundleFile {
            role: self.role,
            name: self.role.name().to_owned(),
            path: self.from_path.as_path().into(),
            size_bytes: self.size_bytes,
            sha256: String::new(),
            before: self.before.clone(),
            after: facts::status(&metadata),
            read_again_sha256: hex(&sha256.finalize()),
            same_bytes: same_bytes.unwrap_or(self.size_bytes),
        })
    }

    /// The copy, and what messages call it.
    pub(super) fn into_copy(self) -> (File, PathBuf) {
        (self.to, self.to_path)
    }
}

/// The permissions of a copy: who could read the file can read it, and nobody write it.
fn mode_of(metadata: &Metadata) -> u32 {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::mode(metadata) & READABLE | OWNER_READS;
    #[cfg(not(unix))]
    {
        let _ = metadata;
        OWNER_READS
    }
}
