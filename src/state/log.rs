//! Whether there is a log beside a database.

use crate::error::{Error, Result};
use crate::side_files::SideFiles;

/// Whether there is a log with anything in it. It counts then, whatever the database's header says.
pub(crate) fn has_log(files: &SideFiles) -> Result<bool> {
    let wal = files.wal();
    wal.has_content().map_err(Error::io("look at it", wal.path()))
}
