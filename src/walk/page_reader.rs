//! Reads pages of a snapshot, several at once where they are asked for in their order.

use crate::error::Result;
use crate::format::PageNumber;
use crate::source::Snapshot;

/// How many bytes are read at once at most.
const MOST_BYTES: usize = 256 * 1024;

/// How far behind the page before a page may lie to count as the next one: others of the same tree lie in between.
const NEAR: u32 = 8;

/// A window onto the pages of a snapshot.
#[derive(Debug, Default)]
pub(crate) struct PageReader {
    window: Vec<u8>,
    /// The first page in the window, and how many there are.
    first: u32,
    count: u32,
    /// The page that was asked for last.
    last: u32,
    /// How many pages to read at once.
    run: u32,
}

impl PageReader {
    /// The bytes of a page that the snapshot has. Where it could not be read with others, it is read alone.
    pub(crate) fn read(&mut self, snapshot: &Snapshot, page: PageNumber) -> Result<&[u8]> {
        let page_bytes = snapshot.page_size().bytes_usize();
        let is_near = page.get() > self.last && page.get() - self.last <= NEAR;
        if !self.holds(page) {
            let most = u32::try_from(MOST_BYTES / page_bytes).unwrap_or(1);
            self.run = if is_near { self.run.saturating_mul(4).clamp(1, most) } else { 1 };
            let left = snapshot.page_count().saturating_sub(page.get()).saturating_add(1).max(1);
            let count = self.run.min(left);
            if self.fill(snapshot, page, count).is_err() || self.count == 0 {
                self.fill(snapshot, page, 1)?;
            }
        }
        self.last = page.get();
        Ok(self.current(page_bytes))
    }

    /// The page that was read last.
    pub(crate) fn current(&self, page_bytes: usize) -> &[u8] {
        let start = self.last.saturating_sub(self.first) as usize * page_bytes;
        self.window.get(start..).and_then(|rest| rest.get(..page_bytes)).unwrap_or_default()
    }

    fn holds(&self, page: PageNumber) -> bool {
        page.get().checked_sub(self.first).is_some_and(|distance| distance < self.count)
    }

    fn fill(&mut self, snapshot: &Snapshot, page: PageNumber, count: u32) -> Result<()> {
        let bytes = count as usize * snapshot.page_size().bytes_usize();
        if self.window.len() < bytes {
            self.window.resize(bytes, 0);
        }
        (self.first, self.count) = (page.get(), 0);
        snapshot.read_pages(page, self.window.get_mut(..bytes).unwrap_or_default())?;
        self.count = count;
        Ok(())
    }
}
