//! Whether a copy is still what its manifest says.

use super::reading::Looked;
use crate::attempt::Obstacle;
use crate::error::{Error, Problem, Result};
use crate::lock::lock_holders;
use crate::manifest::Manifest;
use crate::side_files::SideFiles;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many bytes are read at once; no page is larger.
const READ_BYTES: usize = 256 * 1024;

/// What became of a copy since its manifest was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct VerifyReport {
    /// The file that was looked at.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::name"))]
    pub path: PathBuf,
    /// Whether it is, byte for byte, the copy that it was.
    pub unchanged: bool,
    /// Its size.
    pub size_bytes: u64,
    /// The size that the copy had.
    pub expected_bytes: u64,
    /// The pages that the copy had.
    pub page_count: u32,
    /// The size of each.
    pub page_size: u32,
    /// The pages that are no longer what they were, or no longer there, in runs.
    pub changed: Vec<PageRange>,
    /// How many those are together.
    pub changed_count: u32,
    /// Whether the SHA-256 of the file is that of the copy.
    pub sha256_agrees: bool,
    /// Whether SHARED was held meanwhile, so that nobody was writing.
    pub read_under_lock: bool,
    /// A journal or a log that lies beside it, with something in it: SQLite would see more, or something else, than the file.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::json_name::optional"))]
    pub side_file: Option<PathBuf>,
}

/// Pages that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct PageRange {
    /// The first.
    pub first: u32,
    /// The last, which may be the same.
    pub last: u32,
}

impl VerifyReport {
    fn note_changed(&mut self, page: u32) {
        self.changed_count += 1;
        match self.changed.last_mut() {
            Some(range) if range.last + 1 == page => range.last = page,
            _ => self.changed.push(PageRange { first: page, last: page }),
        }
    }
}

/// Checks the file at `path` against the manifest that was made with it, and names the pages that changed.
///
/// The file is only read, under SHARED where that is to be had at once. What differs while a writer is at work says nothing, so
/// that is the error [`Busy`](crate::ErrorKind::Busy). The system is told to forget what it has of the file
/// in its cache, so that the device answers. Side files are not looked into.
///
/// # Errors
///
/// What keeps the file from being read. What changed in it is told in the report.
pub fn verify_copy(path: impl AsRef<Path>, manifest: &Manifest) -> Result<VerifyReport> {
    let path = path.as_ref();
    let not_found = || Error::io("open", path)(std::io::ErrorKind::NotFound.into());
    let files = SideFiles::of(path)?;
    let file = Looked::open(files.database())?.ok_or_else(not_found)?.locked()?;
    file.forget_cached();
    let mut report = VerifyReport {
        path: path.to_owned(),
        unchanged: false,
        size_bytes: file.size_bytes,
        expected_bytes: manifest.size_bytes(),
        page_count: u32::try_from(manifest.page_sums.len()).unwrap_or(u32::MAX),
        page_size: manifest.page_size.bytes(),
        changed: Vec::new(),
        changed_count: 0,
        sha256_agrees: false,
        read_under_lock: file.is_locked(),
        side_file: side_file(path)?,
    };
    let page_bytes = manifest.page_size.bytes_usize();
    let mut sha256 = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    let (mut page, mut offset) = (0_u32, 0_u64);
    for sums in manifest.page_sums.chunks(READ_BYTES / page_bytes) {
        let Some(run) = buffer.get_mut(..sums.len() * page_bytes) else { break };
        let there = file.read(run, offset)?;
        if there == 0 {
            // What a manifest claims beyond the end of the file is not even looked at.
            (page + 1..=report.page_count).for_each(|page| report.note_changed(page));
            return Ok(report);
        }
        for (at, (bytes, &sum)) in run.chunks_exact(page_bytes).zip(sums).enumerate() {
            page += 1;
            if crc32fast::hash(bytes) != sum || there < (at + 1) * page_bytes {
                report.note_changed(page);
            }
        }
        sha256.update(&run);
        offset = offset.saturating_add(run.len() as u64);
    }
    report.sha256_agrees = sha256.finalize()[..] == manifest.sha256[..];
    report.unchanged =
        report.changed_count == 0 && report.sha256_agrees && report.size_bytes == report.expected_bytes;
    if !report.unchanged && !report.read_under_lock {
        refuse_beside_writer(path)?;
    }
    Ok(report)
}

/// What was seen beside a writer may be half of what it writes.
fn refuse_beside_writer(path: &Path) -> Result<()> {
    let holders = lock_holders(path)?;
    if !holders.iter().any(|holder| holder.exclusive) {
        return Ok(());
    }
    Err(Error::new(path, Problem::Busy { waited: Duration::ZERO, obstacle: Obstacle::Writer, holders }))
}

/// A journal or a log beside the file, with anything in it.
fn side_file(path: &Path) -> Result<Option<PathBuf>> {
    let files = SideFiles::of(path)?;
    for side_file in [files.journal(), files.wal()] {
        if side_file.has_content().map_err(Error::io("look at it", side_file.path()))? {
            return Ok(Some(side_file.path().to_owned()));
        }
    }
    Ok(None)
}
