//! Temporary names of what is being written, and what runs that were killed left under them.
//!
//! Whoever writes under such a name holds a lock (`flock`) on it until it has its final name. The lock goes with its
//! process, so a temporary name on which nobody has it is a left-over (`[targets.md#left-overs]`).

use super::file_identity::FileIdentity;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::Path;

/// What a temporary name begins with, before the final name and random letters.
const PREFIX: &str = ".litecopy-";

/// How many random letters and digits end it.
const RANDOM_LETTERS: usize = 6;

/// How often a name is made that somebody else takes for a left-over before it is locked.
const MOST_TRIES: u32 = 100;

/// Makes something under a new temporary name for `path`, and has it locked.
///
/// `make` creates it and tells under what name it lies, with a handle of it where it can be locked.
pub(super) fn make<T>(
    path: &Path,
    make: impl Fn(&mut tempfile::Builder<'_, '_>) -> io::Result<T>,
    made: impl Fn(&T) -> (&Path, Option<&File>),
) -> io::Result<T> {
    let prefix = prefix_for(path);
    for _ in 0..MOST_TRIES {
        let new = make(tempfile::Builder::new().prefix(&prefix).rand_bytes(RANDOM_LETTERS))?;
        let (name, file) = made(&new);
        if file.map_or(Ok(true), |file| claim(name, file))? {
            return Ok(new);
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "each temporary file was removed by somebody else"))
}

/// Locks what has just been made. `false`: somebody took it for a left-over first.
fn claim(name: &Path, file: &File) -> io::Result<bool> {
    match fs4::FileExt::try_lock(file) {
        Ok(()) => Ok(FileIdentity::of_path(name)? == Some(FileIdentity::of_file(file)?)),
        Err(fs4::TryLockError::WouldBlock) => Ok(false),
        // A file system without such locks: nobody can take it for a left-over either.
        Err(fs4::TryLockError::Error(_)) => Ok(true),
    }
}

fn prefix_for(path: &Path) -> OsString {
    let mut prefix = OsString::from(PREFIX);
    prefix.push(path.file_name().unwrap_or(OsStr::new("copy")));
    prefix.push("-");
    prefix
}

/// Removes what killed runs that made `path` left beside it, as far as it belongs to one of `owners`.
///
/// What cannot be removed is in nobody's way, so that is no error.
#[cfg(unix)]
pub(super) fn remove_left_overs(path: &Path, owners: [u32; 2]) {
    let prefix = prefix_for(path);
    let is_temporary = |name: &OsStr| {
        let random = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        random.is_some_and(|it| it.len() == RANDOM_LETTERS && it.iter().all(u8::is_ascii_alphanumeric))
    };
    let Ok(entries) = std::fs::read_dir(super::durable_file::folder_of(path)) else { return };
    for entry in entries.flatten().filter(|entry| is_temporary(&entry.file_name())) {
        drop(remove_left_over(&entry.path(), owners));
    }
}

/// Removes a file or folder, but no link, that nobody has locked.
#[cfg(unix)]
fn remove_left_over(name: &Path, owners: [u32; 2]) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    let found = std::fs::symlink_metadata(name)?;
    if !owners.contains(&found.uid()) || !(found.is_file() || found.is_dir()) {
        return Ok(());
    }
    let file = File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(name)?;
    // The lock is held until it is gone, so that nobody claims it meanwhile.
    if FileIdentity::of_file(&file)? != FileIdentity::of_metadata(&found)
        || fs4::FileExt::try_lock(&file).is_err()
    {
        return Ok(());
    }
    if found.is_dir() { std::fs::remove_dir_all(name) } else { std::fs::remove_file(name) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn only_what_nobody_has_locked_and_is_named_exactly_so_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy");
        let kept = [
            "copy",
            ".litecopy-copy-",
            ".litecopy-copy-abcde",
            ".litecopy-copy-abcdefg",
            ".litecopy-copy-abc-ef",
            ".litecopy-other-abcdef",
            ".litecopy-copy-b-abcdef",
            "litecopy-copy-abcdef",
        ];
        for name in kept.iter().chain(&[".litecopy-copy-aB3dEf"]) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join(".litecopy-copy-folder")).unwrap();
        fs::write(folder.path().join(".litecopy-copy-folder/file"), "").unwrap();
        std::os::unix::fs::symlink("copy", folder.path().join(".litecopy-copy-symlnk")).unwrap();
        let living = make(
            &path,
            |builder| builder.tempfile_in(folder.path()),
            |made| (made.path(), Some(made.as_file())),
        );
        let owner = fs::metadata(folder.path()).unwrap().uid();
        remove_left_overs(&path, [owner + 1; 2]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), kept.len() + 4, "another's");
        remove_left_overs(&path, [owner + 1, owner]);
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let living = living.unwrap();
        let living_name = living.path().file_name().unwrap().to_str().unwrap();
        names.retain(|name| name != living_name && name != ".litecopy-copy-symlnk");
        names.sort();
        let mut kept = kept.map(str::to_owned);
        kept.sort();
        assert_eq!(names, kept);
        assert!(living.path().exists());
    }

    #[test]
    fn what_was_taken_for_a_left_over_is_not_claimed() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("file");
        let file = File::create_new(&name).unwrap();
        let remover = File::open(&name).unwrap();
        fs4::FileExt::try_lock(&remover).unwrap();
        assert!(!claim(&name, &file).unwrap());
        fs::remove_file(&name).unwrap();
        drop(remover);
        assert!(!claim(&name, &file).unwrap());
    }
}
