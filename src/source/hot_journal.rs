//! Is there a hot journal: one whose writer died, and which has to be rolled back before the database means anything?

use crate::error::{Error, Result};
use crate::lock::database_lock::SharedLock;
use crate::os::file_identity::{self, Found};
use crate::os::random_access::{ReadAt, read_padded};
use crate::side_files::SideFiles;
use std::fs::File;
use std::path::PathBuf;

/// The path of the hot journal, if there is one. SHARED is held, so nobody can begin to roll it back.
///
/// The questions are SQLite's, in SQLite's order (`[copy-protocol.md#is-the-journal-hot]`).
pub(super) fn find(files: &SideFiles, shared: &SharedLock) -> Result<Option<PathBuf>> {
    let path = files.journal();
    match file_identity::look(&path).map_err(Error::io("look at", &path))? {
        Found::Nothing | Found::File { size_bytes: 0 } => return Ok(None),
        _ => {}
    }
    if shared.reserved_by_other().map_err(Error::io("ask for its locks", files.database()))? {
        // A live writer's: nothing of his transaction is in the file while SHARED is held.
        return Ok(None);
    }
    if shared.file().size_bytes().map_err(Error::io("look at", files.database()))? <= 1 {
        return Ok(None);
    }
    let journal = match File::open(&path) {
        Ok(journal) => journal,
        // Its writer ended his transaction since we looked.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("open", &path)(error)),
    };
    Ok(begins_hot(&journal).map_err(Error::io("read", &path))?.then_some(path))
}

/// Whether the first byte is there and not zero: a writer that has ended, or has not begun to change the database, left
/// a zero or nothing.
pub(super) fn begins_hot(journal: &dyn ReadAt) -> std::io::Result<bool> {
    let mut first = [0];
    read_padded(journal, &mut first, 0)?;
    Ok(first != [0])
}
