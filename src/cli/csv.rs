//! Rows as lines of CSV, by RFC 4180.
//!
//! NULL is an empty field, an empty text is `""`. A blob, and text that is not valid, is given as lower-case hexadecimal digits.

use std::io::Write;

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
        for (index, name) in names.enumerate() {
            self.separate(index);
            self.text(name);
        }
        self.end()
    }

    pub(crate) fn row(&mut self, row: &Row) -> &[u8] {
        self.line.clear();
        for index in 0..row.len() {
            self.separate(index);
            match row.value(index) {
                SqlValue::Null => {}
                SqlValue::Integer(number) => self.display(format_args!("{number}")),
                SqlValue::Real(number) => self.display(format_args!("{number:?}")),
                SqlValue::Text(text) => self.text(&text),
                SqlValue::InvalidText(bytes) | SqlValue::Blob(bytes) => self.hex(bytes),
            }
        }
        self.end()
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.line.push(b',');
        }
    }

    fn end(&mut self) -> &[u8] {
        self.line.extend_from_slice(b"\r\n");
        &self.line
    }

    fn display(&mut self, number: std::fmt::Arguments<'_>) {
        // A buffer takes all that is written to it.
        drop(self.line.write_fmt(number));
    }

    fn hex(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.display(format_args!("{byte:02x}"));
        }
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
        if !text.is_empty() && text.bytes().all(plain) {
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
