//! Reads a log once from its first frame on: where the valid frames end, and which frame of each page is the newest.

use super::wal_parts::{Layout, WalEnd, WalEndReason};
use crate::error::{Error, Result};
use crate::format::frame_number::FRAME_HEADER_BYTES;
use crate::format::frame_number::{frame_bytes, whole_frames_in};
use crate::format::page_index::PageIndex;
use crate::format::wal_header::WAL_HEADER_BYTES;
use crate::format::{FrameChain, FrameFault, FrameNumber, WalFrame, WalFrameHeader};
use crate::limits::{Limit, Limits};
use crate::os::random_access::{ReadAt, read_padded};
use std::fmt;
use std::path::PathBuf;

/// How many bytes of the log are read at once while it is checked.
const READ_BYTES: usize = 512 * 1024;

/// A log as long as it was when it was opened: what is appended later is of later transactions.
pub(super) struct LogBytes {
    pub(super) path: PathBuf,
    pub(super) size_bytes: u64,
    file: Box<dyn ReadAt>,
}

impl LogBytes {
    pub(super) fn new(path: PathBuf, file: Box<dyn ReadAt>) -> Result<Self> {
        let size_bytes = file.size_bytes().map_err(Error::io("look at it", &path))?;
        Ok(Self { path, size_bytes, file })
    }

    /// Fills `buffer` from `offset`; returns how much of it was there.
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let left = usize::try_from(self.size_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        read_padded(self.file.as_ref(), buffer, offset).map_err(Error::io("read", &self.path))
    }

    /// The header as far as it is there, and how much that is.
    pub(super) fn read_header(&self) -> Result<([u8; WAL_HEADER_BYTES], usize)> {
        let mut bytes = [0; WAL_HEADER_BYTES];
        let there = self.read(&mut bytes, 0)?;
        Ok((bytes, there))
    }

    /// The header of a frame; `None` where the log is shorter.
    pub(super) fn read_frame_header(
        &self,
        layout: &Layout,
        frame: FrameNumber,
    ) -> Result<Option<WalFrameHeader>> {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        let there = self.read(&mut bytes, frame.offset_in_wal(layout.header.page_size))?;
        Ok(WalFrameHeader::parse(bytes.get(..there).unwrap_or_default()).ok())
    }
}

impl fmt::Debug for LogBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogBytes").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The newest committed frame of each page.
pub(super) type NewestFrames = PageIndex<FrameNumber>;

/// Reads the log: its end, and the newest frames.
pub(super) fn scan(
    log: &LogBytes,
    layout: Option<&Layout>,
    limits: &Limits,
) -> Result<(WalEnd, NewestFrames)> {
    limits.check(Limit::LogBytes, log.size_bytes, &log.path)?;
    let end = WalEnd::new(log.size_bytes);
    let mut scan = Scan { log, limits, end, newest: PageIndex::default(), uncommitted: PageIndex::default() };
    if let Some(layout) = layout {
        let whole = whole_frames_in(log.size_bytes, layout.header.page_size);
        scan.end.file_frames = u32::try_from(whole).unwrap_or(u32::MAX);
        if layout.can_be_valid {
            scan.read_frames(layout)?;
        }
        scan.count_the_rest(layout)?;
    }
    scan.newest.tidy();
    Ok((scan.end, scan.newest))
}

struct Scan<'l> {
    log: &'l LogBytes,
    limits: &'l Limits,
    end: WalEnd,
    newest: NewestFrames,
    uncommitted: NewestFrames,
}

impl Scan<'_> {
    fn read_frames(&mut self, layout: &Layout) -> Result<()> {
        let page_size = layout.header.page_size;
        let frame_bytes = frame_bytes(page_size);
        let mut buffer = vec![0; (READ_BYTES / frame_bytes).max(1) * frame_bytes];
        let mut chain = FrameChain::new(&layout.header);
        while let Some(first) = chain.next_frame() {
            let there = self.log.read(&mut buffer, first.offset_in_wal(page_size))?;
            if there == 0 {
                self.end.reason = self.end.reason_at_end_of_file();
                break;
            }
            for bytes in buffer.get(..there).unwrap_or_default().chunks(frame_bytes) {
                match chain.accept(bytes) {
                    Ok(frame) => self.take(&frame)?,
                    Err(fault) => {
                        self.end.ended_by(fault, chain.accepted());
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, frame: &WalFrame) -> Result<()> {
        let end = &mut self.end;
        end.valid_frames = frame.number.get();
        self.uncommitted.push(frame.page_number, frame.number);
        if frame.is_commit() {
            end.committed_frames = frame.number.get();
            end.commits = end.commits.saturating_add(1);
            end.page_count = frame.commit_page_count;
            self.newest.append(&mut self.uncommitted);
        }
        end.uncommitted_frames = end.valid_frames - end.committed_frames;
        self.check_overlay()
    }

    /// Keeps the indexes within the limit for each: the same page may be there again and again, so three times as much is let
    /// grow before what counts is counted.
    fn check_overlay(&mut self) -> Result<()> {
        let grown = self.newest.size_bytes().saturating_add(self.uncommitted.size_bytes());
        if self.limits.allow(Limit::OverlayBytes, grown / 3).is_ok() {
            return Ok(());
        }
        for frames in [&mut self.newest, &mut self.uncommitted] {
            frames.tidy();
            self.limits.check(Limit::OverlayBytes, frames.size_bytes(), &self.log.path)?;
        }
        Ok(())
    }

    /// Tells the frames behind the valid ones apart.
    fn count_the_rest(&mut self, layout: &Layout) -> Result<()> {
        for number in self.end.valid_frames..self.end.file_frames {
            let frame = FrameNumber::FIRST.checked_add(number);
            let header = frame.map(|frame| self.log.read_frame_header(layout, frame)).transpose()?.flatten();
            match header {
                Some(header) if header.is_unsummed() => self.end.unsummed_frames += 1,
                Some(_) => self.end.stale_frames += 1,
                None => break,
            }
        }
        Ok(())
    }
}

impl WalEnd {
    fn new(file_bytes: u64) -> Self {
        let reason = match file_bytes {
            0 => WalEndReason::EndOfFile,
            1..32 => WalEndReason::PartialFrame,
            // What is left when no frame is looked at: the header is not what its writer summed.
            _ => WalEndReason::Checksum,
        };
        Self {
            valid_frames: 0,
            committed_frames: 0,
            commits: 0,
            reason,
            detail: None,
            uncommitted_frames: 0,
            stale_frames: 0,
            unsummed_frames: 0,
            file_frames: 0,
            file_bytes,
            page_count: 0,
        }
    }

    fn ended_by(&mut self, fault: FrameFault, accepted: u32) {
        self.detail = Some(format!("frame {}: {fault}", u64::from(accepted) + 1));
        self.reason = match fault {
            FrameFault::OtherSalts { .. } => WalEndReason::Salt,
            FrameFault::ZeroPageNumber => WalEndReason::PageNumber,
            FrameFault::WrongChecksum { .. } => WalEndReason::Checksum,
            FrameFault::Short { .. } => WalEndReason::PartialFrame,
            FrameFault::TooMany => self.reason_at_end_of_file(),
        };
    }

    fn reason_at_end_of_file(&self) -> WalEndReason {
        let open = self.valid_frames > self.committed_frames;
        if open { WalEndReason::NoCommit } else { WalEndReason::EndOfFile }
    }
}

/// How many frames in a row without the log's salts are gone through behind its end: a log may be a sparse file of many GiB.
const MOST_FOREIGN_FRAMES: u32 = 65_536;

/// Commits of the log's own generation behind its valid frames: SQLite does not see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LostCommits {
    /// The first frame that is right by the frame before it.
    pub(super) first_frame: u32,
    /// The last that ends a commit.
    pub(super) last_frame: u32,
    pub(super) commits: u32,
}

/// Looks behind the end for commits whose frames have the log's salts, each summed on from what stands in the frame before it: they
/// were written behind a frame that is not what it was.
pub(super) fn lost_commits(log: &LogBytes, layout: &Layout, end: &WalEnd) -> Result<Option<LostCommits>> {
    let page_size = layout.header.page_size;
    let mut buffer = vec![0; frame_bytes(page_size)];
    let mut before = match FrameNumber::new(end.valid_frames) {
        Some(last) => {
            log.read_frame_header(layout, last)?.map_or(layout.header.checksum, |last| last.checksum)
        }
        None => layout.header.checksum,
    };
    let (mut first, mut lost, mut foreign) = (None, None::<LostCommits>, 0);
    for taken in end.valid_frames..end.file_frames {
        let Some(number) = FrameNumber::FIRST.checked_add(taken) else { break };
        let Some(header) = log.read_frame_header(layout, number)? else { break };
        let summed_before = std::mem::replace(&mut before, header.checksum);
        if header.salts != layout.header.salts {
            first = None;
            foreign += 1;
            if foreign == MOST_FOREIGN_FRAMES {
                break;
            }
            continue;
        }
        foreign = 0;
        let there = log.read(&mut buffer, number.offset_in_wal(page_size))?;
        let bytes = buffer.get(..there).unwrap_or_default();
        let Ok(frame) = FrameChain::resume(&layout.header, taken, summed_before).accept(bytes) else {
            first = None;
            continue;
        };
        let first_frame = *first.get_or_insert(number.get());
        if frame.is_commit() {
            let found = lost.get_or_insert(LostCommits { first_frame, last_frame: 0, commits: 0 });
            found.last_frame = number.get();
            found.commits += 1;
        }
    }
    Ok(lost)
}
