//! Header and log of the files as found, and what the system says of a file.

use super::bundle_folder::Folder;
use super::utc_time;
use crate::error::{Error, Result};
use crate::format::WalIndex;
use crate::format::database_header::DATABASE_HEADER_BYTES;
use crate::format::wal_index::WAL_INDEX_BYTES;
use crate::inspect::{HeaderReport, WalReport};
use crate::limits::Limits;
use crate::manifest::{BundleHeader, BundleLog, FileRole, FileStatus, hex};
use crate::os::random_access::read_padded;
use std::fs::Metadata;

/// What the system says of a file.
pub(super) fn status(metadata: &Metadata) -> FileStatus {
    let mut status = FileStatus { size_bytes: metadata.len(), ..FileStatus::default() };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let time = |seconds: i64, nanoseconds: i64| {
            Some(utc_time::utc(seconds, u32::try_from(nanoseconds).unwrap_or_default()))
        };
        status.device = Some(metadata.dev());
        status.inode = Some(metadata.ino());
        status.link_count = Some(metadata.nlink());
        status.mode = Some(format!("{:o}", metadata.mode()));
        status.user_id = Some(metadata.uid());
        status.group_id = Some(metadata.gid());
        status.accessed = time(metadata.atime(), metadata.atime_nsec());
        status.modified = time(metadata.mtime(), metadata.mtime_nsec());
        status.changed = time(metadata.ctime(), metadata.ctime_nsec());
    }
    #[cfg(not(unix))]
    {
        status.accessed = metadata.accessed().ok().map(utc_time::of);
        status.modified = metadata.modified().ok().map(utc_time::of);
    }
    status
}

/// The header of the database as found, from its copy; `None` of an empty one. One byte counts as none, as in SQLite.
pub(super) fn header(folder: &Folder<'_>) -> Result<Option<BundleHeader>> {
    let name = FileRole::Database.name();
    let mut bytes = [0; DATABASE_HEADER_BYTES];
    let read = read_padded(&folder.open(name)?, &mut bytes, 0);
    if read.map_err(Error::io("read", &folder.path(name)))? <= 1 {
        return Ok(None);
    }
    let report = HeaderReport::read(&bytes);
    Ok(Some(BundleHeader {
        bytes: hex(&bytes),
        damage: report.damage,
        page_size: report.page_size,
        page_count: report.page_count,
        change_counter: report.change_counter,
        schema_cookie: report.schema_cookie,
        user_version: report.user_version,
        application_id: report.application_id,
        sqlite_version: report.sqlite_version,
    }))
}

/// The log as found, from its copy; `None` where there is none that counts. `index_is_live`: somebody alive kept the wal-index.
pub(super) fn log(folder: &Folder<'_>, index_is_live: bool) -> Result<Option<BundleLog>> {
    let found = folder.found()?;
    let shown = folder.path(FileRole::Log.name());
    let report = WalReport::of_place(found.wal(), &Limits::new()).map_err(|error| error.renamed(&shown));
    let report = match report? {
        Some(report) if report.header_is_valid => report,
        _ => return Ok(None),
    };
    let told = if index_is_live { last_frame_of_index(folder)? } else { None };
    let last_frame = told.unwrap_or(report.committed_frame_count);
    Ok(Some(BundleLog {
        page_size: report.page_size,
        checkpoint_sequence: report.checkpoint_sequence,
        salts: report.salts,
        first_frame: last_frame.min(1),
        last_frame,
        told_by_wal_index: told.is_some(),
        valid_frames: report.valid_frame_count,
        commits: report.commit_count,
        file_frames: report.frame_count,
    }))
}

/// The last committed frame, as the wal-index in the bundle tells.
pub(super) fn last_frame_of_index(folder: &Folder<'_>) -> Result<Option<u32>> {
    let name = FileRole::WalIndex.name();
    let mut bytes = [0; WAL_INDEX_BYTES];
    let read = read_padded(&folder.open(name)?, &mut bytes, 0);
    read.map_err(Error::io("read", &folder.path(name)))?;
    Ok(WalIndex::parse(&bytes).ok().map(|index| index.header.mx_frame))
}
