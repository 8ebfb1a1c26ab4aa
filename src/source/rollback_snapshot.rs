//! The view of a database in rollback mode: the file, as it is or as a hot journal would bring it back, under SHARED.

use super::change_stamp::{ChangeStamp, Content};
use super::snapshot::Snapshot;
use super::version;
use super::view::View;
use crate::error::Result;
use crate::format::database_header::SqliteVersion;
use crate::format::{JournalMode, PageSize};
use crate::os::file_identity::FileIdentity;

/// Makes the snapshot of a database without a log, whose file is held still.
pub(super) fn of(view: View, identity: Option<FileIdentity>) -> Result<Snapshot> {
    version::check_commits(view.options.as_of, None, &view.name)?;
    let file_alone = match view.options.as_of {
        // What a rollback would change need not show in the header.
        Some(_) => Some(Content::of_file(view.held.lock_file(), &view.name)?),
        None => None,
    };
    let snapshot = |view, page_size, page_count, sqlite_version, content| Snapshot {
        view,
        page_size,
        page_count,
        journal_mode: JournalMode::Rollback,
        sqlite_version,
        stamp: ChangeStamp { identity, content: file_alone.unwrap_or(Content::Rollback(content)) },
        detour: None,
        followed: None,
    };
    if view.is_empty()? {
        return Ok(snapshot(view, PageSize::DEFAULT, 0, SqliteVersion(0), [0; 16]));
    }
    let page_one = view.read_page_one()?;
    let page_count = view.page_count(&page_one, view.pages_in_file(page_one.page_size)?)?;
    if view.rollback.is_some() {
        // The journal may only claim that there were so many pages.
        view.check_claim(&page_one, page_count)?;
    }
    Ok(snapshot(view, page_one.page_size, page_count, page_one.sqlite_version(), page_one.stamp))
}
