//! Names and values as SQL, so that SQLite reads the very same.

use super::number::{add_integer, add_real};
use crate::format::database_header::TextEncoding;
use crate::rows::SqlValue;

/// A name in double quotes.
pub(super) fn quoted_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Writes values for a database of this encoding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Literals {
    pub(super) encoding: TextEncoding,
}

impl Literals {
    /// Adds a value to a statement.
    pub(super) fn add(self, sql: &mut Vec<u8>, value: &SqlValue<'_>) {
        match value {
            SqlValue::Null => sql.extend_from_slice(b"NULL"),
            SqlValue::Integer(number) => add_integer(sql, *number),
            SqlValue::Real(number) => add_real(sql, *number),
            SqlValue::Blob(bytes) => add_blob(sql, bytes),
            // The bytes are in the encoding of the database, which the dump gives to the new one too.
            SqlValue::InvalidText(bytes) => add_stored_text(sql, bytes),
            SqlValue::Text(text) => {
                let before = sql.len();
                if !self.add_text(sql, text) {
                    sql.truncate(before);
                    add_stored_text(sql, &self.stored(text));
                }
            }
        }
    }

    fn is_utf_16(self) -> bool {
        matches!(self.encoding.effective(), TextEncoding::UTF16LE | TextEncoding::UTF16BE)
    }

    /// The text as the database stores it.
    fn stored(self, text: &str) -> Vec<u8> {
        match self.encoding.effective() {
            TextEncoding::UTF16LE => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            TextEncoding::UTF16BE => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            _ => text.as_bytes().to_vec(),
        }
    }

    /// Adds a string. What would act on a terminal, end the text for SQLite (NUL) or be changed by the shell (CR LF) is written as
    /// `char(N)`. `false`: it cannot be written so.
    fn add_text(self, sql: &mut Vec<u8>, text: &str) -> bool {
        /// SQLite takes no more than a thousand operators in a row, and no more than a hundred arguments.
        const MOST_CHARS: u32 = 100;
        let mut piece = Piece::Start;
        let mut char_count = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let plain = rest.bytes().position(|byte| !is_plain(byte)).unwrap_or(rest.len());
            let (start, behind) = rest.split_at_checked(plain).unwrap_or((rest, ""));
            if !start.is_empty() {
                piece.go_on_as(sql, Piece::String);
                sql.extend_from_slice(start.as_bytes());
            }
            let Some(c) = behind.chars().next() else { break };
            rest = behind.get(c.len_utf8()..).unwrap_or_default();
            if self.is_utf_16() && matches!(c, '\u{fffe}' | '\u{ffff}') {
                // SQLite makes U+FFFD of them on the way to UTF-16.
                return false;
            } else if acts_on_a_terminal(c) {
                char_count += 1;
                if char_count > MOST_CHARS {
                    return false;
                }
                piece.go_on_as(sql, Piece::Chars);
                add_integer(sql, u32::from(c).into());
            } else {
                piece.go_on_as(sql, Piece::String);
                match c {
                    '\'' => sql.extend_from_slice(b"''"),
                    _ => sql.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                }
            }
        }
        if piece == Piece::Start {
            sql.push(b'\'');
            piece = Piece::String;
        }
        sql.extend_from_slice(piece.end());
        true
    }
}

/// What of a text is being written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Start,
    String,
    /// The arguments of `char`.
    Chars,
}

impl Piece {
    #[inline]
    fn go_on_as(&mut self, sql: &mut Vec<u8>, next: Self) {
        if *self == next {
            if next == Self::Chars {
                sql.push(b',');
            }
            return;
        }
        sql.extend_from_slice(self.end());
        if *self != Self::Start {
            sql.extend_from_slice(b"||");
        }
        sql.extend_from_slice(if next == Self::Chars { b"char(" } else { b"'" });
        *self = next;
    }

    fn end(self) -> &'static [u8] {
        match self {
            Self::Start => b"",
            Self::String => b"'",
            Self::Chars => b")",
        }
    }
}

fn add_blob(sql: &mut Vec<u8>, bytes: &[u8]) {
    sql.extend_from_slice(b"x'");
    crate::rows::add_hex(sql, bytes);
    sql.push(b'\'');
}

fn add_stored_text(sql: &mut Vec<u8>, bytes: &[u8]) {
    sql.extend_from_slice(b"CAST(");
    add_blob(sql, bytes);
    sql.extend_from_slice(b" AS TEXT)");
}

/// Whether a byte of a text stands for itself, whatever stands around it. Of those that begin a character, some begin one that does
/// not: U+0080 to U+009F, U+061C, U+2000 to U+2FFF, U+FFFE.
fn is_plain(byte: u8) -> bool {
    #[allow(clippy::indexing_slicing, reason = "past the end it would not compile")]
    const PLAIN: [bool; 256] = {
        let mut plain = [true; 256];
        let mut byte = 0;
        while byte < 256 {
            plain[byte] = !matches!(byte, 0..=8 | 11..=31 | 39 | 127 | 0xc2 | 0xd8 | 0xe2 | 0xef);
            byte += 1;
        }
        plain
    };
    PLAIN.get(usize::from(byte)).copied().unwrap_or(false)
}

/// Control characters, and those that turn the direction of what follows.
fn acts_on_a_terminal(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sql_in(value: SqlValue<'_>, encoding: TextEncoding) -> String {
        let mut sql = Vec::new();
        Literals { encoding }.add(&mut sql, &value);
        String::from_utf8(sql).unwrap()
    }

    fn sql(value: SqlValue<'_>) -> String {
        sql_in(value, TextEncoding::UTF8)
    }

    #[test]
    fn values() {
        assert_eq!(sql(SqlValue::Null), "NULL");
        assert_eq!(sql(SqlValue::Integer(i64::MIN)), "-9223372036854775808");
        assert_eq!(sql(SqlValue::Real(5.0)), "5.0");
        assert_eq!(sql(SqlValue::Real(f64::NEG_INFINITY)), "-9e999");
        assert_eq!(sql(SqlValue::Blob(&[0, 0xaf])), "x'00af'");
        assert_eq!(sql(SqlValue::InvalidText(&[0xff])), "CAST(x'ff' AS TEXT)");
    }

    #[test]
    fn texts() {
        let text = |text: &str| sql(SqlValue::Text(text.to_owned().into()));
        assert_eq!(text(""), "''");
        assert_eq!(text("it's\n"), "'it''s\n'");
        assert_eq!(text("kůň"), "'kůň'");
        assert_eq!(text("a\0'b\u{1b}\r"), "'a'||char(0)||'''b'||char(27,13)");
        assert_eq!(text("\u{202e}x"), "char(8238)||'x'");
        assert_eq!(text("\u{9b}"), "char(155)");
        assert_eq!(text("“é” \u{fffe}"), "'“é” \u{fffe}'");
        assert_eq!(text(&"\0".repeat(101)), format!("CAST(x'{}' AS TEXT)", "00".repeat(101)));
        let little = sql_in(SqlValue::Text("a\u{ffff}".into()), TextEncoding::UTF16LE);
        assert_eq!(little, "CAST(x'6100ffff' AS TEXT)");
    }

    proptest! {
        #[test]
        fn no_byte_that_stands_for_itself_begins_what_does_not(c in any::<char>()) {
            let first = c.encode_utf8(&mut [0; 4]).as_bytes()[0];
            let is_special = acts_on_a_terminal(c) || matches!(c, '\'' | '\u{fffe}' | '\u{ffff}');
            prop_assert!(!is_special || !is_plain(first), "{:?}", c);
        }
    }
}
