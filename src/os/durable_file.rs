//! A file that appears under its name only when it is whole and safely stored.

use super::bulk_copy;
use super::device_reader::DeviceReader;
use super::device_sync;
use super::file_system::Room;
use super::left_over::Temporary;
use super::lock_file::LockFile;
use super::parked_files;
#[cfg(unix)]
use super::place::Folder;
use super::place::{Access, IfThere, Place};
use super::random_access::{ReadAt, is_zero, read_padded, write_all_at};
use super::rights::NewRights;
use super::turn::Turn;
use std::fs::File;
use std::io;
use std::ops::Range;
#[cfg(unix)]
use std::sync::Arc;

/// Whether space is reserved before the first byte. On ext4 that was measured to cost no time.
#[cfg(target_os = "linux")]
const RESERVES: bool = true;

/// A file being written under a temporary name in the folder of its final name; dropping it removes it.
///
/// The name stays locked meanwhile, by which it is told from a left-over.
#[derive(Debug)]
pub(crate) struct DurableFile {
    file: File,
    temporary: Temporary,
    place: Place,
    by_root: bool,
}

impl DurableFile {
    /// Creates the temporary file beside `place`, and removes what killed runs left there.
    pub(crate) fn create(place: &Place, rights: &NewRights) -> io::Result<Self> {
        let (file, temporary) = Temporary::file(place, rights.first_mode())?;
        #[cfg(unix)]
        let by_root = {
            let ours = temporary.owner();
            super::left_over::remove_left_overs(place, &temporary, [ours, rights.user().unwrap_or(ours)]);
            ours == 0
        };
        #[cfg(not(unix))]
        let by_root = false;
        rights.give(&file);
        Ok(Self { file, temporary, place: place.clone(), by_root })
    }

    /// How many bytes the file system has left for this file; `None` where it does not tell.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        let folder = self.place.path().parent()?;
        let room = Room::at(folder)?;
        // What is kept back for root counts for root alone.
        Some(if self.by_root { room.all_bytes } else { room.common_bytes })
    }

    /// Has the file system keep `size_bytes` for the file, whose size does not change by it, and gives back how many it
    /// keeps: none where it cannot do that.
    pub(crate) fn reserve(&self, size_bytes: u64) -> io::Result<u64> {
        #[cfg(target_os = "linux")]
        if RESERVES && size_bytes > 0 {
            use rustix::fs::{FallocateFlags, fallocate};
            use rustix::io::{Errno, retry_on_intr};
            match retry_on_intr(|| fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, size_bytes)) {
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::PERM) => {}
                other => return other.map(|()| size_bytes).map_err(io::Error::from),
            }
        }
        let _ = size_bytes;
        Ok(0)
    }

    /// Lengthens the file by a hole from `offset` on, at or behind its end, and gives back what was reserved for that part.
    pub(crate) fn append_hole(&self, offset: u64, size_bytes: u64) -> io::Result<()> {
        // Else this would be a cut, and a hole where something was written.
        if offset < self.size_bytes()? {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not at the end"));
        }
        self.set_size(offset.saturating_add(size_bytes))?;
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{FallocateFlags, fallocate};
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            // What cannot be given back stays with the file, and reads as zeros too.
            let _ = fallocate(&self.file, flags, offset, size_bytes);
        }
        Ok(())
    }

    /// How long the file is by now.
    pub(crate) fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Writes all of `bytes` at `offset`.
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        write_all_at(&self.file, bytes, offset)
    }

    /// Writes of `bytes`, taken as blocks of `block_bytes`, those that differ from what lies at `offset`, where as many bytes
    /// are. Gives back how many bytes that were. What lies there is read through `scratch`.
    pub(crate) fn write_differences(
        &self,
        bytes: &[u8],
        offset: u64,
        block_bytes: usize,
        scratch: &mut [u8],
    ) -> io::Result<u64> {
        let mut written_bytes = 0;
        let mut offset = offset;
        for new in bytes.chunks(scratch.len().max(1)) {
            let old = scratch.get_mut(..new.len()).unwrap_or_default();
            read_padded(&self.file, old, offset)?;
            // The run of blocks that differ, up to the one looked at.
            let mut run = 0..0;
            for (new_block, old_block) in new.chunks(block_bytes).zip(old.chunks(block_bytes)) {
                if new_block == old_block {
                    written_bytes += self.write_run(new, offset, &run)?;
                    run.start = run.end + new_block.len();
                    run.end = run.start;
                } else {
                    run.end += new_block.len();
                }
            }
            written_bytes += self.write_run(new, offset, &run)?;
            offset += new.len() as u64;
        }
        Ok(written_bytes)
    }

    /// Writes a part of `bytes`, which belong at `offset`, and says how many bytes that were.
    fn write_run(&self, bytes: &[u8], offset: u64, run: &Range<usize>) -> io::Result<u64> {
        match bytes.get(run.clone()) {
            Some(part) if !part.is_empty() => {
                self.write_at(part, offset + run.start as u64)?;
                Ok(part.len() as u64)
            }
            _ => Ok(0),
        }
    }

    /// Reads it back from its device, once it is synced.
    pub(crate) fn device_reader(&self) -> io::Result<DeviceReader> {
        DeviceReader::open(&self.file, self.temporary.place())
    }

    /// Takes the bytes of `range` of another file to `offset`, as [`bulk_copy::copy`] does.
    pub(crate) fn take(&self, from: &File, range: Range<u64>, offset: u64) -> Option<u64> {
        bulk_copy::copy(from, range, &self.file, offset)
    }

    /// Gives it the content of the file at `place`, if one is there: of that no more than `most_bytes`, for it may claim to be of
    /// any size.
    pub(crate) fn begin_as(&self, place: &Place, most_bytes: u64) -> io::Result<()> {
        let _turn = Turn::wait(place);
        // A descriptor of what may be a database in use is not simply closed (C8).
        let old = match LockFile::open_to_write(place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            old => old?,
        };
        let begun = self.fill_from(&old, most_bytes);
        old.close();
        begun
    }

    fn fill_from(&self, old: &LockFile, most_bytes: u64) -> io::Result<()> {
        let size_bytes = old.size_bytes()?.min(most_bytes);
        if old.as_file().is_some_and(|old| self.take(old, 0..size_bytes, 0).is_some()) {
            return self.set_size(size_bytes);
        }
        let mut buffer = vec![0; 256 * 1024];
        let mut offset = 0;
        while offset < size_bytes {
            let count = read_padded(old, &mut buffer, offset)?;
            let bytes = buffer.get(..count).unwrap_or_default();
            if !is_zero(bytes) {
                self.write_at(bytes, offset)?;
            }
            offset += buffer.len() as u64;
        }
        self.set_size(size_bytes)
    }

    /// Begins to bring a part to the device, so that [`sync`](Self::sync) has less to wait for.
    pub(crate) fn start_sync(&self, range: Range<u64>) {
        bulk_copy::start_writeback(&self.file, range);
    }

    /// Cuts or extends the file to `size_bytes`; what is new reads as zeros.
    pub(crate) fn set_size(&self, size_bytes: u64) -> io::Result<()> {
        self.file.set_len(size_bytes)
    }

    /// Brings what was written to the device.
    pub(crate) fn sync(&self) -> io::Result<()> {
        device_sync::sync(&self.file)
    }

    /// Gives the file its final name. With `sync` the name has still to be brought to the device, by what is given back.
    pub(crate) fn publish(self, if_there: IfThere, sync: bool) -> io::Result<FolderSync> {
        let Self { file, temporary, place, .. } = self;
        let folder = FolderSync::prepare(&place, sync)?;
        let identity = temporary.identity();
        temporary.rename(&place, if_there)?;
        // Not before: until now it could have been taken for a left-over.
        let _ = file.unlock();
        // From here on it is a database, which somebody in this process may have locked already (C8).
        parked_files::close_if_sole(identity, Access::ReadWrite, file);
        Ok(folder)
    }
}

/// A folder in which names change, held open to be synced after that. It is opened before: one that cannot be is then known
/// while nothing has happened yet.
#[derive(Debug)]
#[must_use = "the names are not on the device before `finish`"]
pub(crate) struct FolderSync(#[cfg(unix)] Option<Arc<Folder>>);

impl FolderSync {
    /// Before the first change of a name beside `place`; without `sync` there is nothing to do, nor where the system does it by
    /// itself, or does not let us list the folder, without which it cannot be synced.
    pub(super) fn prepare(place: &Place, sync: bool) -> io::Result<Self> {
        #[cfg(unix)]
        return Ok(Self(if sync { folder_to_sync(place)? } else { None }));
        #[cfg(not(unix))]
        {
            let _ = (place, sync);
            Ok(Self())
        }
    }

    /// Makes the names durable.
    pub(crate) fn finish(self) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(folder) = &self.0 {
            return sync_folder(folder.to_list()?);
        }
        Ok(())
    }
}

#[cfg(unix)]
fn folder_to_sync(place: &Place) -> io::Result<Option<Arc<Folder>>> {
    match place.folder().to_list() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        folder => folder.map(|_| Some(Arc::clone(place.folder()))),
    }
}

/// Makes the names in a folder durable, where the file system can do that: some cannot, and say so in several ways. SQLite goes on
/// there too.
pub(super) fn sync_folder(folder: &File) -> io::Result<()> {
    match device_sync::sync(folder) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
            ) || is_bad_descriptor(&error) =>
        {
            Ok(())
        }
        other => other,
    }
}

/// What some say of a folder's descriptor, though it is a good one.
fn is_bad_descriptor(error: &io::Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(libc::EBADF);
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::rights::Rights;
    use std::fs;
    use std::path::Path;

    fn create(path: &Path, like: Option<Rights>) -> DurableFile {
        DurableFile::create(&Place::of_target(path).unwrap(), &NewRights::Ours(like)).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_lies_under_the_name_before_it_is_published() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy");
        let file = create(&path, None);
        file.write_at(b"content", 3).unwrap();
        file.set_size(8).unwrap();
        assert!(!path.exists());
        assert_eq!(names(folder.path()).len(), 1);
        file.sync().unwrap();
        file.publish(IfThere::Refuse, true).unwrap().finish().unwrap();
        assert_eq!(names(folder.path()), ["copy"]);
        assert_eq!(fs::read(&path).unwrap(), b"\0\0\0conte");
    }

    #[test]
    fn only_blocks_that_differ_are_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = create(&folder.path().join("copy"), None);
        let mut content: Vec<u8> = (1..=10).flat_map(|n| [n; 4]).collect();
        file.write_at(&content, 8).unwrap();
        let mut scratch = [0; 16];
        assert_eq!(file.write_differences(&content, 8, 4, &mut scratch).unwrap(), 0);
        for (changed, expected) in [(vec![0], 4), (vec![3, 4, 5, 39], 12), (vec![15, 16, 20], 12)] {
            for place in changed {
                content[place] ^= 0xff;
            }
            assert_eq!(file.write_differences(&content, 8, 4, &mut scratch).unwrap(), expected);
            let mut found = vec![0; content.len()];
            read_padded(&file.file, &mut found, 8).unwrap();
            assert_eq!(found, content);
        }
        assert_eq!(file.size_bytes().unwrap(), 48);
    }

    #[test]
    fn a_hole_lies_behind_the_end_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = create(&folder.path().join("copy"), None);
        file.reserve(1 << 20).unwrap();
        file.write_at(b"written", 0).unwrap();
        file.append_hole(4096, 8192).unwrap();
        assert_eq!(file.size_bytes().unwrap(), 12_288);
        assert!(file.append_hole(12_287, 1).is_err() && file.append_hole(0, 0).is_err());
        let mut found = [1; 8];
        read_padded(&file.file, &mut found, 0).unwrap();
        assert_eq!(&found, b"written\0");
    }

    #[test]
    fn dropping_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(create(&folder.path().join("copy"), None));
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn what_is_there_is_only_replaced_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy");
        fs::write(&path, "old").unwrap();
        let refused = create(&path, None).publish(IfThere::Refuse, true).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        create(&path, None).publish(IfThere::Replace, true).unwrap().finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert_eq!(names(folder.path()), ["copy"]);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_follow_the_original() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let original = folder.path().join("original");
        fs::write(&original, "").unwrap();
        fs::set_permissions(&original, fs::Permissions::from_mode(0o600)).unwrap();
        let path = folder.path().join("copy");
        let like = Rights::of_file(&File::open(&original).unwrap()).unwrap();
        create(&path, Some(like)).publish(IfThere::Refuse, true).unwrap().finish().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
