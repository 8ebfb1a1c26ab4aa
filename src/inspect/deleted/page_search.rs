//! The records in one page image: cells, free blocks, unallocated space.

use std::sync::Arc;

use crate::format::{BtreePage, PageNumber, Record};
use crate::rows::{Carved, Region, Row, RowLayout, SqlValue, StoredRecord, Template, add_varint, carve};
use crate::schema::Table;

/// A table that deleted rows may be of.
pub(super) struct Candidate {
    pub(super) layout: Arc<RowLayout>,
    pub(super) template: Template,
    /// Whether the table itself was dropped.
    pub(super) is_dropped: bool,
}

impl Candidate {
    pub(super) fn new(table: &Table, layout: RowLayout, is_dropped: bool) -> Self {
        Self { layout: Arc::new(layout), template: Template::new(table), is_dropped }
    }
}

/// What part of a page a record lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Cell,
    FreeBlock,
    Unallocated,
}

/// A record of a page, rebuilt.
pub(super) struct Rebuilt {
    /// Which of the candidates it is of.
    pub(super) candidate: usize,
    pub(super) row: Row,
    pub(super) part: Part,
    pub(super) confidence: f64,
    pub(super) whole: bool,
}

/// An image of a page, and where to look in it.
pub(super) struct PageImage<'p> {
    pub(super) number: PageNumber,
    /// All of it, and how much of that holds content.
    pub(super) bytes: &'p [u8],
    pub(super) usable_bytes: u32,
    /// Whether the cells that the page has count too: those of a page in use are live.
    pub(super) with_cells: bool,
}

impl<'p> PageImage<'p> {
    fn usable(&self) -> &'p [u8] {
        self.bytes.get(..self.usable_bytes as usize).unwrap_or_default()
    }
}

/// Gives the rest of an overflow chain that begins with this page, so many bytes of it, where it is still there.
pub(super) type Overflow<'o> = &'o mut dyn FnMut(PageNumber, usize) -> Vec<u8>;

/// Looks for records of these tables.
pub(super) fn search(
    image: &PageImage<'_>,
    candidates: &[(usize, &Candidate)],
    overflow: Overflow<'_>,
    found: &mut Vec<Rebuilt>,
) {
    let Ok(page) = BtreePage::parse(image.bytes, image.number, image.usable_bytes) else {
        let region = Region { start: 0, end: image.usable().len(), is_free_block: false };
        return carve_best(image, region, Part::Unallocated, candidates, overflow, found);
    };
    // A page of an index has no rows of a table with rowids.
    let candidates: Vec<(usize, &Candidate)> = candidates
        .iter()
        .filter(|(_, it)| it.template.has_rowid() == page.kind.is_table())
        .copied()
        .collect();
    let candidates = candidates.as_slice();
    // A root that grew to be an interior page has its old rows below the new pointers.
    if image.with_cells && page.kind.is_leaf() {
        for cell in page.cells().flatten() {
            let (Some(payload), offset) = (cell.payload, cell.offset) else { continue };
            let start = payload.local.as_ptr() as usize - image.bytes.as_ptr() as usize;
            let parsed = Record::parse_start(payload.local, payload.payload_bytes.into());
            let Ok(record) = parsed else { continue };
            let Ok(types) = record.serial_types().collect::<Result<Vec<_>, _>>() else { continue };
            let carved = Carved {
                offset: offset as usize,
                end: (offset + cell.stored_bytes) as usize,
                rowid: cell.rowid,
                body: start + record.header_bytes(),
                body_end: start + payload.local.len(),
                first_overflow: payload.first_overflow,
                payload_bytes: payload.payload_bytes,
                types,
                confidence: 0.98,
            };
            let fits =
                |(_, it): &&(usize, &Candidate)| it.template.fits(&carved.types, bytes_of(image, &carved));
            let fitting: Vec<_> = candidates.iter().filter(fits).collect();
            if let Some(&&(index, candidate)) = fitting.first() {
                let shared = 1.0 / f64::from(u32::try_from(fitting.len()).unwrap_or(u32::MAX));
                let part = Part::Cell;
                found.extend(rebuild(image, &carved, (index, candidate), part, shared, overflow));
            }
        }
    }
    for block in page.freeblocks().flatten() {
        let start = block.offset as usize;
        let region = Region { start, end: start + block.size_bytes as usize, is_free_block: true };
        carve_best(image, region, Part::FreeBlock, candidates, overflow, found);
    }
    let region = Region {
        start: page.pointers_end() as usize,
        end: page.content_start as usize,
        is_free_block: false,
    };
    carve_best(image, region, Part::Unallocated, candidates, overflow, found);
}

fn bytes_of<'p>(image: &PageImage<'p>, carved: &Carved) -> &'p [u8] {
    image.usable().get(carved.body..carved.body_end).unwrap_or_default()
}

/// Takes the table whose records explain most of the region.
fn carve_best(
    image: &PageImage<'_>,
    region: Region,
    part: Part,
    candidates: &[(usize, &Candidate)],
    overflow: Overflow<'_>,
    found: &mut Vec<Rebuilt>,
) {
    let explained = |cells: &[Carved]| -> f64 {
        cells
            .iter()
            .map(|cell| cell.confidence * f64::from(u32::try_from(cell.end - cell.offset).unwrap_or(0)))
            .sum()
    };
    let mut best: Option<(f64, usize, Vec<Carved>)> = None;
    let mut equal = 1_u32;
    for (place, (_, candidate)) in candidates.iter().enumerate() {
        let cells = carve(image.usable(), region, &candidate.template);
        let score = explained(&cells);
        match &best {
            Some((most, ..)) if score < *most => {}
            Some((most, _, kept)) if score <= *most && !kept.is_empty() => equal += 1,
            _ => {
                equal = 1;
                best = Some((score, place, cells));
            }
        }
    }
    let Some((_, place, cells)) = best else { return };
    let Some(&(index, candidate)) = candidates.get(place) else { return };
    for cell in cells {
        let shared = 1.0 / f64::from(equal);
        found.extend(rebuild(image, &cell, (index, candidate), part, shared, overflow));
    }
}

/// The row that a record is, with the values that are there.
fn rebuild(
    image: &PageImage<'_>,
    carved: &Carved,
    (index, candidate): (usize, &Candidate),
    part: Part,
    shared: f64,
    overflow: Overflow<'_>,
) -> Option<Rebuilt> {
    let mut body = bytes_of(image, carved).to_vec();
    let wanted: u64 = carved.types.iter().map(|it| it.body_bytes()).fold(0, u64::saturating_add);
    if let Some(first) = carved.first_overflow {
        let missing = usize::try_from(wanted).ok()?.saturating_sub(body.len());
        body.extend(overflow(first, missing));
    }
    // The values that are there from the first on.
    let (mut kept, mut end) = (0, 0_u64);
    for serial_type in &carved.types {
        match end.saturating_add(serial_type.body_bytes()) {
            next if next <= body.len() as u64 => (kept, end) = (kept + 1, next),
            _ => break,
        }
    }
    let is_whole = kept == carved.types.len();
    body.truncate(usize::try_from(end).ok()?);
    let mut types = Vec::new();
    carved.types.iter().take(kept).for_each(|it| add_varint(&mut types, it.0));
    let mut payload = Vec::with_capacity(types.len() + body.len() + 3);
    // The length counts itself: one byte up to 127.
    let length = types.len() as u64 + 1;
    add_varint(&mut payload, if length > 127 { length + 1 } else { length });
    payload.extend(types);
    payload.extend(body);
    let mut row = Row::new(Arc::clone(&candidate.layout));
    let offset = u32::try_from(carved.offset).ok()?;
    row.set(&StoredRecord { page: image.number, offset, rowid: carved.rowid, payload: &payload }).ok()?;
    let whole = is_whole && (carved.rowid.is_some() || !row.has_rowid_column());
    let is_valid = (0..row.len()).all(|column| !matches!(row.value(column), SqlValue::InvalidText(_)));
    let confidence =
        carved.confidence * shared * if is_whole { 1.0 } else { 0.9 } * if is_valid { 1.0 } else { 0.4 };
    (kept > 0).then_some(Rebuilt { candidate: index, row, part, confidence, whole })
}
