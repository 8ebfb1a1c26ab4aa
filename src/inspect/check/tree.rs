//! One b-tree: its pages, its order, its records.

use super::digests;
use super::fields::{Fields, LONGEST_BYTES};
use super::findings::Findings;
use super::key_order::{KeyField, KeyOrder, compare};
use super::page_space::PageSpace;
use super::plan::{Content, Plan, TreePlan};
use crate::error::Result;
use crate::format::database_header::TextEncoding;
use crate::format::{BtreeCell, BtreePage, PageKind, PageNumber, Value};
use crate::walk::{FindingKind, Step, TreePlace, TreeWalk, Walk};
use std::cmp::Ordering;

/// The depths that a b-tree can have, and the one beyond.
const DEPTHS: usize = 22;

/// What was counted, of all tables and indexes of the plan.
pub(super) struct Counts {
    /// Rows of each table.
    pub(super) rows: Vec<u64>,
    /// Entries of each index.
    pub(super) entries: Vec<u64>,
    /// For each index, the digests of its entries less those that its table's rows need.
    pub(super) sums: Vec<u64>,
}

/// What is kept between trees, so that it need not be made anew.
pub(super) struct TreeCheck<'p> {
    plan: &'p Plan,
    encoding: TextEncoding,
    quick: bool,
    pub(super) counts: Counts,
    /// Whether some record was too long to be looked into.
    pub(super) has_long_records: bool,
    space: PageSpace,
    fields: Fields,
    payload: Vec<u8>,
    before: Before,
}

/// The record before, in an index.
#[derive(Default)]
struct Before {
    is_there: bool,
    fields: Fields,
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
    wrong_texts: u64,
    first_wrong_text: Option<(PageNumber, u32)>,
}

impl<'p> TreeCheck<'p> {
    pub(super) fn new(plan: &'p Plan, encoding: TextEncoding, quick: bool) -> Self {
        let indexes = plan.indexes.len();
        let counts =
            Counts { rows: vec![0; plan.tables.len()], entries: vec![0; indexes], sums: vec![0; indexes] };
        Self {
            plan,
            encoding,
            quick,
            counts,
            has_long_records: false,
            space: PageSpace::default(),
            fields: Fields::default(),
            payload: Vec::new(),
            before: Before::default(),
        }
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
        self.before.is_there = false;
        let mut steps = TreeWalk::new(tree.root, is_table, walk.usable_bytes());
        while let Some(step) = steps.next(walk)? {
            match step {
                Step::Page { at, page } => {
                    passed();
                    self.page(tree.content, at, page, &mut state, walk)?;
                }
                Step::Entry { at, page, index } => {
                    let overlaps = state.overlaps.get(at.depth as usize).copied().unwrap_or(true);
                    if let Ok(cell) = page.cell(index)
                        && !overlaps
                    {
                        self.interior_entry(tree.content, at, (index, &cell), &mut state, walk)?;
                    }
                }
                Step::Lost { .. } => self.before.is_there = false,
            }
        }
        match tree.content {
            Content::Table(table) => add(&mut self.counts.rows, table, state.record_count),
            Content::Index(index) => add(&mut self.counts.entries, index, state.record_count),
        }
        if let Some((page, offset)) = state.first_wrong_text {
            let detail = match state.wrong_texts {
                1 => format!("a text that is not valid {}", self.encoding),
                count => format!("{count} texts that are not valid {}; the first lies here", self.encoding),
            };
            walk.sink.note(FindingKind::TextEncoding, (Some(page), Some(offset)), detail);
        }
        Ok(())
    }

    fn page(
        &mut self,
        content: Content,
        at: TreePlace,
        page: BtreePage<'_>,
        state: &mut State,
        walk: &mut Walk<'_, Findings>,
    ) -> Result<()> {
        let is_leaf = page.kind.is_leaf();
        if is_leaf || !page.kind.is_table() {
            state.record_count += u64::from(page.cell_count);
        }
        self.space.clear();
        for cell in Step::cells(page, at) {
            match cell {
                Ok((index, cell)) => {
                    self.space.add_cell(cell.offset, cell.stored_bytes);
                    if is_leaf {
                        self.rowid(at.page, index, &cell, page.kind, state, walk);
                        self.record(content, at.page, (index, &cell), state, walk)?;
                    }
                }
                Err(fault) => {
                    self.space.lacks_cell();
                    // The pointers of an interior page are told of where its children are.
                    if is_leaf {
                        walk.tell(fault)?;
                    }
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

    /// A cell of an interior page, when everything in the child before it has been passed.
    fn interior_entry(
        &mut self,
        content: Content,
        at: TreePlace,
        (index, cell): (u16, &BtreeCell<'_>),
        state: &mut State,
        walk: &mut Walk<'_, Findings>,
    ) -> Result<()> {
        let Some(rowid) = cell.rowid else {
            return self.record(content, at.page, (index, cell), state, walk);
        };
        if state.highest_rowid.is_some_and(|highest| rowid < highest) {
            let detail = format!("cell {index}: key {rowid} is below a rowid in the child before it");
            walk.sink.damage(FindingKind::RowidOrder, (Some(at.page), Some(cell.offset)), detail);
        }
        state.highest_rowid = Some(rowid);
        Ok(())
    }

    fn rowid(
        &self,
        page: PageNumber,
        index: u16,
        cell: &BtreeCell<'_>,
        kind: PageKind,
        state: &mut State,
        walk: &mut Walk<'_, Findings>,
    ) {
        let Some(rowid) = cell.rowid.filter(|_| kind.is_leaf()) else { return };
        if let Some(highest) = state.highest_rowid.filter(|&highest| rowid <= highest) {
            let detail = format!("cell {index}: rowid {rowid} behind {highest}");
            walk.sink.damage(FindingKind::RowidOrder, (Some(page), Some(cell.offset)), detail);
        }
        state.highest_rowid = Some(rowid);
    }

    /// A row or an index entry.
    fn record(
        &mut self,
        content: Content,
        page: PageNumber,
        (index, cell): (u16, &BtreeCell<'_>),
        state: &mut State,
        walk: &mut Walk<'_, Findings>,
    ) -> Result<()> {
        let Some(stored) = cell.payload else { return Ok(()) };
        if stored.first_overflow.is_none() {
            self.whole_record(content, page, (index, cell), stored.local, state, walk);
            return Ok(());
        }
        if stored.payload_bytes > LONGEST_BYTES {
            self.has_long_records = true;
            self.before.is_there = false;
            return walk.chain((index, cell), page, |_| {}).map(drop);
        }
        let mut payload = std::mem::take(&mut self.payload);
        if walk.payload((index, cell), page, &mut payload)? {
            self.whole_record(content, page, (index, cell), &payload, state, walk);
        } else {
            self.before.is_there = false;
        }
        self.payload = payload;
        Ok(())
    }

    fn whole_record(
        &mut self,
        content: Content,
        page: PageNumber,
        (index, cell): (u16, &BtreeCell<'_>),
        payload: &[u8],
        state: &mut State,
        walk: &mut Walk<'_, Findings>,
    ) {
        let place = (Some(page), Some(cell.offset));
        if let Err(damage) = self.fields.read(payload) {
            self.before.is_there = false;
            walk.sink.damage(FindingKind::Record, place, format!("cell {index}: {damage}"));
            return;
        }
        match content {
            Content::Table(table) => self.row(table, (page, index), cell, payload, state, &mut walk.sink),
            Content::Index(number) => self.entry(number, place, index, payload, &mut walk.sink),
        }
    }

    fn row(
        &mut self,
        table: usize,
        (page, index): (PageNumber, u16),
        cell: &BtreeCell<'_>,
        payload: &[u8],
        state: &mut State,
        findings: &mut Findings,
    ) {
        let Some(plan) = self.plan.tables.get(table) else { return };
        let place = (Some(page), Some(cell.offset));
        for rule in plan.rules.iter().filter(|rule| !rule.surely_takes(&self.fields)) {
            rule.check((&self.fields, payload), self.encoding, (index, place), findings);
        }
        for (_, text) in self.fields.texts(payload) {
            if !is_valid(text, self.encoding) {
                state.wrong_texts += 1;
                state.first_wrong_text.get_or_insert((page, cell.offset));
            }
        }
        if !plan.key.is_empty() {
            self.keep_order(&plan.key, None, place, index, payload, findings);
        }
        if self.quick {
            return;
        }
        for &index in &plan.indexes {
            let Some(sources) = self.plan.indexes.get(index).map(|index| &index.sources) else { continue };
            let digest = digests::of_row(sources, cell.rowid, &self.fields, payload, self.encoding);
            if let Some(sum) = self.counts.sums.get_mut(index) {
                *sum = sum.wrapping_sub(digest);
            }
        }
    }

    fn entry(
        &mut self,
        number: usize,
        place: (Option<PageNumber>, Option<u32>),
        index: u16,
        payload: &[u8],
        findings: &mut Findings,
    ) {
        let Some(plan) = self.plan.indexes.get(number) else { return };
        if plan.fields.is_empty() {
            return;
        }
        if self.fields.len() != plan.fields.len() {
            let (found, needed) = (self.fields.len(), plan.fields.len());
            let detail = format!("cell {index}: an index entry of {found} values, not {needed}");
            findings.damage(FindingKind::Record, place, detail);
            self.before.is_there = false;
            return;
        }
        let unique = plan.unique.filter(|_| !self.quick);
        if !plan.is_partial && !self.quick {
            let digest = digests::of_entry(&plan.sources, &self.fields, payload);
            if let Some(sum) = self.counts.sums.get_mut(number) {
                *sum = sum.wrapping_add(digest);
            }
        }
        self.keep_order(&plan.fields, unique, place, index, payload, findings);
    }

    /// Compares a record with the one before, and takes its place. Of a unique key no two records share the first fields.
    fn keep_order(
        &mut self,
        key: &[KeyField],
        unique: Option<usize>,
        place: (Option<PageNumber>, Option<u32>),
        index: u16,
        payload: &[u8],
        findings: &mut Findings,
    ) {
        if self.before.is_there {
            let before = (&self.before.fields, self.before.payload.as_slice());
            let after = (&self.fields, payload);
            let order = compare(key, before, after, self.encoding);
            if matches!(order, KeyOrder::Equal | KeyOrder::Differ(_, Ordering::Greater)) {
                let detail = format!("cell {index}: it does not come behind the entry before it");
                findings.damage(FindingKind::IndexOrder, place, detail);
            }
            if let (Some(unique), KeyOrder::Differ(field, _)) = (unique, order)
                && field >= unique
                && (0..unique).all(|field| self.fields.value(field, payload) != Some(Value::Null))
            {
                let detail = format!("cell {index}: its key is that of the entry before it");
                findings.damage(FindingKind::Unique, place, detail);
            }
        }
        std::mem::swap(&mut self.before.fields, &mut self.fields);
        self.before.payload.clear();
        self.before.payload.extend_from_slice(payload);
        self.before.is_there = true;
    }
}

fn add(counts: &mut [u64], place: usize, count: u64) {
    if let Some(place) = counts.get_mut(place) {
        *place += count;
    }
}

fn is_valid(text: &[u8], encoding: TextEncoding) -> bool {
    let unit = match encoding.effective() {
        TextEncoding::UTF16LE => u16::from_le_bytes,
        TextEncoding::UTF16BE => u16::from_be_bytes,
        _ => return std::str::from_utf8(text).is_ok(),
    };
    let (pairs, half) = text.as_chunks::<2>();
    half.is_empty() && char::decode_utf16(pairs.iter().map(|&pair| unit(pair))).all(|c| c.is_ok())
}
