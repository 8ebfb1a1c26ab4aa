//! A row from a record that was found, with the values that are there.

use std::sync::Arc;

use super::carved::{Carved, Form};
use super::page_image::{PageImage, PageRecord};
use super::varints::add_varint;
use crate::format::{OverflowPage, PageNumber};
use crate::rows::{Row, RowLayout, SqlValue, StoredRecord};

/// A row, rebuilt.
pub(super) struct Rebuilt {
    pub(super) row: Row,
    pub(super) confidence: f64,
    /// How many fields of its record are there.
    pub(super) kept: usize,
    /// Whether that are all.
    pub(super) has_all: bool,
}

impl Rebuilt {
    /// The row that a record is. `overflow` gives the pages of its overflow chain that are still there.
    pub(super) fn new(
        image: &PageImage<'_>,
        record: &PageRecord,
        layout: &Arc<RowLayout>,
        overflow: &mut dyn FnMut(PageNumber) -> Option<Vec<u8>>,
    ) -> Option<Self> {
        let carved = &record.carved;
        let (body, is_chain_sound) = content(image, carved, overflow)?;
        // The values that are there, from the first on.
        let (mut kept, mut end) = (0, 0_u64);
        for serial_type in &carved.types {
            match end.saturating_add(serial_type.body_bytes()) {
                next if next <= body.len() as u64 => (kept, end) = (kept + 1, next),
                _ => break,
            }
        }
        let has_all = kept == carved.types.len();
        let mut types = Vec::new();
        carved.types.iter().take(kept).for_each(|it| add_varint(&mut types, it.0));
        let mut payload = Vec::with_capacity(types.len() + body.len() + 3);
        // The length counts itself: one byte up to 127.
        let length = types.len() as u64 + 1;
        add_varint(&mut payload, if length > 127 { length + 1 } else { length });
        payload.extend(types);
        payload.extend(body.get(..usize::try_from(end).ok()?)?);
        let mut row = Row::new(Arc::clone(layout));
        let offset = u32::try_from(carved.offset).ok()?;
        row.set(&StoredRecord { page: image.number, offset, rowid: carved.rowid, payload: &payload }).ok()?;
        let is_valid = (0..row.len()).all(|column| !matches!(row.value(column), SqlValue::InvalidText(_)));
        let is_readable = (0..row.len()).all(|column| !row.value(column).as_str().is_some_and(has_control));
        let doubts = [(has_all, 0.97), (is_valid, 0.6), (is_chain_sound, 0.7), (is_readable, 0.6)];
        let sure: f64 =
            doubts.into_iter().map(|(is_sure, otherwise)| if is_sure { 1.0 } else { otherwise }).product();
        let confidence = record.confidence * sure * of_form(carved.form);
        (end > 0).then_some(Self { row, confidence, kept, has_all })
    }
}

/// Whether a text has characters that texts do not have.
fn has_control(text: &str) -> bool {
    text.chars().any(|it| it.is_control() && !matches!(it, '\t' | '\n' | '\r'))
}

/// How often what is found in this form, and fits, is what it seems.
fn of_form(form: Form) -> f64 {
    match form {
        Form::Pointed | Form::Whole => 0.99,
        Form::Cut => 0.98,
        Form::Guessed => 0.95,
    }
}

/// The values' bytes, as far as they are there, and whether the overflow chain is the one that it was.
fn content(
    image: &PageImage<'_>,
    carved: &Carved,
    overflow: &mut dyn FnMut(PageNumber) -> Option<Vec<u8>>,
) -> Option<(Vec<u8>, bool)> {
    /// A longer one is not followed: what its cell says of its length may be anything.
    const MOST_BYTES: usize = 1 << 26;
    let extent = &carved.extent;
    let mut body = image.usable().get(extent.body..extent.body_end)?.to_vec();
    let values: u64 = carved.types.iter().map(|it| it.body_bytes()).fold(0, u64::saturating_add);
    let (wanted, mut next) = (usize::try_from(values).ok()?, extent.first_overflow);
    let is_long = next.is_some();
    while let Some(number) = next.filter(|_| body.len() < wanted.min(MOST_BYTES)) {
        let Some(bytes) = overflow(number) else { break };
        let Ok(page) = OverflowPage::parse(&bytes, image.usable_bytes) else { break };
        let missing = wanted - body.len();
        body.extend(page.content.iter().take(missing));
        next = page.next;
    }
    // The chain of a record ends where the record does.
    let is_sound = !is_long || (body.len() >= wanted && next.is_none());
    Some((body, is_sound))
}
