//! A file beside a database that we write: made with the rights of the database, synced, and gone for good when removed.

use super::durable_file::{FolderSync, folder_of, sync_folder};
use super::random_access::{ReadAt, write_all_at};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// An open journal or log. Nobody takes locks on these, so it may be closed at any time.
#[derive(Debug)]
pub(crate) struct SideFile {
    file: File,
    path: PathBuf,
}

impl SideFile {
    /// Makes the file at `path`, or empties the one that is there; a new one gets the mode and, if we may, the owner of
    /// the database: who can use that must be able to roll it back (`[hazards.md#h37]`).
    pub(crate) fn create(path: &Path, database: &Metadata) -> io::Result<Self> {
        let is_new = !path.exists();
        let side_file = Self::open_with(path, true)?;
        side_file.file.set_len(0)?;
        if is_new {
            give_rights_of(database, &side_file.file)?;
        }
        Ok(side_file)
    }

    /// Opens the file at `path`, which must be there.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::open_with(path, false)
    }

    fn open_with(path: &Path, create: bool) -> io::Result<Self> {
        let mut options = File::options();
        options.read(true).write(true).create(create).truncate(false);
        // As SQLite does: a side file is never a link.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
        Ok(Self { file: options.open(path)?, path: path.to_owned() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all of `bytes` at `offset`.
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        write_all_at(&self.file, bytes, offset)
    }

    /// Cuts or extends the file to `size_bytes`; what is new reads as zeros.
    pub(crate) fn set_size(&self, size_bytes: u64) -> io::Result<()> {
        self.file.set_len(size_bytes)
    }

    /// Brings what was written to the device.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Brings the name of the file to the device.
    pub(crate) fn sync_name(&self) -> io::Result<()> {
        sync_folder(folder_of(&self.path))
    }
}

impl ReadAt for SideFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn size_bytes(&self) -> io::Result<u64> {
        self.file.size_bytes()
    }
}

/// Removes the file at `path`, if there is one. Its absence has still to be brought to the device, by what is given back.
pub(crate) fn remove(path: &Path) -> io::Result<FolderSync> {
    let folder = FolderSync::prepare(folder_of(path), true)?;
    match std::fs::remove_file(path) {
        Ok(()) => Ok(folder),
        // No name has changed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => FolderSync::prepare(folder_of(path), false),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn give_rights_of(database: &Metadata, file: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    file.set_permissions(PermissionsExt::from_mode(database.permissions().mode() & 0o777))?;
    let now = file.metadata()?;
    if (now.uid(), now.gid()) != (database.uid(), database.gid()) {
        // Only root may give files away; for all others the file stays as the system made it, as in SQLite.
        let _ = std::os::unix::fs::fchown(file, Some(database.uid()), Some(database.gid()));
    }
    Ok(())
}

#[cfg(not(unix))]
fn give_rights_of(_: &Metadata, _: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_there_is_emptied_and_a_removed_one_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let [database, journal] = ["app.db", "app.db-journal"].map(|name| folder.path().join(name));
        std::fs::write(&database, "pages").unwrap();
        std::fs::write(&journal, "old").unwrap();
        let side_file = SideFile::create(&journal, &std::fs::metadata(&database).unwrap()).unwrap();
        side_file.write_at(b"new", 1).unwrap();
        side_file.sync().unwrap();
        assert_eq!(std::fs::read(&journal).unwrap(), b"\0new");
        remove(&journal).unwrap().finish().unwrap();
        assert!(!journal.exists());
        remove(&journal).unwrap().finish().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_new_one_has_the_mode_of_the_database_and_is_no_link() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [database, journal] = ["app.db", "app.db-journal"].map(|name| folder.path().join(name));
        std::fs::write(&database, "pages").unwrap();
        std::fs::set_permissions(&database, PermissionsExt::from_mode(0o666)).unwrap();
        let like = std::fs::metadata(&database).unwrap();
        SideFile::create(&journal, &like).unwrap();
        assert_eq!(std::fs::metadata(&journal).unwrap().permissions().mode() & 0o777, 0o666);
        remove(&journal).unwrap().finish().unwrap();
        std::os::unix::fs::symlink(&database, &journal).unwrap();
        assert!(SideFile::create(&journal, &like).is_err());
    }
}
