//! What litecopy's own targets can do beyond a [`Target`](super::Target). Nobody else can name this trait.

use super::owner_policy::OwnerPolicy;
use crate::error::Result;
use crate::format::page_number::PageNumber;
use crate::format::page_one_edit::PageOneEdit;
use crate::side_files::SideFiles;
use std::fs::File;

/// How a copy becomes a file, as the options say.
#[derive(Clone, Copy, Debug)]
pub struct FileOptions {
    /// A file that is there is replaced.
    pub(crate) replace: bool,
    /// A database that is there is written over in place.
    pub(crate) in_place: bool,
    /// What is there is an older copy, of which only what differs is written.
    pub(crate) refresh: bool,
    /// The copy is brought to the device.
    pub(crate) sync: bool,
    /// Whom a new file belongs to.
    pub(crate) owner: OwnerPolicy,
    /// Room for all pages is wanted before the first.
    pub(crate) reserve: bool,
}

/// What is different about our own targets.
pub trait Internals {
    /// Told once and first: the options, and where the source lies (links resolved; nowhere when it is made of bytes).
    ///
    /// # Errors
    ///
    /// When this target is the source, or could harm it, or cannot be written for another reason that is known now.
    fn admit(&mut self, options: FileOptions, source: Option<&SideFiles>) -> Result<()> {
        let _ = (options, source);
        Ok(())
    }

    /// Takes `count` pages that lie one after the other in `file` from `offset` on, without their passing through us; `false`
    /// when it cannot, and they have to be written.
    ///
    /// # Errors
    ///
    /// As [`Target::write_pages`](super::Target::write_pages).
    fn take_pages(&mut self, first: PageNumber, count: u32, file: &File, offset: u64) -> Result<bool> {
        let _ = (first, count, file, offset);
        Ok(false)
    }

    /// Told between steps, while nobody waits for a lock of ours: the time for what takes long.
    ///
    /// # Errors
    ///
    /// As [`Target::write_pages`](super::Target::write_pages).
    fn between_steps(&mut self) -> Result<()> {
        Ok(())
    }

    /// What has to be changed on page 1 of any copy in this place, so that those who have it open notice.
    fn page_one_edit(&self) -> Option<PageOneEdit> {
        None
    }

    /// How many bytes of pages were really written, for who counts them, or will be by publishing: not those that were there
    /// already.
    fn written_bytes(&self) -> Option<u64> {
        None
    }
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            replace: false,
            in_place: false,
            refresh: false,
            sync: true,
            owner: OwnerPolicy::default(),
            reserve: true,
        }
    }
}
