//! Brings what a dead writer left beside an old database into it, as SQLite's recovery does: a hot journal or a log.
//!
//! | step | after a crash here SQLite's recovery |
//! |---|---|
//! | EXCLUSIVE is had: nobody is connected | does it all |
//! | journal and log synced | does it all |
//! | their pages written, the size set, the database synced | writes the same pages again |
//! | journal removed, folder synced | writes the pages of the log again |
//! | log, then wal-index removed, folder synced | finds nothing to do |

use crate::error::{ErrorKind, Result};
use crate::source::{Begun, Source, SourceOptions};
use crate::targets::{OldDatabase, Target};
use std::path::Path;

/// Locks the target; what a dead writer left beside it is settled before.
pub(super) fn lock(target: &mut impl Target) -> Result<()> {
    match target.lock() {
        Err(error) if error.kind() == ErrorKind::SideFileInTheWay => {
            settle(error.path())?;
            target.lock()
        }
        locked => locked,
    }
}

/// Settles the database at `path`, if one is there: afterwards it is whole without side files, and has none.
///
/// # Errors
///
/// [`TargetInUse`](crate::ErrorKind::TargetInUse) when somebody uses it; and whatever keeps it from being read or written.
pub(super) fn settle(path: &Path) -> Result<()> {
    let Some(old) = OldDatabase::lock(path)? else { return Ok(()) };
    if !old.has_side_files()? {
        return Ok(());
    }
    old.sync_side_files()?;
    recover(&old, path)?;
    old.remove_side_files()
}

/// Writes what lies over the file into it.
fn recover(old: &OldDatabase, path: &Path) -> Result<()> {
    // Our own EXCLUSIVE lock keeps everybody from changing it, and would keep a further one of ours out.
    let mut source = Source::open_with(path, &SourceOptions::new().immutable(true))?;
    let Begun::Snapshot(snapshot) = source.begin()? else {
        // Without locks nothing is busy but a file that has been put in the place of another.
        return Err(old.in_use());
    };
    let Some(overlay) = snapshot.overlay() else { return Ok(()) };
    let page_size = snapshot.page_size();
    let mut page = vec![0; page_size.bytes_usize()];
    for number in overlay.pages {
        snapshot.read_pages(number, &mut page)?;
        old.write_at(&page, number.offset(page_size))?;
    }
    old.finish(u64::from(overlay.page_count) * u64::from(page_size.bytes()))
}
