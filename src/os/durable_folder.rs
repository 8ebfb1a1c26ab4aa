//! A folder that appears under its name only when it is whole and safely stored.

use super::durable_file::{FolderSync, folder_of, sync_folder};
use super::left_over;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder being filled under a temporary name beside its final name; dropping it removes it with all that is in it.
#[derive(Debug)]
pub(crate) struct DurableFolder {
    temporary: TempDir,
    /// Keeps it from being taken for a left-over; none where a folder cannot be locked.
    _lock: Option<File>,
    path: PathBuf,
}

impl DurableFolder {
    /// Creates the temporary folder beside `path`, with the permissions that any new folder gets, and removes what killed
    /// runs left there.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let (temporary, lock) = left_over::make(
            path,
            |builder| {
                #[cfg(unix)]
                builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
                let temporary = builder.tempdir_in(folder_of(path))?;
                let lock = if cfg!(unix) { Some(File::open(temporary.path())?) } else { None };
                Ok((temporary, lock))
            },
            |(temporary, lock)| (temporary.path(), lock.as_ref()),
        )?;
        #[cfg(unix)]
        if let Some(folder) = &lock {
            let ours = std::os::unix::fs::MetadataExt::uid(&folder.metadata()?);
            left_over::remove_left_overs(path, [ours; 2]);
        }
        Ok(Self { temporary, _lock: lock, path: path.to_owned() })
    }

    /// The folder, under its temporary name.
    pub(crate) fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// Gives the folder, whose files are synced, its final name. With `sync` the names in it are on the device before, and its own
    /// has still to be brought there, by what is given back. Nothing but an empty folder is ever replaced by it; for all
    /// else the error says that something is there.
    pub(crate) fn publish(self, sync: bool) -> io::Result<FolderSync> {
        if sync {
            sync_folder(self.temporary.path())?;
        }
        let folder = FolderSync::prepare(folder_of(&self.path), sync)?;
        std::fs::rename(self.temporary.path(), &self.path)?;
        // Nothing lies under the temporary name any more.
        let _ = self.temporary.keep();
        Ok(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn count(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn it_is_there_when_it_is_published_and_gone_when_it_is_dropped() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("set");
        let folder = DurableFolder::create(&path).unwrap();
        fs::write(folder.path().join("file"), "content").unwrap();
        assert!(!path.exists());
        folder.publish(true).unwrap().finish().unwrap();
        assert_eq!(fs::read(path.join("file")).unwrap(), b"content");
        assert_eq!(count(place.path()), 1);
        let folder = DurableFolder::create(&place.path().join("other")).unwrap();
        fs::write(folder.path().join("file"), "content").unwrap();
        drop(folder);
        assert_eq!(count(place.path()), 1);
    }

    #[test]
    fn what_is_there_is_not_replaced() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "old").unwrap();
        let full = place.path().join("full");
        fs::create_dir(&full).unwrap();
        fs::write(full.join("file"), "old").unwrap();
        for path in [&file, &full] {
            assert!(DurableFolder::create(path).unwrap().publish(true).is_err());
        }
        assert_eq!((fs::read(&file).unwrap(), count(&full), count(place.path())), (b"old".into(), 1, 2));
    }
}
