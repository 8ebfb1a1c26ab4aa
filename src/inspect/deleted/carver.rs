//! Finds records in bytes that no cell accounts for: free blocks, unallocated space, pages that are free. `[deleted.md]`
//!
//! Each byte is taken for the first of a record's header. Two bytes rule out nearly all of them. Where the types of a header add up to a
//! length, and that stands before the rowid in front of the header, it is a whole cell. Where a free block began in front of it,
//! it is a cell that lost its first four bytes.

use super::carved::{Carved, Extent, Form};
use super::cut_cell::{LOST_BYTES, Work, read_cut_cell};
use super::left_blocks::{LeftBlock, left_blocks};
use super::shape_set::ShapeSet;
use super::varints::{can_end_varint, ends_with_varint, varint_length};
use crate::format::SerialType;
use crate::format::btree_cell::LONGEST_PAYLOAD_BYTES;
use crate::format::varint::{LONGEST_VARINT, read_varint};

/// How much may be done for each byte that is searched, and for a part of a page however short. A step is a type that is read, or eight
/// bytes of text.
const STEPS_PER_BYTE: u64 = 48;
const STEPS_PER_PART: u64 = 4096;

/// What speaks for a length that agrees, in bits for each of its bytes.
const BITS_OF_BYTE: f64 = 8.0;

/// What speaks for a cell that is as long as its block.
const BITS_OF_BLOCK: f64 = 11.0;

/// What speaks for a cell that fills what is a block, or seems to have been one.
const BITS_OF_REAL_BLOCK: f64 = 8.0;
const BITS_OF_LEFT_BLOCK: f64 = -8.0;

/// What speaks against a cell where nothing but four bytes says that there was a block.
const BITS_OF_MERE_TRACE: f64 = -4.0;

/// What is found with less is not worth a look.
const LEAST_BITS: f64 = 6.0;

/// What is left between a cell and the next one at most.
const MOST_FRAGMENT: usize = 3;

/// A part of a page, in its usable bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it is a free block: its first four bytes are the block's own.
    pub(super) is_free_block: bool,
}

/// Looks for records of these shapes.
pub(super) struct Carver<'c> {
    set: &'c ShapeSet,
    usable: &'c [u8],
    /// The shapes that cells without their first bytes may have.
    cut_shapes: &'c [usize],
    region: Region,
    blocks: Vec<LeftBlock>,
    work: Work,
    types: Vec<SerialType>,
    found: Vec<Carved>,
}

/// Where the front of a cell begins, and what is left of it.
struct Front {
    form: Form,
    offset: usize,
    rowid: Option<i64>,
    extent: Extent,
    bits: f64,
}

/// Looks for records in a region, upwards; none of them lies over the header of another.
pub(super) fn carve(set: &ShapeSet, usable: &[u8], cut_shapes: &[usize], region: Region) -> Vec<Carved> {
    let Some(bytes) = usable.get(region.start..region.end) else { return Vec::new() };
    let steps = (bytes.len() as u64).saturating_mul(STEPS_PER_BYTE).saturating_add(STEPS_PER_PART);
    let place = (region.start, region.end);
    let blocks =
        if cut_shapes.is_empty() { Vec::new() } else { left_blocks(usable, place, region.is_free_block) };
    let (types, found) = (Vec::new(), Vec::new());
    let mut carver = Carver { set, usable, cut_shapes, region, blocks, work: Work(steps), types, found };
    for (at, pair) in bytes.windows(2).enumerate() {
        if let [length, first] = *pair
            && set.can_begin(length, first)
        {
            carver.header_at(region.start + at, (length, first));
        }
    }
    carver.cut_cells();
    apart(carver.found)
}

impl Carver<'_> {
    /// Takes the byte at `at` for the first of a record's header.
    fn header_at(&mut self, at: usize, (length, first): (u8, u8)) {
        let Some((values, body)) = self.read_header(at) else { return };
        let Ok(payload) = u32::try_from(values.saturating_add((body - at) as u64)) else { return };
        // A record of nothing but NULLs and constants says nothing of itself.
        if values == 0 || payload > LONGEST_PAYLOAD_BYTES {
            return;
        }
        let fronts = [true, false].map(|has_rowid| self.front(at, body, payload, has_rowid));
        for (front, has_rowid) in fronts.into_iter().zip([true, false]) {
            let Some(front) = front else { continue };
            let content = self.usable.get(body..front.extent.body_end).unwrap_or_default();
            let mut fits = Vec::new();
            for number in self.set.that_begin(length, first) {
                let Some(shape) = self.set.get(number) else { continue };
                let is_asked = front.form == Form::Whole
                    || (self.cut_shapes.contains(&number) && shape.is_usual_count(self.types.len()));
                if shape.has_rowid() != has_rowid || !is_asked {
                    continue;
                }
                if !self.work.take(self.types.len() + content.len() / 8) {
                    return;
                }
                fits.extend(shape.evidence(&self.types, content).map(|bits| (number, bits)));
            }
            let Front { form, offset, rowid, extent, bits } = front;
            let types = Vec::new();
            let carved = Carved { form, offset, rowid, types, extent, bits, fits, share: 1.0 };
            if carved.most_bits() >= LEAST_BITS {
                self.found.push(Carved { types: self.types.clone(), ..carved });
            }
        }
    }

    /// Reads the types of the header that begins here: how many bytes their values have, and where these begin.
    fn read_header(&mut self, at: usize) -> Option<(u64, usize)> {
        let (length, own) = read_varint(self.usable.get(at..self.region.end)?)?;
        let body = at.checked_add(usize::try_from(length).ok()?).filter(|&body| body <= self.region.end)?;
        self.types.clear();
        let (mut rest, mut values) = (self.usable.get(at + own..body)?, 0_u64);
        while !rest.is_empty() {
            let (kind, taken) = read_varint(rest)?;
            if kind == 10 || kind == 11 || !self.work.take(0) {
                return None;
            }
            self.types.push(SerialType(kind));
            values = values.saturating_add(SerialType(kind).body_bytes());
            rest = rest.get(taken..)?;
        }
        Some((values, body))
    }

    /// What stands in front of a record's header, where it is the rest of a cell.
    fn front(&self, header: usize, body: usize, payload: u32, has_rowid: bool) -> Option<Front> {
        let extent = || Extent::new(self.usable, (header, body), payload, has_rowid, self.region.end);
        let length_bytes = varint_length(payload.into());
        if let Some((offset, rowid)) = self.whole_front(header, payload, has_rowid) {
            let bytes = u32::try_from(1 + length_bytes).unwrap_or_default();
            let bits = BITS_OF_BYTE * f64::from(bytes);
            return Some(Front { form: Form::Whole, offset, rowid, extent: extent()?, bits });
        }
        // The rowid's last bytes may be there.
        let rowid_bytes = if has_rowid { 1..=LONGEST_VARINT } else { 0..=0 };
        for rowid_bytes in rowid_bytes {
            let Some(offset) = header.checked_sub(length_bytes + rowid_bytes) else { break };
            let Some(left) = header.checked_sub(offset + LOST_BYTES) else { continue };
            let Ok(place) = self.blocks.binary_search_by_key(&offset, |block| block.offset) else { continue };
            let before = self.usable.get(..header)?;
            if left > 0 && !can_end_varint(before, left) {
                continue;
            }
            let (block, extent) = (self.blocks.get(place)?, extent()?);
            if let Some(agreement) = agreement(block, extent.end) {
                let bits = BITS_OF_BYTE + agreement;
                return Some(Front { form: Form::Cut, offset, rowid: None, extent, bits });
            }
        }
        None
    }

    /// Where the cell begins whose length and rowid stand in front of a record's header.
    fn whole_front(&self, header: usize, payload: u32, has_rowid: bool) -> Option<(usize, Option<i64>)> {
        // The first four bytes of a block are its own.
        let start = self.region.start + if self.region.is_free_block { LOST_BYTES } else { 0 };
        let length_bytes = varint_length(payload.into());
        let ends = |end: usize| {
            let before = self.usable.get(start..end)?;
            ends_with_varint(before, payload.into()).then(|| end - length_bytes)
        };
        if !has_rowid {
            return ends(header).map(|offset| (offset, None));
        }
        for length in 1..=LONGEST_VARINT {
            let rowid = header.checked_sub(length)?;
            let bytes = self.usable.get(rowid..header)?;
            if length > 1 && bytes.first().is_none_or(|&first| first < 0x80) {
                return None;
            }
            if let Some((number, taken)) = read_varint(bytes)
                && taken == length
                && varint_length(number) == length
                && let Some(offset) = ends(rowid)
            {
                return Some((offset, Some(number.cast_signed())));
            }
        }
        None
    }

    /// Looks at each place where a block began for a cell whose record's header lost its start.
    fn cut_cells(&mut self) {
        let blocks = std::mem::take(&mut self.blocks);
        // A cell that was freed later, and joined to the block before it, is whole.
        let mut starts: Vec<usize> =
            self.found.iter().filter(|it| it.form == Form::Whole).map(|carved| carved.offset).collect();
        starts.sort_unstable();
        for block in &blocks {
            let next = starts.get(starts.partition_point(|&start| start <= block.offset)).copied();
            let block =
                &LeftBlock { limit: next.map_or(block.limit, |next| block.limit.min(next)), ..*block };
            for &number in self.cut_shapes {
                let Some(shape) = self.set.get(number) else { continue };
                let Some(reading) = read_cut_cell(self.usable, block, shape, &mut self.work) else {
                    continue;
                };
                let header = (reading.header, reading.body);
                let (payload, has_rowid) = (reading.payload_bytes, shape.has_rowid());
                let end = self.region.end;
                let Some(extent) = Extent::new(self.usable, header, payload, has_rowid, end) else {
                    continue;
                };
                let Some(agreement) = agreement(block, extent.end) else { continue };
                // What was guessed from its length says nothing by having that.
                let agreement = match (reading.is_guessed, block.is_sure) {
                    (true, true) => BITS_OF_REAL_BLOCK,
                    (true, false) => BITS_OF_LEFT_BLOCK,
                    _ => agreement,
                };
                let form = if reading.is_guessed { Form::Guessed } else { Form::Cut };
                let carved = Carved {
                    form,
                    offset: block.offset,
                    rowid: None,
                    types: reading.types,
                    extent,
                    bits: agreement,
                    fits: vec![(number, reading.bits)],
                    share: reading.share,
                };
                if carved.most_bits() >= LEAST_BITS {
                    self.found.push(carved);
                }
            }
        }
    }
}

/// What the end of a cell says for it, given the block that it became; `None` where it speaks against it.
fn agreement(block: &LeftBlock, end: usize) -> Option<f64> {
    match block.limit.checked_sub(end) {
        Some(0..=MOST_FRAGMENT) if block.is_sure => Some(BITS_OF_BLOCK),
        Some(0..=MOST_FRAGMENT) => Some(BITS_OF_BLOCK + BITS_OF_MERE_TRACE),
        // A block that is one now may have been joined to what lies behind it, or have lost its end to a new cell.
        _ if block.is_real => Some(0.0),
        _ => None,
    }
}

/// Leaves of what lies over each other's headers what more speaks for, and ends each where the next one begins: it was written
/// over.
fn apart(mut found: Vec<Carved>) -> Vec<Carved> {
    found.sort_by_key(|carved| carved.offset);
    let mut kept: Vec<Carved> = Vec::new();
    for mut next in found {
        let mut is_beaten = false;
        while let Some(last) = kept.last_mut().filter(|last| last.excludes(&next)) {
            let ahead = last.most_bits() - next.most_bits();
            if ahead >= 0.0 {
                if last.offset == next.offset && last.types == next.types {
                    // The same cell as a record of another table.
                    last.fits.append(&mut next.fits);
                } else {
                    last.share /= 1.0 + (-ahead).exp2();
                }
                is_beaten = true;
                break;
            }
            next.share /= 1.0 + ahead.exp2();
            kept.pop();
        }
        if !is_beaten {
            kept.push(next);
        }
    }
    let starts: Vec<usize> = kept.iter().skip(1).map(|carved| carved.offset).collect();
    for (carved, start) in kept.iter_mut().zip(starts) {
        carved.end_at(start);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::shape::Shape;
    use super::*;
    use crate::format::database_header::TextEncoding;
    use crate::schema::Table;
    use proptest::prelude::*;

    fn set() -> ShapeSet {
        let shape = |sql| {
            let mut shape = Shape::of_table(&Table::from_sql("t", sql), TextEncoding::UTF8);
            shape.settle();
            shape
        };
        ShapeSet::new(vec![
            shape("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT)"),
            shape("CREATE TABLE u(a TEXT PRIMARY KEY, b INT) WITHOUT ROWID"),
        ])
    }

    fn region(start: usize, end: usize, is_free_block: bool) -> Region {
        Region { start, end, is_free_block }
    }

    /// A row with the rowid 5, `hello` and 1000, at offset 100 of a page.
    fn page() -> Vec<u8> {
        let cell = [11, 5, 4, 0, 23, 2, b'h', b'e', b'l', b'l', b'o', 0x03, 0xe8];
        let mut bytes = vec![0; 512];
        bytes[100..113].copy_from_slice(&cell);
        bytes
    }

    #[test]
    fn a_whole_cell_is_found() {
        let found = carve(&set(), &page(), &[], region(90, 300, false));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].offset, found[0].extent.end, found[0].rowid), (100, 113, Some(5)));
        assert_eq!(found[0].best_fit(|_| 0.0).unwrap().shape, 0);
    }

    #[test]
    fn a_cell_that_became_a_free_block_is_rebuilt_also_where_that_was_joined_to_others() {
        let mut bytes = page();
        bytes[100..104].copy_from_slice(&[0, 0, 0, 13]);
        for region in [region(100, 113, true), region(50, 400, false)] {
            let found = carve(&set(), &bytes, &[0], region);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!((found[0].offset, found[0].extent.end, found[0].rowid), (100, 113, None));
            assert_eq!(found[0].types, [SerialType(0), SerialType(23), SerialType(2)]);
        }
    }

    #[test]
    fn what_was_written_over_is_no_longer_whole() {
        let mut bytes = page();
        // Another row begins in the text of the first.
        bytes[109..120].copy_from_slice(&[9, 6, 4, 0, 21, 1, b'l', b'a', b't', b'e', 9]);
        let found = carve(&set(), &bytes, &[], region(90, 300, false));
        assert_eq!(
            found.iter().map(|it| (it.offset, it.extent.body_end)).collect::<Vec<_>>(),
            [(100, 109), (109, 120)]
        );
    }

    #[test]
    fn a_row_whose_end_is_gone_is_found_as_far_as_it_is_there() {
        let found = carve(&set(), &page(), &[], region(90, 112, false));
        assert_eq!((found[0].offset, found[0].extent.body_end, found[0].extent.end), (100, 112, 113));
    }

    #[test]
    fn a_page_cannot_cost_more_than_its_length() {
        // A header at each byte, each of a hundred texts.
        let columns: Vec<String> = (0..100).map(|n| format!("x{n} TEXT")).collect();
        let sql = format!("CREATE TABLE t({})", columns.join(", "));
        let shape = Shape::of_table(&Table::from_sql("t", &sql), TextEncoding::UTF8);
        let set = ShapeSet::new(vec![shape; 50]);
        let bytes = vec![101; 65536];
        let mut carver = Carver {
            set: &set,
            usable: &bytes,
            cut_shapes: &[],
            region: region(0, bytes.len(), false),
            blocks: Vec::new(),
            work: Work(1000),
            types: Vec::new(),
            found: Vec::new(),
        };
        (0..60_000).for_each(|at| carver.header_at(at, (101, 101)));
        assert_eq!(carver.work.0, 0);
        assert!(carver.read_header(0).is_none(), "nothing is done when nothing is left");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), small: bool, start in 0..700_usize, is_free_block: bool) {
            let bytes: Vec<u8> = bytes.into_iter().map(|byte| if small { byte & 0x1f } else { byte }).collect();
            let found = carve(&set(), &bytes, &[0, 1], region(start, bytes.len(), is_free_block));
            for carved in found {
                prop_assert!(carved.extent.body_end <= bytes.len() && carved.offset < carved.extent.body);
            }
        }
    }
}
