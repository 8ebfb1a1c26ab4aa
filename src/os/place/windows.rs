//! A folder by its path, where names are not looked up in a handle.

use super::{Access, links::Link};
use crate::os::file_identity::{FileIdentity, Found, Status};
use crate::os::windows_file::{self, OpensWhat};
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
        let handle = windows_file::open_to_look(&path, OpensWhat::LedTo)?;
        Ok(Self { identity: FileIdentity::of_file(&handle)?, path })
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
        match windows_file::open_to_look(&self.path.join(name), OpensWhat::Named) {
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename) =>
            {
                Ok(None)
            }
            opened => Status::of_file(&opened?).map(Some),
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

    /// Puts a file in the place of another, which nobody may have open; or a folder in the place of an empty one.
    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let [from, to] = [from, to].map(|name| self.path.join(name));
        let is_folder = from.is_dir();
        if is_folder {
            // It replaces nothing; the place of an empty one, which is all that this removes, it may have.
            let _ = fs::remove_dir(&to);
        }
        windows_file::rename(&from, &to, !is_folder)
    }

    /// Gives a file another name, which nothing may have yet.
    pub(super) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        windows_file::rename(&self.path.join(from), &self.path.join(to), false)
    }

    /// The folder of that name, open.
    pub(in crate::os) fn folder_to_list(&self, name: &OsStr) -> io::Result<File> {
        windows_file::open_to_look(&self.path.join(name), OpensWhat::Named)
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
