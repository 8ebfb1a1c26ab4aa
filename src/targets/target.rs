//! What every target can do.

use super::internals::Internals;
use crate::attempt::Attempt;
use crate::error::{Error, Result};
use crate::format::page_number::PageNumber;
use crate::format::shape::Shape;
use std::io;
use std::path::Path;

/// The order in which a [`Target`] takes pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageOrder {
    /// Any, and the same page again.
    #[default]
    Any,
    /// From the first to the last, each once: what was given cannot be had back, so a copy must not restart. Pages
    /// that hold nothing may be left out.
    Ascending,
}

/// A place for the pages of a copy, all or nothing.
///
/// A [`Backup`](crate::Backup) calls [`lock`](Self::lock) until that succeeds, [`begin`](Self::begin) when the first page
/// is at hand and again when the page size turns out to be another, [`write_pages`](Self::write_pages) as often as needed,
/// also again for a page that was there before, and at the end [`seal`](Self::seal) and [`publish`](Self::publish) once each.
/// A target that is dropped before has to leave everything as it was: that is how every copy ends that is not done.
///
/// # Examples
///
/// One that only counts; `examples/own_target.rs` shows one that keeps its pages.
///
/// ```
/// use litecopy::{CopyOptions, PageNumber, Result, Shape, SourceBytes, Target};
///
/// #[derive(Default)]
/// struct Count(u64);
///
/// impl Target for Count {
///     type Output = u64;
///
///     fn begin(&mut self, _shape: Shape) -> Result<()> {
///         self.0 = 0;
///         Ok(())
///     }
///
///     fn write_pages(&mut self, _first: PageNumber, pages: &[u8]) -> Result<()> {
///         self.0 += pages.len() as u64;
///         Ok(())
///     }
///
///     fn publish(self, _page_count: u32) -> Result<u64> {
///         Ok(self.0)
///     }
/// }
///
/// let empty = SourceBytes::default();
/// let bytes = CopyOptions::new().begin(empty, Count::default())?.run(litecopy::quiet)?.output;
/// assert_eq!(bytes, 0);
/// # Ok::<(), litecopy::Error>(())
/// ```
pub trait Target {
    /// What there is when the copy is done: `()` for a file, the bytes for memory.
    type Output;

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

    /// Makes the copy of `page_count` pages be there, durable and all at once. Pages that were never written are zeros, those
    /// behind the last are cut off.
    ///
    /// # Errors
    ///
    /// When that fails; whatever stood in this place before still does.
    fn publish(self, page_count: u32) -> Result<Self::Output>
    where
        Self: Sized;

    /// Locks what is to be written over, if this target does that. Called before the source is looked at, again and again
    /// until it succeeds; by default there is nothing to lock.
    ///
    /// # Errors
    ///
    /// When it never will.
    fn lock(&mut self) -> Result<Attempt<()>> {
        Ok(Attempt::Got(()))
    }

    /// Brings a copy of `page_count` pages to where it is kept for good, without showing it yet. By default it is left to
    /// [`publish`](Self::publish).
    ///
    /// # Errors
    ///
    /// When that fails; the copy is then given up.
    fn seal(&mut self, page_count: u32) -> Result<()> {
        let _ = page_count;
        Ok(())
    }

    /// Reads pages of the sealed copy back, from where they are kept for good, `buffer` a multiple of the page size.
    ///
    /// # Errors
    ///
    /// When they cannot be read; or always, in a target whose pages cannot be had back (so by default).
    fn read_back(&mut self, first: PageNumber, buffer: &mut [u8]) -> Result<()> {
        let _ = (first, buffer);
        let unsupported = io::Error::new(io::ErrorKind::Unsupported, "this kind of target cannot be read");
        Err(Error::from_io("read back", "the copy", unsupported))
    }

    /// In what order pages must come; by default any.
    fn order(&self) -> PageOrder {
        PageOrder::Any
    }

    /// Under what name the copy will be there, for messages; by default nobody knows.
    fn path(&self) -> Option<&Path> {
        None
    }

    /// What only litecopy's own targets can do.
    #[doc(hidden)]
    fn internals(&mut self) -> Option<&mut dyn Internals> {
        None
    }
}
