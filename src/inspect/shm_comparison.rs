//! Compares a wal-index with its log: the header with the last commit, and each hash block with the frames.

use super::shm_header::ShmHeader;
use super::wal_timeline::WalTimeline;
use crate::error::{Error, Result};
use crate::format::lock_bytes::WAL_INDEX_LOCKS;
use crate::format::wal_checksum::ByteOrder;
use crate::format::wal_hash::{BLOCK_BYTES, HashBlock, block_of};
use crate::format::{FrameNumber, PageNumber};
use crate::os::random_access::{ReadAt, read_padded_around};

/// How many differences are told.
const MOST: usize = 20;

/// What a wal-index claims.
pub(super) struct Claims<'c> {
    pub(super) headers: &'c [ShmHeader],
    pub(super) headers_agree: bool,
    pub(super) backfill: u32,
    pub(super) order: ByteOrder,
    pub(super) bytes: &'c dyn ReadAt,
}

impl Claims<'_> {
    /// What of it is otherwise than in the log, in words.
    pub(super) fn differences(&self, timeline: &WalTimeline) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let Some(header) = self.headers.first() else {
            return Ok(vec!["it is too short to have a header".to_owned()]);
        };
        if !self.headers_agree {
            found.push("the copies of the header differ".to_owned());
        }
        if let Some(damage) = &header.damage {
            found.push(format!("the header does not count: {damage}"));
        }
        if self.backfill > header.mx_frame {
            found.push(format!("{} frames are written back, of {}", self.backfill, header.mx_frame));
        }
        compare_header(header, timeline, &mut found)?;
        // Nobody here reads the tables of another machine.
        if found.is_empty() && self.order == ByteOrder::NATIVE {
            compare_blocks(header, self.bytes, timeline, &mut found)?;
        }
        Ok(found)
    }
}

fn compare_header(header: &ShmHeader, timeline: &WalTimeline, found: &mut Vec<String>) -> Result<()> {
    let end = timeline.end();
    let log = timeline.header().filter(|log| log.damage.is_none());
    if header.mx_frame == 0 {
        // Nothing is said of frames. Other salts are those with which the log will be begun anew.
        let same_log = log.is_some_and(|log| log.salt == header.salt);
        if same_log && end.committed_frames > 0 {
            found.push(format!("no frame, the log has {} committed ones", end.committed_frames));
        }
        return Ok(());
    }
    let Some(log) = log else {
        found.push(format!("{} frames, but the log has no header that counts", header.mx_frame));
        return Ok(());
    };
    let mut compare = |what: &str, here: String, there: String| {
        if here != there {
            found.push(format!("{what} {here}, the log has {there}"));
        }
    };
    compare("page size", words(header.page_size.unwrap_or(0)), words(log.page_size));
    compare("checksum order", header.checksum_order.to_owned(), log.byte_order.to_owned());
    let hex = |[a, b]: [u32; 2]| format!("{a:08x} {b:08x}");
    compare("salts", hex(header.salt), hex(log.salt));
    compare("last frame", words(header.mx_frame), words(end.committed_frames));
    if header.mx_frame == end.committed_frames {
        compare("page count", words(header.page_count), words(end.page_count));
        if let Some(frame) = FrameNumber::new(header.mx_frame)
            && let Some(last) = timeline.frame_header(frame)?
        {
            compare("checksum of the last frame", hex(header.frame_checksum), hex(last.checksum.words()));
        }
    }
    Ok(())
}

fn words(number: u32) -> String {
    number.to_string()
}

/// Each frame has to be listed with its page, and found as the newest of its page through the hash tables where it is that.
fn compare_blocks(
    header: &ShmHeader,
    bytes: &dyn ReadAt,
    timeline: &WalTimeline,
    found: &mut Vec<String>,
) -> Result<()> {
    let mut block_bytes = vec![0; BLOCK_BYTES];
    let mut block_number = None;
    for number in 1..=header.mx_frame.min(timeline.end().committed_frames) {
        let Some(frame) = FrameNumber::new(number) else { break };
        let wanted = block_of(frame);
        if block_number != Some(wanted) {
            let offset = u64::from(wanted) * BLOCK_BYTES as u64;
            read_padded_around(bytes, &mut block_bytes, offset, WAL_INDEX_LOCKS)
                .map_err(Error::io("read", timeline.path()))?;
            block_number = Some(wanted);
        }
        let page = timeline.frame_header(frame)?.and_then(|header| header.page_number);
        if let (Some(page), Ok(block)) = (page, HashBlock::new(wanted, &block_bytes)) {
            found.extend(difference_of(&block, frame, page));
        }
        if found.len() >= MOST {
            found.push("and more of it, which is not listed".to_owned());
            break;
        }
    }
    Ok(())
}

fn difference_of(block: &HashBlock<'_>, frame: FrameNumber, page: PageNumber) -> Option<String> {
    match block.page_of(frame) {
        Some(listed) if listed == page => {}
        Some(listed) => {
            return Some(format!("frame {frame} is listed with page {listed}, the log has page {page}"));
        }
        None => return Some(format!("frame {frame} is not listed, the log has page {page}")),
    }
    match block.find(page, FrameNumber::FIRST, frame) {
        Ok(Some(place)) if place == frame => None,
        Ok(Some(place)) => {
            Some(format!("the search for page {page} up to frame {frame} ends at frame {place}"))
        }
        Ok(None) => Some(format!("the search for page {page} does not find frame {frame}")),
        Err(damage) => Some(format!("the search for page {page}: {damage}")),
    }
}
