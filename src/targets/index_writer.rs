//! Makes frames that were appended to the log of others be seen: their pages are entered into the hash blocks of the wal-index,
//! then its header says so.

use crate::error::{Error, Problem, Result};
use crate::format::wal_hash::{BLOCK_BYTES, HashBlock, block_of, first_frame_of};
use crate::format::wal_hash_edit::HashBlockEdit;
use crate::format::wal_index::{WAL_INDEX_BYTES, WAL_INDEX_HEADER_BYTES};
use crate::format::{FrameNumber, PageNumber, WalIndexHeader};
use crate::lock::wal_lock::WalWriteLock;
use crate::os::random_access::read_padded;
use std::path::PathBuf;

/// The wal-index of those who have a database open, WRITE held on it.
#[derive(Debug)]
pub(super) struct IndexWriter {
    path: PathBuf,
    lock: WalWriteLock,
    /// Its header as it is published.
    published: WalIndexHeader,
}

impl IndexWriter {
    pub(super) fn new(path: PathBuf, lock: WalWriteLock, published: WalIndexHeader) -> Self {
        Self { path, lock, published }
    }

    /// The header that everybody sees.
    pub(super) fn published(&self) -> WalIndexHeader {
        self.published
    }

    /// Enters the frames behind the published ones, which are of these pages, where nobody looks for them yet.
    pub(super) fn enter(&self, pages: &[PageNumber]) -> Result<()> {
        let last = self.published.mx_frame;
        let mut pages = pages.iter().copied();
        let mut next = FrameNumber::FIRST.checked_add(last);
        while let Some(frame) = next.filter(|_| pages.len() > 0) {
            let number = block_of(frame);
            let block = HashBlockEdit::new(number, self.read_block(number)?, last);
            let Some(mut block) = block else { return Err(self.contradiction("no such block")) };
            let behind = number.checked_add(1).and_then(first_frame_of);
            while let Some(frame) = next.filter(|&frame| behind.is_none_or(|behind| frame < behind)) {
                let Some(page) = pages.next() else { break };
                if !block.insert(frame, page) {
                    return Err(self.contradiction("a hash block has no room for its frames"));
                }
                next = frame.next();
            }
            let start = u64::from(number) * BLOCK_BYTES as u64;
            for (place, bytes) in [block.page_numbers(), block.slots()] {
                self.write(bytes, start + place as u64)?;
            }
        }
        Ok(())
    }

    /// Makes a commit be seen: what changes in the header is in `header`.
    pub(super) fn publish(&self, header: WalIndexHeader) -> Result<()> {
        let header = WalIndexHeader { change: self.published.change.wrapping_add(1), is_init: 1, ..header };
        self.write_header(header)
    }

    /// Writes the header anew that everybody saw before: what was begun of another is void.
    pub(super) fn publish_again(&self) -> Result<()> {
        self.write_header(self.published)
    }

    fn write_header(&self, header: WalIndexHeader) -> Result<()> {
        let bytes = header.to_bytes();
        // Two calls of the system: who sees the first copy new sees the second new too.
        self.write(&bytes, WAL_INDEX_HEADER_BYTES as u64)?;
        self.write(&bytes, 0)
    }

    /// The newest frame of a page in the version that is published.
    pub(super) fn find(&self, page: PageNumber) -> Result<Option<FrameNumber>> {
        let Some(last) = FrameNumber::new(self.published.mx_frame) else { return Ok(None) };
        for number in (0..=block_of(last)).rev() {
            let bytes = self.read_block(number)?;
            let damaged = |damage| {
                let offset = u64::from(number) * BLOCK_BYTES as u64;
                Error::new(&self.path, Problem::Damaged { offset, damage })
            };
            let block = HashBlock::new(number, &bytes).map_err(damaged)?;
            if let Some(frame) = block.find(page, FrameNumber::FIRST, last).map_err(damaged)? {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// A block of the wal-index, its header (in which the lock bytes are) left zero.
    fn read_block(&self, number: u32) -> Result<Vec<u8>> {
        let mut bytes = vec![0; BLOCK_BYTES];
        let skipped = if number == 0 { WAL_INDEX_BYTES } else { 0 };
        let offset = u64::from(number) * BLOCK_BYTES as u64 + skipped as u64;
        read_padded(self.lock.wal_index(), bytes.get_mut(skipped..).unwrap_or_default(), offset)
            .map_err(Error::io("read", &self.path))?;
        Ok(bytes)
    }

    fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.lock.wal_index().write_at(bytes, offset).map_err(Error::io("write", &self.path))
    }

    fn contradiction(&self, what: &str) -> Error {
        Error::new(&self.path, Problem::Contradiction(what.to_owned()))
    }
}
