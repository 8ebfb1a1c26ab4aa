//! A folder that appears under its name only when it is whole and safely stored.

use super::durable_file::FolderSync;
#[cfg(unix)]
use super::durable_file::sync_folder;
#[cfg(unix)]
use super::left_over;
use super::left_over::Temporary;
use super::place::{IfThere, Place};
#[cfg(unix)]
use std::fs::File;
use std::io;
use std::path::Path;

/// A folder being filled under a temporary name beside its final name; dropping it removes it with the files in it.
#[derive(Debug)]
pub(crate) struct DurableFolder {
    temporary: Temporary,
    /// Locked, which keeps it from being taken for a left-over.
    #[cfg(unix)]
    lock: File,
    place: Place,
}

impl DurableFolder {
    /// Creates the temporary folder beside `place`, with the permissions that any new folder gets, and removes what killed
    /// runs left there.
    #[cfg(unix)]
    pub(crate) fn create(place: &Place) -> io::Result<Self> {
        let (lock, temporary) = Temporary::folder(place, 0o777)?;
        let ours = temporary.owner();
        left_over::remove_left_overs(place, &temporary, [ours; 2]);
        Ok(Self { temporary, lock, place: place.clone() })
    }

    /// Creates the temporary folder beside `place`. Left-overs of killed runs cannot be told, as folders cannot be locked.
    #[cfg(not(unix))]
    pub(crate) fn create(place: &Place) -> io::Result<Self> {
        let (_, temporary) = Temporary::folder(place, 0o777)?;
        Ok(Self { temporary, place: place.clone() })
    }

    /// Where it will be.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The folder, under its temporary name.
    pub(crate) fn path(&self) -> &Path {
        self.temporary.place().path()
    }

    /// Gives the folder, whose files are synced, its final name. With `sync` the names in it are on the device before, and its own
    /// has still to be brought there, by what is given back. Nothing but an empty folder is ever replaced by it; for all
    /// else the error says that something is there.
    pub(crate) fn publish(self, sync: bool) -> io::Result<FolderSync> {
        #[cfg(unix)]
        if sync {
            sync_folder(&self.lock)?;
        }
        let folder = FolderSync::prepare(&self.place, sync)?;
        self.temporary.rename(&self.place, IfThere::Replace)?;
        Ok(folder)
    }
}

impl DurableFolder {
    /// Creates a file in the folder, with these permission bits less the process's mask, where files have such. It is synced by whoever
    /// writes it.
    #[cfg(feature = "evidence")]
    pub(crate) fn create_file(&self, name: &str, mode: u32) -> io::Result<std::fs::File> {
        Place::within(self.path(), name.as_ref())?.create_new(mode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn create(path: &Path) -> DurableFolder {
        DurableFolder::create(&Place::of_target(path).unwrap()).unwrap()
    }

    fn count(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn it_is_there_when_it_is_published_and_gone_when_it_is_dropped() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("set");
        let folder = create(&path);
        fs::write(folder.path().join("file"), "content").unwrap();
        assert!(!path.exists());
        folder.publish(true).unwrap().finish().unwrap();
        assert_eq!(fs::read(path.join("file")).unwrap(), b"content");
        assert_eq!(count(place.path()), 1);
        let folder = create(&place.path().join("other"));
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
            assert!(create(path).publish(true).is_err());
        }
        assert_eq!((fs::read(&file).unwrap(), count(&full), count(place.path())), (b"old".into(), 1, 2));
    }
}
