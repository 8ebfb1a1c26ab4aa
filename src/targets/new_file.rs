//! A copy in a file, which appears under its name when it is complete and durable, and not before (C4).
//!
//! | step | what could go wrong | what is there then |
//! |---|---|---|
//! | look: target is not the source, not a side file of it, not there (or to be replaced and not in use) | refused | the old state |
//! | temporary file in the same folder, its space reserved, pages written | no space, crash | the old state, after a crash also the temporary file |
//! | synced | device error | the old state |
//! | the old file, if any, locked exclusively; side files of the target's name looked for again, stale ones removed | refused | the old state |
//! | renamed, in one step with the look whether the name is free | crash | old state or copy |
//! | folder synced | power cut before | old state or copy |

use super::internals::{FileOptions, Internals};
use super::old_database::{confirm_place, in_use, refuse_a_turned_name};
use super::old_file::{lock_the_old, refuse_side_files};
use super::owner_policy::{OwnerPolicy, new_rights};
use super::settle::settle;
use super::source_guard::refuse_the_source;
use super::target::Target;
use crate::attempt::{Attempt, Obstacle};
use crate::error::{Error, Problem, Result};
use crate::format::page_number::PageNumber;
use crate::format::page_size::PageSize;
use crate::format::shape::Shape;
use crate::os::device_reader::DeviceReader;
use crate::os::durable_file::DurableFile;
use crate::os::place::IfThere;
use crate::os::random_access::is_zero;
use crate::os::turn::Turn;
use crate::side_files::SideFiles;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// How much is read at once of what is there already, to write only what differs: as much as pages come in at once.
const SCRATCH_BYTES: usize = 256 * 1024;

/// How much is written before the device is told to begin with it. Measured on ext4: less takes longer, more gains nothing.
const SYNC_BYTES: u64 = 4 * 1024 * 1024;

/// A new file, or one that replaces an old one, for a copy.
#[derive(Debug)]
pub(crate) struct NewFile {
    /// As the caller named it, for messages.
    path: PathBuf,
    if_there: IfThere,
    /// Whether it begins as what it replaces.
    updates: bool,
    sync: bool,
    owner: OwnerPolicy,
    /// Whether room for all pages is wanted before the first.
    reserves: bool,
    /// Whether the name is synced too; not where the folder is synced anyway when it is full.
    sync_name: bool,
    /// Where that leads, found once: whoever turns a link meanwhile turns nothing of ours.
    files: Option<SideFiles>,
    /// Where the source lies, links resolved, when it is a file.
    source: Option<SideFiles>,
    page_size: PageSize,
    file: Option<DurableFile>,
    /// How many bytes from the beginning on the file system keeps for the file.
    reserved_bytes: u64,
    written_bytes: u64,
    /// Up to where the device has been told to write.
    sync_begun: u64,
    scratch: Vec<u8>,
    /// Reads it back once it is sealed.
    reader: Option<DeviceReader>,
}

impl NewFile {
    /// A file at `path`, which must not be there yet, unless the options let it be replaced. Nothing is created before the first page
    /// is written.
    pub(super) fn new(path: impl Into<PathBuf>, options: FileOptions) -> Self {
        let FileOptions { replace, refresh, sync, reserve, owner, .. } = options;
        Self {
            path: path.into(),
            if_there: if replace || refresh { IfThere::Replace } else { IfThere::Refuse },
            updates: refresh,
            sync,
            owner,
            reserves: reserve,
            sync_name: true,
            files: None,
            source: None,
            page_size: PageSize::DEFAULT,
            file: None,
            reserved_bytes: 0,
            written_bytes: 0,
            sync_begun: 0,
            scratch: Vec::new(),
            reader: None,
        }
    }

    /// The same in a folder that the caller syncs when all that belongs there is in it.
    pub(super) fn within_folder(self) -> Self {
        Self { sync_name: false, ..self }
    }

    /// Looks at what is there, and refuses what may not be replaced.
    pub(super) fn admit(&mut self, source: Option<&SideFiles>) -> Result<()> {
        let files = self.files()?;
        if let Some(source) = source {
            self.source = Some(source.clone());
            if !refuse_the_source(&self.path, &files, source)? {
                // Nothing has to be looked at, nor to give way.
                return Ok(());
            }
        }
        let _turn = self.turn(&files);
        // What lies beside an old database is its own: it is looked at when that is to be replaced.
        match lock_the_old(&self.path, &files, self.if_there)? {
            Some(old) => {
                old.refuse_living_log()?;
                old.close();
                Ok(())
            }
            None => refuse_side_files(&self.path, &files),
        }
    }

    /// Our turn among those who replace files in that folder.
    fn turn(&self, files: &SideFiles) -> Option<Turn> {
        (self.if_there == IfThere::Replace).then(|| Turn::wait(files.database()))
    }

    /// Where the name leads; found the first time.
    fn files(&mut self) -> Result<SideFiles> {
        let found = match self.files.take() {
            Some(files) => files,
            None => SideFiles::of_target(&self.path)?,
        };
        Ok(self.files.insert(found).clone())
    }

    /// No more bytes than these will be needed for a copy of that shape: no more than its pages have, and no more than the source's files
    /// occupy, in which there may be holes.
    fn needed_bytes(&self, shape: Shape) -> Result<u64> {
        let Some(files) = &self.source else { return Ok(shape.size_bytes()) };
        let mut occupied = 0_u64;
        for place in [files.database(), files.wal(), files.journal()] {
            if occupied >= shape.size_bytes() {
                break;
            }
            let status = place.status().map_err(Error::io("look at it", place.path()))?;
            occupied = occupied.saturating_add(status.map_or(0, |status| status.occupied_bytes));
        }
        Ok(occupied.min(shape.size_bytes()))
    }

    /// Has the space kept that the copy needs, before the first byte of it is written. Gives back how many bytes from the
    /// beginning on are kept.
    fn reserve(&self, file: &DurableFile, shape: Shape) -> Result<u64> {
        if !self.reserves {
            return Ok(0);
        }
        let needed_bytes = self.needed_bytes(shape)?;
        let free_bytes = file.free_bytes();
        let no_space = |free_bytes| Error::new(&self.path, Problem::NoSpace { needed_bytes, free_bytes });
        if let Some(free_bytes) = free_bytes.filter(|&free_bytes| free_bytes < needed_bytes) {
            return Err(no_space(free_bytes));
        }
        if needed_bytes < shape.size_bytes() {
            // Some of it will be holes, and nobody knows yet where.
            return Ok(0);
        }
        file.reserve(needed_bytes).map_err(|error| match (error.kind(), free_bytes) {
            (io::ErrorKind::StorageFull, Some(free_bytes)) => no_space(free_bytes),
            _ => Error::io("reserve space", &self.path)(error),
        })
    }

    /// Makes the sealed file be there under its name.
    pub(super) fn show(&mut self) -> Result<()> {
        // Closed while nobody can have locked the file (C8).
        self.reader = None;
        let file = self.file.take().ok_or_else(not_begun).map_err(Error::io("write", &self.path))?;
        let files = self.files()?;
        refuse_a_turned_name(&self.path, &files)?;
        let turn = self.turn(&files);
        let old = lock_the_old(&self.path, &files, self.if_there)?;
        // What it has in a hot journal or a log of its own is its own content: it is whole without, should ours not be put in its place.
        if let Some(old) = &old
            && let Attempt::Busy(obstacle) = settle(old)?
        {
            return Err(in_use(&self.path, obstacle));
        }
        refuse_side_files(&self.path, &files)?;
        // What has appeared since is not locked.
        let mut if_there = IfThere::Refuse;
        if let Some(old) = &old {
            // Nobody needs what is there still, and what lies there afterwards can only be the new file's.
            old.remove_side_files()?;
            if_there = IfThere::Replace;
        }
        // Windows replaces no file that is open, be it by us; who opens it in the moment between is told of as one who has it open.
        let old = old.filter(|_| !cfg!(windows));
        let published = file.publish(if_there, self.sync && self.sync_name);
        if let Some(old) = old {
            old.close();
        }
        drop(turn);
        let folder = published.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Error::new(&self.path, Problem::TargetExists),
            io::ErrorKind::ResourceBusy if cfg!(windows) => in_use(&self.path, Obstacle::Users),
            _ => Error::io("put the copy in its place", &self.path)(error),
        })?;
        let synced = folder.finish().map_err(Error::io("sync the folder of the finished copy", &self.path));
        synced.map_err(Error::in_doubt)?;
        if !self.sync_name {
            // Its folder has its own name still to get.
            return Ok(());
        }
        // Else it is there, but not where it was asked for.
        confirm_place(&self.path, &files, None)
    }

    /// Has the device write while more comes: the sync at the end then waits for little.
    fn start_sync_up_to(&mut self, end: u64) {
        if let Some(file) = self.file.as_ref().filter(|_| self.sync && end >= self.sync_begun + SYNC_BYTES) {
            file.start_sync(self.sync_begun..end);
            self.sync_begun = end;
        }
    }

    fn try_write(&mut self, offset: u64, pages: &[u8]) -> io::Result<()> {
        let Some(file) = &self.file else { return Err(not_begun()) };
        // What lies there already was written in this try, by us or by the system.
        let there = usize::try_from(file.size_bytes()?.saturating_sub(offset)).unwrap_or(usize::MAX);
        let (again, new) = pages.split_at_checked(there).unwrap_or((pages, &[]));
        if !again.is_empty() {
            self.scratch.resize(SCRATCH_BYTES, 0);
            let page_bytes = self.page_size.bytes_usize();
            self.written_bytes += file.write_differences(again, offset, page_bytes, &mut self.scratch)?;
        }
        if new.is_empty() {
            return Ok(());
        }
        let offset = offset.saturating_add(again.len() as u64);
        if !is_zero(new) {
            file.write_at(new, offset)?;
            self.written_bytes += new.len() as u64;
            self.start_sync_up_to(offset.saturating_add(new.len() as u64));
        } else if offset < self.reserved_bytes {
            file.append_hole(offset, new.len() as u64)?;
        }
        // Else a hole comes of itself: empty pages of a database that has grown need neither time nor space.
        Ok(())
    }
}

impl Target for NewFile {
    type Output = ();

    fn begin(&mut self, shape: Shape) -> Result<()> {
        let files = self.files()?;
        // An earlier one goes first, so that two never need the space of both.
        self.file = None;
        let replaces = self.if_there == IfThere::Replace;
        let rights = new_rights(&files, replaces, self.source.as_ref(), self.owner)?;
        let file = DurableFile::create(files.database(), &rights)
            .map_err(Error::io("create a temporary file beside it", &self.path))?;
        if self.updates {
            file.begin_as(files.database(), shape.size_bytes())
                .map_err(Error::io("begin with what is there of", &self.path))?;
        }
        self.reserved_bytes = self.reserve(&file, shape)?;
        (self.page_size, self.file, self.sync_begun) = (shape.page_size, Some(file), 0);
        Ok(())
    }

    fn write_pages(&mut self, first: PageNumber, pages: &[u8]) -> Result<()> {
        self.try_write(first.offset(self.page_size), pages).map_err(Error::io("write", &self.path))
    }

    fn seal(&mut self, page_count: u32) -> Result<()> {
        let file = self.file.as_ref().ok_or_else(not_begun).map_err(Error::io("write", &self.path))?;
        file.set_size(self.page_size.bytes_of(page_count)).map_err(Error::io("set its size", &self.path))?;
        self.reader = None;
        if self.sync { file.sync().map_err(Error::io("sync", &self.path)) } else { Ok(()) }
    }

    fn publish(mut self, _page_count: u32) -> Result<()> {
        self.show()
    }

    fn read_back(&mut self, first: PageNumber, buffer: &mut [u8]) -> Result<()> {
        let file = self.file.as_ref().ok_or_else(not_begun).map_err(Error::io("read back", &self.path))?;
        let cannot = |error| Error::io("read back", &self.path)(error);
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => self.reader.insert(file.device_reader().map_err(cannot)?),
        };
        reader.read(buffer, first.offset(self.page_size)).map_err(cannot)
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn internals(&mut self) -> Option<&mut dyn Internals> {
        Some(self)
    }
}

impl Internals for NewFile {
    fn written_bytes(&self) -> Option<u64> {
        Some(self.written_bytes)
    }

    fn take_pages(&mut self, first: PageNumber, count: u32, from: &File, from_offset: u64) -> Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        let offset = first.offset(self.page_size);
        if offset < file.size_bytes().map_err(Error::io("look at it", &self.path))? {
            // Something is there already: what differs can only be told page by page.
            return Ok(false);
        }
        let size_bytes = self.page_size.bytes_of(count);
        let range = from_offset..from_offset.saturating_add(size_bytes);
        let Some(taken_bytes) = file.take(from, range, offset) else { return Ok(false) };
        self.written_bytes += taken_bytes;
        self.start_sync_up_to(offset.saturating_add(size_bytes));
        Ok(true)
    }
}

fn not_begun() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the copy has not begun, or is done")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a copy does that catches up with a few pages.
    #[test]
    fn a_page_written_again_leaves_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy");
        let mut target = NewFile::new(&path, FileOptions::default());
        let page_size = PageSize::new(512).unwrap();
        target.admit(None).unwrap();
        target.begin(Shape { page_size, page_count: 6 }).unwrap();
        let page = |number| PageNumber::new(number).unwrap();
        target.write_pages(page(1), &[1; 4 * 512]).unwrap();
        for (number, content, written_pages) in [(2, 1, 4), (2, 2, 5), (3, 0, 6), (5, 0, 6), (6, 6, 7)] {
            target.write_pages(page(number), &[content; 512]).unwrap();
            assert_eq!(target.written_bytes(), Some(written_pages * 512), "page {number}");
        }
        // Beyond the end in one go.
        target.write_pages(page(6), &[[6; 512], [7; 512]].concat()).unwrap();
        assert_eq!(target.written_bytes(), Some(8 * 512));
        target.seal(7).unwrap();
        target.show().unwrap();
        let found: Vec<[u8; 2]> =
            std::fs::read(&path).unwrap().chunks(512).map(|page| [page[0], page[511]]).collect();
        assert_eq!(found, [1, 2, 0, 1, 0, 6, 7].map(|content| [content; 2]));
    }

    /// What was reserved for pages of zeros is given back.
    #[cfg(unix)]
    #[test]
    fn pages_of_zeros_keep_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy");
        let mut target = NewFile::new(&path, FileOptions::default());
        let page_size = PageSize::new(65_536).unwrap();
        target.begin(Shape { page_size, page_count: 64 }).unwrap();
        target.write_pages(PageNumber::FIRST, &[0; 62 * 65_536]).unwrap();
        target.write_pages(PageNumber::new(63).unwrap(), &[1; 65_536]).unwrap();
        target.seal(64).unwrap();
        target.show().unwrap();
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!((metadata.len(), target.written_bytes()), (64 * 65_536, Some(65_536)));
        let occupied = std::os::unix::fs::MetadataExt::blocks(&metadata) * 512;
        // The last page was not given at all.
        assert!((65_536..=3 * 65_536).contains(&occupied), "{occupied}");
    }
}
