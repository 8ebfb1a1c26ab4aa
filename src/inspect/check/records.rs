//! The records of a b-tree: each one by itself, and its place behind the one before.

use super::digests;
use super::fields::Fields;
use super::findings::Findings;
use super::key_order::{KeyField, KeyOrder, compare};
use super::plan::{Content, IndexPlan, Plan, TablePlan};
use crate::format::database_header::TextEncoding;
use crate::format::{PageNumber, Value};
use crate::walk::FindingKind;
use std::cmp::Ordering;

/// Where a record is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) page: PageNumber,
    /// Which cell of the page it is.
    pub(super) index: u16,
    pub(super) offset: u32,
    pub(super) rowid: Option<i64>,
}

/// What is known of the records so far, and the buffers that are kept between them.
pub(super) struct RecordCheck<'p> {
    plan: &'p Plan,
    encoding: TextEncoding,
    quick: bool,
    /// For each index, the digests of its entries less those that its table's rows need.
    pub(super) sums: Vec<u64>,
    content: Records<'p>,
    fields: Fields,
    before: Before,
    wrong_texts: u64,
    first_wrong_text: Option<Place>,
}

/// What the records of the tree at hand are.
#[derive(Clone, Copy)]
enum Records<'p> {
    Rows(&'p TablePlan),
    /// Of the index with this number.
    Entries(usize, &'p IndexPlan),
    /// Nothing is known of them.
    Any,
}

/// The record before, where records are in the order of a key.
#[derive(Default)]
struct Before {
    is_there: bool,
    fields: Fields,
    payload: Vec<u8>,
}

impl<'p> RecordCheck<'p> {
    pub(super) fn new(plan: &'p Plan, encoding: TextEncoding, quick: bool) -> Self {
        Self {
            plan,
            encoding,
            quick,
            sums: vec![0; plan.indexes.len()],
            content: Records::Any,
            fields: Fields::default(),
            before: Before::default(),
            wrong_texts: 0,
            first_wrong_text: None,
        }
    }

    /// Begins with a tree.
    pub(super) fn begin(&mut self, content: Content) {
        self.content = match content {
            Content::Table(table) => self.plan.tables.get(table).map_or(Records::Any, Records::Rows),
            Content::Index(index) => {
                let plan = self.plan.indexes.get(index).filter(|plan| !plan.fields.is_empty());
                plan.map_or(Records::Any, |plan| Records::Entries(index, plan))
            }
        };
        self.before.is_there = false;
        (self.wrong_texts, self.first_wrong_text) = (0, None);
    }

    /// Says that a record is missing: what comes next has none before it.
    pub(super) fn lose(&mut self) {
        self.before.is_there = false;
    }

    /// Tells what can only be told of the tree as a whole.
    pub(super) fn end(&mut self, findings: &mut Findings) {
        let Some(Place { page, offset, .. }) = self.first_wrong_text else { return };
        let detail = match self.wrong_texts {
            1 => format!("a text that is not valid {}", self.encoding),
            count => format!("{count} texts that are not valid {}; the first lies here", self.encoding),
        };
        findings.note(FindingKind::TextEncoding, (Some(page), Some(offset)), detail);
    }

    /// The next record of the tree.
    #[inline]
    pub(super) fn check(&mut self, place: Place, payload: &[u8], findings: &mut Findings) {
        if let Err(damage) = self.fields.read(payload) {
            self.lose();
            place.tell(FindingKind::Record, damage, findings);
            return;
        }
        match self.content {
            Records::Rows(plan) => self.row(plan, place, payload, findings),
            Records::Entries(number, plan) => self.entry((number, plan), place, payload, findings),
            Records::Any => {}
        }
    }

    #[inline]
    fn row(&mut self, plan: &'p TablePlan, place: Place, payload: &[u8], findings: &mut Findings) {
        for rule in plan.rules.iter().filter(|rule| !rule.surely_takes(&self.fields)) {
            let at = (Some(place.page), Some(place.offset));
            rule.check((&self.fields, payload), self.encoding, (place.index, at), findings);
        }
        for text in self.fields.texts(payload) {
            if !is_valid(text, self.encoding) {
                self.wrong_texts += 1;
                self.first_wrong_text.get_or_insert(place);
            }
        }
        if !self.quick {
            self.add_digests(plan, place.rowid, payload);
        }
        if !plan.key.is_empty() {
            self.keep_order(&plan.key, None, place, payload, findings);
        }
    }

    /// Takes the entries that a row needs from the sums of the indexes.
    fn add_digests(&mut self, plan: &TablePlan, rowid: Option<i64>, payload: &[u8]) {
        for &index in &plan.indexes {
            let Some(sources) = self.plan.indexes.get(index).map(|index| &index.sources) else { continue };
            let digest = digests::of_row(sources, rowid, &self.fields, payload, self.encoding);
            if let Some(sum) = self.sums.get_mut(index) {
                *sum = sum.wrapping_sub(digest);
            }
        }
    }

    #[inline]
    fn entry(
        &mut self,
        (number, plan): (usize, &'p IndexPlan),
        place: Place,
        payload: &[u8],
        findings: &mut Findings,
    ) {
        if self.fields.len() != plan.fields.len() {
            let (found, needed) = (self.fields.len(), plan.fields.len());
            let detail = format_args!("an index entry of {found} values, not {needed}");
            place.tell(FindingKind::Record, detail, findings);
            return self.lose();
        }
        let unique = plan.unique.filter(|_| !self.quick);
        if !plan.is_partial && !self.quick {
            let digest = digests::of_entry(&plan.sources, &self.fields, payload);
            if let Some(sum) = self.sums.get_mut(number) {
                *sum = sum.wrapping_add(digest);
            }
        }
        self.keep_order(&plan.fields, unique, place, payload, findings);
    }

    /// Compares a record with the one before, and takes its place. Of a unique key no two records share the first fields.
    #[inline]
    fn keep_order(
        &mut self,
        key: &[KeyField],
        unique: Option<usize>,
        place: Place,
        payload: &[u8],
        findings: &mut Findings,
    ) {
        if self.before.is_there {
            let before = (&self.before.fields, self.before.payload.as_slice());
            let after = (&self.fields, payload);
            let order = compare(key, before, after, self.encoding);
            if matches!(order, KeyOrder::Equal | KeyOrder::Differ(_, Ordering::Greater)) {
                place.tell(FindingKind::IndexOrder, "it does not come behind the entry before it", findings);
            }
            if let (Some(unique), KeyOrder::Differ(field, _)) = (unique, order)
                && field >= unique
                && (0..unique).all(|field| self.fields.value(field, payload) != Some(Value::Null))
            {
                place.tell(FindingKind::Unique, "its key is that of the entry before it", findings);
            }
        }
        std::mem::swap(&mut self.before.fields, &mut self.fields);
        self.before.payload.clear();
        self.before.payload.extend_from_slice(payload);
        self.before.is_there = true;
    }
}

impl Place {
    #[cold]
    fn tell(self, kind: FindingKind, detail: impl std::fmt::Display, findings: &mut Findings) {
        findings.damage(kind, (Some(self.page), Some(self.offset)), format!("cell {}: {detail}", self.index));
    }
}

#[inline]
fn is_valid(text: &[u8], encoding: TextEncoding) -> bool {
    let unit = match encoding.effective() {
        TextEncoding::UTF16LE => u16::from_le_bytes,
        TextEncoding::UTF16BE => u16::from_be_bytes,
        _ => return std::str::from_utf8(text).is_ok(),
    };
    let (pairs, half) = text.as_chunks::<2>();
    half.is_empty() && char::decode_utf16(pairs.iter().map(|&pair| unit(pair))).all(|c| c.is_ok())
}
