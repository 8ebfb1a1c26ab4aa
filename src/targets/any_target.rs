//! Any target, asked what only litecopy's own can do.

use super::target::Target;
use crate::error::Result;
use crate::format::page_number::PageNumber;
use crate::format::page_one_edit::PageOneEdit;
use std::fs::File;
use std::path::Path;

/// The questions of [`Internals`](super::internals::Internals), asked of any target.
pub(crate) trait AnyTarget: Target {
    fn take_pages(&mut self, first: PageNumber, count: u32, file: &File, offset: u64) -> Result<bool> {
        self.internals().map_or(Ok(false), |own| own.take_pages(first, count, file, offset))
    }

    fn between_steps(&mut self) -> Result<()> {
        self.internals().map_or(Ok(()), |own| own.between_steps())
    }

    fn page_one_edit(&mut self) -> Option<PageOneEdit> {
        self.internals()?.page_one_edit()
    }

    /// What to call it in messages.
    fn shown_path(&self) -> &Path {
        self.path().unwrap_or(Path::new("the copy"))
    }

    fn written_bytes(&mut self) -> Option<u64> {
        self.internals()?.written_bytes()
    }
}

impl<T: Target> AnyTarget for T {}
