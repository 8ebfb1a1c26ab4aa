//! The running checksums of frames that are in a log already: gone through, and written anew where they are not right.
//!
//! A writer that wrote a page again within its transaction, in the frame that the page has there already, leaves the sums from
//! there on to be made at the end; we do the same. SQLite up to 3.50 may forget them, when a savepoint is rolled back in between:
//! it publishes frames with zeros for salts and sums, which all who are connected read, and which recovery takes for the end of
//! the log (`[wal.md#frame-validity]`).

use crate::error::{Error, Problem, Result};
use crate::format::frame_number::FRAME_HEADER_BYTES;
use crate::format::frame_number::frame_bytes;
use crate::format::{FrameChain, FrameNumber, PageNumber, PageSize};
use crate::os::random_access::read_padded;
use crate::os::side_file::SideFile;

/// How many bytes of frames are read at once.
const READ_BYTES: usize = 256 * 1024;

/// Goes through the frames behind `chain` up to the one numbered `last`. Gives the chain behind that, and that before the first
/// frame whose sums are not right, if there is one. With `mends` these are written anew.
pub(super) fn go_through(
    log: &SideFile,
    page_size: PageSize,
    chain: FrameChain,
    last: u32,
    mends: bool,
) -> Result<(FrameChain, Option<FrameChain>)> {
    let (mut chain, mut wrong) = (chain, None);
    let frame_bytes = frame_bytes(page_size);
    let mut buffer = vec![0; (READ_BYTES / frame_bytes).max(1) * frame_bytes];
    let mut right = Vec::new();
    while let Some(first) = chain.next_frame().filter(|first| first.get() <= last) {
        let most = (last - chain.accepted()) as usize;
        let count = most.min(buffer.len() / frame_bytes);
        let run = buffer.get_mut(..count * frame_bytes).unwrap_or_default();
        let offset = first.offset_in_wal(page_size);
        if read_padded(log, run, offset).map_err(Error::io("read", log.path()))? < run.len() {
            return Err(ends_early(log, last));
        }
        for (frame, offset) in run.chunks_exact(frame_bytes).zip((offset..).step_by(frame_bytes)) {
            let before = chain;
            right.clear();
            append_again(&mut chain, frame, &mut right).ok_or_else(|| ends_early(log, last))?;
            let header = right.get(..FRAME_HEADER_BYTES).unwrap_or_default();
            if frame.starts_with(header) {
                continue;
            }
            wrong.get_or_insert(before);
            if mends {
                log.write_at(header, offset).map_err(Error::io("write", log.path()))?;
            }
        }
    }
    Ok((chain, wrong))
}

/// Appends the page and commit that a frame has to `log`, as the chain goes on; `None` when it is of no page.
fn append_again(chain: &mut FrameChain, frame: &[u8], log: &mut Vec<u8>) -> Option<FrameNumber> {
    let (page, rest) = frame.split_first_chunk::<4>()?;
    let (commit_page_count, _) = rest.split_first_chunk::<4>()?;
    let page = PageNumber::new(u32::from_be_bytes(*page))?;
    let image = frame.get(FRAME_HEADER_BYTES..)?;
    chain.append(log, page, u32::from_be_bytes(*commit_page_count), image)
}

fn ends_early(log: &SideFile, last: u32) -> Error {
    let what = format!(
        "the wal-index tells of {last} frames, of which not all are there; a checkpoint begins it anew"
    );
    Error::new(log.path(), Problem::Contradiction(what))
}
