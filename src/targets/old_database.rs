//! A database that stands where a copy is to go, and nobody else uses: EXCLUSIVE is held on it.

use crate::attempt::{Attempt, LockHolder, Obstacle};
use crate::error::{Error, Problem, Result};
use crate::format::database_header::DATABASE_MAGIC;
use crate::lock::database_lock::{ExclusiveLock, SharedLock};
use crate::lock::lock_holders;
use crate::lock::lock_style::LockFolder;
use crate::lock::wal_lock::{Connected, connected};
use crate::os::durable_file::FolderSync;
use crate::os::file_identity::Found;
use crate::os::file_system::most_free_bytes;
use crate::os::lock_file::LockFile;
use crate::os::lock_list;
use crate::os::openers::{self, Openers};
use crate::os::place::Place;
use crate::os::random_access::read_padded;
use crate::os::side_file::{self, SideFile};
use crate::side_files::SideFiles;
use std::path::{Path, PathBuf};

/// An old database, locked, with whatever a dead writer left beside it.
#[derive(Debug)]
pub(super) struct OldDatabase {
    /// As the caller named it, for messages.
    path: PathBuf,
    files: SideFiles,
    lock: ExclusiveLock,
}

impl OldDatabase {
    /// Locks the database `files`, which `path` names; `None` when nothing is there, or something that is no file.
    pub(super) fn lock(path: &Path, files: &SideFiles) -> Result<Attempt<Option<Self>>> {
        let found = files.database().look().map_err(Error::io("look at it", path))?;
        if !matches!(found, Found::File { .. }) {
            return Ok(Attempt::Got(None));
        }
        let shared = match share(path, files)? {
            Attempt::Got(shared) => shared,
            Attempt::Busy(obstacle) => return Ok(Attempt::Busy(obstacle)),
        };
        let Attempt::Got(lock) = shared.exclude().map_err(Error::io("lock", path))? else {
            return Ok(Attempt::Busy(Obstacle::Users));
        };
        let old = Self::new(path, files.clone(), lock);
        // What was looked at before the lock was had may have changed until then.
        Ok(if old.is_in_its_place()? { Attempt::Got(Some(old)) } else { Attempt::Busy(Obstacle::Change) })
    }

    pub(super) fn new(path: &Path, files: SideFiles, lock: ExclusiveLock) -> Self {
        Self { path: path.to_owned(), files, lock }
    }

    /// As the caller named it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn files(&self) -> &SideFiles {
        &self.files
    }

    pub(super) fn file(&self) -> &LockFile {
        self.lock.file()
    }

    /// Whether its name still leads to the file that is locked.
    pub(super) fn is_in_its_place(&self) -> Result<bool> {
        is_in_its_place(&self.path, &self.files, self.file())
    }

    /// Refuses to go on when its name leads elsewhere by now.
    pub(super) fn refuse_if_moved(&self) -> Result<()> {
        refuse_if_moved(&self.path, &self.files, self.file())
    }

    /// Refuses what is neither empty nor a database, nor what a hot journal would make one of: it is not to be replaced.
    pub(super) fn refuse_no_database(&self) -> Result<()> {
        let mut magic = [0; DATABASE_MAGIC.len()];
        let count = read_padded(self.file(), &mut magic, 0).map_err(Error::io("read", &self.path))?;
        if count <= 1 || magic == DATABASE_MAGIC || has_content(self.files.journal())? {
            return Ok(());
        }
        Err(Error::new(&self.path, Problem::NotReplaced))
    }

    /// Makes sure that it is under its name still, now that the copy is finished.
    pub(super) fn confirm_place(&self) -> Result<()> {
        confirm_place(&self.path, &self.files, Some(self.file()))
    }

    /// Who has it open without a lock, as far as the system tells.
    pub(super) fn openers(&self) -> Openers {
        openers::of_file(self.file())
    }

    /// Lets it go, and does not keep it open.
    pub(super) fn close(self) {
        self.lock.close();
    }

    /// Refuses a log that somebody is connected to: as nobody has this database, his was moved away from here.
    pub(super) fn refuse_living_log(&self) -> Result<()> {
        let side_file = self.files.wal_index();
        if has_content(side_file)? && wal_index_in_use(side_file)? {
            let side_file = side_file.path().to_owned();
            return Err(Error::new(&self.path, Problem::SideFileInTheWay { side_file }));
        }
        Ok(())
    }

    /// Whether a journal, a log or a wal-index with anything in it lies beside it.
    pub(super) fn has_side_files(&self) -> Result<bool> {
        for place in self.files.all() {
            if has_content(place)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Brings journal and log to the device, before what depends on them is changed.
    pub(super) fn sync_side_files(&self) -> Result<()> {
        for place in [self.files.journal(), self.files.wal()] {
            if has_content(place)? {
                let side_file = SideFile::open(place).map_err(Error::io("open", place.path()))?;
                let synced = side_file.sync().and_then(|()| side_file.sync_name());
                synced.map_err(Error::io("sync", place.path()))?;
            }
        }
        Ok(())
    }

    /// Writes `bytes` into the database file.
    pub(super) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.lock.file().write_at(bytes, offset).map_err(Error::io("write", &self.path))
    }

    /// Gives the database file its size, and brings all of it to the device.
    pub(super) fn finish(&self, size_bytes: u64) -> Result<()> {
        let file = self.lock.file();
        file.set_size(size_bytes).map_err(Error::io("set its size", &self.path))?;
        file.sync().map_err(Error::io("sync", &self.path))
    }

    /// Removes what lies beside it: the journal first, which would undo what came from the log.
    pub(super) fn remove_side_files(&self) -> Result<()> {
        for place in self.files.all() {
            let removed = side_file::remove(place).and_then(FolderSync::finish);
            removed.map_err(Error::io("remove", place.path()))?;
        }
        Ok(())
    }
}

/// Takes SHARED on the database `files`, which `path` names.
pub(super) fn share(path: &Path, files: &SideFiles) -> Result<Attempt<SharedLock>> {
    if LockFolder::is_there(files.database()).map_err(Error::io("look for its lock folder", path))? {
        return Ok(Attempt::Busy(Obstacle::LockFolder));
    }
    let file = LockFile::open_to_write(files.database()).map_err(Error::io("open", path))?;
    let Attempt::Got(shared) = SharedLock::acquire(file).map_err(Error::io("lock", path))? else {
        return Ok(Attempt::Busy(Obstacle::Users));
    };
    // Another file may have been put in its place since it was opened.
    let same = is_in_its_place(path, files, shared.file())?;
    Ok(if same { Attempt::Got(shared) } else { Attempt::Busy(Obstacle::Change) })
}

/// Whether the name of the database still leads to this open file.
pub(super) fn is_in_its_place(path: &Path, files: &SideFiles, file: &LockFile) -> Result<bool> {
    let look = |error| Error::io("look at it", path)(error);
    let place = files.database();
    Ok(place.identity().map_err(look)? == Some(file.identity()) && place.is_reached_by(path).map_err(look)?)
}

/// Refuses a name that leads to another place than when it was resolved: a link, or a folder, was turned meanwhile.
pub(super) fn refuse_a_turned_name(path: &Path, files: &SideFiles) -> Result<()> {
    match files.database().is_reached_by(path).map_err(Error::io("look at it", path))? {
        true => Ok(()),
        false => Err(Error::new(path, Problem::LeadsElsewhere)),
    }
}

/// Refuses to go on with a locked file to which the name does not lead any more.
pub(super) fn refuse_if_moved(path: &Path, files: &SideFiles, file: &LockFile) -> Result<()> {
    refuse_a_turned_name(path, files)?;
    match is_in_its_place(path, files, file)? {
        true => Ok(()),
        false => Err(Error::new(path, Problem::LeadsElsewhere)),
    }
}

/// Makes sure that the finished copy is where it was asked for, `file` under the name; else the error tells that it is there all the
/// same.
pub(super) fn confirm_place(path: &Path, files: &SideFiles, file: Option<&LockFile>) -> Result<()> {
    let place = files.database();
    let stands = place.is_reached_by(path).and_then(|reached| match file {
        Some(file) if reached => Ok(place.identity()? == Some(file.identity())),
        _ => Ok(reached),
    });
    match stands.map_err(Error::io("look at the name of the finished copy", path)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::new(path, Problem::LeadsElsewhere).in_doubt()),
        Err(error) => Err(error.in_doubt()),
    }
}

/// Somebody was in the way for too long: who, as far as can be told. Asked once, and with nothing held.
pub(crate) fn in_use(path: &Path, obstacle: Obstacle) -> Error {
    let mut holders = lock_holders(path).unwrap_or_default();
    // Our own are in the list too, with our process or with none.
    let is_other =
        |holder: &LockHolder| holder.process_id.is_some_and(|process| process != std::process::id());
    if holders.iter().any(is_other) {
        holders.retain(is_other);
    }
    Error::new(path, Problem::TargetInUse { obstacle, holders })
}

/// Somebody has it open, but holds no lock: these processes, as far as can be told.
pub(super) fn open_elsewhere(path: &Path, processes: Vec<u32>) -> Error {
    let holder = |process_id| LockHolder {
        lock: "OPEN",
        path: path.to_owned(),
        exclusive: false,
        process_id: Some(process_id),
        command: lock_list::command_of(process_id),
    };
    let holders = processes.into_iter().map(holder).collect();
    Error::new(path, Problem::TargetInUse { obstacle: Obstacle::Users, holders })
}

/// Whether somebody is connected to the log whose wal-index lies at `place`.
pub(super) fn wal_index_in_use(place: &Place) -> Result<bool> {
    let asked = LockFile::open(place).and_then(|wal_index| connected(&wal_index));
    Ok(asked.map_err(Error::io("look at the locks of", place.path()))? != Connected::Nobody)
}

/// Whether a side file is there with anything in it: an empty one counts as none.
pub(super) fn has_content(place: &Place) -> Result<bool> {
    place.has_content().map_err(|error| Error::io("look at it", place.path())(error))
}

/// Refuses to begin with what there is no room for beside `file`.
pub(super) fn refuse_lack_of_room(path: &Path, file: &Path, needed_bytes: u64) -> Result<()> {
    match most_free_bytes(file).filter(|&free_bytes| free_bytes < needed_bytes) {
        Some(free_bytes) => Err(Error::new(path, Problem::NoSpace { needed_bytes, free_bytes })),
        None => Ok(()),
    }
}
