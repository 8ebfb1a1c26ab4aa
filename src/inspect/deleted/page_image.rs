//! The records in one page image: the cells of a page that is none any more, free blocks, unallocated space.

use super::carved::{Carved, Extent, Fit, Form};
use super::carver::{Region, carve};
use super::shape_set::ShapeSet;
use crate::format::btree_cell::CellPayload;
use crate::format::varint::read_varint;
use crate::format::{BtreeCell, BtreePage, PageKind, PageNumber, Record};

/// How likely a record is at a byte of a b-tree page that no cell accounts for, as a logarithm to base 2; and elsewhere, where overflow pages
/// may be full of other things.
const PAGE_BITS: f64 = -8.0;
const OTHER_BITS: f64 = -18.0;

/// What speaks for the table that a page is of, and against what belongs into a page of another kind.
const OWN_BITS: f64 = 10.0;
const OTHER_KIND_BITS: f64 = -10.0;

/// What speaks for a cell that its page points to, and against a table that one of a page's cells does not fit.
const POINTED_BITS: f64 = 24.0;
const MISFIT_BITS: f64 = -16.0;

/// Of how many tables cells without their first bytes are looked for where it is not known which the page is of.
const MOST_CUT_SHAPES: usize = 8;

/// What part of a page a record lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Cell,
    FreeBlock,
    Unallocated,
}

/// A record of a page, and what it is taken for.
pub(super) struct PageRecord {
    pub(super) carved: Carved,
    pub(super) part: Part,
    pub(super) shape: usize,
    /// How likely it is that it was a record of this shape.
    pub(super) confidence: f64,
}

/// An image of a page, and where to look in it.
#[derive(Clone, Copy)]
pub(super) struct PageImage<'p> {
    pub(super) number: PageNumber,
    /// All of it, and how much of that holds content.
    pub(super) bytes: &'p [u8],
    pub(super) usable_bytes: u32,
    /// How many pages the database has, which others may name.
    pub(super) page_count: u32,
    /// The shape of the records that belong there, if that is known.
    pub(super) own: Option<usize>,
    pub(super) content: Content,
}

/// What of an image is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// All but its cells, which are live.
    Used,
    /// All.
    Unused,
    /// What follows this byte: the page is of something else.
    Behind(usize),
}

impl<'p> PageImage<'p> {
    pub(super) fn usable(&self) -> &'p [u8] {
        self.bytes.get(..self.usable_bytes as usize).unwrap_or_default()
    }

    /// Looks for records of these shapes.
    pub(super) fn records(&self, set: &ShapeSet) -> Vec<PageRecord> {
        let end = self.usable().len();
        let start = match self.content {
            Content::Behind(start) => start,
            Content::Used | Content::Unused => 0,
        };
        let page = match self.content {
            Content::Behind(_) => None,
            Content::Used | Content::Unused => {
                BtreePage::parse(self.bytes, self.number, self.usable_bytes).ok()
            }
        };
        let Some(page) = page else {
            return self.records_in_other(set, Region { start, end, is_free_block: false });
        };
        self.records_of(&page, set)
    }

    /// In what is no b-tree page any more: the rest of a trunk page, say, which was one of a table.
    fn records_in_other(&self, set: &ShapeSet, region: Region) -> Vec<PageRecord> {
        let mut found = carve(set, self.usable(), &[], region);
        let by_records = || self.shape_of_cells(&found, set);
        let (own, sure) = self.own.map(|own| (own, 1.0)).or_else(by_records).unzip();
        if let Some(own) = own {
            found = carve(set, self.usable(), &[own], region);
        }
        let favoured = |shape: usize| if own == Some(shape) { OWN_BITS } else { 0.0 };
        let before = if self.own.is_some() { PAGE_BITS } else { OTHER_BITS };
        let records = found.into_iter().filter_map(|it| record(it, Part::Unallocated, before, favoured));
        let shared = |mut it: PageRecord| {
            it.confidence *= sure.filter(|_| own == Some(it.shape)).unwrap_or(1.0);
            it
        };
        records.map(shared).collect()
    }

    fn records_of(&self, page: &BtreePage<'p>, set: &ShapeSet) -> Vec<PageRecord> {
        let cells = match self.content {
            Content::Unused => self.cells(page, set),
            _ => Vec::new(),
        };
        let (own, sure) = match self.shape_of_cells(&cells, set) {
            Some((own, sure)) => (Some(own), sure),
            None => (self.own, 1.0),
        };
        let has_rowid = page.kind.is_table();
        let favoured = |shape: usize| {
            let fits_kind = set.get(shape).is_some_and(|shape| shape.has_rowid() == has_rowid);
            (if fits_kind { 0.0 } else { OTHER_KIND_BITS }) + if own == Some(shape) { OWN_BITS } else { 0.0 }
        };
        // All cells of a page are of one table.
        let only_own = |shape: usize| if own == Some(shape) { 0.0 } else { -100.0 };
        let mut records: Vec<PageRecord> =
            cells.into_iter().filter_map(|it| record(it, Part::Cell, 0.0, only_own)).collect();
        let of_kind = |shape: &usize| set.get(*shape).is_some_and(|shape| shape.has_rowid() == has_rowid);
        let cut_shapes: Vec<usize> = match own {
            // What is freed there has no record, or all of it.
            _ if !page.kind.is_leaf() => Vec::new(),
            Some(own) => vec![own],
            None => (0..set.len()).filter(of_kind).take(MOST_CUT_SHAPES).collect(),
        };
        let mut search = |part: Part, region: Region| {
            let found = carve(set, self.usable(), &cut_shapes, region);
            records.extend(found.into_iter().filter_map(|it| record(it, part, PAGE_BITS, favoured)));
        };
        for block in page.freeblocks().flatten() {
            let start = block.offset as usize;
            let end = start + block.size_bytes as usize;
            search(Part::FreeBlock, Region { start, end, is_free_block: true });
        }
        let (start, end) = (page.pointers_end() as usize, page.content_start as usize);
        let end = match has_rowid {
            true => self.before_interior_cells(page.kind, start, end.min(self.usable().len())),
            false => end.min(self.usable().len()),
        };
        search(Part::Unallocated, Region { start, end, is_free_block: false });
        for record in records.iter_mut().filter(|record| own == Some(record.shape)) {
            record.confidence *= sure;
        }
        records
    }

    /// Where what is left of interior cells begins, which reach up to the end: the root of a table is written over so when it gets children.
    fn before_interior_cells(&self, kind: PageKind, start: usize, end: usize) -> usize {
        /// Of how many bytes at the end this is asked.
        const MOST_BYTES: usize = 8192;
        let (usable, least) = (self.usable(), start.max(end.saturating_sub(MOST_BYTES)));
        // How many cells lie from each place on up to the end, counted from 1.
        let mut reach = vec![0_u16; end.saturating_sub(least) + 1];
        if let Some(last) = reach.last_mut() {
            *last = 1;
        }
        let mut first = end;
        for at in (least..end.saturating_sub(4)).rev() {
            let Some(page) = usable.get(at..).and_then(|rest| rest.first_chunk::<4>()) else { continue };
            let is_page = (2..=self.page_count).contains(&u32::from_be_bytes(*page));
            let cell = usable.get(at + 4..end).filter(|_| is_page).and_then(read_varint);
            let Some((_, length)) = cell else { continue };
            let cells = reach.get(at + 4 + length - least).copied().unwrap_or_default();
            if let Some(place) = reach.get_mut(at - least).filter(|_| cells > 0) {
                *place = cells.saturating_add(1);
                // One alone may be the end of a row.
                if cells > 1 || !kind.is_leaf() {
                    first = at;
                }
            }
        }
        first
    }

    /// The cells that the page has, with the shapes that they fit.
    fn cells(&self, page: &BtreePage<'p>, set: &ShapeSet) -> Vec<Carved> {
        if page.kind.is_table() && !page.kind.is_leaf() {
            return Vec::new();
        }
        let mut found: Vec<Carved> = Vec::new();
        // They cannot take more than the page is long, whatever its pointers say.
        let mut room = self.usable().len();
        for cell in page.cells().flatten() {
            let Some(left) = room.checked_sub(cell.stored_bytes as usize) else { break };
            room = left;
            found.extend(self.pointed_cell(&cell, page.kind.is_table(), set));
        }
        found
    }

    fn pointed_cell(&self, cell: &BtreeCell<'p>, has_rowid: bool, set: &ShapeSet) -> Option<Carved> {
        let CellPayload { payload_bytes, local, first_overflow } = cell.payload?;
        let record = Record::parse_start(local, payload_bytes.into()).ok()?;
        let types = record.serial_types().collect::<Result<Vec<_>, _>>().ok()?;
        let header = (local.as_ptr() as usize).checked_sub(self.bytes.as_ptr() as usize)?;
        let content = local.get(record.header_bytes()..).unwrap_or_default();
        let fit = |number: usize| {
            let shape = set.get(number).filter(|shape| shape.has_rowid() == has_rowid)?;
            Some((number, shape.evidence(&types, content)?))
        };
        let [length, first] = *local.first_chunk::<2>()?;
        let fits: Vec<(usize, f64)> = set.that_begin(length, first).filter_map(fit).collect();
        let extent = Extent {
            body: header + record.header_bytes(),
            body_end: header + local.len(),
            end: (cell.offset + cell.stored_bytes) as usize,
            first_overflow,
            payload_bytes,
        };
        let (form, offset, rowid) = (Form::Pointed, cell.offset as usize, cell.rowid);
        Some(Carved { form, offset, rowid, types, extent, bits: POINTED_BITS, fits, share: 1.0 })
    }

    /// The shape that fits all the cells of the page best, and how sure that is.
    fn shape_of_cells(&self, cells: &[Carved], set: &ShapeSet) -> Option<(usize, f64)> {
        if cells.is_empty() {
            return None;
        }
        let mut votes = vec![0.0; set.len()];
        for carved in cells {
            votes.iter_mut().for_each(|vote| *vote += MISFIT_BITS);
            for &(shape, bits) in &carved.fits {
                if let Some(vote) = votes.get_mut(shape) {
                    *vote += bits - MISFIT_BITS;
                }
            }
        }
        if let Some(vote) = self.own.and_then(|own| votes.get_mut(own)) {
            *vote += OWN_BITS;
        }
        let fits = cells.iter().any(|carved| !carved.fits.is_empty());
        let (best, most) = votes.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).filter(|_| fits)?;
        Some((best, 1.0 / votes.iter().map(|vote| (vote - most).exp2()).sum::<f64>()))
    }
}

/// The record with its likeliest shape; `None` where it is more likely none.
fn record(carved: Carved, part: Part, before: f64, favoured: impl Fn(usize) -> f64) -> Option<PageRecord> {
    let Fit { shape, bits, share } = carved.best_fit(favoured)?;
    let odds = bits + before;
    let confidence = share / (1.0 + (-odds).exp2());
    (odds > 0.0).then_some(PageRecord { carved, part, shape, confidence })
}
