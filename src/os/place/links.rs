//! The way that a name leads, link by link, and which of them may be followed.

use super::system::{self, Folder};
use crate::os::file_identity::Found;
use crate::os::unfit::Unfit;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

/// How many links may lead to one another. SQLite takes 200, the system 40 in each path.
const MOST_LINKS: u32 = 40;

/// What a place is wanted for, and so which links lead to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Reading,
    Writing,
}

/// A link, and whose it is: one and the same, whatever is put under its name meanwhile.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) owner: u32,
    pub(super) leads_to: PathBuf,
}

impl Purpose {
    /// Whether a link in `folder` may be followed at all, and whose then must be what it leads to, if it matters: what is written
    /// is under a name that is ours or the folder's owner's, as the kernel demands where anybody may create links
    /// (protected_symlinks); and root, who may do everything, is led by a user only to what is that user's own.
    fn owner_behind(self, link: &Link, folder: &Folder) -> io::Result<Option<u32>> {
        let ours = system::our_user();
        if link.owner == ours {
            return Ok(None);
        }
        if self == Self::Writing && link.owner != folder.owner()? {
            return Err(Unfit::ForeignLink.into());
        }
        Ok((ours == system::ROOT).then_some(link.owner))
    }
}

/// Where a name leads in the end.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) folder: Folder,
    pub(super) name: OsString,
    /// What lies there, which is no link.
    pub(super) found: Found,
    /// Whether the last part of the name was a link.
    pub(super) by_link: bool,
}

impl Way {
    pub(super) fn follow(path: &Path, purpose: Purpose) -> io::Result<Self> {
        let mut folder = Folder::open(folder_of(path))?;
        let mut name = file_name(path)?.to_owned();
        let mut owner = None;
        for followed in 0..MOST_LINKS {
            let status = folder.status(&name)?;
            let found = status.map_or(Found::Nothing, |status| status.found);
            if found != Found::Unfit(Unfit::Link) {
                // Asked of what is there in the end: the links may have been turned since they were read.
                if status.is_some_and(|status| owner.is_some_and(|owner| status.owner != owner)) {
                    return Err(Unfit::ForeignLink.into());
                }
                return Ok(Self { folder, name, found, by_link: followed > 0 });
            }
            let Some(link) = folder.read_link(&name)? else { continue };
            if let Some(behind) = purpose.owner_behind(&link, &folder)?
                && *owner.get_or_insert(behind) != behind
            {
                return Err(Unfit::ForeignLink.into());
            }
            if let Found::Unfit(unfit @ (Unfit::Pipe | Unfit::Socket)) = folder.look_through(&name)? {
                return Err(unfit.into());
            }
            let leads_to = &link.leads_to;
            (folder, name) = (folder.open_within(folder_of(leads_to))?, file_name(leads_to)?.to_owned());
        }
        Err(io::Error::new(io::ErrorKind::InvalidInput, "too many symbolic links"))
    }
}

/// The folder that holds `path`.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The last part of `path`, which must be the name of a file.
fn file_name(path: &Path) -> io::Result<&OsStr> {
    if path.as_os_str().is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let last = path.as_os_str().as_encoded_bytes().last().copied();
    let ends_as_folder = last.is_some_and(|last| std::path::is_separator(last.into()));
    match path.file_name() {
        Some(name) if !ends_as_folder => Ok(name),
        _ if path.exists() || !ends_as_folder => Err(Unfit::Folder.into()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use crate::os::place::Place;
    use crate::os::unfit::Unfit;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// What the kernel's protected_symlinks keeps others from, we do not do either; and root does not follow a user.
    #[test]
    fn a_link_of_somebody_else_is_not_followed() {
        use std::os::unix::fs::{PermissionsExt, chown, lchown};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        let unfit = |place: std::io::Result<Place>| Unfit::in_error(&place.unwrap_err()).unwrap();
        let link = path.join("link");
        fs::write(path.join("file"), "x").unwrap();
        symlink("file", &link).unwrap();
        assert!(Place::of_target(&link).is_ok() && Place::of_existing(&link).is_ok());
        if !rustix::process::geteuid().is_root() {
            return;
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o1777)).unwrap();
        lchown(&link, Some(65534), Some(65534)).unwrap();
        for place in [Place::of_target(&link), Place::of_existing(&link)] {
            assert_eq!(unfit(place), Unfit::ForeignLink);
        }
        // In a folder of his own, to a file of ours.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        chown(&path, Some(65534), Some(65534)).unwrap();
        for place in [Place::of_target(&link), Place::of_existing(&link)] {
            assert_eq!(unfit(place), Unfit::ForeignLink);
        }
        chown(path.join("file"), Some(65534), Some(65534)).unwrap();
        assert!(Place::of_target(&link).is_ok() && Place::of_existing(&link).is_ok(), "to a file of his own");
        // By a link of ours first, and by one of a third.
        symlink("link", path.join("ours")).unwrap();
        assert!(Place::of_existing(&path.join("ours")).is_ok());
        symlink("link", path.join("third")).unwrap();
        lchown(path.join("third"), Some(65533), Some(65533)).unwrap();
        assert_eq!(unfit(Place::of_existing(&path.join("third"))), Unfit::ForeignLink);
    }
}
