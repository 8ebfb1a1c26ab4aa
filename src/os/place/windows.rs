//! A folder by its path, for systems where names are not looked up in a handle.

use super::{Access, links::Link};
use crate::os::file_identity::{FileIdentity, Found, Status};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(in crate::os) struct Folder {
    identity: FileIdentity,
    path: PathBuf,
}

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        Ok(Self { identity: FileIdentity::of_folder(&path)?, path })
    }

    pub(super) fn open_within(&self, path: &Path) -> io::Result<Self> {
        Self::open(&self.path.join(path))
    }

    pub(super) fn open_named(&self, _: &OsStr, path: &Path) -> io::Result<Self> {
        Self::open(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn identity(&self) -> FileIdentity {
        self.identity
    }

    pub(super) fn status(&self, name: &OsStr) -> io::Result<Option<Status>> {
        match Status::of_name(&self.path.join(name)) {
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename) =>
            {
                Ok(None)
            }
            found => found.map(Some),
        }
    }

    /// What a link under a name leads to in the end: here its text says that.
    pub(super) fn look_through(&self, _: &OsStr) -> io::Result<Found> {
        Ok(Found::Nothing)
    }

    pub(super) fn look(&self, name: &OsStr) -> io::Result<Found> {
        Ok(self.status(name)?.map_or(Found::Nothing, |status| status.found))
    }

    pub(super) fn is_mount_root(&self, _: &OsStr) -> bool {
        false
    }

    pub(super) fn read_link(&self, name: &OsStr) -> io::Result<Option<Link>> {
        Ok(Some(Link { owner: our_user(), leads_to: fs::read_link(self.path.join(name))? }))
    }

    pub(super) fn owner(&self) -> io::Result<u32> {
        Ok(our_user())
    }

    pub(super) fn open_file(&self, name: &OsStr, access: Access) -> io::Result<File> {
        if let Found::Unfit(unfit) = self.look(name)? {
            return Err(unfit.into());
        }
        File::options().read(true).write(access == Access::ReadWrite).open(self.path.join(name))
    }

    pub(super) fn create_file(&self, name: &OsStr, _: u32) -> io::Result<File> {
        File::options().read(true).write(true).create_new(true).open(self.path.join(name))
    }

    pub(super) fn create_folder(&self, name: &OsStr, _: u32) -> io::Result<()> {
        fs::create_dir(self.path.join(name))
    }

    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    pub(super) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_dir(self.path.join(name))
    }

    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    /// Gives a file another name, which nothing may have yet: by a second name and the removal of the first.
    pub(super) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::hard_link(self.path.join(from), self.path.join(to))?;
        // The file has its name; that it has the other one still is in nobody's way.
        let _ = self.remove(from);
        Ok(())
    }

    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name())).collect()
    }
}

pub(super) const ROOT: u32 = 0;

/// Files have no such owners here; and who may create links is an administrator.
pub(super) fn our_user() -> u32 {
    ROOT
}
