//! Where in the log the newest committed image of each page lies.

use crate::error::{Error, Problem, Result};
use crate::format::frame_number::frame_bytes;
use crate::format::wal_frame::FRAME_HEADER_BYTES;
use crate::format::wal_header::WAL_HEADER_BYTES;
use crate::format::{
    FrameChain, FrameNumber, PageNumber, PageSize, Salts, WalChecksum, WalFrameHeader, WalHeader,
};
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
    newest: Vec<(PageNumber, FrameNumber)>,
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
    pub(super) fn read(
        log: &dyn ReadAt,
        path: &Path,
        up_to: UpTo,
        earlier: Option<&Self>,
    ) -> Result<Option<Self>> {
        let Some(header) = read_header(log, path)? else { return Ok(None) };
        let earlier = match earlier {
            Some(earlier) if earlier.is_prefix(log, path, &header, up_to)? => Some(earlier),
            _ => None,
        };
        let mut index = earlier.cloned().unwrap_or(Self {
            header,
            frame: 0,
            checksum: header.checksum,
            page_count: 0,
            newest: Vec::new(),
        });
        index.read_on(log, path, up_to)?;
        if let UpTo::Frame(frame, salts, checksum) = up_to
            && (index.frame, header.salts, index.checksum) != (frame, salts, checksum)
        {
            let found = index.frame;
            return Err(Error::new(
                path,
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

    /// The highest page that the log has.
    pub(super) fn last_page(&self) -> u32 {
        self.newest.last().map_or(0, |(page, _)| page.get())
    }

    /// Where the image of a frame begins in the log.
    pub(super) fn image_offset(&self, frame: FrameNumber) -> u64 {
        frame.offset_in_wal(self.page_size()).saturating_add(FRAME_HEADER_BYTES as u64)
    }

    /// Whether all that this index says still stands in the log whose header is now `header`.
    fn is_prefix(&self, log: &dyn ReadAt, path: &Path, header: &WalHeader, up_to: UpTo) -> Result<bool> {
        let within = match up_to {
            UpTo::LastCommit => true,
            UpTo::Frame(frame, ..) => self.frame <= frame,
        };
        let Some(last) = FrameNumber::new(self.frame).filter(|_| within && self.header == *header) else {
            return Ok(false);
        };
        let mut bytes = [0; FRAME_HEADER_BYTES];
        read_padded(log, &mut bytes, last.offset_in_wal(header.page_size))
            .map_err(Error::io("read", path))?;
        Ok(WalFrameHeader::parse(&bytes).is_ok_and(|frame| frame.checksum == self.checksum))
    }

    /// Goes on from the last commit that is indexed.
    fn read_on(&mut self, log: &dyn ReadAt, path: &Path, up_to: UpTo) -> Result<()> {
        let frame_bytes = frame_bytes(self.page_size());
        let mut buffer = vec![0; (READ_BYTES / frame_bytes).max(1) * frame_bytes];
        let mut chain = FrameChain::resume(&self.header, self.frame, self.checksum);
        let mut uncommitted = Vec::new();
        let last = match up_to {
            UpTo::LastCommit => u32::MAX,
            UpTo::Frame(frame, ..) => frame,
        };
        'log: while let Some(next) = chain.next_frame() {
            let count = read_padded(log, &mut buffer, next.offset_in_wal(self.page_size()))
                .map_err(Error::io("read", path))?;
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
            }
        }
        self.keep_newest();
        Ok(())
    }

    fn commit(
        &mut self,
        frames: &mut Vec<(PageNumber, FrameNumber)>,
        frame: u32,
        checksum: WalChecksum,
        page_count: u32,
    ) {
        (self.frame, self.checksum, self.page_count) = (frame, checksum, page_count);
        self.newest.append(frames);
        // A log in which few pages are written again and again must not make the index long.
        if self.newest.len() == self.newest.capacity() {
            self.keep_newest();
        }
    }

    fn keep_newest(&mut self) {
        self.newest.sort_unstable_by_key(|&(page, frame)| (page, std::cmp::Reverse(frame)));
        self.newest.dedup_by_key(|&mut (page, _)| page);
    }
}

fn read_header(log: &dyn ReadAt, path: &Path) -> Result<Option<WalHeader>> {
    let mut bytes = [0; WAL_HEADER_BYTES];
    let count = read_padded(log, &mut bytes, 0).map_err(Error::io("read", path))?;
    match WalHeader::parse(bytes.get(..count).unwrap_or_default()) {
        Ok(header) => Ok(Some(header)),
        Err(damage) if damage.leaves_wal_empty() => Ok(None),
        Err(damage) => Err(super::header_error(path, damage)),
    }
}
