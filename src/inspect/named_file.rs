//! Which file is meant where a database may be named, or one of its side files itself.

use crate::error::{Error, Result};
use crate::os::file_identity::{self, Found};
use crate::os::lock_file::LockFile;
use crate::os::place::Place;
use crate::os::random_access::read_padded;
use crate::side_files::SideFiles;
use std::path::{Path, PathBuf};

/// How many bytes of a file tell what it is.
const MAGIC_BYTES: usize = 16;

/// A side file, and the database that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedFile {
    /// Where the side file is, or would be.
    pub(super) place: Place,
    /// The database beside it; `None` for a side file alone.
    pub(super) database: Option<SideFiles>,
}

/// What kind of side file is looked for.
pub(super) struct SideFileKind {
    pub(super) suffix: &'static str,
    /// Whether a file that begins so is one.
    pub(super) is_magic: fn(&[u8]) -> bool,
    pub(super) place_of: fn(&SideFiles) -> &Place,
}

impl SideFileKind {
    /// The side file that `path` means: `path` is the database, or the side file itself, also one whose database is gone.
    pub(super) fn find(&self, path: &Path) -> Result<NamedFile> {
        let of_database = |path: &Path| {
            let files = SideFiles::of(path)?;
            Ok(NamedFile { place: (self.place_of)(&files).clone(), database: Some(files) })
        };
        if !is_file(path)? {
            let beside = with_suffix(path, self.suffix);
            return if is_file(&beside)? { alone(&beside) } else { of_database(path) };
        }
        let stem = path.to_str().and_then(|name| name.strip_suffix(self.suffix)).map(Path::new);
        if stem.is_none() && !self.is_side_file(path)? {
            return of_database(path);
        }
        match stem {
            Some(database) if is_file(database)? => of_database(database),
            _ => alone(path),
        }
    }

    fn is_side_file(&self, path: &Path) -> Result<bool> {
        let mut bytes = [0; MAGIC_BYTES];
        // It may be a database whose locks somebody else in this process holds: closed as such.
        let place = Place::of_existing(path).map_err(Error::io("open", path))?;
        let file = LockFile::open(&place).map_err(Error::io("open", path))?;
        read_padded(&file, &mut bytes, 0).map_err(Error::io("read", path))?;
        Ok((self.is_magic)(&bytes))
    }
}

fn alone(path: &Path) -> Result<NamedFile> {
    let place = Place::of_existing(path).map_err(Error::io("open", path))?;
    Ok(NamedFile { place, database: None })
}

fn is_file(path: &Path) -> Result<bool> {
    let found = file_identity::look(path).map_err(Error::io("look at it", path))?;
    Ok(matches!(found, Found::File { .. }))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.to_owned().into_os_string();
    path.push(suffix);
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: SideFileKind = SideFileKind {
        suffix: "-wal",
        is_magic: |bytes| bytes.starts_with(b"log"),
        place_of: SideFiles::wal,
    };

    #[test]
    fn database_and_side_file_lead_to_the_same_and_either_may_be_alone() {
        let folder = tempfile::tempdir().unwrap();
        let folder = std::fs::canonicalize(folder.path()).unwrap();
        let [database, log, other] = ["app.db", "app.db-wal", "evidence"].map(|name| folder.join(name));
        std::fs::write(&log, "log").unwrap();
        std::fs::write(&other, "log").unwrap();
        for named in [&database, &log] {
            let found = KIND.find(named).unwrap();
            assert_eq!((found.place.path(), found.database), (log.as_path(), None));
        }
        assert_eq!(KIND.find(&other).unwrap().place.path(), other);
        std::fs::write(&database, "pages").unwrap();
        for named in [&database, &log] {
            let found = KIND.find(named).unwrap();
            assert_eq!((found.place.path(), found.database.is_some()), (log.as_path(), true));
        }
        std::fs::remove_file(&log).unwrap();
        assert_eq!(KIND.find(&database).unwrap().place.path(), log, "where it would be");
        assert!(KIND.find(&folder.join("nothing")).is_err());
    }
}
