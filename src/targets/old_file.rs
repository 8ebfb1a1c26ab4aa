//! What may stand under the name of a new file, and beside it.
//!
//! In what order things are done, and what is there after a crash at each moment: `[targets.md#replacing-a-file]`.

use super::old_database::{
    OldDatabase, has_content, in_use as in_use_by_lock, open_elsewhere, wal_index_in_use,
};
use crate::attempt::{Attempt, Obstacle};
use crate::error::{Error, Problem, Result};
use crate::os::clock::Deadline;
use crate::os::file_identity::Found;
use crate::os::openers::Openers;
use crate::os::place::IfThere;
use crate::os::unfit::Unfit;
use crate::side_files::SideFiles;
use std::path::Path;
use std::time::Duration;

/// For how long an old file that is in use is tried again: who has it open may be passing by.
const PATIENCE: Duration = Duration::from_millis(300);

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// Refuses what may not be replaced; the old file, if there is one, stays locked as long as the guard lives.
///
/// `path` is the target as the caller named it, for messages.
pub(super) fn lock_the_old(path: &Path, files: &SideFiles, if_there: IfThere) -> Result<Option<OldDatabase>> {
    let problem = |problem| Err(Error::new(path, problem));
    match files.database().look().map_err(Error::io("look at it", path))? {
        Found::Nothing => Ok(None),
        Found::Unfit(Unfit::Folder) => problem(Problem::Unfit(Unfit::Folder)),
        Found::File { .. } | Found::Unfit(_) if if_there == IfThere::Refuse => problem(Problem::TargetExists),
        Found::File { .. } => {
            files.database().refuse_mounted().map_err(Error::io("replace", path))?;
            lock_what_is_replaced(path, files)
        }
        Found::Unfit(unfit) => problem(Problem::Unfit(unfit)),
    }
}

/// Locks a database that is to be replaced, which nobody may have open: a connection that is idle just now, and holds no lock,
/// would go on with the old file, and take the side files of the new one for its own (`[targets.md#replacing-a-file]`).
fn lock_what_is_replaced(path: &Path, files: &SideFiles) -> Result<Option<OldDatabase>> {
    let deadline = Deadline::after(Some(PATIENCE));
    loop {
        let in_use = match OldDatabase::lock(path, files)? {
            Attempt::Got(Some(old)) => match old.openers() {
                Openers::Nobody | Openers::Untold => {
                    old.refuse_no_database()?;
                    return Ok(Some(old));
                }
                Openers::Somebody(processes) => {
                    old.close();
                    InUse::Open(processes)
                }
            },
            Attempt::Got(None) => return Ok(None),
            Attempt::Busy(obstacle) => InUse::Locked(obstacle),
        };
        if deadline.has_passed() {
            return Err(match in_use {
                InUse::Open(processes) => open_elsewhere(path, processes),
                InUse::Locked(obstacle) => in_use_by_lock(path, obstacle),
            });
        }
        deadline.sleep(PAUSE);
    }
}

/// How somebody uses an old file.
enum InUse {
    Locked(Obstacle),
    /// Without a lock, as far as can be told by these processes.
    Open(Vec<u32>),
}

/// Refuses what SQLite would apply to a new file under that name, and a wal-index that somebody uses.
///
/// An empty journal or log counts as none, and a wal-index of nobody is emptied by whoever opens it.
pub(super) fn refuse_side_files(path: &Path, files: &SideFiles) -> Result<()> {
    for side_file in files.all() {
        if has_content(side_file)? && (side_file != files.wal_index() || wal_index_in_use(side_file)?) {
            let side_file = side_file.path().to_owned();
            return Err(Error::new(path, Problem::SideFileInTheWay { side_file }));
        }
    }
    Ok(())
}
