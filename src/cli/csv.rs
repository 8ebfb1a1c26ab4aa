//! Rows as lines of CSV, by RFC 4180.
//!
//! NULL is an empty field, an empty text is `""`. A blob, and text that is not valid, is given as lower-case hexadecimal digits.

use litecopy::rows::{Row, SqlValue};

use super::printable::printable;

/// Makes lines, in one buffer.
pub(crate) struct CsvLine {
    line: Vec<u8>,
    /// Whether a person looks at it: then control characters are spelled out.
    for_terminal: bool,
}

impl CsvLine {
    pub(crate) fn new(for_terminal: bool) -> Self {
        Self { line: Vec::new(), for_terminal }
    }

    /// The first line: the names of the columns.
    pub(crate) fn names<'n>(&mut self, names: impl Iterator<Item = &'n str>) -> &[u8] {
        self.line.clear();
        for name in names {
            self.text(name);
            self.line.push(b',');
        }
        self.end()
    }

    pub(crate) fn row(&mut self, row: &Row) -> &[u8] {
        self.line.clear();
        for index in 0..row.len() {
            match row.value(index) {
                SqlValue::Null => {}
                SqlValue::Integer(number) => add_integer(&mut self.line, number),
                SqlValue::Real(number) => add_real(&mut self.line, number),
                SqlValue::Text(text) => self.text(&text),
                SqlValue::InvalidText(bytes) | SqlValue::Blob(bytes) => add_hex(&mut self.line, bytes),
            }
            self.line.push(b',');
        }
        self.end()
    }

    fn end(&mut self) -> &[u8] {
        self.line.pop();
        self.line.extend_from_slice(b"\r\n");
        &self.line
    }

    fn text(&mut self, text: &str) {
        if self.for_terminal {
            let shown = printable(text);
            return self.quoted(&shown);
        }
        self.quoted(text);
    }

    fn quoted(&mut self, text: &str) {
        let plain = |byte: u8| !matches!(byte, b'"' | b',' | b'\r' | b'\n');
        // All of it at once, not up to the first that is not: the processor takes many bytes in one step.
        if !text.is_empty() && text.bytes().fold(true, |all, byte| all & plain(byte)) {
            return self.line.extend_from_slice(text.as_bytes());
        }
        self.line.push(b'"');
        for (index, part) in text.split('"').enumerate() {
            if index > 0 {
                self.line.extend_from_slice(b"\"\"");
            }
            self.line.extend_from_slice(part.as_bytes());
        }
        self.line.push(b'"');
    }
}

pub(super) fn add_integer(line: &mut Vec<u8>, number: i64) {
    line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// The shortest digits that give the same number; `inf` and `-inf`.
pub(super) fn add_real(line: &mut Vec<u8>, number: f64) {
    line.extend_from_slice(zmij::Buffer::new().format(number).as_bytes());
}

/// In lower-case hexadecimal digits.
pub(super) fn add_hex(line: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |four: u8| four + if four < 10 { b'0' } else { b'a' - 10 };
    let start = line.len();
    line.resize(start + bytes.len() * 2, 0);
    let (pairs, _) = line.get_mut(start..).unwrap_or_default().as_chunks_mut();
    for (pair, &byte) in pairs.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
}
