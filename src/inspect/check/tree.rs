//! One b-tree: its pages, its depth, the order of its rowids.

use super::fields::LONGEST_BYTES;
use super::findings::Findings;
use super::page_space::PageSpace;
use super::plan::{Content, Plan, TreePlan};
use super::records::{Place, RecordCheck};
use crate::error::Result;
use crate::format::database_header::TextEncoding;
use crate::format::{BtreeCell, BtreePage};
use crate::walk::{FindingKind, Step, TreePlace, TreeWalk, Walk};

/// The depths that a b-tree can have, and the one beyond.
const DEPTHS: usize = 22;

/// What is kept between trees, so that it need not be made anew.
pub(super) struct TreeCheck<'p> {
    plan: &'p Plan,
    /// Rows of each table.
    pub(super) rows: Vec<u64>,
    /// Entries of each index.
    pub(super) entries: Vec<u64>,
    pub(super) records: RecordCheck<'p>,
    /// Whether some record was too long to be looked into.
    pub(super) has_long_records: bool,
    space: PageSpace,
    payload: Vec<u8>,
}

/// What is known of the tree at hand.
#[derive(Default)]
struct State {
    /// All rowids so far are at most this one.
    highest_rowid: Option<i64>,
    leaf_depth: Option<u32>,
    record_count: u64,
    /// Whether cells lie over each other in the page at this depth.
    overlaps: [bool; DEPTHS],
}

impl<'p> TreeCheck<'p> {
    pub(super) fn new(plan: &'p Plan, encoding: TextEncoding, quick: bool) -> Self {
        Self {
            plan,
            rows: vec![0; plan.tables.len()],
            entries: vec![0; plan.indexes.len()],
            records: RecordCheck::new(plan, encoding, quick),
            has_long_records: false,
            space: PageSpace::default(),
            payload: Vec::new(),
        }
    }

    /// Adds what another one counted of other trees.
    pub(super) fn add(&mut self, other: &Self) {
        add_all(&mut self.rows, &other.rows);
        add_all(&mut self.entries, &other.entries);
        add_all(&mut self.records.sums, &other.records.sums);
        self.has_long_records |= other.has_long_records;
    }

    /// Goes through a b-tree. `passed` is called for each of its pages.
    pub(super) fn check(
        &mut self,
        tree: &TreePlan,
        walk: &mut Walk<'_, Findings>,
        mut passed: impl FnMut(),
    ) -> Result<()> {
        let is_table = match tree.content {
            Content::Table(table) => self.plan.tables.get(table).and_then(|table| table.has_rowid),
            Content::Index(_) => Some(false),
        };
        let mut state = State::default();
        self.records.begin(tree.content);
        let mut steps = TreeWalk::new(tree.root, is_table, walk.usable_bytes());
        while let Some(step) = steps.next(walk)? {
            match step {
                Step::Page { at, page } => {
                    passed();
                    self.page(at, page, &mut state, walk)?;
                }
                Step::Entry { at, page, index } => {
                    let overlaps = state.overlaps.get(at.depth as usize).copied().unwrap_or(true);
                    if let Ok(cell) = page.cell(index)
                        && !overlaps
                    {
                        self.interior_entry(at, (index, &cell), &mut state, walk)?;
                    }
                }
                Step::Lost { .. } => self.records.lose(),
            }
        }
        match tree.content {
            Content::Table(table) => add(&mut self.rows, table, state.record_count),
            Content::Index(index) => add(&mut self.entries, index, state.record_count),
        }
        self.records.end(&mut walk.sink);
        Ok(())
    }

    fn page(
        &mut self,
        at: TreePlace,
        page: BtreePage<'_>,
        state: &mut State,
        walk: &mut Walk<'_, Findings>,
    ) -> Result<()> {
        let is_leaf = page.kind.is_leaf();
        if is_leaf || !page.kind.is_table() {
            state.record_count += u64::from(page.cell_count);
        }
        self.space.clear(page.usable_bytes());
        if is_leaf {
            self.leaf(at, page, state, walk)?;
        } else {
            for cell in Step::cells(page, at) {
                match cell {
                    Ok((_, cell)) => self.space.add_cell(cell.offset, cell.stored_bytes),
                    // It is told of where its child is.
                    Err(_) => self.space.lacks_cell(),
                }
            }
        }
        let fits = self.space.check(&page, at.page, &mut walk.sink);
        if let Some(overlaps) = state.overlaps.get_mut(at.depth as usize) {
            *overlaps = !fits;
        }
        if is_leaf && *state.leaf_depth.get_or_insert(at.depth) != at.depth {
            let others = state.leaf_depth.unwrap_or_default();
            let detail = format!("a leaf {} pages deep, others of its tree are {others} deep", at.depth);
            walk.sink.damage(FindingKind::Depth, (Some(at.page), None), detail);
        }
        Ok(())
    }

    fn leaf(
        &mut self,
        at: TreePlace,
        page: BtreePage<'_>,
        state: &mut State,
        walk: &mut Walk<'_, Findings>,
    ) -> Result<()> {
        let mut cells = Step::cells(page, at);
        loop {
            while let Some(cell) = cells.next_whole() {
                let place =
                    Place { page: at.page, index: cell.index, offset: cell.offset, rowid: cell.rowid };
                self.space.add_cell(cell.offset, cell.stored_bytes);
                state.pass_rowid(place, &mut walk.sink);
                self.records.check(place, cell.payload, &mut walk.sink);
            }
            match cells.next() {
                None => return Ok(()),
                Some(Ok((index, cell))) => {
                    let place = Place { page: at.page, index, offset: cell.offset, rowid: cell.rowid };
                    self.space.add_cell(cell.offset, cell.stored_bytes);
                    state.pass_rowid(place, &mut walk.sink);
                    self.record(place, &cell, walk)?;
                }
                Some(Err(fault)) => {
                    self.space.lacks_cell();
                    walk.tell(fault)?;
                }
            }
        }
    }

    /// A cell of an interior page, when everything in the child before it has been passed.
    fn interior_entry(
        &mut self,
        at: TreePlace,
        (index, cell): (u16, &BtreeCell<'_>),
        state: &mut State,
        walk: &mut Walk<'_, Findings>,
    ) -> Result<()> {
        let Some(rowid) = cell.rowid else {
            let place = Place { page: at.page, index, offset: cell.offset, rowid: None };
            return self.record(place, cell, walk);
        };
        if state.highest_rowid.is_some_and(|highest| rowid < highest) {
            let detail = format!("cell {index}: key {rowid} is below a rowid in the child before it");
            walk.sink.damage(FindingKind::RowidOrder, (Some(at.page), Some(cell.offset)), detail);
        }
        state.highest_rowid = Some(rowid);
        Ok(())
    }

    /// A row or an index entry, which may have an overflow chain.
    fn record(&mut self, place: Place, cell: &BtreeCell<'_>, walk: &mut Walk<'_, Findings>) -> Result<()> {
        let Some(stored) = cell.payload else { return Ok(()) };
        if stored.first_overflow.is_none() {
            self.records.check(place, stored.local, &mut walk.sink);
            return Ok(());
        }
        if stored.payload_bytes > LONGEST_BYTES {
            self.has_long_records = true;
            self.records.lose();
            return walk.chain((place.index, cell), place.page, |_| {}).map(drop);
        }
        if walk.payload((place.index, cell), place.page, &mut self.payload)? {
            self.records.check(place, &self.payload, &mut walk.sink);
        } else {
            self.records.lose();
        }
        Ok(())
    }
}

impl State {
    #[inline]
    fn pass_rowid(&mut self, Place { page, index, offset, rowid }: Place, findings: &mut Findings) {
        let Some(rowid) = rowid else { return };
        if let Some(highest) = self.highest_rowid.filter(|&highest| rowid <= highest) {
            let detail = format!("cell {index}: rowid {rowid} behind {highest}");
            findings.damage(FindingKind::RowidOrder, (Some(page), Some(offset)), detail);
        }
        self.highest_rowid = Some(rowid);
    }
}

fn add_all(counts: &mut [u64], more: &[u64]) {
    for (count, more) in counts.iter_mut().zip(more) {
        *count = count.wrapping_add(*more);
    }
}

fn add(counts: &mut [u64], place: usize, count: u64) {
    if let Some(place) = counts.get_mut(place) {
        *place += count;
    }
}
