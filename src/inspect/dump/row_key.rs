//! Keys of rows, and which of them two rows may have: in memory that does not grow with the table.
//!
//! A filter of bits says of each key whether it may have been there. Only those that may are remembered; whoever meets one of
//! them twice knows. Keys are equal as SQLite compares them: 1 and 1.0 are, and texts by the collation.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use crate::rows::{Row, SqlValue};
use crate::schema::{Collation, Index, IndexTerm, KeyColumn, Table};

/// A key that no two rows of a table may have.
pub(super) struct RowKey {
    /// Which key of the table it is.
    number: u64,
    parts: Vec<KeyPart>,
    /// Its columns, for whoever is told.
    columns: String,
}

struct KeyPart {
    /// Which value of a row.
    value: usize,
    collation: Collation,
}

impl RowKey {
    /// The key of these columns, of which `value_of` says which value of a row each is. `None`: it cannot be told without an
    /// engine.
    pub(super) fn new(key: &[KeyColumn], table: &Table, value_of: &[Option<usize>]) -> Option<Self> {
        Self::from_parts(key.iter().map(|part| (part.column, &part.collation)), table, value_of)
    }

    pub(super) fn from_index(index: &Index, table: &Table, value_of: &[Option<usize>]) -> Option<Self> {
        if index.note.is_some() || index.condition.is_some() {
            return None;
        }
        let terms = index.columns.get(..index.key_count)?.iter();
        let columns: Option<Vec<_>> = terms
            .map(|column| match column.term {
                IndexTerm::Column(number) => Some((number, &column.collation)),
                _ => None,
            })
            .collect();
        Self::from_parts(columns?.into_iter(), table, value_of)
    }

    fn from_parts<'c>(
        parts: impl Iterator<Item = (usize, &'c Collation)>,
        table: &Table,
        value_of: &[Option<usize>],
    ) -> Option<Self> {
        let mut key = Self { number: 0, parts: Vec::new(), columns: String::new() };
        let mut hasher = std::hash::DefaultHasher::new();
        table.name.hash(&mut hasher);
        for (column, collation) in parts {
            if matches!(collation, Collation::Other(_)) {
                return None;
            }
            let name = &table.columns.get(column)?.name;
            (column, collation).hash(&mut hasher);
            key.columns =
                if key.columns.is_empty() { name.clone() } else { format!("{}, {name}", key.columns) };
            key.parts.push(KeyPart { value: value_of.get(column).copied()??, collation: collation.clone() });
        }
        key.number = hasher.finish();
        Some(key)
    }

    /// What tells it from other keys; `None` where a part is NULL, which is like nothing else.
    pub(super) fn hash(&self, row: &Row, filter: &KeyFilter) -> Option<u64> {
        let mut hasher = filter.state.build_hasher();
        hasher.write_u64(self.number);
        for part in &self.parts {
            let value = row.value(part.value);
            if value == SqlValue::Null {
                return None;
            }
            hash_value(&value, &part.collation, &mut hasher);
        }
        Some(hasher.finish())
    }

    pub(super) fn columns(&self) -> &str {
        &self.columns
    }
}

fn hash_value(value: &SqlValue<'_>, collation: &Collation, hasher: &mut impl Hasher) {
    match value {
        SqlValue::Null => hasher.write_u8(0),
        SqlValue::Integer(number) => hash_integer(*number, hasher),
        SqlValue::Real(number) => match whole(*number) {
            Some(number) => hash_integer(number, hasher),
            None => {
                hasher.write_u8(2);
                hasher.write_u64(number.to_bits());
            }
        },
        SqlValue::Text(text) => hash_text(text.as_bytes(), collation, hasher),
        SqlValue::InvalidText(bytes) => hash_text(bytes, collation, hasher),
        SqlValue::Blob(bytes) => {
            hasher.write_u8(4);
            bytes.hash(hasher);
        }
    }
}

fn hash_integer(number: i64, hasher: &mut impl Hasher) {
    hasher.write_u8(1);
    hasher.write_i64(number);
}

fn hash_text(text: &[u8], collation: &Collation, hasher: &mut impl Hasher) {
    hasher.write_u8(3);
    match collation {
        Collation::NoCase => {
            // SQLite compares up to a NUL, then the lengths.
            let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
            text.get(..end).unwrap_or_default().to_ascii_lowercase().hash(hasher);
            hasher.write_usize(text.len());
        }
        Collation::Rtrim => {
            let end = text.iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1);
            text.get(..end).unwrap_or_default().hash(hasher);
        }
        _ => text.hash(hasher),
    }
}

/// The integer that a real equals, if there is one.
fn whole(number: f64) -> Option<i64> {
    const LEAST_TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;
    let is_whole = number.fract() == 0.0 && (-LEAST_TOO_LARGE..LEAST_TOO_LARGE).contains(&number);
    #[allow(clippy::cast_possible_truncation, reason = "it is whole and within the range")]
    is_whole.then_some(number as i64)
}

/// Whether a key may have been there: never no for one that was, and seldom yes for one that was not.
pub(super) struct KeyFilter {
    bits: Vec<u64>,
    state: RandomState,
}

impl KeyFilter {
    /// 8 MiB of bits: of a million keys, some ten are taken for repeated that are not.
    const WORDS: usize = 1 << 20;
    /// How many bits a key has.
    const BITS_EACH: u32 = 4;

    pub(super) fn new() -> Self {
        Self { bits: Vec::new(), state: RandomState::new() }
    }

    /// Puts a key in. Whether it may have been there.
    pub(super) fn insert(&mut self, hash: u64) -> bool {
        if self.bits.is_empty() {
            self.bits = vec![0; Self::WORDS];
        }
        let (mut at, step) = (hash, hash.rotate_left(32) | 1);
        let mut was_there = true;
        for _ in 0..Self::BITS_EACH {
            #[allow(clippy::cast_possible_truncation, reason = "20 bits say which word")]
            let word = (at >> 44) as usize;
            let bit = 1_u64 << (at >> 38 & 63);
            if let Some(word) = self.bits.get_mut(word) {
                was_there &= *word & bit != 0;
                *word |= bit;
            }
            at = at.wrapping_add(step);
        }
        was_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_sqlite_takes_for_equal_have_one_hash() {
        let state = RandomState::new();
        let hash = |value: SqlValue<'_>, collation: Collation| {
            let mut hasher = state.build_hasher();
            hash_value(&value, &collation, &mut hasher);
            hasher.finish()
        };
        let text = |text: &str, collation| hash(SqlValue::Text(text.to_owned().into()), collation);
        let binary = || Collation::Binary;
        assert_eq!(hash(SqlValue::Integer(1), binary()), hash(SqlValue::Real(1.0), binary()));
        assert_eq!(hash(SqlValue::Real(0.0), binary()), hash(SqlValue::Real(-0.0), binary()));
        assert_ne!(hash(SqlValue::Integer(i64::MAX), binary()), hash(SqlValue::Real(9.3e18), binary()));
        assert_ne!(text("a", binary()), hash(SqlValue::Blob(b"a"), binary()));
        assert_ne!(text("a", binary()), text("A", binary()));
        assert_eq!(text("aBc", Collation::NoCase), text("AbC", Collation::NoCase));
        assert_eq!(text("a\0b", Collation::NoCase), text("A\0c", Collation::NoCase));
        assert_ne!(text("a\0b", Collation::NoCase), text("a\0bc", Collation::NoCase));
        assert_eq!(text("a  ", Collation::Rtrim), text("a", Collation::Rtrim));
        assert_ne!(text(" a", Collation::Rtrim), text("a", Collation::Rtrim));
    }

    #[test]
    fn a_filter_forgets_no_key_and_confuses_few() {
        let mut filter = KeyFilter::new();
        let mut next = 1_u64;
        let mut hashes = (0..100_000).map(move |_| {
            next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            next ^ next >> 29
        });
        let known: Vec<u64> = hashes.by_ref().collect();
        let confused = known.iter().filter(|&&hash| filter.insert(hash)).count();
        assert!(confused < 5, "{confused}");
        assert!(known.iter().all(|&hash| filter.insert(hash)));
    }
}
