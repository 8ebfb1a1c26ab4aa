//! The names of a database and of its companions: journal, log, wal-index.

use crate::error::{Error, Result};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A database's own path, symbolic links resolved, from which the names of its side files follow.
///
/// SQLite resolves links first, so the side files lie beside the file that a link leads to
/// (`[database-header.md#side-files]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SideFiles {
    database: PathBuf,
}

/// What each side file's name ends with.
pub(crate) const SUFFIXES: [&str; 3] = ["-journal", "-wal", "-shm"];

impl SideFiles {
    /// Of the database at `path`, which must be there.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        std::fs::canonicalize(path).map(|database| Self { database }).map_err(Error::io("open", path))
    }

    /// Of a database that may still have to be created at `path`, in a folder that is there.
    pub(crate) fn of_new(path: &Path) -> Result<Self> {
        match std::fs::canonicalize(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            // Any other failure may hide that a file is there, or a link that leads to one.
            found => return found.map(|database| Self { database }).map_err(Error::io("look at it", path)),
        }
        let folder = crate::os::durable_file::folder_of(path);
        let folder = std::fs::canonicalize(folder).map_err(Error::io("open its folder", path))?;
        let name = path.file_name().ok_or_else(|| {
            Error::io("create", path)(std::io::Error::new(std::io::ErrorKind::InvalidInput, "no file name"))
        })?;
        Ok(Self { database: folder.join(name) })
    }

    pub(crate) fn database(&self) -> &Path {
        &self.database
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.with("-journal")
    }

    pub(crate) fn wal(&self) -> PathBuf {
        self.with("-wal")
    }

    pub(crate) fn wal_index(&self) -> PathBuf {
        self.with("-shm")
    }

    /// All three, in the order of [`SUFFIXES`].
    pub(crate) fn all(&self) -> [PathBuf; 3] {
        SUFFIXES.map(|suffix| self.with(suffix))
    }

    fn with(&self, suffix: impl AsRef<OsStr>) -> PathBuf {
        let mut path = self.database.clone().into_os_string();
        path.push(suffix);
        path.into()
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
        assert_eq!(files.database(), real);
        assert_eq!(files.wal().file_name().unwrap(), "real.db-wal");
        assert_eq!(SideFiles::of_new(&link).unwrap(), files);
    }

    #[test]
    fn a_new_name_needs_a_folder_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        assert!(SideFiles::of_new(&folder.path().join("new.db")).is_ok());
        assert!(SideFiles::of_new(&folder.path().join("none").join("new.db")).is_err());
        assert!(SideFiles::of(&folder.path().join("new.db")).is_err());
    }
}
