//! No folder, where the system has none: it cannot be opened.

use super::{Access, links::Link};
use crate::os::file_identity::{FileIdentity, Found, Status};
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::Path;

/// Nobody ever has one.
#[derive(Debug)]
pub(in crate::os) struct Folder(Infallible);

impl Folder {
    pub(super) fn open(_: &Path) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no files"))
    }

    pub(super) fn open_within(&self, _: &Path) -> io::Result<Self> {
        match self.0 {}
    }

    pub(super) fn open_named(&self, _: &OsStr, _: &Path) -> io::Result<Self> {
        match self.0 {}
    }

    pub(super) fn path(&self) -> &Path {
        match self.0 {}
    }

    pub(super) fn identity(&self) -> FileIdentity {
        match self.0 {}
    }

    pub(super) fn status(&self, _: &OsStr) -> io::Result<Option<Status>> {
        match self.0 {}
    }

    pub(super) fn look(&self, _: &OsStr) -> io::Result<Found> {
        match self.0 {}
    }

    pub(super) fn look_through(&self, _: &OsStr) -> io::Result<Found> {
        match self.0 {}
    }

    pub(super) fn is_mount_root(&self, _: &OsStr) -> bool {
        match self.0 {}
    }

    pub(super) fn read_link(&self, _: &OsStr) -> io::Result<Option<Link>> {
        match self.0 {}
    }

    pub(super) fn owner(&self) -> io::Result<u32> {
        match self.0 {}
    }

    pub(super) fn open_file(&self, _: &OsStr, _: Access) -> io::Result<File> {
        match self.0 {}
    }

    pub(super) fn create_file(&self, _: &OsStr, _: u32) -> io::Result<File> {
        match self.0 {}
    }

    pub(super) fn create_folder(&self, _: &OsStr, _: u32) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn remove(&self, _: &OsStr) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn remove_folder(&self, _: &OsStr) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn rename(&self, _: &OsStr, _: &OsStr) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn rename_new(&self, _: &OsStr, _: &OsStr) -> io::Result<()> {
        match self.0 {}
    }

    pub(in crate::os) fn folder_to_list(&self, _: &OsStr) -> io::Result<File> {
        match self.0 {}
    }

    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        match self.0 {}
    }
}

pub(super) const ROOT: u32 = 0;

/// There are no users either.
pub(super) fn our_user() -> u32 {
    ROOT
}
