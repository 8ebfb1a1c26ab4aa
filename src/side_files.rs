//! A database and its companions: where journal, log and wal-index lie.

use crate::error::{Error, Result};
use crate::os::place::Place;
use std::path::Path;
use std::sync::Arc;

/// Where a database lies, symbolic links resolved, and its side files, in the same folder.
///
/// SQLite resolves links first, so the side files lie beside the file that a link leads to
/// (`[database-header.md#side-files]`). They are never links themselves (`[targets.md#names-and-links]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideFiles(Arc<Places>);

#[derive(Debug, PartialEq, Eq)]
struct Places {
    database: Place,
    journal: Place,
    wal: Place,
    wal_index: Place,
}

/// What each side file's name ends with.
pub(crate) const SUFFIXES: [&str; 3] = ["-journal", "-wal", "-shm"];

impl SideFiles {
    /// Of the database at `path`, which must be there.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        Place::of_existing(path).map(Self::of_place).map_err(Error::io("open", path))
    }

    /// Of a database that is written, or may still have to be created, at `path`, in a folder that is there.
    pub(crate) fn of_target(path: &Path) -> Result<Self> {
        Place::of_target(path).map(Self::of_place).map_err(Error::io("look at it", path))
    }

    /// Of the database in this place.
    pub(crate) fn of_place(database: Place) -> Self {
        let [journal, wal, wal_index] = SUFFIXES.map(|suffix| database.beside(suffix));
        Self(Arc::new(Places { database, journal, wal, wal_index }))
    }

    pub(crate) fn database(&self) -> &Place {
        &self.0.database
    }

    pub(crate) fn journal(&self) -> &Place {
        &self.0.journal
    }

    pub(crate) fn wal(&self) -> &Place {
        &self.0.wal
    }

    pub(crate) fn wal_index(&self) -> &Place {
        &self.0.wal_index
    }

    /// All three, in the order of [`SUFFIXES`].
    pub(crate) fn all(&self) -> [&Place; 3] {
        [self.journal(), self.wal(), self.wal_index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn side_files_lie_beside_the_file_that_a_link_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap().join("real.db");
        let link = folder.path().join("link.db");
        std::fs::write(&real, "").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let files = SideFiles::of(&link).unwrap();
        assert_eq!(files.database().path(), real);
        assert_eq!(files.wal().name(), "real.db-wal");
        assert_eq!(SideFiles::of_target(&link).unwrap(), files);
    }

    #[test]
    fn a_new_name_needs_a_folder_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        assert!(SideFiles::of_target(&folder.path().join("new.db")).is_ok());
        assert!(SideFiles::of_target(&folder.path().join("none").join("new.db")).is_err());
        assert!(SideFiles::of(&folder.path().join("new.db")).is_err());
    }
}
