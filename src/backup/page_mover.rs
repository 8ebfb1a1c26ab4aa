//! Moves pages from a snapshot to a target, run by run, and treats them on the way.

use super::page_cursor::{PageCursor, Run};
use super::page_sums::PageSums;
use super::treatment::Treatment;
use crate::error::Result;
use crate::format::page_one_edit::new_page_one;
use crate::format::{PageNumber, Shape};
use crate::source::{PageMap, Snapshot};
use crate::target::Target;

/// The way that the pages of one copy take.
#[derive(Debug, Default)]
pub(super) struct PageMover {
    treatment: Treatment,
    buffer: Vec<u8>,
    /// Of the version at hand, when something of it is to be left out.
    map: Option<PageMap>,
    /// Of the version at hand, when it is to be compared.
    sums: Option<PageSums>,
    /// The highest page that was ever written: those behind it are zeros without our doing.
    highest: u32,
    /// The version at hand.
    shape: Shape,
}

impl PageMover {
    pub(super) fn new(treatment: Treatment) -> Self {
        Self { treatment, ..Self::default() }
    }

    /// Moves up to `limit` of the pages that the cursor has before it. A cursor that stands at the first page begins a
    /// version anew: what is known of another is forgotten.
    pub(super) fn move_pages(
        &mut self,
        snapshot: &Snapshot,
        target: &mut impl Target,
        cursor: &mut PageCursor,
        limit: u32,
    ) -> Result<()> {
        self.shape = snapshot.shape();
        if cursor.is_at_first() && cursor.remaining().min(limit) > 0 {
            self.look_at(snapshot)?;
        }
        let mut left = limit;
        while let Some((passed, run)) = cursor.advance(left) {
            left -= passed;
            let mut rest = run;
            while let Some(run) = rest {
                let (empty, count) = match &self.map {
                    Some(map) => map.stretch(run.first, run.count),
                    None => (false, run.count),
                };
                let part = Run { count, ..run };
                if empty {
                    self.clear(target, part)?
                } else {
                    self.move_run(snapshot, target, part)?
                }
                rest = run.behind(count);
            }
        }
        Ok(())
    }

    /// Ends the copy of the version at hand: makes it durable, and compares it with what was read. Gives its page count.
    pub(super) fn seal(&mut self, target: &mut impl Target) -> Result<u32> {
        let Shape { page_size, mut page_count } = self.shape;
        if let (0, Some(edit)) = (page_count, self.treatment.fidelity.edit()) {
            page_count = 1;
            let mut page = new_page_one(page_size);
            edit.apply(&mut page, page_count);
            self.write(target, PageNumber::FIRST, &page)?;
        }
        target.seal(page_count)?;
        if let Some(sums) = &mut self.sums {
            sums.compare(target, page_count, &mut self.buffer, |_| ())?;
        }
        Ok(page_count)
    }

    /// Learns what there is to know of a version before its first page is moved.
    fn look_at(&mut self, snapshot: &Snapshot) -> Result<()> {
        self.sums = self.treatment.verify.then(|| PageSums::new(snapshot.page_size()));
        self.map = match self.treatment {
            Treatment { scrub: true, .. } => Some(PageMap::of_all(snapshot)?),
            Treatment { skip_free: true, .. } => Some(PageMap::of_freelist(snapshot)?),
            _ => None,
        };
        Ok(())
    }

    fn move_run(&mut self, snapshot: &Snapshot, target: &mut impl Target, run: Run) -> Result<()> {
        let mut pages = std::mem::take(&mut self.buffer);
        pages.resize(run.count as usize * snapshot.page_size().bytes_usize(), 0);
        snapshot.read_pages(run.first, &mut pages)?;
        if let Some(map) = &self.map {
            map.clear_unused(snapshot, run.first, &mut pages)?;
        }
        if let (PageNumber::FIRST, Some(edit)) = (run.first, self.treatment.fidelity.edit()) {
            edit.apply(&mut pages, snapshot.page_count());
        }
        self.write(target, run.first, &pages)?;
        self.buffer = pages;
        Ok(())
    }

    /// Leaves pages out: as zeros, where another version may have written something.
    fn clear(&mut self, target: &mut impl Target, run: Run) -> Result<()> {
        if run.first.get() > self.highest {
            return Ok(());
        }
        self.buffer.clear();
        self.buffer.resize(run.count as usize * self.shape.page_size.bytes_usize(), 0);
        target.write_pages(run.first, &self.buffer)
    }

    fn write(&mut self, target: &mut impl Target, first: PageNumber, pages: &[u8]) -> Result<()> {
        if let Some(sums) = &mut self.sums {
            sums.note(first, pages);
        }
        let count = u32::try_from(pages.len() / self.shape.page_size.bytes_usize()).unwrap_or(u32::MAX);
        self.highest = self.highest.max(first.get().saturating_add(count) - 1);
        target.write_pages(first, pages)
    }
}
