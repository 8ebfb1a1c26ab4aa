//! The old database whose place a new file takes: locked, so that nobody uses it, and what lies beside it.
//!
//! In what order things are done, and what is there after a crash at each moment: `[targets.md#replacing-a-file]`.

use crate::error::{Error, Problem, Result};
use crate::lock::database_lock::{ExclusiveLock, try_exclusive};
use crate::lock::lock_holders;
use crate::lock::wal_lock::{Connected, connected};
use crate::os::durable_file::IfThere;
use crate::os::file_identity::{FileIdentity, Found, look};
use crate::os::lock_file::LockFile;
use crate::side_files::SideFiles;
use std::path::{Path, PathBuf};

/// Refuses what may not be replaced; the old file, if there is one, stays locked as long as the guard lives.
///
/// `path` is the target as the caller named it, for messages.
pub(super) fn lock_the_old(
    path: &Path,
    files: &SideFiles,
    if_there: IfThere,
) -> Result<Option<ExclusiveLock>> {
    let problem = |problem| Err(Error::new(path, problem));
    match look(files.database()).map_err(Error::io("look at", path))? {
        Found::Nothing => return Ok(None),
        Found::File { .. } | Found::Other if if_there == IfThere::Refuse => {
            return problem(Problem::TargetExists);
        }
        Found::File { .. } => {}
        Found::Folder => return problem(Problem::NotAFile { found: "a folder" }),
        Found::Other => {
            return problem(Problem::NotAFile { found: "a device, a pipe or a link that leads nowhere" });
        }
    }
    let old = LockFile::open_to_write(files.database()).map_err(Error::io("replace", path))?;
    let opened = old.identity();
    let lock = try_exclusive(old).map_err(Error::io("lock", path))?;
    // Another file may have been put there before the lock was had: that one is not locked.
    let found = FileIdentity::of_path(files.database()).map_err(Error::io("look at", path))?;
    if lock.is_some() && found == Some(opened) {
        return Ok(lock);
    }
    problem(Problem::TargetInUse { holders: lock_holders(files.database()).unwrap_or_default() })
}

/// Refuses what SQLite would apply to a new file under that name, and a wal-index that somebody uses. Gives those side files that
/// nobody needs.
///
/// An empty journal or log counts as none, and a wal-index of nobody is emptied by whoever opens it.
pub(super) fn stale_side_files(path: &Path, files: &SideFiles) -> Result<Vec<PathBuf>> {
    let mut stale = Vec::new();
    for side_file in files.all() {
        let is_needed = match look(&side_file).map_err(Error::io("look at", &side_file))? {
            Found::Nothing => continue,
            Found::File { size_bytes: 0 } => false,
            Found::File { .. } if side_file == files.wal_index() => LockFile::open(&side_file)
                .and_then(|wal_index| connected(&wal_index))
                .map_err(Error::io("look at the locks of", &side_file))?
                .ne(&Connected::Nobody),
            _ => true,
        };
        if is_needed {
            return Err(Error::new(path, Problem::SideFileInTheWay { side_file }));
        }
        stale.push(side_file);
    }
    Ok(stale)
}

/// Removes the side files that nobody needs, of an old file that is locked: what lies there afterwards can only be the new
/// file's. A program that has one of them open writes on into what has no name.
pub(super) fn remove_stale(stale: &[PathBuf], _old: &ExclusiveLock) -> Result<()> {
    stale.iter().try_for_each(|file| std::fs::remove_file(file).map_err(Error::io("remove", file)))
}
