//! The view of a database in rollback mode: the file, as it is or as a hot journal would bring it back, under SHARED.

use super::change_stamp::{ChangeStamp, Content};
use super::snapshot::{Snapshot, View};
use crate::error::Result;
use crate::format::database_header::SqliteVersion;
use crate::format::{JournalMode, PageSize};
use crate::os::file_identity::FileIdentity;

/// Makes the snapshot of a database without a log, whose file is held still.
pub(super) fn of(view: View, identity: Option<FileIdentity>) -> Result<Snapshot> {
    let snapshot = |view, page_size, page_count, sqlite_version, content| Snapshot {
        view,
        page_size,
        page_count,
        journal_mode: JournalMode::Rollback,
        sqlite_version,
        stamp: ChangeStamp { identity, content: Content::Rollback(content) },
    };
    if view.is_empty()? {
        return Ok(snapshot(view, PageSize::DEFAULT, 0, SqliteVersion(0), [0; 16]));
    }
    let header = view.read_header()?;
    let page_count = view.page_count(&header, view.pages_in_file(header.page_size)?)?;
    if view.rollback.is_some() {
        // The journal may only claim that there were so many pages.
        view.check_claim(&header, page_count)?;
    }
    Ok(snapshot(view, header.page_size, page_count, header.sqlite_version, header.change_stamp_bytes()))
}
