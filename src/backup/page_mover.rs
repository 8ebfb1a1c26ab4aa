//! Moves pages from a snapshot to a target, run by run.

use super::page_cursor::PageCursor;
use crate::error::Result;
use crate::source::Snapshot;
use crate::target::Target;

/// The buffer that pages pass through.
#[derive(Debug, Default)]
pub(super) struct PageMover {
    buffer: Vec<u8>,
    moved_bytes: u64,
}

impl PageMover {
    /// How much it has moved in all.
    pub(super) fn moved_bytes(&self) -> u64 {
        self.moved_bytes
    }

    /// Moves up to `limit` of the pages that the cursor has before it.
    pub(super) fn move_pages(
        &mut self,
        snapshot: &Snapshot,
        target: &mut impl Target,
        cursor: &mut PageCursor,
        limit: u32,
    ) -> Result<()> {
        let mut left = limit;
        while let Some((passed, run)) = cursor.advance(left) {
            left -= passed;
            let Some(run) = run else { continue };
            self.moved_bytes += u64::from(run.count) * u64::from(snapshot.page_size().bytes());
            // The shortest way is that within the system.
            if let Some((file, offset)) = snapshot.plain_pages(run.first, run.count)
                && target.take_pages(run.first, run.count, file, offset)?
            {
                continue;
            }
            self.buffer.resize(run.count as usize * snapshot.page_size().bytes_usize(), 0);
            snapshot.read_pages(run.first, &mut self.buffer)?;
            target.write_pages(run.first, &self.buffer)?;
        }
        Ok(())
    }
}
