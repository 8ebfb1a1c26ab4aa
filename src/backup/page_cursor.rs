//! Which page comes next, and in what runs pages are moved.

use crate::format::page_number::PageNumber;
use crate::format::page_size::PageSize;
use std::collections::BTreeSet;

/// How many bytes are moved at once through our hands: enough for few system calls, little enough for the processor's cache. On
/// ext4 writes of 512 KiB and more were seen to take twice the time of these.
const BUFFER_BYTES: u32 = 256 * 1024;

/// How many bytes the system is asked to move at once, in one run.
const RUN_BYTES: u32 = 4 * 1024 * 1024;

/// A run of pages that follow each other and can be moved at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: PageNumber,
    pub(super) count: u32,
}

/// How many pages fit the buffer.
pub(super) fn buffer_pages(page_size: PageSize) -> u32 {
    (BUFFER_BYTES / page_size.bytes()).max(1)
}

impl Run {
    /// The same in pieces that fit the buffer.
    pub(super) fn pieces(self, page_size: PageSize) -> impl Iterator<Item = Self> {
        let most = buffer_pages(page_size);
        let mut rest = Some(self);
        std::iter::from_fn(move || {
            let run = rest?;
            let count = run.count.min(most);
            rest = run.behind(count);
            Some(Self { count, ..run })
        })
    }

    /// What is left of it behind its first `count` pages.
    pub(super) fn behind(self, count: u32) -> Option<Self> {
        let left = self.count.checked_sub(count).filter(|&left| left > 0)?;
        Some(Self { first: self.first.checked_add(count)?, count: left })
    }
}

/// Goes through the pages 1 to `page_count`, counting the lock-byte page but never naming it (`[pages.md#lock-byte-page]`);
/// then through those that were changed behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageCursor {
    /// The next page's number; one more than `page_count` at the end, so it needs more than 32 bits.
    next: u64,
    page_count: u32,
    page_size: PageSize,
    /// Pages before `next` that have to be moved again.
    changed: BTreeSet<PageNumber>,
}

impl PageCursor {
    /// From the first page on.
    pub(super) fn new(page_count: u32, page_size: PageSize) -> Self {
        Self::behind(0, page_count, page_size)
    }

    /// From the page after the first `passed` on.
    pub(super) fn behind(passed: u32, page_count: u32, page_size: PageSize) -> Self {
        let next = u64::from(passed.min(page_count)) + 1;
        Self { next, page_count, page_size, changed: BTreeSet::new() }
    }

    /// All pages again.
    pub(super) fn begun_again(self) -> Self {
        Self::new(self.page_count, self.page_size)
    }

    /// How many pages it has come by, from the first on.
    pub(super) fn passed(&self) -> u32 {
        u32::try_from(self.next.saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// How many pages are still to come, the lock-byte page among them.
    pub(super) fn remaining(&self) -> u32 {
        self.ahead().saturating_add(u32::try_from(self.changed.len()).unwrap_or(u32::MAX))
    }

    /// The database has so many pages now, and these have changed.
    pub(super) fn catch_up(&mut self, page_count: u32, changed: impl IntoIterator<Item = PageNumber>) {
        self.page_count = page_count;
        self.next = self.next.min(u64::from(page_count) + 1);
        self.changed.extend(changed);
        self.changed.retain(|page| u64::from(page.get()) < self.next);
    }

    /// Goes on by at most `limit` pages. `None` at the end; a run is missing where only the lock-byte page was passed.
    pub(super) fn advance(&mut self, limit: u32) -> Option<(u32, Option<Run>)> {
        let most = limit.min((RUN_BYTES / self.page_size.bytes()).max(1));
        if self.ahead() == 0 {
            return self.advance_in_changed(most);
        }
        let limit = most.min(self.ahead());
        let first = PageNumber::new(u32::try_from(self.next).ok()?).filter(|_| limit > 0)?;
        let lock_byte = u64::from(crate::format::lock_bytes::lock_byte_page(self.page_size).get());
        let (passed, run) = if self.next == lock_byte {
            (1, None)
        } else {
            let up_to_lock_byte = lock_byte.checked_sub(self.next).and_then(|gap| u32::try_from(gap).ok());
            let count = limit.min(up_to_lock_byte.unwrap_or(u32::MAX));
            (count, Some(Run { first, count }))
        };
        self.next += u64::from(passed);
        Some((passed, run))
    }

    fn ahead(&self) -> u32 {
        let left = (u64::from(self.page_count) + 1).saturating_sub(self.next);
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    /// The lock-byte page never changes, so it is not among these.
    fn advance_in_changed(&mut self, limit: u32) -> Option<(u32, Option<Run>)> {
        let first = *self.changed.first().filter(|_| limit > 0)?;
        let mut count = 0;
        while count < limit
            && let Some(page) = first.get().checked_add(count).and_then(PageNumber::new)
            && self.changed.remove(&page)
        {
            count += 1;
        }
        Some((count, Some(Run { first, count })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_size(bytes: u32) -> PageSize {
        PageSize::new(bytes).unwrap()
    }

    fn runs(cursor: &mut PageCursor, mut limit: u32) -> Vec<(u32, u32)> {
        let mut runs = Vec::new();
        while let Some((passed, run)) = cursor.advance(limit) {
            limit -= passed;
            runs.extend(run.map(|run| (run.first.get(), run.count)));
        }
        runs
    }

    #[test]
    fn eleven_pages_in_threes() {
        let mut cursor = PageCursor::new(11, page_size(4096));
        let mut seen = Vec::new();
        for left in [8, 5, 2, 0] {
            seen.extend(runs(&mut cursor, 3));
            assert_eq!(cursor.remaining(), left);
        }
        assert_eq!(seen, [(1, 3), (4, 3), (7, 3), (10, 2)]);
    }

    #[test]
    fn the_lock_byte_page_is_counted_but_not_moved() {
        let mut cursor = PageCursor::new(16_390, page_size(65_536));
        while cursor.remaining() > 10 {
            cursor.advance(cursor.remaining() - 10);
        }
        assert_eq!(runs(&mut cursor, u32::MAX), [(16_381, 4), (16_386, 5)]);
        assert_eq!(cursor.remaining(), 0);
    }

    #[test]
    fn what_changed_behind_it_comes_again_at_the_end_in_runs() {
        let pages = |numbers: &[u32]| numbers.iter().filter_map(|&n| PageNumber::new(n)).collect::<Vec<_>>();
        let mut cursor = PageCursor::new(11, page_size(4096));
        runs(&mut cursor, 8);
        cursor.catch_up(12, pages(&[1, 2, 3, 6, 9, 12]));
        assert_eq!(cursor.remaining(), 4 + 4);
        assert_eq!(runs(&mut cursor, 6), [(9, 4), (1, 2)]);
        assert_eq!(cursor.remaining(), 2);
        assert_eq!(runs(&mut cursor, u32::MAX), [(3, 1), (6, 1)]);
        assert_eq!((cursor.remaining(), cursor.passed()), (0, 12));
    }

    #[test]
    fn a_database_that_shrank_has_nothing_behind_its_end() {
        let mut cursor = PageCursor::behind(9, 11, page_size(4096));
        cursor.catch_up(5, [PageNumber::new(7), PageNumber::new(4)].into_iter().flatten());
        assert_eq!(runs(&mut cursor, u32::MAX), [(4, 1)]);
        assert_eq!(PageCursor::behind(9, 5, page_size(4096)).remaining(), 0);
    }

    #[test]
    fn a_run_falls_into_pieces_of_the_buffers_size() {
        let run = Run { first: PageNumber::FIRST, count: 130 };
        let pieces: Vec<_> = run.pieces(page_size(4096)).map(|run| (run.first.get(), run.count)).collect();
        assert_eq!(pieces, [(1, 64), (65, 64), (129, 2)]);
    }

    #[test]
    fn a_run_is_no_longer_than_the_buffer_and_an_end_is_an_end() {
        let mut cursor = PageCursor::new(u32::MAX, page_size(512));
        assert_eq!(cursor.advance(u32::MAX).unwrap().0, 8192);
        assert_eq!(PageCursor::new(0, page_size(512)).advance(5), None);
        assert_eq!(PageCursor::new(5, page_size(512)).advance(0), None);
    }
}
