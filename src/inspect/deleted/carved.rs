//! A record that was found in a page: where it lies, what it has, and what speaks for it.

use crate::format::btree_cell::local_payload_bytes;
use crate::format::{PageKind, PageNumber, SerialType};

/// How a record was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// As a cell that its page points to.
    Pointed,
    /// With all of its cell's start.
    Whole,
    /// Without the first four bytes of its cell.
    Cut,
    /// The same, and types of it are lost: what they were follows from the length.
    Guessed,
}

/// A record that was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Carved {
    pub(super) form: Form,
    /// Where its cell begins, or what is left of it.
    pub(super) offset: usize,
    pub(super) rowid: Option<i64>,
    pub(super) types: Vec<SerialType>,
    pub(super) extent: Extent,
    /// What speaks for it, whatever table it is of, in bits.
    pub(super) bits: f64,
    /// The shapes that it fits, and what speaks for each, in bits.
    pub(super) fits: Vec<(usize, f64)>,
    /// How likely it is among what else the same bytes can be.
    pub(super) share: f64,
}

impl Carved {
    /// The shape that it fits best, and how likely that is among those that it fits.
    pub(super) fn best_fit(&self, favoured: impl Fn(usize) -> f64) -> Option<Fit> {
        let weighted = || self.fits.iter().map(|&(shape, bits)| (shape, bits + favoured(shape)));
        let (shape, bits) = weighted().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let all: f64 = weighted().map(|(_, other)| (other - bits).exp2()).sum();
        Some(Fit { shape, bits: self.bits + bits, share: self.share / all })
    }

    /// What speaks for it if it is of the shape that it fits best.
    pub(super) fn most_bits(&self) -> f64 {
        self.bits + self.fits.iter().map(|&(_, bits)| bits).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Whether what tells of its values lies over that of another, which begins behind it: only one of them is there.
    pub(super) fn excludes(&self, next: &Self) -> bool {
        next.offset < self.extent.body
    }

    /// Cuts off what was written over by another, which begins within it.
    pub(super) fn end_at(&mut self, offset: usize) {
        let extent = &mut self.extent;
        if offset < extent.end {
            extent.end = offset;
            extent.body_end = extent.body_end.min(offset);
            extent.first_overflow = None;
        }
    }
}

/// The shape that a record is taken to be of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    pub(super) shape: usize,
    pub(super) bits: f64,
    pub(super) share: f64,
}

/// Where the parts of a record lie in its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Where its values begin.
    pub(super) body: usize,
    /// Where those end that are in the page.
    pub(super) body_end: usize,
    /// Where its cell ends.
    pub(super) end: usize,
    /// The page that the rest is in.
    pub(super) first_overflow: Option<PageNumber>,
    /// How many bytes it has of all, its header included.
    pub(super) payload_bytes: u32,
}

impl Extent {
    /// Of the record with this header, in a page of tables or of indexes; it may end behind `end`, where the page ends for it.
    pub(super) fn new(
        usable: &[u8],
        (header, body): (usize, usize),
        payload_bytes: u32,
        has_rowid: bool,
        end: usize,
    ) -> Option<Self> {
        let kind = if has_rowid { PageKind::LeafTable } else { PageKind::LeafIndex };
        let local = local_payload_bytes(kind, payload_bytes, u32::try_from(usable.len()).ok()?);
        let body_end = header.checked_add(local as usize)?.max(body);
        let (mut first_overflow, mut cell_end) = (None, body_end);
        if local < payload_bytes {
            cell_end = body_end.checked_add(4)?;
            if cell_end <= end {
                let pointer = usable.get(body_end..cell_end)?.first_chunk::<4>()?;
                first_overflow = Some(PageNumber::new(u32::from_be_bytes(*pointer))?);
            }
        }
        let (body_end, end) = (body_end.min(end), cell_end);
        Some(Self { body, body_end, end, first_overflow, payload_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carved(offset: usize, end: usize) -> Carved {
        let extent = Extent { body: offset + 5, body_end: end, end, first_overflow: None, payload_bytes: 9 };
        let fits = vec![(0, 10.0), (1, 9.0), (2, -5.0)];
        Carved {
            form: Form::Whole,
            offset,
            rowid: None,
            types: Vec::new(),
            extent,
            bits: 8.0,
            fits,
            share: 1.0,
        }
    }

    #[test]
    fn the_best_fit_shares_with_the_others() {
        let fit = carved(0, 20).best_fit(|_| 0.0).unwrap();
        assert_eq!((fit.shape, fit.bits), (0, 18.0));
        assert!((fit.share - 2.0 / 3.0).abs() < 0.01, "half as likely is the other: {}", fit.share);
        let favoured = carved(0, 20).best_fit(|shape| if shape == 1 { 10.0 } else { 0.0 }).unwrap();
        assert_eq!((favoured.shape, favoured.share > 0.99), (1, true));
    }

    #[test]
    fn what_begins_in_the_values_of_another_was_written_over_it() {
        let (mut first, near, far) = (carved(0, 20), carved(3, 30), carved(10, 30));
        assert!(first.excludes(&near) && !first.excludes(&far));
        first.end_at(far.offset);
        assert_eq!((first.extent.body_end, first.extent.end), (10, 10));
    }

    #[test]
    fn a_long_record_ends_with_the_number_of_a_page() {
        let mut usable = vec![0; 512];
        let local = local_payload_bytes(PageKind::LeafTable, 900, 512) as usize;
        usable[13 + local] = 7;
        let extent = Extent::new(&usable, (10, 20), 900, true, 512).unwrap();
        assert_eq!((extent.body_end, extent.end), (10 + local, 14 + local));
        assert_eq!(extent.first_overflow.map(PageNumber::get), Some(7));
        let cut = Extent::new(&usable, (10, 20), 900, true, 100).unwrap();
        assert_eq!((cut.body_end, cut.first_overflow), (100, None));
        assert_eq!(Extent::new(&[0; 512], (10, 20), 900, true, 512), None, "there is no page 0");
    }
}
