//! What may stand under the name of a new file, and beside it.
//!
//! In what order things are done, and what is there after a crash at each moment: `[targets.md#replacing-a-file]`.

use super::old_database::{OldDatabase, in_use, wal_index_in_use};
use crate::attempt::Attempt;
use crate::error::{Error, Problem, Result};
use crate::os::durable_file::IfThere;
use crate::os::file_identity::{Found, look};
use crate::side_files::SideFiles;
use std::path::Path;

/// Refuses what may not be replaced; the old file, if there is one, stays locked as long as the guard lives.
///
/// `path` is the target as the caller named it, for messages.
pub(super) fn lock_the_old(path: &Path, files: &SideFiles, if_there: IfThere) -> Result<Option<OldDatabase>> {
    let problem = |problem| Err(Error::new(path, problem));
    match look(files.database()).map_err(Error::io("look at it", path))? {
        Found::Nothing => Ok(None),
        Found::File { .. } | Found::Other if if_there == IfThere::Refuse => problem(Problem::TargetExists),
        Found::File { .. } => match OldDatabase::lock(path)? {
            Attempt::Got(old) => Ok(old),
            Attempt::Busy(obstacle) => Err(in_use(path, obstacle)),
        },
        Found::Folder => problem(Problem::NotAFile { found: "a folder" }),
        Found::Other => problem(Problem::NotAFile { found: "a device, a pipe or a link that leads nowhere" }),
    }
}

/// Refuses what SQLite would apply to a new file under that name, and a wal-index that somebody uses.
///
/// An empty journal or log counts as none, and a wal-index of nobody is emptied by whoever opens it.
pub(super) fn refuse_side_files(path: &Path, files: &SideFiles) -> Result<()> {
    for side_file in files.all() {
        let is_in_the_way = match look(&side_file).map_err(Error::io("look at it", &side_file))? {
            Found::Nothing | Found::File { size_bytes: 0 } => false,
            Found::File { .. } if side_file == files.wal_index() => wal_index_in_use(&side_file)?,
            _ => true,
        };
        if is_in_the_way {
            return Err(Error::new(path, Problem::SideFileInTheWay { side_file }));
        }
    }
    Ok(())
}
