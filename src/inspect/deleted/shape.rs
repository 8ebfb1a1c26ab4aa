//! What the records of a table or an index look like, and how much speaks for it that bytes are one.
//!
//! Evidence is counted in bits: how many times likelier a record of the table is to have these bytes than bytes that mean
//! nothing. What the columns rule out counts for nothing at all; what live rows have in them counts for more.

use crate::format::database_header::TextEncoding;
use crate::format::{SerialType, Value};
use crate::schema::{Affinity, Index, IndexTerm, Table};

use super::text_evidence::text_bits;
use super::varints::varint_length;

/// What speaks for a value that no record has: it is none.
const AS_GOOD_AS_NONE: f64 = -12.0;

/// What the records of one b-tree look like.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    fields: Vec<Field>,
    least_fields: usize,
    has_rowid: bool,
    encoding: TextEncoding,
    /// How many records were seen with so many fields.
    counts: Vec<u32>,
    /// How likely each number of fields is, as a logarithm to base 2.
    count_bits: Vec<f64>,
}

/// What one field of a record can hold, and what it held in the records that were seen.
#[derive(Clone, Debug)]
struct Field {
    is_rowid: bool,
    not_null: bool,
    affinity: Affinity,
    /// Whether rows from before the column was added lack it.
    can_be_missing: bool,
    /// How often it was NULL, an integer, a real, a text, a blob.
    seen: [u32; 5],
    /// The longest text or blob.
    longest: u64,
    /// How likely each of the kinds is, as a logarithm to base 2.
    kind_bits: [f64; 5],
}

impl Shape {
    /// What the rows of a table look like.
    pub(super) fn of_table(table: &Table, encoding: TextEncoding) -> Self {
        let field = |&index: &usize| {
            let column = table.columns.get(index)?;
            let can_be_missing = column.default.is_some() || !column.not_null;
            Some(Field {
                is_rowid: table.rowid_column == Some(index),
                ..Field::new(column.affinity, column.not_null, can_be_missing)
            })
        };
        let fields = table.stored_columns().iter().filter_map(field).collect();
        Self::new(fields, !table.without_rowid, encoding)
    }

    /// What the entries of an index look like, given the shape of its table.
    pub(super) fn of_index(index: &Index, table: &Table, rows: &Self) -> Self {
        let field = |term: &IndexTerm| match term {
            IndexTerm::Column(column) if table.rowid_column != Some(*column) => {
                let place = table.stored_columns().iter().position(|stored| stored == column)?;
                Some(Field { can_be_missing: false, ..rows.fields.get(place)?.clone() })
            }
            IndexTerm::Column(_) | IndexTerm::Rowid => Some(Field::new(Affinity::Integer, true, false)),
            IndexTerm::Expression(_) => Some(Field::new(Affinity::Blob, false, false)),
        };
        let fields = index.columns.iter().filter_map(|column| field(&column.term)).collect();
        Self::new(fields, false, rows.encoding)
    }

    fn new(fields: Vec<Field>, has_rowid: bool, encoding: TextEncoding) -> Self {
        let behind_needed = fields.iter().rev().take_while(|field| field.can_be_missing).count();
        let least_fields = (fields.len() - behind_needed).max(1);
        let (counts, count_bits) = (vec![0; fields.len() + 1], vec![0.0; fields.len() + 1]);
        Self { fields, least_fields, has_rowid, encoding, counts, count_bits }
    }

    /// How many fields a record has, the usual number first: fewer only if records were seen that have so many.
    pub(super) fn usual_counts(&self) -> impl Iterator<Item = usize> {
        self.field_counts().rev().filter(|&count| self.is_usual_count(count))
    }

    /// Whether records have so many fields.
    pub(super) fn is_usual_count(&self, count: usize) -> bool {
        count == self.fields.len() || self.counts.get(count).is_some_and(|&seen| seen > 0)
    }

    /// Whether its b-tree is one of a table with rowids.
    pub(super) fn has_rowid(&self) -> bool {
        self.has_rowid
    }

    /// How many fields a record can have.
    pub(super) fn field_counts(&self) -> std::ops::RangeInclusive<usize> {
        self.least_fields..=self.fields.len()
    }

    /// Takes note of what a live record has in its fields.
    pub(super) fn learn(&mut self, types: impl ExactSizeIterator<Item = SerialType>) {
        if let Some(count) = self.counts.get_mut(types.len()) {
            *count = count.saturating_add(1);
        }
        for (field, serial_type) in self.fields.iter_mut().zip(types) {
            if let Some(count) = field.seen.get_mut(kind_of(serial_type)) {
                *count = count.saturating_add(1);
            }
            if serial_type.0 >= 12 {
                field.longest = field.longest.max(serial_type.body_bytes());
            }
        }
    }

    /// Whether the columns of both say the same: nothing tells their records apart.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let rules = |shape: &Self| shape.fields.iter().map(Field::rules).collect::<Vec<_>>();
        self.has_rowid == other.has_rowid && rules(self) == rules(other)
    }

    /// Takes over what another one that is like it has learned.
    pub(super) fn learn_from(&mut self, other: &Self) {
        let add = |to: &mut [u32], from: &[u32]| {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = to.saturating_add(*from));
        };
        add(&mut self.counts, &other.counts);
        for (field, other) in self.fields.iter_mut().zip(&other.fields) {
            add(&mut field.seen, &other.seen);
            field.longest = field.longest.max(other.longest);
        }
    }

    /// Makes use of what was learned.
    pub(super) fn settle(&mut self) {
        // Few tables have had columns added.
        let most = self.fields.len();
        let weight = |count: usize| if count == most { 4.0 } else { 0.02 };
        let seen = |(count, &seen): (usize, &u32)| f64::from(seen) + weight(count);
        let all: f64 = self.counts.iter().enumerate().map(seen).sum();
        self.count_bits = self.counts.iter().enumerate().map(|it| (seen(it) / all).log2()).collect();
        self.fields.iter_mut().for_each(Field::settle);
    }

    /// Whether the field can have a value of this type.
    pub(super) fn allows(&self, field: usize, serial_type: SerialType) -> bool {
        self.fields.get(field).is_some_and(|field| field.allows(serial_type.0))
    }

    /// What speaks for it that bytes are text.
    pub(super) fn text_bits(&self, bytes: &[u8]) -> f64 {
        text_bits(bytes, self.encoding).unwrap_or(AS_GOOD_AS_NONE)
    }

    /// What speaks for the record: the types are those of its header, the values begin in `body`, which may end before they
    /// do. `None`: it cannot be one of these.
    pub(super) fn evidence(&self, types: &[SerialType], body: &[u8]) -> Option<f64> {
        if !self.field_counts().contains(&types.len()) {
            return None;
        }
        let (mut bits, mut rest) = (self.count_bits.get(types.len()).copied()?, Some(body));
        for (&serial_type, field) in types.iter().zip(&self.fields) {
            if !field.allows(serial_type.0) {
                return None;
            }
            bits += field.type_bits(serial_type);
            let length = usize::try_from(serial_type.body_bytes()).ok()?;
            let Some((value, behind)) = rest.and_then(|rest| rest.split_at_checked(length)) else {
                // What follows is not there.
                rest = None;
                continue;
            };
            bits += field.value_bits(serial_type, value, self.encoding)?;
            rest = Some(behind);
        }
        Some(bits)
    }
}

impl Field {
    fn new(affinity: Affinity, not_null: bool, can_be_missing: bool) -> Self {
        let (seen, kind_bits) = ([0; 5], [0.0; 5]);
        Self { is_rowid: false, not_null, affinity, can_be_missing, seen, longest: 0, kind_bits }
    }

    /// What its column says of it.
    fn rules(&self) -> (bool, bool, Affinity, bool) {
        (self.is_rowid, self.not_null, self.affinity, self.can_be_missing)
    }

    fn settle(&mut self) {
        let examples = [0, 1, 7, 13, 12].map(|example| self.allows(example));
        let allowed = examples.into_iter().filter(|&it| it).count();
        let half = |count: u32| f64::from(count) + 0.5;
        let all: f64 =
            self.seen.iter().zip(examples).filter(|(_, it)| *it).map(|(count, _)| half(*count)).sum();
        let bits = |(&count, allowed): (&u32, bool)| if allowed { (half(count) / all).log2() } else { -20.0 };
        let mut likely = self.seen.iter().zip(examples).map(bits);
        self.kind_bits = match allowed {
            0 => [0.0; 5],
            _ => std::array::from_fn(|_| likely.next().unwrap_or(-20.0)),
        };
    }

    fn allows(&self, kind: u64) -> bool {
        if self.is_rowid {
            return kind == 0;
        }
        match kind {
            0 => !self.not_null,
            10 | 11 => false,
            1..=9 => self.affinity != Affinity::Text,
            _ => true,
        }
    }

    /// What speaks for a type: that it is as likely as it is here, where any byte could stand.
    fn type_bits(&self, serial_type: SerialType) -> f64 {
        let of_kind = self.kind_bits.get(kind_of(serial_type)).copied().unwrap_or_default();
        let among = match serial_type.0 {
            // There are eight sorts of integers.
            1..=6 | 8 | 9 => -3.0,
            12.. => {
                let (length, longest) = (as_f64(serial_type.body_bytes()), as_f64(self.longest));
                let far = if self.longest > 0 && length > 4.0 * longest + 64.0 { -4.0 } else { 0.0 };
                far - (longest.max(length) + 16.0).log2()
            }
            _ => 0.0,
        };
        // Zeros are common among bytes of every sort.
        let unlikely =
            if serial_type.0 == 0 { 2.0 } else { as_f64(varint_length(serial_type.0) as u64) * 8.0 };
        of_kind + among + unlikely
    }

    /// What speaks for the value that these bytes are. `None`: SQLite does not store it so.
    fn value_bits(&self, serial_type: SerialType, bytes: &[u8], encoding: TextEncoding) -> Option<f64> {
        let is_number = matches!(self.affinity, Affinity::Integer | Affinity::Real | Affinity::Numeric);
        match Value::read(serial_type, bytes).ok()? {
            Value::Integer(number) => is_shortest(serial_type.0, number).then_some(0.0),
            Value::Real(number) => {
                let is_whole = number.fract() == 0.0;
                // A column of reals takes such ones as they are.
                let becomes_integer = is_number && self.affinity != Affinity::Real;
                let as_integer = becomes_integer && is_whole && number.abs() < 1e14;
                let usual = number == 0.0 || (1e-30..1e30).contains(&number.abs());
                (!as_integer).then_some(if usual { 3.0 } else { -6.0 })
            }
            // No number, which NULL would be stored for.
            Value::Null if serial_type.0 == 7 => None,
            Value::Text(text) => {
                let is_numeral =
                    || std::str::from_utf8(text).is_ok_and(|text| text.trim().parse::<f64>().is_ok());
                if is_number && is_numeral() {
                    return None;
                }
                Some(text_bits(text, encoding).unwrap_or(AS_GOOD_AS_NONE))
            }
            Value::Null | Value::Blob(_) => Some(0.0),
        }
    }
}

/// Whether an integer is stored in the shortest type that holds it.
fn is_shortest(kind: u64, number: i64) -> bool {
    let shorter_bits: u32 = match kind {
        2 => 8,
        3 => 16,
        4 => 24,
        5 => 32,
        6 => 48,
        _ => return true,
    };
    let most = 1_i64 << (shorter_bits - 1);
    !(-most..most).contains(&number)
}

fn kind_of(serial_type: SerialType) -> usize {
    match serial_type.0 {
        0 | 10 | 11 => 0,
        1..=6 | 8 | 9 => 1,
        7 => 2,
        n if n % 2 == 1 => 3,
        _ => 4,
    }
}

#[allow(clippy::cast_precision_loss, reason = "evidence is no exact number")]
fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(sql: &str) -> Shape {
        let mut shape = Shape::of_table(&Table::from_sql("t", sql), TextEncoding::UTF8);
        shape.settle();
        shape
    }

    fn types(kinds: &[u64]) -> Vec<SerialType> {
        kinds.iter().map(|&kind| SerialType(kind)).collect()
    }

    #[test]
    fn what_the_columns_rule_out_is_none() {
        let shape = shape("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL, b INT)");
        assert_eq!(shape.field_counts(), 2..=3);
        assert!(shape.evidence(&types(&[0, 23, 1]), b"hello\x05").is_some());
        assert!(shape.evidence(&types(&[1, 23, 1]), b"\x05hello\x05").is_none(), "the rowid is NULL");
        assert!(shape.evidence(&types(&[0, 0, 1]), b"\x05").is_none(), "NOT NULL");
        assert!(shape.evidence(&types(&[0, 23, 2]), b"hello\x00\x05").is_none(), "not the shortest");
        assert!(shape.evidence(&types(&[0, 23, 15]), b"hello5").is_none(), "a number as text");
        assert!(shape.evidence(&types(&[0, 23]), b"hello").is_some(), "before the column was added");
        assert!(shape.evidence(&types(&[0]), b"").is_none());
    }

    #[test]
    fn live_rows_tell_what_is_likely() {
        let mut shape = shape("CREATE TABLE t(a, b)");
        let (texts, numbers) = (types(&[23, 23]), types(&[6, 6]));
        let before = shape.evidence(&texts, b"helloworld").unwrap();
        (0..100).for_each(|_| shape.learn(texts.iter().copied()));
        shape.settle();
        assert!(shape.evidence(&texts, b"helloworld").unwrap() > before);
        assert!(
            shape.evidence(&numbers, &[0x7f; 16]).unwrap() < shape.evidence(&texts, b"helloworld").unwrap()
        );
    }
}
