//! Where in the log the newest committed image of each page lies.

use crate::error::{Error, Problem, Result};
use crate::format::frame_number::frame_bytes;
use crate::format::wal_frame::FRAME_HEADER_BYTES;
use crate::format::wal_header::WAL_HEADER_BYTES;
use crate::format::{
    FrameChain, FrameNumber, PageNumber, PageSize, Salts, WalChecksum, WalFrameHeader, WalHeader,
};
use crate::limits::{Limit, Limits};
use crate::os::random_access::{ReadAt, read_padded};
use std::path::Path;

/// How many bytes of the log are read at once while it is checked.
const READ_BYTES: usize = 512 * 1024;

/// The committed frames of a log, checked, up to a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FrameIndex {
    header: WalHeader,
    /// The last commit frame, 0 for none; with the running checksum behind it, and the page count that it states.
    pub(super) frame: u32,
    pub(super) checksum: WalChecksum,
    pub(super) page_count: u32,
    /// Sorted by page, one entry each. 8 bytes for every page that the log overlays (C12).
    newest: Entries,
}

/// The frames of pages.
type Entries = Vec<(PageNumber, FrameNumber)>;

/// A log that is to be read.
#[derive(Clone, Copy)]
pub(super) struct LogFile<'l> {
    pub(super) file: &'l dyn ReadAt,
    pub(super) path: &'l Path,
    pub(super) limits: &'l Limits,
}

/// How far to read a log.
#[derive(Clone, Copy, Debug)]
pub(super) enum UpTo {
    /// To the last commit before the first frame that is not valid, as recovery does.
    LastCommit,
    /// To this frame exactly, which must be there, be a commit, and end with this checksum: a live wal-index says so.
    Frame(u32, Salts, WalChecksum),
}

impl FrameIndex {
    /// Reads and checks the log; `None` when there is no valid log, which SQLite takes for an empty one.
    ///
    /// `earlier` is an index of the same file from before: where it is of the same generation of the log, only what
    /// came after it is read.
    pub(super) fn read(log: LogFile<'_>, up_to: UpTo, earlier: Option<&Self>) -> Result<Option<Self>> {
        let Some(header) = log.read_header()? else { return Ok(None) };
        let log_bytes = log.file.size_bytes().map_err(Error::io("look at it", log.path))?;
        log.limits.check(Limit::LogBytes, log_bytes, log.path)?;
        let earlier = match earlier {
            Some(earlier) if earlier.is_prefix(log, &header, up_to)? => Some(earlier),
            _ => None,
        };
        let mut index = earlier.cloned().unwrap_or(Self {
            header,
            frame: 0,
            checksum: header.checksum,
            page_count: 0,
            newest: Vec::new(),
        });
        index.read_on(log, up_to)?;
        if let UpTo::Frame(frame, salts, checksum) = up_to
            && (index.frame, header.salts, index.checksum) != (frame, salts, checksum)
        {
            let found = index.frame;
            return Err(Error::new(
                log.path,
                Problem::Contradiction(format!(
                    "commits are valid up to frame {found}, the wal-index says {frame}"
                )),
            ));
        }
        Ok(Some(index))
    }

    /// The size of the pages in the log.
    pub(super) fn page_size(&self) -> PageSize {
        self.header.page_size
    }

    pub(super) fn salts(&self) -> Salts {
        self.header.salts
    }

    /// The entries of `count` pages from `first` on.
    pub(super) fn entries(&self, first: PageNumber, count: u32) -> &[(PageNumber, FrameNumber)] {
        let start = self.newest.partition_point(|&(page, _)| page < first);
        let rest = self.newest.get(start..).unwrap_or_default();
        let end = rest
            .partition_point(|&(page, _)| u64::from(page.get()) < u64::from(first.get()) + u64::from(count));
        rest.get(..end).unwrap_or_default()
    }

    /// The pages of which there is an image behind this frame.
    pub(super) fn pages_since(&self, frame: u32) -> impl Iterator<Item = PageNumber> {
        self.newest.iter().filter(move |(_, newest)| newest.get() > frame).map(|&(page, _)| page)
    }

    /// How many pages the log has behind the first `page_count`.
    pub(super) fn pages_behind(&self, page_count: u64) -> u64 {
        let within = self.newest.partition_point(|&(page, _)| u64::from(page.get()) <= page_count);
        self.newest.len().saturating_sub(within) as u64
    }

    /// Where the image of a frame begins in the log.
    pub(super) fn image_offset(&self, frame: FrameNumber) -> u64 {
        frame.offset_in_wal(self.page_size()).saturating_add(FRAME_HEADER_BYTES as u64)
    }

    /// Whether all that this index says still stands in the log whose header is now `header`.
    fn is_prefix(&self, log: LogFile<'_>, header: &WalHeader, up_to: UpTo) -> Result<bool> {
        let within = match up_to {
            UpTo::LastCommit => true,
            UpTo::Frame(frame, ..) => self.frame <= frame,
        };
        let Some(last) = FrameNumber::new(self.frame).filter(|_| within && self.header == *header) else {
            return Ok(false);
        };
        let mut bytes = [0; FRAME_HEADER_BYTES];
        log.read(&mut bytes, last.offset_in_wal(header.page_size))?;
        Ok(WalFrameHeader::parse(&bytes).is_ok_and(|frame| frame.checksum == self.checksum))
    }

    /// Goes on from the last commit that is indexed.
    fn read_on(&mut self, log: LogFile<'_>, up_to: UpTo) -> Result<()> {
        let frame_bytes = frame_bytes(self.page_size());
        let mut buffer = vec![0; (READ_BYTES / frame_bytes).max(1) * frame_bytes];
        let mut chain = FrameChain::resume(&self.header, self.frame, self.checksum);
        let mut uncommitted = Vec::new();
        let last = match up_to {
            UpTo::LastCommit => u32::MAX,
            UpTo::Frame(frame, ..) => frame,
        };
        'log: while let Some(next) = chain.next_frame() {
            let count = log.read(&mut buffer, next.offset_in_wal(self.page_size()))?;
            let whole = buffer.get(..count).unwrap_or_default().chunks_exact(frame_bytes);
            if whole.len() == 0 {
                break;
            }
            for bytes in whole {
                if chain.accepted() >= last {
                    break 'log;
                }
                // Whatever is wrong with it, the log ends before the first frame that is not valid.
                let Ok(frame) = chain.accept(bytes) else { break 'log };
                uncommitted.push((frame.page_number, frame.number));
                if frame.is_commit() {
                    self.commit(
                        &mut uncommitted,
                        frame.number.get(),
                        frame.checksum,
                        frame.commit_page_count,
                    );
                }
                self.check_overlay(&mut uncommitted, log)?;
            }
        }
        keep_newest(&mut self.newest);
        log.limits.check(Limit::OverlayBytes, overlay_bytes(&self.newest), log.path)
    }

    /// Keeps the index, and what a transaction not yet at its end adds to it, within the limit for each: the same page
    /// may be there again and again, so three times as much is let grow before what counts is counted.
    fn check_overlay(&mut self, uncommitted: &mut Entries, log: LogFile<'_>) -> Result<()> {
        let grown = overlay_bytes(&self.newest).saturating_add(overlay_bytes(uncommitted));
        if log.limits.allow(Limit::OverlayBytes, grown / 3).is_ok() {
            return Ok(());
        }
        for entries in [&mut self.newest, uncommitted] {
            keep_newest(entries);
            log.limits.check(Limit::OverlayBytes, overlay_bytes(entries), log.path)?;
        }
        Ok(())
    }

    fn commit(&mut self, frames: &mut Entries, frame: u32, checksum: WalChecksum, page_count: u32) {
        (self.frame, self.checksum, self.page_count) = (frame, checksum, page_count);
        self.newest.append(frames);
        // A log in which few pages are written again and again must not make the index long.
        if self.newest.len() == self.newest.capacity() {
            keep_newest(&mut self.newest);
        }
    }
}

fn keep_newest(entries: &mut Entries) {
    entries.sort_unstable_by_key(|&(page, frame)| (page, std::cmp::Reverse(frame)));
    entries.dedup_by_key(|&mut (page, _)| page);
}

fn overlay_bytes(entries: &Entries) -> u64 {
    size_of_val(entries.as_slice()) as u64
}

impl LogFile<'_> {
    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        read_padded(self.file, buffer, offset).map_err(Error::io("read", self.path))
    }

    fn read_header(&self) -> Result<Option<WalHeader>> {
        let mut bytes = [0; WAL_HEADER_BYTES];
        let count = self.read(&mut bytes, 0)?;
        match WalHeader::parse(bytes.get(..count).unwrap_or_default()) {
            Ok(header) => Ok(Some(header)),
            Err(damage) if damage.leaves_wal_empty() => Ok(None),
            Err(damage) => Err(super::header_error(self.path, damage)),
        }
    }
}
