//! Whether files were changed while nothing kept anybody from it.

use crate::error::{Error, Result};
use crate::os::file_identity::{self, FileIdentity, FileTimes};
use crate::side_files::SideFiles;
use std::path::{Path, PathBuf};

/// The files of a database, as they were found.
#[derive(Clone, Debug)]
pub(super) struct FileWatch(Vec<(PathBuf, Found)>);

/// Which file is there, and when it was changed; `None` for none.
type Found = Option<(FileIdentity, FileTimes)>;

impl FileWatch {
    /// Looks at the database and its side files.
    pub(super) fn over(files: &SideFiles) -> Result<Self> {
        let paths = files.all().into_iter().chain([files.database().to_owned()]);
        paths.map(|path| look(&path).map(|found| (path, found))).collect::<Result<_>>().map(Self)
    }

    /// Whether a change after this look would show. `earlier` was seen so long ago that the clock of the file system has
    /// moved on since.
    pub(super) fn is_settled(&self, earlier: Option<&Self>) -> bool {
        let seen = |path: &Path| earlier?.0.iter().find(|(it, _)| it == path).map(|(_, found)| *found);
        self.0.iter().all(|(path, found)| {
            found.is_none_or(|(_, times)| times.are_settled()) || seen(path) == Some(*found)
        })
    }

    /// Whether all are there still and have not been changed, or are missing still.
    pub(super) fn unchanged(&self) -> Result<bool> {
        for (path, found) in &self.0 {
            if look(path)? != *found {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether a wal-index is there now where none was.
pub(super) fn appeared(wal_index: &Path) -> Result<bool> {
    let found = file_identity::look(wal_index).map_err(Error::io("look at it", wal_index))?;
    Ok(found != file_identity::Found::Nothing)
}

fn look(path: &Path) -> Result<Found> {
    let found = FileIdentity::of_path(path).and_then(|identity| {
        Ok(match (identity, FileTimes::of_path(path)?) {
            (Some(identity), Some(times)) => Some((identity, times)),
            _ => None,
        })
    });
    found.map_err(Error::io("look at it", path))
}
