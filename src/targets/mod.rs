//! Where pages go: a new file that appears whole or not at all, a database that is written over in place, memory, or a stream.

mod file_target;
mod folder_target;
mod frame_sums;
mod in_place_lock;
mod in_place_target;
mod index_writer;
mod journaled_writer;
mod log_writer;
mod memory_target;
mod new_frames;
mod old_database;
mod old_file;
mod protecting_journal;
mod settle;
mod source_guard;
mod stream_target;

pub use file_target::FileTarget;
pub use in_place_target::InPlaceTarget;
pub use memory_target::MemoryTarget;
pub use stream_target::StreamTarget;

pub(crate) use folder_target::FolderTarget;
pub(crate) use old_database::in_use;

use crate::attempt::Attempt;
use crate::error::{Error, Result};
use crate::format::page_number::PageNumber;
use crate::format::page_one_edit::PageOneEdit;
use crate::format::shape::Shape;
use std::fs::File;
use std::io;
use std::path::Path;

/// The order in which a [`Target`] takes pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageOrder {
    /// Any, and the same page again.
    #[default]
    Any,
    /// From the first to the last, each once: what was given cannot be had back, so a copy must not begin again. Pages
    /// that hold nothing may be left out.
    Ascending,
}

/// A place for the pages of a copy, all or nothing. `examples/own_target.rs` shows one of somebody's own.
///
/// A [`Backup`](crate::Backup) calls [`admit`](Self::admit) once, [`lock`](Self::lock) at each step, [`begin`](Self::begin) when the first page is at hand
/// and again when the page size turned out to be another, [`write_pages`](Self::write_pages) as often as needed, also
/// again for a page that was there before, and at the end [`seal`](Self::seal) and [`publish`](Self::publish) once each.
/// Dropped before `publish`, it leaves everything as it was before.
pub trait Target {
    /// Looks at the source's path (links resolved; none when it is made of bytes) before anything is read.
    ///
    /// # Errors
    ///
    /// When this target is that file, or could harm it, or cannot be written for another reason that is known now.
    fn admit(&mut self, source: Option<&Path>) -> Result<()>;

    /// Locks what is to be written over in place, if this target does that. Called before the source is looked at, again and
    /// again until it succeeds. Busy when somebody is in the way, which may pass: the step is then busy too.
    ///
    /// # Errors
    ///
    /// When it can never be locked.
    fn lock(&mut self) -> Result<Attempt<()>> {
        Ok(Attempt::Got(()))
    }

    /// Makes room for a database of this shape; whatever was written before is void. The page count may still change
    /// while the source does.
    ///
    /// # Errors
    ///
    /// When the place cannot be made.
    fn begin(&mut self, shape: Shape) -> Result<()>;

    /// Writes whole pages that follow each other, `first` the number of the first.
    ///
    /// # Errors
    ///
    /// When they cannot be written; the copy is then given up.
    fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()>;

    /// Ends the writing of a copy of `page_count` pages, and makes it durable without showing it yet. Pages that were never
    /// written are zeros, those behind the last are cut off.
    ///
    /// # Errors
    ///
    /// When that fails; the copy is then given up.
    fn seal(&mut self, page_count: u32) -> Result<()>;

    /// Makes the sealed copy be there, under its name.
    ///
    /// # Errors
    ///
    /// When that fails; whatever stood in this place before still does.
    fn publish(&mut self) -> Result<()>;

    /// Puts everything back as it was before, and lets go of it: the copy has failed. Dropping does the same.
    fn abandon(&mut self) {}

    /// Reads pages of the sealed copy back, from where they are kept for good, `buffer` a multiple of the page size.
    ///
    /// # Errors
    ///
    /// When they cannot be read; or always, in a target whose pages cannot be had back (so in this default).
    fn read_back(&mut self, first: PageNumber, buffer: &mut [u8]) -> Result<()> {
        let _ = (first, buffer);
        let unsupported = io::Error::new(io::ErrorKind::Unsupported, "this kind of target cannot be read");
        Err(Error::from_io("read back", "the copy", unsupported))
    }

    /// Under what name the copy will be there, for messages.
    fn path(&self) -> Option<&Path> {
        None
    }

    /// What has to be changed on page 1 of any copy in this place, so that those who have it open notice.
    fn page_one_edit(&self) -> Option<PageOneEdit> {
        None
    }

    /// Told between steps, while nobody waits for a lock of ours: the time for what takes long.
    ///
    /// # Errors
    ///
    /// As [`write_pages`](Self::write_pages).
    fn between_steps(&mut self) -> Result<()> {
        Ok(())
    }

    /// How many bytes of pages were really written, for who counts them: not those that were there already.
    fn written_bytes(&self) -> Option<u64> {
        None
    }

    /// In what order pages must come.
    fn order(&self) -> PageOrder {
        PageOrder::Any
    }

    /// Takes `count` pages that lie one after the other in `file` from `offset` on, without their passing through us; `false`
    /// when it cannot, and they have to be written.
    ///
    /// # Errors
    ///
    /// As [`write_pages`](Self::write_pages).
    fn take_pages(&mut self, first: PageNumber, count: u32, file: &File, offset: u64) -> Result<bool> {
        let _ = (first, count, file, offset);
        Ok(false)
    }
}
