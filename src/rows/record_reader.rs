//! Reads every record of one b-tree, in the order of its keys, and goes on past what is broken.

use crate::error::Result;
use crate::format::{BtreeCell, BtreePage, PageKind, PageNumber};
use crate::walk::{FaultSink, Step, TreeWalk, Walk};

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
    usable_bytes: u32,
    /// The page that the records at hand are in.
    number: PageNumber,
    kind: PageKind,
    page: Vec<u8>,
    /// Where the cells at hand begin, the next one last.
    cells: Vec<(u16, u32)>,
    /// The payload of a cell with an overflow chain.
    long: Vec<u8>,
    /// Whether no record of the page at hand was given yet.
    is_fresh: bool,
}

/// A cell whose payload is at hand.
struct Found {
    offset: u32,
    rowid: Option<i64>,
    is_long: bool,
}

impl RecordReader {
    /// The records of the b-tree with this root; `is_table`: of which sort it must be, where that is known.
    pub(crate) fn new(root: PageNumber, is_table: Option<bool>, usable_bytes: u32) -> Self {
        Self {
            tree: TreeWalk::new(root, is_table, usable_bytes),
            usable_bytes,
            number: root,
            kind: PageKind::LeafTable,
            page: Vec::new(),
            cells: Vec::new(),
            long: Vec::new(),
            is_fresh: false,
        }
    }

    /// The next record; `None` at the end.
    pub(crate) fn next<F: FaultSink>(&mut self, walk: &mut Walk<'_, F>) -> Result<Option<StoredRecord<'_>>> {
        let Some(Found { offset, rowid, is_long }) = self.advance(walk)? else { return Ok(None) };
        let payload = match is_long {
            true => self.long.as_slice(),
            false => {
                let cell = BtreeCell::parse(self.usable(), self.kind, offset).ok();
                cell.and_then(|cell| cell.payload).map(|payload| payload.local).unwrap_or_default()
            }
        };
        Ok(Some(StoredRecord { page: self.number, offset, rowid, payload }))
    }

    /// The leaf that comes next, where none of its records was given yet and none of them has an overflow chain.
    pub(crate) fn leaf_without_chains<F: FaultSink>(
        &mut self,
        walk: &mut Walk<'_, F>,
    ) -> Result<Option<PageNumber>> {
        while self.cells.is_empty() {
            if !self.next_page(walk)? {
                return Ok(None);
            }
        }
        let has_chain = |&(_, offset): &(u16, u32)| {
            let cell = BtreeCell::parse(self.usable(), self.kind, offset).ok();
            cell.and_then(|cell| cell.payload).is_some_and(|payload| payload.first_overflow.is_some())
        };
        let is_whole = self.is_fresh && self.kind.is_leaf() && !self.cells.iter().any(has_chain);
        Ok(is_whole.then_some(self.number))
    }

    /// Passes over the records at hand.
    pub(crate) fn pass_leaf(&mut self) {
        self.cells.clear();
    }

    fn advance<F: FaultSink>(&mut self, walk: &mut Walk<'_, F>) -> Result<Option<Found>> {
        loop {
            while let Some((index, offset)) = self.cells.pop() {
                self.is_fresh = false;
                let usable = self.page.get(..self.usable_bytes as usize).unwrap_or_default();
                // That it can be read was seen when it was put here.
                let Ok(cell) = BtreeCell::parse(usable, self.kind, offset) else { continue };
                let is_long = cell.payload.is_some_and(|payload| payload.first_overflow.is_some());
                if is_long && !walk.payload((index, &cell), self.number, &mut self.long)? {
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
        let mut faults = Vec::new();
        let Some(step) = self.tree.next(walk)? else { return Ok(false) };
        self.is_fresh = true;
        match step {
            Step::Page { at, page } if page.kind.is_leaf() => {
                (self.number, self.kind) = (at.page, page.kind);
                copy_page(&mut self.page, &page);
                for cell in Step::cells(page, at) {
                    match cell {
                        Ok((index, cell)) => self.cells.push((index, cell.offset)),
                        Err(fault) => faults.push(fault),
                    }
                }
                self.cells.reverse();
            }
            Step::Entry { at, page, index } if !page.kind.is_table() => {
                (self.number, self.kind) = (at.page, page.kind);
                copy_page(&mut self.page, &page);
                // What is wrong with it is told by the walk, which follows its child.
                self.cells.extend(page.cell_offset(index).ok().map(|offset| (index, offset)));
            }
            _ => {}
        }
        for fault in faults {
            walk.tell(fault)?;
        }
        Ok(true)
    }

    fn usable(&self) -> &[u8] {
        self.page.get(..self.usable_bytes as usize).unwrap_or_default()
    }
}

fn copy_page(copy: &mut Vec<u8>, page: &BtreePage<'_>) {
    copy.clear();
    copy.extend_from_slice(page.usable());
}
