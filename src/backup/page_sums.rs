//! The CRC32 of each page as it was written, and the comparison with what the target gives back.

use super::page_cursor::{PageCursor, buffer_pages};
use crate::error::{Error, Problem, Result};
use crate::format::{PageNumber, PageSize};
use crate::halt::Halt;
use crate::targets::{AnyTarget, Target};

/// The sums of the pages of one version: 4 bytes a page.
#[derive(Debug)]
pub(super) struct PageSums {
    page_size: PageSize,
    /// The sum of a page of zeros: of each that is not written.
    empty: u32,
    sums: Vec<u32>,
}

impl PageSums {
    pub(super) fn new(page_size: PageSize) -> Self {
        let empty = crc32fast::hash(&vec![0; page_size.bytes_usize()]);
        Self { page_size, empty, sums: Vec::new() }
    }

    /// The sums, from that of the first page on.
    #[cfg(feature = "manifest")]
    pub(super) fn as_slice(&self) -> &[u32] {
        &self.sums
    }

    /// Notes pages that follow each other, as they are written.
    pub(super) fn note(&mut self, first: PageNumber, pages: &[u8]) {
        let page_bytes = self.page_size.bytes_usize();
        let start = first.get() as usize - 1;
        let end = start + pages.len() / page_bytes;
        if end > self.sums.len() {
            self.sums.resize(end, self.empty);
        }
        let sums = self.sums.iter_mut().skip(start);
        for (sum, page) in sums.zip(pages.chunks_exact(page_bytes)) {
            *sum = crc32fast::hash(page);
        }
    }

    /// There are so many pages after all.
    pub(super) fn cut(&mut self, page_count: u32) {
        self.sums.resize(page_count as usize, self.empty);
    }

    /// Reads the sealed copy of `page_count` pages back and compares; `see` is shown every byte of it, in order.
    pub(super) fn compare(
        &mut self,
        target: &mut impl Target,
        page_count: u32,
        (halt, buffer): (&Halt, &mut Vec<u8>),
        mut see: impl FnMut(&[u8]),
    ) -> Result<()> {
        self.cut(page_count);
        let page_bytes = self.page_size.bytes_usize();
        let mut cursor = PageCursor::new(page_count, self.page_size);
        let mut sums = self.sums.iter();
        while let Some((count, run)) = cursor.advance(buffer_pages(self.page_size)) {
            halt.check(target.shown_path())?;
            buffer.resize(count as usize * page_bytes, 0);
            let Some(run) = run else {
                // The page of the lock bytes, which nobody reads.
                buffer.fill(0);
                see(buffer);
                sums.next();
                continue;
            };
            target.read_back(run.first, buffer)?;
            for ((number, page), &written) in
                (run.first.get()..).zip(buffer.chunks_exact(page_bytes)).zip(&mut sums)
            {
                let found = crc32fast::hash(page);
                if found != written {
                    return Err(Error::new(
                        target.shown_path(),
                        Problem::NotAsWritten { page: number, written, found },
                    ));
                }
            }
            see(buffer);
        }
        Ok(())
    }
}
