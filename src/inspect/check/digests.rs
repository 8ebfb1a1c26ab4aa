//! Whether an index has the entries that its table's rows need, and which it has not.
//!
//! Of each index one number is kept: the sum of the digests of its entries, less that of the entries that the rows need. It
//! is 0 when they are the same, in whatever order ([inspection.md#rows-and-index-entries](crate::notes::inspection#rows-and-index-entries)). Only where it is not, table and index
//! are gone through again: once to find which of 4096 parts of all digests differ, once to keep the digests of those.

use super::fields::{Fields, LONGEST_BYTES};
use super::findings::Findings;
use super::plan::{IndexPlan, RowPart, TablePlan};
use crate::error::Result;
use crate::format::database_header::TextEncoding;
use crate::format::{PageNumber, Value};
use crate::inspect::Database;
use crate::walk::{Fault, FindingKind, Step, TreeWalk, Walk};

/// How many parts the digests are divided into.
const PARTS: usize = 4096;

/// How many digests are kept at most: 32 bytes each.
const MOST_KEPT: usize = 500_000;

/// Odd, with as many bits set as not.
const FACTOR: u64 = 0xa076_1d64_78bd_642f;

/// How many digests of a partial index are looked for at once: 9 bytes each.
const MOST_WANTED: usize = 3_000_000;

/// A digest that grows by one value at a time.
#[derive(Clone, Copy)]
pub(in crate::inspect) struct Digest(u64);

impl Digest {
    pub(in crate::inspect) fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    fn mix(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * u128::from(FACTOR);
        #[allow(clippy::cast_possible_truncation, reason = "the two halves are wanted")]
        let (low, high) = (product as u64, (product >> 64) as u64);
        self.0 = (low ^ high).wrapping_add(word).rotate_left(23);
    }

    fn mix_bytes(&mut self, kind: u64, bytes: &[u8]) {
        self.mix(kind ^ ((bytes.len() as u64) << 3));
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (place, byte) in last.iter_mut().zip(rest) {
            *place = *byte;
        }
        self.mix(u64::from_le_bytes(last));
    }

    /// Adds a value. A real that is whole counts as the integer: the one may be stored as the other.
    pub(in crate::inspect) fn add(&mut self, value: Value<'_>) {
        match value {
            Value::Null => self.mix(1),
            Value::Integer(number) => self.mix_number(number),
            Value::Real(number) => match whole(number) {
                Some(number) => self.mix_number(number),
                None => {
                    self.mix(3);
                    self.mix(number.to_bits());
                }
            },
            Value::Text(bytes) => self.mix_bytes(4, bytes),
            Value::Blob(bytes) => self.mix_bytes(5, bytes),
        }
    }

    fn mix_number(&mut self, number: i64) {
        self.mix(2);
        self.mix(number.cast_unsigned());
    }

    pub(in crate::inspect) fn value(mut self) -> u64 {
        self.mix(6);
        self.0
    }
}

fn whole(number: f64) -> Option<i64> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    #[allow(clippy::cast_possible_truncation, reason = "it is whole, and lies within")]
    (number.fract() == 0.0 && (-BEYOND..BEYOND).contains(&number)).then_some(number as i64)
}

/// The digest of an index entry, without what only an engine could compute from a row.
pub(super) fn of_entry(sources: &[Option<RowPart>], fields: &Fields, payload: &[u8]) -> u64 {
    let mut digest = Digest::new();
    for (field, _) in sources.iter().enumerate().filter(|(_, source)| source.is_some()) {
        digest.add(fields.value(field, payload).unwrap_or(Value::Null));
    }
    digest.value()
}

/// The digest of the index entry that a row needs.
pub(super) fn of_row(
    sources: &[Option<RowPart>],
    rowid: Option<i64>,
    fields: &Fields,
    payload: &[u8],
    encoding: TextEncoding,
) -> u64 {
    let mut digest = Digest::new();
    for source in sources.iter().flatten() {
        match source {
            RowPart::Rowid => digest.add(rowid.map_or(Value::Null, Value::Integer)),
            RowPart::Field(field, added) => match fields.value(*field, payload) {
                Some(value) => digest.add(value),
                None => added.as_stored(encoding, &mut |value| digest.add(value)),
            },
            RowPart::Constant(value) => value.as_stored(encoding, &mut |value| digest.add(value)),
        }
    }
    digest.value()
}

/// Tells which entries of a partial index have no row in its table. As many entries as fit are looked for at a time.
pub(super) fn locate_strays(
    database: &Database,
    table: &TablePlan,
    index: &IndexPlan,
    findings: &mut Findings,
) -> Result<()> {
    let encoding = database.header().text_encoding;
    let mut done = 0;
    loop {
        let (mut wanted, mut passed) = (Vec::new(), 0);
        records(database, index.root, |_, _, _, fields, payload| {
            if passed >= done && wanted.len() < MOST_WANTED {
                wanted.push(of_entry(&index.sources, fields, payload));
            }
            passed += 1;
        })?;
        if wanted.is_empty() || findings.is_full() {
            return Ok(());
        }
        done += wanted.len();
        wanted.sort_unstable();
        wanted.dedup();
        let mut found = vec![false; wanted.len()];
        records(database, table.root, |_, _, rowid, fields, payload| {
            let digest = of_row(&index.sources, rowid, fields, payload, encoding);
            if let Some(found) = wanted.binary_search(&digest).ok().and_then(|at| found.get_mut(at)) {
                *found = true;
            }
        })?;
        let mut found = found.into_iter();
        wanted.retain(|_| found.next() == Some(false));
        if wanted.is_empty() {
            continue;
        }
        records(database, index.root, |page, offset, rowid, fields, payload| {
            let digest = of_entry(&index.sources, fields, payload);
            if wanted.binary_search(&digest).is_ok() {
                tell(Kept { digest, is_row: false, page, offset, rowid }, table, findings);
            }
        })?;
    }
}

/// Where a record is that has a digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Kept {
    digest: u64,
    is_row: bool,
    page: PageNumber,
    offset: u32,
    rowid: Option<i64>,
}

/// Tells which rows have no entry in the index, and which entries have no row.
pub(super) fn locate(
    database: &Database,
    table: &TablePlan,
    index: &IndexPlan,
    findings: &mut Findings,
) -> Result<()> {
    let mut parts = vec![0_u64; PARTS];
    both(database, table, index, |kept| {
        if let Some(sum) = parts.get_mut(part_of(kept.digest)) {
            *sum = if kept.is_row { sum.wrapping_sub(kept.digest) } else { sum.wrapping_add(kept.digest) };
        }
    })?;
    let mut kept = Vec::new();
    both(database, table, index, |one| {
        if kept.len() < MOST_KEPT && parts.get(part_of(one.digest)).is_some_and(|&sum| sum != 0) {
            kept.push(one);
        }
    })?;
    if kept.len() == MOST_KEPT {
        findings.cut();
    }
    kept.sort_unstable();
    for same in kept.chunk_by(|a, b| a.digest == b.digest) {
        let rows = same.iter().filter(|one| one.is_row).count();
        let (more, most) = match (rows, same.len() - rows) {
            (rows, entries) if rows == entries => continue,
            (rows, entries) => (rows > entries, rows.abs_diff(entries)),
        };
        for one in same.iter().filter(|one| one.is_row == more).take(most) {
            tell(*one, table, findings);
        }
    }
    Ok(())
}

fn tell(kept: Kept, table: &TablePlan, findings: &mut Findings) {
    let name = &table.name;
    let detail = match (kept.is_row, kept.rowid) {
        (true, Some(rowid)) => format!("no entry for row {rowid} of {name}, which lies here"),
        (true, None) => format!("no entry for the row of {name} which lies here"),
        (false, _) => format!("no row of {name} has what this entry says"),
    };
    findings.damage(FindingKind::IndexEntry, (Some(kept.page), Some(kept.offset)), detail);
}

fn part_of(digest: u64) -> usize {
    (digest >> 52) as usize % PARTS
}

/// Gives the digest of each row's entry, and of each entry, to `visit`.
fn both(
    database: &Database,
    table: &TablePlan,
    index: &IndexPlan,
    mut visit: impl FnMut(Kept),
) -> Result<()> {
    let encoding = database.header().text_encoding;
    records(database, table.root, |page, offset, rowid, fields, payload| {
        let digest = of_row(&index.sources, rowid, fields, payload, encoding);
        visit(Kept { digest, is_row: true, page, offset, rowid });
    })?;
    records(database, index.root, |page, offset, rowid, fields, payload| {
        visit(Kept { digest: of_entry(&index.sources, fields, payload), is_row: false, page, offset, rowid });
    })
}

/// Gives each record of a b-tree that can be read to `visit`: its page, its offset there, its rowid.
fn records(
    database: &Database,
    root: PageNumber,
    mut visit: impl FnMut(PageNumber, u32, Option<i64>, &Fields, &[u8]),
) -> Result<()> {
    let mut walk = Walk::new(database.snapshot(), *database.header(), |_: Fault| {});
    let mut tree = TreeWalk::new(root, None, walk.usable_bytes());
    let (mut fields, mut payload) = (Fields::default(), Vec::new());
    while let Some(step) = tree.next(&mut walk)? {
        let (at, cells) = match step {
            Step::Page { at, page } if page.kind.is_leaf() || !page.kind.is_table() => {
                (at, Step::cells(page, at))
            }
            _ => continue,
        };
        for (index, cell) in cells.flatten() {
            let Some(stored) = cell.payload.filter(|stored| stored.payload_bytes <= LONGEST_BYTES) else {
                continue;
            };
            let record = match stored.first_overflow {
                None => stored.local,
                Some(_) if walk.payload((index, &cell), at.page, &mut payload)? => &payload,
                Some(_) => continue,
            };
            if fields.read(record).is_ok() {
                visit(at.page, cell.offset, cell.rowid, &fields, record);
            }
        }
    }
    Ok(())
}
