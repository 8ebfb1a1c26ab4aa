//! Names and values as SQL.

use std::io::Write;

use crate::rows::SqlValue;

/// A name in double quotes.
pub(super) fn quoted_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Adds a value to a statement, so that SQLite reads the very same.
pub(super) fn add_value(sql: &mut Vec<u8>, value: &SqlValue<'_>) {
    match value {
        SqlValue::Null => sql.extend_from_slice(b"NULL"),
        SqlValue::Integer(number) => add_display(sql, format_args!("{number}")),
        SqlValue::Real(number) if number.is_infinite() => {
            sql.extend_from_slice(if *number > 0.0 { b"9e999" } else { b"-9e999" });
        }
        SqlValue::Real(number) => add_display(sql, format_args!("{number:?}")),
        SqlValue::Blob(bytes) => add_blob(sql, bytes),
        // The bytes are in the encoding of the database, which the dump gives to the new one too.
        SqlValue::InvalidText(bytes) => {
            sql.extend_from_slice(b"CAST(");
            add_blob(sql, bytes);
            sql.extend_from_slice(b" AS TEXT)");
        }
        SqlValue::Text(text) => add_text(sql, text),
    }
}

fn add_display(sql: &mut Vec<u8>, number: std::fmt::Arguments<'_>) {
    // A buffer takes all that is written to it.
    drop(sql.write_fmt(number));
}

fn add_blob(sql: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |four: u8| DIGITS.get(usize::from(four & 15)).copied().unwrap_or(b'0');
    sql.extend_from_slice(b"x'");
    for &byte in bytes {
        sql.extend_from_slice(&[digit(byte >> 4), digit(byte)]);
    }
    sql.push(b'\'');
}

/// A string. What would act on a terminal, or end the text for SQLite (NUL), is written as `char(N)`.
fn add_text(sql: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'&' | b'('..=b'~' | b'\n' | b'\t');
    if text.bytes().all(is_plain) {
        sql.push(b'\'');
        sql.extend_from_slice(text.as_bytes());
        return sql.push(b'\'');
    }
    let mut is_open = false;
    let mut is_first = true;
    for c in text.chars() {
        let acts = acts_on_a_terminal(c);
        if is_open && acts {
            sql.push(b'\'');
        }
        if acts || !is_open {
            if !is_first {
                sql.extend_from_slice(b"||");
            }
            is_first = false;
            if acts {
                add_display(sql, format_args!("char({})", u32::from(c)));
            } else {
                sql.push(b'\'');
            }
        }
        is_open = !acts;
        if c == '\'' {
            sql.extend_from_slice(b"''");
        } else if !acts {
            sql.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    if is_open {
        sql.push(b'\'');
    }
}

/// Control characters, and those that turn the direction of what follows.
fn acts_on_a_terminal(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(value: SqlValue<'_>) -> String {
        let mut sql = Vec::new();
        add_value(&mut sql, &value);
        String::from_utf8(sql).unwrap()
    }

    #[test]
    fn values() {
        assert_eq!(sql(SqlValue::Null), "NULL");
        assert_eq!(sql(SqlValue::Integer(i64::MIN)), "-9223372036854775808");
        assert_eq!(sql(SqlValue::Real(5.0)), "5.0");
        assert_eq!(sql(SqlValue::Real(1e16)), "1e16");
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
        assert_eq!(text("a\0'b\u{1b}\r"), "'a'||char(0)||'''b'||char(27)||char(13)");
        assert_eq!(text("\u{202e}x"), "char(8238)||'x'");
    }
}
