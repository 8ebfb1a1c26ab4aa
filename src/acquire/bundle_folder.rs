//! The names in a bundle, and how its files are opened: none of them by a name that stands in the bundle, and none that is a link.

use crate::error::{Error, Result};
use crate::manifest::{FileRole, hex};
use crate::os::place::{Access, Place};
use crate::os::random_access::{ReadAt, read_padded};
use crate::side_files::SideFiles;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::{Path, PathBuf};

/// The merged copy.
pub(super) const MERGED: &str = "merged.db";
/// The manifest of the merged copy, with what the bundle says of itself.
pub(super) const MANIFEST: &str = "manifest.json";
/// The report for people.
pub(super) const REPORT: &str = "report.txt";
/// The sums of all other files, in the form of `sha256sum`.
pub(super) const SUMS: &str = "SHA256SUMS";

/// How many bytes are read at once.
pub(super) const READ_BYTES: usize = 512 * 1024;

/// Where a file of the bundle in `folder` lies; `shown` is what the folder is called in messages.
pub(super) struct Folder<'f> {
    pub(super) folder: &'f Path,
    pub(super) shown: &'f Path,
}

impl Folder<'_> {
    /// The place of that name.
    pub(super) fn place(&self, name: &str) -> Result<Place> {
        Place::within(self.folder, name.as_ref()).map_err(Error::io("open", self.shown))
    }

    /// Where the database as found and its side files lie.
    pub(super) fn found(&self) -> Result<SideFiles> {
        self.place(FileRole::Database.name()).map(SideFiles::of_place)
    }

    /// What a file is called in messages.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.shown.join(name)
    }

    /// Opens the regular file of that name; a link is none.
    pub(super) fn open(&self, name: &str) -> Result<File> {
        let path = self.path(name);
        self.place(name)?.open(Access::Read).map(|(file, _)| file).map_err(Error::io("open", &path))
    }

    /// The SHA-256 of a file, and its size. `step` is told of each piece.
    pub(super) fn digest(
        &self,
        name: &str,
        mut step: impl FnMut(usize) -> Result<()>,
    ) -> Result<(String, u64)> {
        let (file, path) = (self.open(name)?, self.path(name));
        let mut sha256 = Sha256::new();
        let mut buffer = vec![0; READ_BYTES];
        let mut offset = 0_u64;
        loop {
            let there = read_padded(&file, &mut buffer, offset).map_err(Error::io("read", &path))?;
            sha256.update(buffer.get(..there).unwrap_or_default());
            offset = offset.saturating_add(there as u64);
            step(there)?;
            if there < buffer.len() {
                return Ok((hex(&sha256.finalize()), offset));
            }
        }
    }

    /// All of a file that has no more than `most_bytes`; `None` for a longer one.
    pub(super) fn read(&self, name: &str, most_bytes: u64) -> Result<Option<Vec<u8>>> {
        let (file, path) = (self.open(name)?, self.path(name));
        let size_bytes = file.size_bytes().map_err(Error::io("look at it", &path))?;
        let (true, Ok(size)) = (size_bytes <= most_bytes, usize::try_from(size_bytes)) else {
            return Ok(None);
        };
        let mut bytes = vec![0; size];
        let there = read_padded(&file, &mut bytes, 0).map_err(Error::io("read", &path))?;
        bytes.truncate(there);
        Ok(Some(bytes))
    }
}

/// The SHA-256 of bytes.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// What `SHA256SUMS` says of these files.
pub(super) fn sums_text(mut sums: Vec<(String, &str)>) -> String {
    sums.sort_by_key(|&(_, name)| name);
    sums.iter().map(|(sum, name)| format!("{sum}  {name}\n")).collect()
}
