//! A file that appears under its name only when it is whole and safely stored.

use super::random_access::{read_padded, write_all_at};
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempPath};

/// What the temporary file's name begins with, before the final name and random letters.
pub(super) const PREFIX: &str = ".litecopy-";

/// A file being written under a temporary name in the folder of its final name; dropping it removes it.
#[derive(Debug)]
pub(crate) struct DurableFile {
    file: File,
    temporary: TempPath,
    path: PathBuf,
}

/// What to do when something already lies under the final name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfThere {
    /// Leave it, and fail with [`io::ErrorKind::AlreadyExists`], in one step with the look.
    Refuse,
    /// Put the new file in its place, in one step.
    Replace,
}

impl DurableFile {
    /// Creates the temporary file beside `path`, with the permissions of `like` less the process's mask.
    pub(crate) fn create(path: &Path, like: Option<&Metadata>) -> io::Result<Self> {
        let mut prefix = std::ffi::OsString::from(PREFIX);
        prefix.push(path.file_name().unwrap_or(OsStr::new("copy")));
        prefix.push("-");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        #[cfg(unix)]
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode_like(like));
        #[cfg(unix)]
        builder.permissions(mode);
        #[cfg(not(unix))]
        let _ = like;
        let (file, temporary) = builder.tempfile_in(folder_of(path)).map(NamedTempFile::into_parts)?;
        Ok(Self { file, temporary, path: path.to_owned() })
    }

    /// Writes all of `bytes` at `offset`.
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        write_all_at(&self.file, bytes, offset)
    }

    /// Fills `buffer` from `offset`, with zeros behind the end.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        read_padded(&self.file, buffer, offset).map(drop)
    }

    /// The file, to be written by the system itself.
    pub(crate) fn as_file(&self) -> &File {
        &self.file
    }

    /// Cuts or extends the file to `size_bytes`; what is new reads as zeros.
    pub(crate) fn set_size(&self, size_bytes: u64) -> io::Result<()> {
        self.file.set_len(size_bytes)
    }

    /// Brings what was written to the device.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Gives the file its final name, and brings the name to the device.
    pub(crate) fn publish(self, if_there: IfThere) -> io::Result<()> {
        match if_there {
            IfThere::Refuse => self.temporary.persist_noclobber(&self.path),
            IfThere::Replace => self.temporary.persist(&self.path),
        }
        .map_err(|failed| failed.error)?;
        sync_folder(folder_of(&self.path))
    }
}

/// The folder that holds `path`.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The permission bits of a new file, as `cp` chooses them: those of the original, which must stay readable to us.
#[cfg(unix)]
fn mode_like(like: Option<&Metadata>) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    like.map_or(0o644, |metadata| metadata.permissions().mode() & 0o777)
}

/// Makes the names in `folder` durable; where the system cannot do that, it does it by itself.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some file systems cannot sync a folder, and say so with EINVAL.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
        other => other?,
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
        let file = DurableFile::create(&path, None).unwrap();
        file.write_at(b"content", 3).unwrap();
        file.set_size(8).unwrap();
        assert!(!path.exists());
        assert_eq!(names(folder.path()).len(), 1);
        file.sync().unwrap();
        file.publish(IfThere::Refuse).unwrap();
        assert_eq!(names(folder.path()), ["copy"]);
        assert_eq!(fs::read(&path).unwrap(), b"\0\0\0conte");
    }

    #[test]
    fn dropping_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(DurableFile::create(&folder.path().join("copy"), None).unwrap());
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn what_is_there_is_only_replaced_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy");
        fs::write(&path, "old").unwrap();
        let refused = DurableFile::create(&path, None).unwrap().publish(IfThere::Refuse).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        DurableFile::create(&path, None).unwrap().publish(IfThere::Replace).unwrap();
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
        let like = fs::metadata(&original).unwrap();
        DurableFile::create(&path, Some(&like)).unwrap().publish(IfThere::Refuse).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
