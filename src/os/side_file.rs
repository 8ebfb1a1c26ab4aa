//! A file beside a database that we write: made with the rights of the database, synced, and gone for good when removed.

use super::device_sync;
use super::durable_file::FolderSync;
use super::file_identity::{FileIdentity, Found};
use super::place::Place;
use super::random_access::{ReadAt, write_all_at};
use super::rights::Rights;
use std::fs::File;
use std::io;
use std::path::Path;

/// An open journal or log. Nobody takes locks on these, so it may be closed at any time.
#[derive(Debug)]
pub(crate) struct SideFile {
    file: File,
    place: Place,
}

impl SideFile {
    /// Makes the file at `place`, or empties the one that is there; a new one gets the rights of the database: who can use that
    /// must be able to roll it back (`[hazards.md#h37]`).
    pub(crate) fn create(place: &Place, database: &Rights) -> io::Result<Self> {
        let file = match place.open_alone() {
            Ok((file, _)) => {
                file.set_len(0)?;
                file
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = place.create_new(0o600)?;
                // Where the system refuses, it stays ours, as SQLite's would.
                drop(database.give(&file));
                file
            }
            Err(error) => return Err(error),
        };
        Ok(Self { file, place: place.clone() })
    }

    /// Opens the file at `place`, which must be there, and have no other name.
    pub(crate) fn open(place: &Place) -> io::Result<Self> {
        Ok(Self { file: place.open_alone()?.0, place: place.clone() })
    }

    pub(crate) fn path(&self) -> &Path {
        self.place.path()
    }

    /// Removes the file, if it is the one that lies in its place still. Its absence has to be brought to the device, by what is given
    /// back.
    pub(crate) fn remove(&self) -> io::Result<FolderSync> {
        let folder = FolderSync::prepare(&self.place, true)?;
        self.place.remove(FileIdentity::of_file(&self.file)?)?;
        Ok(folder)
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
        device_sync::sync(&self.file)
    }

    /// Brings the name of the file to the device.
    pub(crate) fn sync_name(&self) -> io::Result<()> {
        FolderSync::prepare(&self.place, true)?.finish()
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

/// Removes what lies at `place`, if anything does. Its absence has still to be brought to the device, by what is given back.
pub(crate) fn remove(place: &Place) -> io::Result<FolderSync> {
    let Some(status) = place.status()? else { return FolderSync::prepare(place, false) };
    if let Found::Unfit(unfit) = status.found {
        return Err(unfit.into());
    }
    let folder = FolderSync::prepare(place, true)?;
    place.remove(status.identity)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    use crate::os::unfit::Unfit;

    fn rights(path: &Path) -> Rights {
        Rights::of_file(&File::open(path).unwrap()).unwrap()
    }

    #[test]
    fn one_that_is_there_is_emptied_and_a_removed_one_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let [database, journal] = ["app.db", "app.db-journal"].map(|name| folder.path().join(name));
        std::fs::write(&database, "pages").unwrap();
        std::fs::write(&journal, "old").unwrap();
        let place = Place::of_target(&journal).unwrap();
        let side_file = SideFile::create(&place, &rights(&database)).unwrap();
        side_file.write_at(b"new", 1).unwrap();
        side_file.sync().unwrap();
        assert_eq!(std::fs::read(&journal).unwrap(), b"\0new");
        drop(side_file);
        remove(&place).unwrap().finish().unwrap();
        assert!(!journal.exists());
        remove(&place).unwrap().finish().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_new_one_has_the_mode_of_the_database_and_is_no_link() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [database, journal] = ["app.db", "app.db-journal"].map(|name| folder.path().join(name));
        std::fs::write(&database, "pages").unwrap();
        std::fs::set_permissions(&database, PermissionsExt::from_mode(0o666)).unwrap();
        let like = rights(&database);
        let place = Place::of_target(&journal).unwrap();
        SideFile::create(&place, &like).unwrap();
        assert_eq!(std::fs::metadata(&journal).unwrap().permissions().mode() & 0o777, 0o666);
        remove(&place).unwrap().finish().unwrap();
        std::os::unix::fs::symlink(&database, &journal).unwrap();
        let unfit = |error: io::Error| Unfit::in_error(&error).unwrap();
        assert_eq!(unfit(SideFile::create(&place, &like).unwrap_err()), Unfit::Link);
        assert_eq!(unfit(remove(&place).unwrap_err()), Unfit::Link);
        std::fs::remove_file(&journal).unwrap();
        std::fs::hard_link(&database, &journal).unwrap();
        assert_eq!(unfit(SideFile::create(&place, &like).unwrap_err()), Unfit::Names(2));
        assert_eq!(std::fs::read(&database).unwrap(), b"pages");
    }
}
