//! Brings what a dead writer left beside an old database into it, as SQLite's recovery does: a hot journal or a log.
//!
//! | step | after a crash here SQLite's recovery |
//! |---|---|
//! | EXCLUSIVE is had: nobody is connected | does it all |
//! | journal and log synced | does it all |
//! | their pages written, the size set, the database synced | writes the same pages again |
//! | journal removed, folder synced | writes the pages of the log again |
//! | log, then wal-index removed, folder synced | finds nothing to do |

use super::old_database::OldDatabase;
use crate::attempt::{Attempt, Obstacle};
use crate::error::Result;
use crate::format::Shape;
use crate::source::{Source, SourceOptions};

/// Settles the locked database: afterwards it is whole without side files, and has none. Busy: its name leads elsewhere by now.
pub(super) fn settle(old: &OldDatabase) -> Result<Attempt<()>> {
    if !old.has_side_files()? {
        return Ok(Attempt::Got(()));
    }
    old.refuse_living_log()?;
    old.sync_side_files()?;
    if let Attempt::Busy(obstacle) = recover(old)? {
        return Ok(Attempt::Busy(obstacle));
    }
    old.remove_side_files()?;
    Ok(Attempt::Got(()))
}

/// Writes what lies over the file into it.
fn recover(old: &OldDatabase) -> Result<Attempt<()>> {
    // Our own EXCLUSIVE lock keeps everybody from changing it, and would keep a further one of ours out.
    let mut source = Source::of_files(old.path(), old.files().clone(), &SourceOptions::new().immutable(true));
    let Attempt::Got(snapshot) = source.begin()? else {
        // Without locks nothing is busy but a file that has been put in the place of another.
        return Ok(Attempt::Busy(Obstacle::Change));
    };
    // What was opened by the name now is another file, if that was moved away since it was locked.
    if !old.is_in_its_place()? {
        return Ok(Attempt::Busy(Obstacle::Change));
    }
    let Some(overlay) = snapshot.overlay() else { return Ok(Attempt::Got(())) };
    let shape = Shape { page_count: snapshot.page_count().min(overlay.page_count), ..snapshot.shape() };
    let mut page = vec![0; shape.page_size.bytes_usize()];
    for number in overlay.pages.into_iter().take_while(|page| page.get() <= shape.page_count) {
        snapshot.read_pages(number, &mut page)?;
        old.write_at(&page, number.offset(shape.page_size))?;
    }
    // No more than the header tells and is there: a journal may claim any size, and what lies behind is of no meaning.
    old.finish(shape.size_bytes())?;
    Ok(Attempt::Got(()))
}
