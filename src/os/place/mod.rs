//! A name for a file that is resolved once: the folder, held open, and the last part of the name.
//!
//! Whatever is done under such a name is done in that folder, wherever the folder is moved and whatever is put in the way of
//! its path meanwhile; and what lies under the last part is never a link that is followed. What was opened is looked at, not
//! what had lain there before (`[targets.md#names-and-links]`).
//!
//! | asked of | the folder part | a link as the last part |
//! |---|---|---|
//! | a database that is read: [`Place::of_existing`] | resolved by the system | followed, as SQLite does; but root follows no user to what is not his own |
//! | a target: [`Place::of_target`] | the same | followed if nobody else could have put it there |
//! | a side file or a temporary file: [`Place::beside`] | that of the database | an error |
//!
//! | file | duty |
//! |---|---|
//! | `links` | the way that a name leads, link by link, and which of them may be followed |
//! | `other` | no folder, where the system has none: it cannot be opened |
//! | `unix` | a folder by its descriptor, and what is done with the names in it |
//! | `windows` | a folder by its path, for systems where names are not looked up in a handle |

mod links;
#[cfg(not(any(unix, windows)))]
mod other;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(not(any(unix, windows)))]
use other as system;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use super::file_identity::{FileIdentity, Found, Status};
use super::random_access::ReadAt;
use super::unfit::Unfit;
use links::{Purpose, Way};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

pub(super) use system::Folder;

/// Whether a descriptor can write; one that cannot is never handed to who wants to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    ReadWrite,
}

/// What to do when something already lies under the final name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfThere {
    /// Leave it, and fail with [`io::ErrorKind::AlreadyExists`], in one step with the look.
    Refuse,
    /// Put the new file in its place, in one step.
    Replace,
}

/// A file's name in a folder that is held open.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    folder: Arc<Folder>,
    name: OsString,
    /// The whole name, links resolved, for messages, once it was asked for.
    path: OnceLock<PathBuf>,
}

/// Two are equal when they are one name in one folder, whatever path led there.
impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.folder.identity() == other.folder.identity()
    }
}

impl Eq for Place {}

impl Place {
    /// Where the database at `path` lies, which must be there: links are followed, as SQLite does before it names the side files.
    ///
    /// # Errors
    ///
    /// Also when we are root, and the last part is a link of a user to a file that is not his: what we read would be shown to him
    /// in a copy ([`Unfit::ForeignLink`]).
    pub(crate) fn of_existing(path: &Path) -> io::Result<Self> {
        let end = Way::follow(path, Purpose::Reading)?;
        if end.found == Found::Nothing { Err(io::ErrorKind::NotFound.into()) } else { Ok(Self::at(end)) }
    }

    /// Where `path` leads, in a folder that is there; the file may have to be created. A last part that is a link is followed
    /// only if it is one that nobody but us, or the owner of what it leads to, could have put there; one that leads
    /// nowhere is not.
    pub(crate) fn of_target(path: &Path) -> io::Result<Self> {
        let end = Way::follow(path, Purpose::Writing)?;
        if end.found == Found::Nothing && end.by_link {
            // What would be created there would be where nobody looked.
            return Err(Unfit::Dangling.into());
        }
        Ok(Self::at(end))
    }

    fn at(Way { folder, name, .. }: Way) -> Self {
        Self { folder: Arc::new(folder), name, path: OnceLock::new() }
    }

    /// The name `name` in the folder that `folder` leads to, where links are followed; what lies under the name is never one that is.
    #[cfg(feature = "evidence")]
    pub(crate) fn within(folder: &Path, name: &OsStr) -> io::Result<Self> {
        let folder = Folder::open(folder)?;
        Ok(Self { folder: Arc::new(folder), name: name.to_owned(), path: OnceLock::new() })
    }

    /// The name that this one has with `suffix` behind, in the same folder.
    pub(crate) fn beside(&self, suffix: &str) -> Self {
        let mut name = self.name.clone();
        name.push(suffix);
        self.sibling(name)
    }

    /// Another name in the same folder.
    pub(crate) fn sibling(&self, name: OsString) -> Self {
        Self { folder: Arc::clone(&self.folder), name, path: OnceLock::new() }
    }

    /// The whole name, links resolved: for messages, and for names without a file.
    pub(crate) fn path(&self) -> &Path {
        self.path.get_or_init(|| self.folder.path().join(&self.name))
    }

    /// The last part.
    pub(crate) fn name(&self) -> &OsStr {
        &self.name
    }

    pub(super) fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// Whether `path`, as a caller named it, leads here still.
    pub(crate) fn is_reached_by(&self, path: &Path) -> io::Result<bool> {
        match Self::of_target(path) {
            Ok(now) => Ok(now == *self),
            Err(error) if Unfit::in_error(&error).is_some() || is_absent(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What the system tells of what lies here, also of a link; `None` where nothing does. Nothing is opened, so nothing is closed
    /// either (C8).
    pub(crate) fn status(&self) -> io::Result<Option<Status>> {
        self.folder.status(&self.name)
    }

    /// What lies here. Nothing can lie under a name that is too long for the system.
    pub(crate) fn look(&self) -> io::Result<Found> {
        self.folder.look(&self.name)
    }

    /// Whether a file is here with anything in it: an empty one counts as none, as SQLite counts it.
    ///
    /// # Errors
    ///
    /// Also when something lies here that is no file ([`Unfit`]).
    pub(crate) fn has_content(&self) -> io::Result<bool> {
        match self.look()? {
            Found::Nothing | Found::File { size_bytes: 0 } => Ok(false),
            Found::File { .. } => Ok(true),
            Found::Unfit(unfit) => Err(unfit.into()),
        }
    }

    /// Refuses a file that is a mount point by itself, as containers have them: no other can be put in its place.
    pub(crate) fn refuse_mounted(&self) -> io::Result<()> {
        if self.folder.is_mount_root(&self.name) { Err(Unfit::Mounted.into()) } else { Ok(()) }
    }

    /// Which file lies here; `None` where nothing does.
    pub(crate) fn identity(&self) -> io::Result<Option<FileIdentity>> {
        Ok(self.status()?.map(|status| status.identity))
    }

    /// Opens the regular file that lies here, and tells what it is. Nothing waits, whatever lies here: a pipe is opened without
    /// waiting for its other end, and refused.
    ///
    /// # Errors
    ///
    /// [`Unfit`] for what is no regular file; [`io::ErrorKind::NotFound`] also for a name that is too long for the system.
    pub(crate) fn open(&self, access: Access) -> io::Result<(File, Status)> {
        let file = self.folder.open_file(&self.name, access)?;
        let status = Status::of_file(&file)?;
        match status.found {
            Found::File { size_bytes: 0 } if is_made_up(&file)? => Err(Unfit::MadeUp.into()),
            Found::File { .. } => Ok((file, status)),
            Found::Unfit(unfit) => Err(unfit.into()),
            Found::Nothing => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// The same, also of a block device: one that nobody writes is as good as a file.
    pub(super) fn open_immutable(&self) -> io::Result<(File, Status)> {
        match self.open(Access::Read) {
            Err(error) if Unfit::in_error(&error) == Some(Unfit::BlockDevice) => {
                let file = self.folder.open_file(&self.name, Access::Read)?;
                let status = Status::of_file(&file)?;
                // Looked at again: it may have become something else.
                if status.found == Found::Unfit(Unfit::BlockDevice) { Ok((file, status)) } else { Err(error) }
            }
            opened => opened,
        }
    }

    /// What lies here, not opened but held by a descriptor that can only be asked: closing that takes nobody's locks (C8), and nobody
    /// is told of it. `None` where nothing lies.
    #[cfg(target_os = "linux")]
    pub(super) fn open_handle(&self) -> io::Result<Option<std::os::fd::OwnedFd>> {
        match self.folder.open_handle(&self.name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            handle => handle.map(Some),
        }
    }

    /// The same for a side file that is going to be written: it must have no other name.
    pub(crate) fn open_alone(&self) -> io::Result<(File, Status)> {
        let (file, status) = self.open(Access::ReadWrite)?;
        if status.link_count > 1 {
            return Err(Unfit::Names(status.link_count).into());
        }
        Ok((file, status))
    }

    /// Creates a file here, which must not be there yet, with these permission bits less the process's mask.
    pub(crate) fn create_new(&self, mode: u32) -> io::Result<File> {
        self.folder.create_file(&self.name, mode)
    }

    /// Creates a folder here.
    pub(crate) fn create_folder(&self, mode: u32) -> io::Result<()> {
        self.folder.create_folder(&self.name, mode)
    }

    /// Removes the file here, if it is that one still. Whether it was.
    pub(crate) fn remove(&self, identity: FileIdentity) -> io::Result<bool> {
        let is_it = self.status()?.is_some_and(|status| status.identity == identity);
        match is_it.then(|| self.folder.remove(&self.name)) {
            None => Ok(false),
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Some(removed) => removed.map(|()| true),
        }
    }

    /// Removes the folder here, if it is that one still, with the files in it.
    pub(crate) fn remove_folder(&self, identity: FileIdentity) -> io::Result<()> {
        if self.status()?.is_none_or(|status| status.identity != identity) {
            return Ok(());
        }
        let within = self.folder.open_named(&self.name, self.path())?;
        if within.identity() == identity {
            for name in within.names()? {
                within.remove(&name)?;
            }
        }
        self.folder.remove_folder(&self.name)
    }

    /// Gives what lies here the name `to`, in the same folder.
    pub(crate) fn rename(&self, to: &Self, if_there: IfThere) -> io::Result<()> {
        match if_there {
            IfThere::Replace => self.folder.rename(&self.name, &to.name),
            IfThere::Refuse => self.folder.rename_new(&self.name, &to.name),
        }
    }

    /// The names in the folder that this name is in.
    #[cfg(any(unix, feature = "evidence"))]
    pub(crate) fn names_beside(&self) -> io::Result<Vec<OsString>> {
        self.folder.names()
    }
}

/// Whether there is something to be read in a file that has no size, as in those of `/proc`. One that has just grown has one now.
fn is_made_up(file: &File) -> io::Result<bool> {
    let has_content = file.read_at(&mut [0], 0).is_ok_and(|count| count > 0);
    Ok(has_content && file.size_bytes()? == 0)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        (folder, path)
    }

    fn unfit<T: std::fmt::Debug>(result: io::Result<T>) -> Unfit {
        Unfit::in_error(&result.unwrap_err()).unwrap()
    }

    #[test]
    fn links_are_followed_to_where_the_file_is_and_never_beside_it() {
        let (_folder, path) = folder();
        fs::create_dir(path.join("real")).unwrap();
        fs::write(path.join("real/app.db"), "x").unwrap();
        symlink("real/app.db", path.join("one")).unwrap();
        symlink(path.join("one"), path.join("two")).unwrap();
        let place = Place::of_existing(&path.join("two")).unwrap();
        assert_eq!(place.path(), path.join("real/app.db"));
        assert_eq!(place, Place::of_target(&path.join("two")).unwrap());
        assert_eq!(place, Place::of_target(&path.join("real/../real/app.db")).unwrap());
        fs::write(path.join("real/other"), "y").unwrap();
        symlink("other", path.join("real/app.db-wal")).unwrap();
        let log = place.beside("-wal");
        assert_eq!(log.look().unwrap(), Found::Unfit(Unfit::Link));
        assert_eq!((unfit(log.open(Access::Read)), unfit(log.has_content())), (Unfit::Link, Unfit::Link));
        assert_eq!(place.beside("-shm").look().unwrap(), Found::Nothing);
    }

    #[test]
    fn a_place_stays_in_its_folder_whatever_takes_its_path() {
        let (_folder, path) = folder();
        let [old, moved] = ["folder", "moved"].map(|name| path.join(name));
        fs::create_dir(&old).unwrap();
        fs::write(old.join("file"), "right").unwrap();
        let place = Place::of_target(&old.join("file")).unwrap();
        assert!(place.is_reached_by(&old.join("file")).unwrap());
        fs::rename(&old, &moved).unwrap();
        fs::create_dir(&old).unwrap();
        fs::write(old.join("file"), "wrong!").unwrap();
        assert_eq!(place.look().unwrap(), Found::File { size_bytes: 5 });
        assert!(!place.is_reached_by(&old.join("file")).unwrap());
        assert!(place.is_reached_by(&moved.join("file")).unwrap());
        let identity = place.identity().unwrap().unwrap();
        assert!(!Place::of_target(&old.join("file")).unwrap().remove(identity).unwrap(), "another file");
        assert!(place.remove(identity).unwrap() && !moved.join("file").exists());
    }

    #[test]
    fn a_link_that_leads_nowhere_or_round_is_no_target() {
        let (_folder, path) = folder();
        symlink("none", path.join("dangling")).unwrap();
        symlink("round", path.join("round")).unwrap();
        assert_eq!(unfit(Place::of_target(&path.join("dangling"))), Unfit::Dangling);
        assert!(Place::of_target(&path.join("round")).is_err());
        assert!(Place::of_existing(&path.join("dangling")).is_err());
        assert!(Place::of_target(&path.join("new")).is_ok());
        assert!(Place::of_target(&path.join("none/new")).is_err());
        assert_eq!(unfit(Place::of_target(&path.join(".."))), Unfit::Folder);
    }

    #[test]
    fn what_is_no_file_is_named_and_a_pipe_keeps_nobody_waiting() {
        let (_folder, path) = folder();
        fs::create_dir(path.join("folder")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            path.join("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path.join("socket")).unwrap();
        for (name, expected) in [("folder", Unfit::Folder), ("pipe", Unfit::Pipe), ("socket", Unfit::Socket)]
        {
            let place = Place::of_existing(&path.join(name)).unwrap();
            assert_eq!(place.look().unwrap(), Found::Unfit(expected));
            assert_eq!(unfit(place.open(Access::Read)), expected);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_link_to_a_pipe_without_a_name_leads_to_a_pipe() {
        use std::os::fd::AsRawFd;
        let (reader, _writer) = io::pipe().unwrap();
        let path = PathBuf::from(format!("/proc/self/fd/{}", reader.as_raw_fd()));
        assert_eq!(unfit(Place::of_existing(&path)), Unfit::Pipe);
        assert_eq!(unfit(Place::of_target(&path)), Unfit::Pipe);
    }

    #[test]
    fn a_file_with_another_name_is_read_but_not_written() {
        let (_folder, path) = folder();
        fs::write(path.join("one"), "x").unwrap();
        let place = Place::of_existing(&path.join("one")).unwrap();
        assert!(place.open_alone().is_ok());
        fs::hard_link(path.join("one"), path.join("two")).unwrap();
        assert!(place.open(Access::Read).is_ok());
        assert_eq!(unfit(place.open_alone()), Unfit::Names(2));
    }

    #[test]
    fn a_name_too_long_for_the_system_is_that_of_no_file() {
        let (_folder, path) = folder();
        let name = "n".repeat(255);
        fs::write(path.join(&name), "x").unwrap();
        let place = Place::of_existing(&path.join(name)).unwrap();
        let log = place.beside("-wal");
        assert_eq!((log.look().unwrap(), log.has_content().unwrap()), (Found::Nothing, false));
        assert_eq!(log.open(Access::Read).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_has_content_and_no_size_is_no_empty_file() {
        let place = Place::of_existing(Path::new("/proc/self/status")).unwrap();
        assert_eq!(unfit(place.open(Access::Read)), Unfit::MadeUp);
        let (_folder, path) = folder();
        fs::write(path.join("empty"), "").unwrap();
        assert!(Place::of_existing(&path.join("empty")).unwrap().open(Access::Read).is_ok());
    }

    #[test]
    fn a_new_name_takes_the_place_of_nothing() {
        let (_folder, path) = folder();
        fs::write(path.join("old"), "old").unwrap();
        fs::write(path.join("new"), "new").unwrap();
        let [old, new] = ["old", "new"].map(|name| Place::of_target(&path.join(name)).unwrap());
        assert_eq!(new.rename(&old, IfThere::Refuse).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!((fs::read(path.join("old")).unwrap(), path.join("new").exists()), (b"old".into(), true));
        new.rename(&old, IfThere::Replace).unwrap();
        assert_eq!((fs::read(path.join("old")).unwrap(), path.join("new").exists()), (b"new".into(), false));
    }
}
