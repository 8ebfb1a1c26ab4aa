//! Temporary names of what is being written, and what runs that were killed left under them.
//!
//! Whoever writes under such a name holds a lock (`flock`) on it until it has its final name. The lock goes with its
//! process, so a temporary name on which nobody has it is a left-over (`[targets.md#left-overs]`).

use super::file_identity::FileIdentity;
#[cfg(unix)]
use super::file_identity::Found;
use super::file_identity::Status;
#[cfg(unix)]
use super::place::Access;
use super::place::{IfThere, Place};
use super::random;
#[cfg(unix)]
use super::unfit::Unfit;
#[cfg(unix)]
use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io;

/// What a temporary name begins with, before a sum of the final name and random letters.
const PREFIX: &str = ".litecopy-";

/// How many random letters and digits end it.
const RANDOM_LETTERS: usize = 6;

/// How often a name is made that somebody else has taken, or takes for a left-over before it is locked.
const MOST_TRIES: u32 = 100;

/// A temporary name in the folder of a final one. Dropped, it goes, with what lies under it.
#[derive(Debug)]
pub(super) struct Temporary {
    place: Place,
    /// As it was made.
    status: Status,
    is_folder: bool,
    /// It has its final name.
    kept: bool,
}

impl Temporary {
    /// A new file for `place`, open and locked, with these permission bits less the process's mask.
    pub(super) fn file(place: &Place, mode: u32) -> io::Result<(File, Self)> {
        Self::make(place, false, |temporary| temporary.create_new(mode))
    }

    /// A new folder for `place`, with a handle of it that is locked.
    pub(super) fn folder(place: &Place, mode: u32) -> io::Result<(File, Self)> {
        Self::make(place, true, |temporary| {
            temporary.create_folder(mode)?;
            temporary.folder().folder_to_list(temporary.name()).inspect_err(|_| {
                if let Ok(Some(identity)) = temporary.identity() {
                    drop(temporary.remove_folder(identity));
                }
            })
        })
    }

    fn make(
        place: &Place,
        is_folder: bool,
        make: impl Fn(&Place) -> io::Result<File>,
    ) -> io::Result<(File, Self)> {
        for _ in 0..MOST_TRIES {
            let temporary = place.sibling(new_name(place).into());
            let file = match make(&temporary) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made?,
            };
            let of = |status, place| Self { place, status, is_folder, kept: false };
            let status = match Status::of_file(&file) {
                Ok(status) => status,
                Err(error) => {
                    // By its name, which is too random to be another's.
                    if let Ok(Some(status)) = temporary.status() {
                        drop(of(status, temporary));
                    }
                    return Err(error);
                }
            };
            // From here on it is removed when something fails.
            let temporary = of(status, temporary);
            if temporary.claim(&file)? {
                return Ok((file, temporary));
            }
        }
        Err(io::Error::new(io::ErrorKind::ResourceBusy, "each temporary file was removed by somebody else"))
    }

    /// Locks what has just been made. `false`: somebody took it for a left-over first.
    fn claim(&self, file: &File) -> io::Result<bool> {
        match file.try_lock() {
            Ok(()) => Ok(self.place.identity()? == Some(self.status.identity)),
            Err(TryLockError::WouldBlock) => Ok(false),
            // A file system without such locks: nobody can take it for a left-over either.
            Err(TryLockError::Error(_)) => Ok(true),
        }
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn identity(&self) -> FileIdentity {
        self.status.identity
    }

    #[cfg(unix)]
    pub(super) fn owner(&self) -> u32 {
        self.status.owner
    }

    /// Gives it its final name, and lets it be.
    pub(super) fn rename(mut self, to: &Place, if_there: IfThere) -> io::Result<()> {
        // Somebody else's file may have been put in its place.
        if self.place.identity()? != Some(self.status.identity) {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the temporary file was taken away"));
        }
        self.place.rename(to, if_there)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        // What cannot be removed is a left-over, which the next run removes.
        let _ = if self.is_folder {
            self.place.remove_folder(self.status.identity)
        } else {
            self.place.remove(self.status.identity).map(drop)
        };
    }
}

/// A name as short whatever the final one is, from which it can be told all the same.
fn prefix_for(place: &Place) -> String {
    format!("{PREFIX}{:08x}-", crc32fast::hash(place.name().as_encoded_bytes()))
}

fn new_name(place: &Place) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut name = prefix_for(place);
    let mut random = random::number();
    for _ in 0..RANDOM_LETTERS {
        name.push(LETTERS.get((random % 32) as usize).copied().unwrap_or(b'a').into());
        random /= 32;
    }
    name
}

/// Removes what killed runs that made `place` left beside it, as far as it belongs to one of `owners`.
///
/// What cannot be removed is in nobody's way, so that is no error. `ours` is what we have just made.
#[cfg(unix)]
pub(super) fn remove_left_overs(place: &Place, ours: &Temporary, owners: [u32; 2]) {
    let prefix = prefix_for(place);
    let is_temporary = |name: &OsStr| {
        let random = name.as_encoded_bytes().strip_prefix(prefix.as_bytes());
        name != ours.place.name()
            && random.is_some_and(|it| it.len() == RANDOM_LETTERS && it.iter().all(u8::is_ascii_alphanumeric))
    };
    let names = place.names_beside().unwrap_or_default();
    for name in names.into_iter().filter(|name| is_temporary(name)) {
        drop(remove_left_over(&place.sibling(name), owners));
    }
}

/// Removes a file or folder, but no link, that nobody has locked.
#[cfg(unix)]
fn remove_left_over(place: &Place, owners: [u32; 2]) -> io::Result<()> {
    let Some(found) = place.status()?.filter(|found| owners.contains(&found.owner)) else { return Ok(()) };
    let file = match found.found {
        Found::File { .. } => place.open(Access::Read)?.0,
        Found::Unfit(Unfit::Folder) => place.folder().folder_to_list(place.name())?,
        _ => return Ok(()),
    };
    // The lock is held until it is gone, so that nobody claims it meanwhile.
    let opened = Status::of_file(&file)?;
    if opened.identity != found.identity || file.try_lock().is_err() {
        return Ok(());
    }
    match found.found {
        Found::File { .. } => place.remove(found.identity).map(drop),
        _ => place.remove_folder(found.identity),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    fn place(folder: &Path) -> Place {
        Place::of_target(&folder.join("copy")).unwrap()
    }

    #[test]
    fn only_what_nobody_has_locked_and_is_named_exactly_so_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        let prefix = prefix_for(&place);
        let other = prefix_for(&place.beside("2"));
        let kept = [
            "copy".to_owned(),
            prefix.clone(),
            format!("{prefix}abcde"),
            format!("{prefix}abcdefg"),
            format!("{prefix}abc-ef"),
            format!("{other}abcdef"),
            format!("{prefix}b-abcdef"),
            format!("{}abcdef", &prefix[1..]),
        ];
        for name in kept.iter().chain(&[format!("{prefix}aB3dEf")]) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let left_folder = folder.path().join(format!("{prefix}folder"));
        fs::create_dir(&left_folder).unwrap();
        fs::write(left_folder.join("file"), "").unwrap();
        let link = format!("{prefix}symlnk");
        std::os::unix::fs::symlink("copy", folder.path().join(&link)).unwrap();
        let (_file, living) = Temporary::file(&place, 0o600).unwrap();
        let (_other_file, ours) = Temporary::file(&place.beside("2"), 0o600).unwrap();
        let owner = fs::metadata(folder.path()).unwrap().uid();
        remove_left_overs(&place, &ours, [owner + 1; 2]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), kept.len() + 5, "another's");
        remove_left_overs(&place, &ours, [owner + 1, owner]);
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let is_living = |name: &str| [&living, &ours].iter().any(|living| living.place().name() == name);
        names.retain(|name| !is_living(name) && *name != link);
        names.sort();
        let mut kept = kept;
        kept.sort();
        assert_eq!(names, kept);
        assert!(living.place().path().exists());
    }

    #[test]
    fn what_was_taken_for_a_left_over_is_not_claimed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, temporary) = Temporary::file(&place(folder.path()), 0o600).unwrap();
        file.unlock().unwrap();
        let remover = File::open(temporary.place().path()).unwrap();
        remover.try_lock().unwrap();
        assert!(!temporary.claim(&file).unwrap());
        fs::remove_file(temporary.place().path()).unwrap();
        drop(remover);
        assert!(!temporary.claim(&file).unwrap());
    }

    #[test]
    fn what_somebody_put_in_its_place_is_left_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        let (_file, temporary) = Temporary::file(&place, 0o600).unwrap();
        let path = temporary.place().path().to_owned();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "a stranger's").unwrap();
        assert!(temporary.rename(&place, IfThere::Replace).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"a stranger's");
        assert!(!place.path().exists());
    }

    #[test]
    fn the_name_is_short_however_long_the_final_one() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of_target(&folder.path().join("n".repeat(255))).unwrap();
        let (file, temporary) = Temporary::file(&place, 0o600).unwrap();
        temporary.rename(&place, IfThere::Refuse).unwrap();
        drop(file);
        assert!(place.path().exists());
    }
}
