//! The shapes that a record is looked for among, and which of them two bytes can begin the header of.

use super::shape::Shape;
use crate::format::SerialType;

/// How many shapes are looked for at most in a page that may be of any table: what a schema claims must not cost without bound.
const MOST_SHAPES: usize = 4096;

/// The longest varint of a type that is worth a look: payloads have less than 2^31 bytes.
const LONGEST_TYPE: usize = 5;

/// Shapes, by number.
#[derive(Debug, Default)]
pub(super) struct ShapeSet {
    shapes: Vec<Shape>,
    /// How many words have a bit for each shape.
    words: usize,
    /// Of each byte the shapes whose header's length can begin with it.
    lengths: Vec<u64>,
    /// Of each byte the shapes whose first type can begin with it.
    firsts: Vec<u64>,
    /// Of each byte whether there is any shape, for a length and for a first type.
    any_length: Vec<bool>,
    any_first: Vec<bool>,
}

impl ShapeSet {
    pub(super) fn new(shapes: Vec<Shape>) -> Self {
        let words = shapes.len().min(MOST_SHAPES).div_ceil(64);
        let mut set = Self { words, ..Self::default() };
        set.lengths = vec![0; 256 * words];
        set.firsts = vec![0; 256 * words];
        for (number, shape) in shapes.iter().enumerate().take(MOST_SHAPES) {
            set.add(number, shape);
        }
        let any = |table: &[u64]| -> Vec<bool> {
            (0..256).map(|byte| row(table, byte, words).iter().any(|&word| word != 0)).collect()
        };
        (set.any_length, set.any_first) = (any(&set.lengths), any(&set.firsts));
        set.shapes = shapes;
        set
    }

    fn add(&mut self, number: usize, shape: &Shape) {
        let counts = shape.field_counts();
        let (least, most) = (counts.start() + 1, counts.end() * LONGEST_TYPE + 1);
        for byte in 0..256 {
            let can_be_length = if byte < 0x80 { (least..=most).contains(&byte) } else { most > 0x7f };
            let can_be_first = match byte {
                0..0x80 => shape.allows(0, SerialType(byte as u64)),
                _ => shape.allows(0, SerialType(128)) || shape.allows(0, SerialType(129)),
            };
            for (table, can_be) in [(&mut self.lengths, can_be_length), (&mut self.firsts, can_be_first)] {
                if let Some(word) = table.get_mut(byte * self.words + number / 64).filter(|_| can_be) {
                    *word |= 1 << (number % 64);
                }
            }
        }
    }

    pub(super) fn get(&self, number: usize) -> Option<&Shape> {
        self.shapes.get(number)
    }

    /// How many shapes are looked for.
    pub(super) fn len(&self) -> usize {
        self.shapes.len().min(MOST_SHAPES)
    }

    /// Whether a header can begin with these two bytes: what is asked of each byte that is searched.
    #[inline]
    pub(super) fn can_begin(&self, length: u8, first: u8) -> bool {
        let is = |table: &[bool], byte: u8| table.get(usize::from(byte)).is_some_and(|&it| it);
        // Behind a length of two bytes, the first type does not follow at once.
        is(&self.any_length, length) && (length >= 0x80 || is(&self.any_first, first))
    }

    /// The shapes whose header can begin with these two bytes.
    pub(super) fn that_begin(&self, length: u8, first: u8) -> impl Iterator<Item = usize> {
        let lengths = row(&self.lengths, usize::from(length), self.words);
        let firsts = row(&self.firsts, usize::from(first), self.words);
        lengths.iter().zip(firsts).enumerate().flat_map(move |(place, (&by_length, &by_first))| {
            let mut word = if length >= 0x80 { by_length } else { by_length & by_first };
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros();
                word &= word.wrapping_sub(1);
                (bit < 64).then_some(place * 64 + bit as usize)
            })
        })
    }
}

fn row(table: &[u64], byte: usize, words: usize) -> &[u64] {
    table.get(byte * words..(byte + 1) * words).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::database_header::TextEncoding;
    use crate::schema::Table;

    #[test]
    fn two_bytes_tell_which_shapes_there_can_be() {
        let shape = |sql| Shape::of_table(&Table::from_sql("t", sql), TextEncoding::UTF8);
        let mut shapes = vec![shape("CREATE TABLE t(id INTEGER PRIMARY KEY, a NOT NULL, b NOT NULL)")];
        shapes.extend((0..100).map(|_| shape("CREATE TABLE u(a TEXT NOT NULL, b NOT NULL)")));
        let set = ShapeSet::new(shapes);
        let begin = |length, first| set.that_begin(length, first).collect::<Vec<_>>();
        assert_eq!(begin(4, 0), [0], "a rowid comes first");
        assert_eq!(begin(3, 23).len(), 100);
        assert_eq!(begin(4, 0x81).len(), 100);
        assert!(begin(2, 0).is_empty() && begin(4, 5).is_empty() && begin(0x81, 0).is_empty());
        assert!(set.can_begin(4, 0) && !set.can_begin(0, 0) && !set.can_begin(4, 1));
    }
}
