//! Where pages go: a new file that appears whole or not at all, or memory.

mod file_target;
mod folder_target;
mod memory_target;
mod source_guard;

pub use file_target::FileTarget;
pub use memory_target::MemoryTarget;

pub(crate) use folder_target::FolderTarget;

use crate::error::Result;
use crate::format::page_number::PageNumber;
use crate::format::page_size::PageSize;
use std::path::Path;

/// A place for the pages of a copy, all or nothing.
///
/// A [`Backup`](crate::Backup) calls [`admit`](Self::admit) once, [`begin`](Self::begin) when the first page is at hand
/// and again when the page size turned out to be another, [`write_pages`](Self::write_pages) as often as needed, also
/// again for a page that was there before, and [`finish`](Self::finish) once. Dropped without `finish`, it leaves
/// everything as it was before.
pub trait Target {
    /// Looks at the source's path (links resolved; none when it is made of bytes) before anything is read.
    ///
    /// # Errors
    ///
    /// When this target is that file, or could harm it, or cannot be written for another reason that is known now.
    fn admit(&mut self, source: Option<&Path>) -> Result<()>;

    /// Makes room for pages of `page_size`; whatever was written before is void.
    ///
    /// # Errors
    ///
    /// When the place cannot be made.
    fn begin(&mut self, page_size: PageSize) -> Result<()>;

    /// Writes whole pages that follow each other, `first` the number of the first.
    ///
    /// # Errors
    ///
    /// When they cannot be written; the copy is then given up.
    fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()>;

    /// Makes the copy of `page_count` pages be there: durable, and under its name. Pages that were never written are
    /// zeros, those behind the last are cut off.
    ///
    /// # Errors
    ///
    /// When that fails; whatever stood in this place before still does.
    fn finish(&mut self, page_count: u32) -> Result<()>;
}
