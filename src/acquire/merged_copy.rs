//! What SQLite would see in the files as found, from the bundle's own copies: the same bytes that a copy of the source would have had.
//!
//! Whether the journal is hot, and whether the wal-index counts, was decided where the files were found: there a writer, a connection
//! or a super-journal could be asked for, here nobody can.

use super::bundle_folder::{Folder, MERGED, READ_BYTES};
use crate::attempt::Attempt;
use crate::backup::{CopyOptions, quiet};
use crate::error::{Error, ErrorKind, Problem, Result};
use crate::format::PageNumber;
use crate::halt::CancelToken;
use crate::lock::LockStyle;
use crate::manifest::{FileRole, Manifest};
use crate::os::random_access::{ReadAt, read_padded};
use crate::source::{AsFound, Source, SourceOptions};
use crate::targets::NewFolder;

/// The database as found, to be read from the bundle.
fn source(folder: &Folder<'_>, options: &SourceOptions, as_found: AsFound) -> Result<Source> {
    let options = SourceOptions {
        immutable: true,
        lock_style: LockStyle::default(),
        as_of: None,
        as_found: Some(as_found),
        ..*options
    };
    Ok(Source::of_files(&folder.path("found.db"), folder.found()?, &options))
}

/// Makes the merged copy, and its manifest; or says why there is none.
pub(super) fn make(
    (folder, new_folder): (&Folder<'_>, &NewFolder),
    options: &SourceOptions,
    as_found: AsFound,
    cancel: Option<CancelToken>,
) -> Result<std::result::Result<Manifest, String>> {
    let copying = CopyOptions::new().manifest(true).cancel(cancel);
    let copied = source(folder, options, as_found)
        .and_then(|source| copying.begin(source, new_folder.copy(MERGED, FileRole::Database.name())?))
        .and_then(|backup| backup.run(quiet));
    match copied {
        Ok(copied) => {
            let without =
                || Error::new(&folder.path(MERGED), Problem::Contradiction("has no manifest".into()));
            copied.manifest.map(Ok).ok_or_else(without)
        }
        Err(error) if is_of_content(error.kind()) => Ok(Err(error.problem().to_string())),
        Err(error) => Err(error.renamed(&folder.path(MERGED))),
    }
}

/// Whether what was found cannot be read, rather than the copy not be written.
fn is_of_content(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotADatabase
            | ErrorKind::Damaged
            | ErrorKind::Unsupported
            | ErrorKind::LimitExceeded
            | ErrorKind::PageSizeUnknown
    )
}

/// What the merged copy differs in from what the files as found give, if anything: they are compared page by page.
pub(super) fn difference(
    folder: &Folder<'_>,
    options: &SourceOptions,
    as_found: AsFound,
) -> Result<Option<String>> {
    let merged = folder.open(MERGED)?;
    let path = folder.path(MERGED);
    let mut source = source(folder, options, as_found)?;
    let snapshot = match source.begin()? {
        Attempt::Got(snapshot) => snapshot,
        Attempt::Busy(obstacle) => return Ok(Some(format!("what was found changes: {obstacle}"))),
    };
    let size_bytes = merged.size_bytes().map_err(Error::io("look at it", &path))?;
    if size_bytes != snapshot.shape().size_bytes() {
        let expected = snapshot.shape().size_bytes();
        return Ok(Some(format!("has {size_bytes} bytes, the files as found give {expected}")));
    }
    let page_bytes = snapshot.page_size().bytes_usize();
    let at_once = READ_BYTES / page_bytes;
    let [mut expected, mut found] = [(); 2].map(|()| vec![0; at_once * page_bytes]);
    let mut next = PageNumber::new(1).filter(|_| snapshot.page_count() > 0);
    while let Some(first) = next.filter(|page| page.get() <= snapshot.page_count()) {
        let left = (snapshot.page_count() - first.get()).saturating_add(1);
        let count = left.min(u32::try_from(at_once).unwrap_or(1));
        let bytes = count as usize * page_bytes;
        let (Some(expected), Some(found)) = (expected.get_mut(..bytes), found.get_mut(..bytes)) else {
            break;
        };
        snapshot.read_pages(first, expected)?;
        let offset = first.offset(snapshot.page_size());
        read_padded(&merged, found, offset).map_err(Error::io("read", &path))?;
        let mut pages = expected.chunks(page_bytes).zip(found.chunks(page_bytes));
        if let Some(at) = pages.position(|(expected, found)| expected != found) {
            let page = u64::from(first.get()).saturating_add(at as u64);
            return Ok(Some(format!("page {page} is not what the files as found give")));
        }
        next = first.checked_add(count);
    }
    Ok(None)
}

/// Whether each page of the merged copy has the sum that its manifest says.
pub(super) fn sums_agree(folder: &Folder<'_>, manifest: &Manifest) -> Result<bool> {
    let (merged, path) = (folder.open(MERGED)?, folder.path(MERGED));
    let mut page = vec![0; manifest.page_size.bytes_usize()];
    let mut offset = 0_u64;
    for &sum in &manifest.page_sums {
        let there = read_padded(&merged, &mut page, offset).map_err(Error::io("read", &path))?;
        if there < page.len() || crc32fast::hash(&page) != sum {
            return Ok(false);
        }
        offset = offset.saturating_add(page.len() as u64);
    }
    Ok(true)
}
