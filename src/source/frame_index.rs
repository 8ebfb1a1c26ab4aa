//! Where in the log the newest committed image of each page lies.

use crate::error::{Error, Problem, Result};
use crate::format::frame_number::FRAME_HEADER_BYTES;
use crate::format::frame_number::frame_bytes;
use crate::format::page_index::PageIndex;
use crate::format::wal_header::WAL_HEADER_BYTES;
use crate::format::{
    FrameChain, FrameNumber, PageNumber, PageSize, Salts, WalChecksum, WalFrame, WalFrameHeader, WalHeader,
};
use crate::halt::Halt;
use crate::limits::{Limit, Limits};
use crate::os::random_access::{ReadAt, read_padded};
use std::path::{Path, PathBuf};

/// How many bytes of the log are read at once while it is checked.
const READ_BYTES: usize = 512 * 1024;

/// The committed frames of a log, checked, up to a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FrameIndex {
    header: WalHeader,
    /// The commit up to which the frames are indexed.
    pub(super) last: CommitEnd,
    /// The last commit of the log, when it was read.
    pub(super) log_end: CommitEnd,
    /// The newest frame of each page. 8 bytes for every page that the log overlays (C12).
    pub(super) newest: PageIndex<FrameNumber>,
}

/// Where a commit ends in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CommitEnd {
    /// The number of the commit, counted from 1; 0 where the log has none.
    pub(super) commit: u32,
    /// Its last frame, 0 for none.
    pub(super) frame: u32,
    /// The running checksum behind that frame.
    pub(super) checksum: WalChecksum,
    /// The page count that it states.
    pub(super) page_count: u32,
    /// How many frames up to it have no checksum.
    pub(super) unsummed: u32,
    /// Whether that frame has none.
    ends_unsummed: bool,
}

/// A log that is there, whatever is in it.
pub(super) struct Log {
    pub(super) file: Box<dyn ReadAt>,
    pub(super) path: PathBuf,
}

/// A log that is to be read.
#[derive(Clone, Copy)]
pub(super) struct LogFile<'l> {
    pub(super) file: &'l dyn ReadAt,
    pub(super) path: &'l Path,
    pub(super) limits: &'l Limits,
    pub(super) halt: &'l Halt,
}

/// How far to read a log, and how much of it counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) up_to: UpTo,
    /// The last commit whose frames count; `None` for all of them.
    pub(super) version: Option<u64>,
}

/// Where a log ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum UpTo {
    /// To the last commit before the first frame that is not valid, as recovery does.
    LastCommit,
    /// To this frame exactly, which must be there, be a commit, and end with this checksum: a live wal-index says so. It also
    /// vouches for frames without checksums.
    Frame(u32, Salts, WalChecksum),
}

impl FrameIndex {
    /// Reads and checks the log; `None` when there is no valid log, which SQLite takes for an empty one.
    ///
    /// `earlier` is an index of the same file from before: where it is of the same generation of the log, only what
    /// came after it is read.
    pub(super) fn read(log: LogFile<'_>, extent: Extent, earlier: Option<&Self>) -> Result<Option<Self>> {
        let Some(header) = log.read_header()? else { return Ok(None) };
        let log_bytes = log.file.size_bytes().map_err(Error::io("look at it", log.path))?;
        log.limits.check(Limit::LogBytes, log_bytes, log.path)?;
        let earlier = match earlier {
            Some(earlier) if earlier.is_prefix(log, &header, extent)? => Some(earlier),
            _ => None,
        };
        let mut index = earlier.cloned().unwrap_or_else(|| Self::new(header));
        index.read_on(log, extent)?;
        if let UpTo::Frame(frame, salts, checksum) = extent.up_to
            && !index.ends_with(frame, salts, checksum)
        {
            let found = index.log_end.frame;
            return Err(Error::new(
                log.path,
                Problem::Contradiction(format!(
                    "commits are valid up to frame {found}, the wal-index says {frame}"
                )),
            ));
        }
        Ok(Some(index))
    }

    fn new(header: WalHeader) -> Self {
        let before = CommitEnd {
            commit: 0,
            frame: 0,
            checksum: header.checksum,
            page_count: 0,
            unsummed: 0,
            ends_unsummed: false,
        };
        Self { header, last: before, log_end: before, newest: PageIndex::default() }
    }

    fn ends_with(&self, frame: u32, salts: Salts, checksum: WalChecksum) -> bool {
        let end = self.log_end;
        (end.frame, self.header.salts) == (frame, salts) && (end.ends_unsummed || end.checksum == checksum)
    }

    /// The size of the pages in the log.
    pub(super) fn page_size(&self) -> PageSize {
        self.header.page_size
    }

    pub(super) fn salts(&self) -> Salts {
        self.header.salts
    }

    /// The pages of which there is an image behind this frame.
    pub(super) fn pages_since(&self, frame: u32) -> impl Iterator<Item = PageNumber> {
        self.newest.iter().filter(move |(_, place)| place.get() > frame).map(|(page, _)| page)
    }

    /// The last frame of each commit, in order; as far as the log can be read. 4 bytes a commit.
    pub(super) fn commit_ends(&self, log: &dyn ReadAt) -> Vec<FrameNumber> {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        let mut ends = Vec::new();
        for number in (1..=self.last.frame).filter_map(FrameNumber::new) {
            match read_padded(log, &mut bytes, number.offset_in_wal(self.page_size())) {
                Ok(FRAME_HEADER_BYTES) => {}
                _ => break,
            }
            if WalFrameHeader::parse(&bytes).is_ok_and(|header| header.commit_page_count > 0) {
                ends.push(number);
            }
        }
        ends
    }

    /// Where a frame begins in the log.
    pub(super) fn offset(&self, frame: u32) -> Option<u64> {
        FrameNumber::new(frame).map(|frame| frame.offset_in_wal(self.page_size()))
    }

    /// Where the image of a frame begins in the log.
    pub(super) fn image_offset(&self, frame: FrameNumber) -> u64 {
        frame.offset_in_wal(self.page_size()).saturating_add(FRAME_HEADER_BYTES as u64)
    }

    /// Whether all that this index says still stands in the log whose header is now `header`, and counts.
    fn is_prefix(&self, log: LogFile<'_>, header: &WalHeader, extent: Extent) -> Result<bool> {
        let within = extent.counts(self.last.commit)
            && match extent.up_to {
                // Nobody vouches for frames without checksums.
                UpTo::LastCommit => self.last.unsummed == 0,
                UpTo::Frame(frame, ..) => self.last.frame <= frame,
            };
        let Some(last) = FrameNumber::new(self.last.frame).filter(|_| within && self.header == *header)
        else {
            return Ok(false);
        };
        let mut bytes = [0; FRAME_HEADER_BYTES];
        log.read(&mut bytes, last.offset_in_wal(header.page_size))?;
        Ok(WalFrameHeader::parse(&bytes).is_ok_and(|frame| frame.checksum == self.last.checksum))
    }

    /// Goes on from the last commit that is indexed.
    fn read_on(&mut self, log: LogFile<'_>, extent: Extent) -> Result<()> {
        let frame_bytes = frame_bytes(self.page_size());
        let mut buffer = vec![0; (READ_BYTES / frame_bytes).max(1) * frame_bytes];
        let mut chain = match self.last.ends_unsummed {
            true => FrameChain::resume_broken(&self.header, self.last.frame),
            false => FrameChain::resume(&self.header, self.last.frame, self.last.checksum),
        };
        let mut unsummed = self.last.unsummed;
        let mut uncommitted = PageIndex::default();
        self.log_end = self.last;
        let (last, is_vouched) = match extent.up_to {
            UpTo::LastCommit => (u32::MAX, false),
            UpTo::Frame(frame, ..) => (frame, true),
        };
        'log: while let Some(next) = chain.next_frame() {
            log.halt.check(log.path)?;
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
                let accepted = if is_vouched { chain.accept_unsummed(bytes) } else { chain.accept(bytes) };
                let Ok(frame) = accepted else { break 'log };
                unsummed += u32::from(chain.is_broken());
                let unsummed = (unsummed, chain.is_broken());
                self.take_in(&frame, unsummed, extent, &mut uncommitted);
                self.check_overlay(&mut uncommitted, log)?;
            }
        }
        self.newest.tidy();
        log.limits.check(Limit::OverlayBytes, self.newest.size_bytes(), log.path)
    }

    /// Takes in a valid frame, and with the last of a commit all frames of it, if that commit counts.
    fn take_in(
        &mut self,
        frame: &WalFrame,
        (unsummed, ends_unsummed): (u32, bool),
        extent: Extent,
        uncommitted: &mut PageIndex<FrameNumber>,
    ) {
        let commit = self.log_end.commit.saturating_add(1);
        let counts = extent.counts(commit);
        if counts {
            uncommitted.push(frame.page_number, frame.number);
        }
        if frame.is_commit() {
            self.log_end = CommitEnd {
                commit,
                frame: frame.number.get(),
                checksum: frame.checksum,
                page_count: frame.commit_page_count,
                unsummed,
                ends_unsummed,
            };
            if counts {
                self.last = self.log_end;
                self.newest.append(uncommitted);
            }
        }
    }

    /// Keeps the index, and what a transaction not yet at its end adds to it, within the limit for each: the same page
    /// may be there again and again, so three times as much is let grow before what counts is counted.
    fn check_overlay(&mut self, uncommitted: &mut PageIndex<FrameNumber>, log: LogFile<'_>) -> Result<()> {
        let grown = self.newest.size_bytes().saturating_add(uncommitted.size_bytes());
        if log.limits.allow(Limit::OverlayBytes, grown / 3).is_ok() {
            return Ok(());
        }
        for index in [&mut self.newest, uncommitted] {
            index.tidy();
            log.limits.check(Limit::OverlayBytes, index.size_bytes(), log.path)?;
        }
        Ok(())
    }
}

impl Extent {
    fn counts(&self, commit: u32) -> bool {
        self.version.is_none_or(|version| u64::from(commit) <= version)
    }
}

impl LogFile<'_> {
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
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
