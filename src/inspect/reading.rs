//! What all reports share: a file being looked at, and the list of what is wrong with it.

use std::path::{Path, PathBuf};

use super::damage_report::DamageReport;
use crate::attempt::Attempt;
use crate::error::{Error, Result};
use crate::lock::database_lock::SharedLock;
use crate::os::lock_file::LockFile;
use crate::os::place::Place;
use crate::os::random_access::{ReadAt, read_padded};

/// A file that is there, opened for reading.
pub(super) struct Looked {
    pub(super) path: PathBuf,
    place: Place,
    pub(super) size_bytes: u64,
    file: Handle,
}

/// The open file, with or without SHARED on it.
enum Handle {
    Unlocked(LockFile),
    Shared(SharedLock),
}

impl Looked {
    /// Opens the file at `place`; `None` where there is none.
    pub(super) fn open(place: &Place) -> Result<Option<Self>> {
        let path = place.path();
        let file = match LockFile::open(place) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("open", path)(error)),
        };
        let size_bytes = file.size_bytes().map_err(Error::io("look at it", path))?;
        Ok(Some(Self {
            path: path.to_owned(),
            place: place.clone(),
            size_bytes,
            file: Handle::Unlocked(file),
        }))
    }

    /// The same with SHARED held, when it is to be had at once; its size is then looked up anew.
    pub(super) fn locked(self) -> Result<Self> {
        let Handle::Unlocked(file) = self.file else { return Ok(self) };
        let file = match SharedLock::acquire(file) {
            Ok(Attempt::Got(shared)) => Handle::Shared(shared),
            Ok(Attempt::Busy(file)) => Handle::Unlocked(file),
            // A file system without locks: there is something to see all the same.
            Err(_) => Handle::Unlocked(LockFile::open(&self.place).map_err(Error::io("open", &self.path))?),
        };
        let locked = Self { file, ..self };
        let size_bytes = locked.file().size_bytes().map_err(Error::io("look at it", &locked.path))?;
        Ok(Self { size_bytes, ..locked })
    }

    pub(super) fn is_locked(&self) -> bool {
        matches!(self.file, Handle::Shared(_))
    }

    /// Whether a writer holds RESERVED or more; `None` without SHARED, when it cannot be told for sure.
    pub(super) fn reserved_by_other(&self) -> Result<Option<bool>> {
        match &self.file {
            Handle::Unlocked(_) => Ok(None),
            Handle::Shared(shared) => {
                shared.reserved_by_other().map(Some).map_err(Error::io("ask for locks on", &self.path))
            }
        }
    }

    /// Lets the system forget what it has of the file in its cache.
    #[cfg(feature = "manifest")]
    pub(super) fn forget_cached(&self) {
        self.file().forget_cached();
    }

    /// What it is made of.
    pub(super) fn bytes(&self) -> &dyn ReadAt {
        self.file()
    }

    fn file(&self) -> &LockFile {
        match &self.file {
            Handle::Unlocked(file) => file,
            Handle::Shared(shared) => shared.file(),
        }
    }

    /// Fills `buffer` from `offset`; returns how much of it was there, the rest is zeros.
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        read_padded(self.file(), buffer, offset).map_err(Error::io("read", &self.path))
    }
}

/// Collects what is wrong, so that looking goes on.
#[derive(Default)]
pub(super) struct Findings(pub(super) Vec<DamageReport>);

impl Findings {
    pub(super) fn add(&mut self, path: &Path, message: impl ToString) {
        self.0.push(DamageReport { path: path.to_owned(), message: message.to_string() });
    }
}
