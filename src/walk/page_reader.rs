//! Reads pages of a snapshot, several at once where they are asked for in their order.

use crate::error::Result;
use crate::format::PageNumber;
use crate::source::Snapshot;

/// How many bytes are read at once at most.
const MOST_BYTES: usize = 256 * 1024;

/// How far behind the page before a page may lie to count as the next one: others of the same tree lie in between.
const NEAR: u32 = 8;

/// A window onto the pages of a snapshot.
///
/// A page that does not follow is read beside the window: on the way from leaf to leaf, an interior page must not cost what
/// has been read ahead.
#[derive(Debug, Default)]
pub(crate) struct PageReader {
    window: Vec<u8>,
    /// The first page in the window, and how many there are.
    first: u32,
    count: u32,
    /// The page beside the window.
    alone: Vec<u8>,
    /// The page that was asked for last, and whether it lies beside the window.
    last: u32,
    is_alone: bool,
    /// How many pages to read at once.
    run: u32,
}

impl PageReader {
    /// The bytes of a page that the snapshot has. Where it could not be read with others, it is read alone.
    pub(crate) fn read(&mut self, snapshot: &Snapshot, page: PageNumber) -> Result<&[u8]> {
        let page_bytes = snapshot.page_size().bytes_usize();
        let is_read = self.holds(page) || (self.follows(page) && self.read_ahead(snapshot, page, page_bytes));
        self.is_alone = !is_read;
        if !is_read {
            self.alone.resize(page_bytes, 0);
            snapshot.read_pages(page, &mut self.alone)?;
        }
        self.last = page.get();
        Ok(self.current(page_bytes))
    }

    /// The page that was read last.
    pub(crate) fn current(&self, page_bytes: usize) -> &[u8] {
        if self.is_alone {
            return &self.alone;
        }
        let start = self.last.saturating_sub(self.first) as usize * page_bytes;
        self.window.get(start..).and_then(|rest| rest.get(..page_bytes)).unwrap_or_default()
    }

    fn holds(&self, page: PageNumber) -> bool {
        page.get().checked_sub(self.first).is_some_and(|distance| distance < self.count)
    }

    /// Whether a page lies just behind the window, or behind the page before; how much is read ahead grows with each time.
    fn follows(&mut self, page: PageNumber) -> bool {
        let is_near = |before: u32| page.get().checked_sub(before).is_some_and(|distance| distance <= NEAR);
        let behind_window = self.count > 0 && is_near(self.first.saturating_add(self.count - 1));
        if !behind_window {
            self.run = 1;
        }
        self.run = self.run.saturating_mul(4);
        behind_window || is_near(self.last)
    }

    /// Fills the window from a page on. `false`: it could not be read.
    fn read_ahead(&mut self, snapshot: &Snapshot, page: PageNumber, page_bytes: usize) -> bool {
        self.run = self.run.min(u32::try_from(MOST_BYTES / page_bytes).unwrap_or(1)).max(1);
        let left = snapshot.page_count().saturating_sub(page.get()).saturating_add(1).max(1);
        let count = self.run.min(left);
        let bytes = count as usize * page_bytes;
        if self.window.len() < bytes {
            self.window.resize(bytes, 0);
        }
        (self.first, self.count) = (page.get(), 0);
        let is_read = snapshot.read_pages(page, self.window.get_mut(..bytes).unwrap_or_default()).is_ok();
        self.count = if is_read { count } else { 0 };
        is_read
    }
}
