//! Reads every record of one b-tree, in the order of its keys, and goes on past what is broken.
//!
//! A child pointer that is broken may lead to a leaf of another table. What gives it away are its rowids: those of a leaf lie between the
//! keys to its left and to its right. A leaf of which most do not is left out, and its page free for whom it belongs to.

use crate::error::Result;
use crate::format::{BtreeCell, BtreePage, Damage, PageKind, PageNumber};
use crate::walk::{Fault, FaultSink, FindingKind, Step, TreeWalk, Upcoming, Walk, salvage_cells};

/// A record as it is stored, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredRecord<'r> {
    /// The page that its cell is in, and where the cell begins there.
    pub(crate) page: PageNumber,
    pub(crate) offset: u32,
    /// The rowid; in the b-trees of tables.
    pub(crate) rowid: Option<i64>,
    pub(crate) payload: &'r [u8],
}

/// The records of one b-tree: on the leaves of a table, on all pages of an index.
pub(crate) struct RecordReader {
    tree: TreeWalk,
    /// The page that the records at hand are in.
    current: HeldPage,
    /// A leaf that was read, of which the key to its right is not known yet.
    waiting: Option<HeldPage>,
    /// The key that was passed last: the rowids that follow are larger.
    passed: Option<i64>,
    /// The payload of a cell with an overflow chain.
    long: Vec<u8>,
    /// Whether no record of the page at hand was given yet.
    is_fresh: bool,
    /// How deep the first leaf lies; all others do, too.
    leaf_depth: Option<u32>,
    page_count: u32,
}

/// A page whose records are wanted.
struct HeldPage {
    number: PageNumber,
    kind: PageKind,
    usable: Vec<u8>,
    /// Where the cells at hand begin, the next one last.
    cells: Vec<(u16, u32)>,
    /// The key to the left of a leaf.
    after: Option<i64>,
}

/// A cell whose payload is at hand.
struct Found {
    offset: u32,
    rowid: Option<i64>,
    is_long: bool,
}

/// What the walk came to.
enum Event {
    /// A leaf, or an index entry on an interior page.
    Records(HeldPage),
    /// The key between two children in the b-tree of a table.
    Key(i64),
    Nothing,
    End,
}

impl RecordReader {
    /// The records of the b-tree with this root; `is_table`: of which sort it must be, where that is known.
    pub(crate) fn new(root: PageNumber, is_table: Option<bool>, usable_bytes: u32) -> Self {
        let kind = PageKind::LeafTable;
        Self {
            tree: TreeWalk::new(root, is_table, usable_bytes),
            current: HeldPage { number: root, kind, usable: Vec::new(), cells: Vec::new(), after: None },
            waiting: None,
            passed: None,
            long: Vec::new(),
            is_fresh: false,
            leaf_depth: None,
            page_count: 0,
        }
    }

    /// How many of its pages have been read.
    pub(crate) fn page_count(&self) -> u32 {
        self.page_count
    }

    /// The next record; `None` at the end.
    pub(crate) fn next<F: FaultSink>(&mut self, walk: &mut Walk<'_, F>) -> Result<Option<StoredRecord<'_>>> {
        let Some(Found { offset, rowid, is_long }) = self.advance(walk)? else { return Ok(None) };
        let payload = match is_long {
            true => self.long.as_slice(),
            false => {
                let cell = self.current.cell(offset);
                cell.and_then(|cell| cell.payload).map(|payload| payload.local).unwrap_or_default()
            }
        };
        Ok(Some(StoredRecord { page: self.current.number, offset, rowid, payload }))
    }

    /// The leaf that comes next, where it is not read yet and no record is at hand.
    pub(crate) fn unread_leaf<F: FaultSink>(&mut self, walk: &mut Walk<'_, F>) -> Result<Option<PageNumber>> {
        while self.current.cells.is_empty() && self.waiting.is_none() {
            match self.tree.upcoming() {
                Some(Upcoming::Child(at)) if Some(at.depth) == self.leaf_depth => return Ok(Some(at.page)),
                Some(Upcoming::Child(_) | Upcoming::Entry) => {}
                Some(Upcoming::Other) | None => break,
            }
            match self.step(walk)? {
                Event::Key(key) => self.passed = Some(key),
                Event::Records(page) if page.kind.is_table() => self.waiting = Some(page),
                Event::Records(page) => (self.current, self.is_fresh) = (page, true),
                Event::Nothing | Event::End => {}
            }
        }
        Ok(None)
    }

    /// Passes over the leaf that [`unread_leaf`](Self::unread_leaf) gave.
    pub(crate) fn pass_unread_leaf<F: FaultSink>(&mut self, walk: &mut Walk<'_, F>) -> Result<()> {
        self.tree.pass_child(walk)
    }

    /// The leaf that comes next, where none of its records was given yet and none of them has an overflow chain.
    pub(crate) fn leaf_without_chains<F: FaultSink>(
        &mut self,
        walk: &mut Walk<'_, F>,
    ) -> Result<Option<PageNumber>> {
        while self.current.cells.is_empty() {
            if !self.next_page(walk)? {
                return Ok(None);
            }
        }
        let page = &self.current;
        let has_chain = |&(_, offset): &(u16, u32)| {
            page.cell(offset)
                .and_then(|cell| cell.payload)
                .is_some_and(|payload| payload.first_overflow.is_some())
        };
        let is_whole = self.is_fresh && page.kind.is_leaf() && !page.cells.iter().any(has_chain);
        Ok(is_whole.then_some(page.number))
    }

    /// Passes over the records at hand.
    pub(crate) fn pass_leaf(&mut self) {
        self.current.cells.clear();
    }

    fn advance<F: FaultSink>(&mut self, walk: &mut Walk<'_, F>) -> Result<Option<Found>> {
        loop {
            while let Some((index, offset)) = self.current.cells.pop() {
                self.is_fresh = false;
                // That it can be read was seen when it was put here.
                let Some(cell) = self.current.cell(offset) else { continue };
                let is_long = cell.payload.is_some_and(|payload| payload.first_overflow.is_some());
                if is_long && !walk.whole_payload((index, &cell), self.current.number, &mut self.long)? {
                    continue;
                }
                return Ok(Some(Found { offset, rowid: cell.rowid, is_long }));
            }
            if !self.next_page(walk)? {
                return Ok(None);
            }
        }
    }

    /// Takes up the cells of the next page that has records. `false` at the end.
    fn next_page<F: FaultSink>(&mut self, walk: &mut Walk<'_, F>) -> Result<bool> {
        loop {
            let (leaf, before, is_end) = match self.step(walk)? {
                Event::Nothing => continue,
                Event::Records(page) if !page.kind.is_table() => {
                    (self.current, self.is_fresh) = (page, true);
                    return Ok(true);
                }
                Event::Records(page) => (self.waiting.replace(page), None, false),
                Event::Key(key) => {
                    self.passed = Some(key);
                    (self.waiting.take(), Some(key), false)
                }
                Event::End => (self.waiting.take(), None, true),
            };
            match leaf {
                Some(leaf) if leaf.belongs(before) => {
                    (self.current, self.is_fresh) = (leaf, true);
                    return Ok(true);
                }
                Some(leaf) => {
                    walk.placed.remove(leaf.number);
                    walk.tell(
                        Fault::new(leaf.number, Damage::LeafElsewhere).of_kind(FindingKind::RowidOrder),
                    )?;
                }
                None => {}
            }
            if is_end {
                return Ok(false);
            }
        }
    }

    fn step<F: FaultSink>(&mut self, walk: &mut Walk<'_, F>) -> Result<Event> {
        let mut faults = Vec::new();
        let Some(step) = self.tree.next(walk)? else { return Ok(Event::End) };
        let event = match step {
            Step::Page { at, page } if page.kind.is_leaf() => {
                self.page_count = self.page_count.saturating_add(1);
                self.leaf_depth.get_or_insert(at.depth);
                let mut held = HeldPage::new(at.page, &page, self.passed);
                salvage_cells(page, at.page, &mut faults, |index, cell| {
                    held.cells.push((index, cell.offset))
                });
                held.cells.reverse();
                Event::Records(held)
            }
            Step::Entry { at, page, index } => {
                // What is wrong with it is told by the walk, which follows its child.
                let cell = page.cell(index).ok();
                match (page.kind.is_table(), cell) {
                    (true, Some(cell)) => cell.rowid.map_or(Event::Nothing, Event::Key),
                    (false, Some(cell)) => {
                        let mut held = HeldPage::new(at.page, &page, None);
                        held.cells.push((index, cell.offset));
                        Event::Records(held)
                    }
                    (_, None) => Event::Nothing,
                }
            }
            Step::Page { .. } => {
                self.page_count = self.page_count.saturating_add(1);
                Event::Nothing
            }
            Step::Lost { at } => {
                // It may be a page of another b-tree.
                walk.placed.remove(at.page);
                Event::Nothing
            }
        };
        for fault in faults {
            walk.tell(fault)?;
        }
        Ok(event)
    }
}

impl HeldPage {
    fn new(number: PageNumber, page: &BtreePage<'_>, after: Option<i64>) -> Self {
        Self { number, kind: page.kind, usable: page.usable().to_vec(), cells: Vec::new(), after }
    }

    fn cell(&self, offset: u32) -> Option<BtreeCell<'_>> {
        BtreeCell::parse(&self.usable, self.kind, offset).ok()
    }

    /// Whether no more than half of its rowids lie outside the keys around it.
    fn belongs(&self, before: Option<i64>) -> bool {
        // They ascend: where the first and the last fit, all of them do.
        let fits = |&(_, offset): &(u16, u32)| {
            let rowid = self.cell(offset).and_then(|cell| cell.rowid);
            rowid.is_none_or(|rowid| {
                self.after.is_none_or(|after| rowid > after) && before.is_none_or(|before| rowid <= before)
            })
        };
        let ends = [self.cells.first(), self.cells.last()];
        if ends.into_iter().flatten().all(fits) {
            return true;
        }
        self.cells.iter().filter(|cell| fits(cell)).count() * 2 >= self.cells.len()
    }
}
