//! Rows as JSON, one a line: what `serde` makes of a row, written straight into one buffer.

use litecopy::rows::{Row, SqlValue};

use super::csv::{add_hex, add_integer, add_real};
use super::printable::is_plain_in_json;

/// Makes lines of one table, in one buffer.
pub(crate) struct JsonRow {
    line: Vec<u8>,
    /// What each line begins with.
    start: Vec<u8>,
    /// What stands before the value of each column.
    names: Vec<Vec<u8>>,
}

impl JsonRow {
    pub(crate) fn new<'n>(table: &str, columns: impl Iterator<Item = &'n str>) -> Self {
        let mut start = b"{\"table\":".to_vec();
        add_text(&mut start, table);
        start.extend_from_slice(b",\"rowid\":");
        let names = columns.enumerate().map(|(index, name)| name_before(index, name)).collect();
        Self { line: Vec::new(), start, names }
    }

    pub(crate) fn line(&mut self, row: &Row) -> &[u8] {
        self.line.clear();
        self.line.extend_from_slice(&self.start);
        match row.rowid() {
            Some(rowid) => add_integer(&mut self.line, rowid),
            None => self.line.extend_from_slice(b"null"),
        }
        self.line.extend_from_slice(b",\"values\":{");
        for (index, name) in self.names.iter().enumerate() {
            self.line.extend_from_slice(name);
            add_value(&mut self.line, &row.value(index));
        }
        if row.len() > self.names.len() {
            // Fields behind the known columns.
            for (index, (name, value)) in row.values().enumerate().skip(self.names.len()) {
                self.line.extend_from_slice(&name_before(index, &name));
                add_value(&mut self.line, &value);
            }
        }
        self.line.extend_from_slice(b"}}\n");
        &self.line
    }
}

fn name_before(index: usize, name: &str) -> Vec<u8> {
    let mut before = if index > 0 { b",".to_vec() } else { Vec::new() };
    add_text(&mut before, name);
    before.push(b':');
    before
}

fn add_value(line: &mut Vec<u8>, value: &SqlValue<'_>) {
    let mut object = |key: &str, add: &dyn Fn(&mut Vec<u8>)| {
        line.extend_from_slice(key.as_bytes());
        add(line);
        line.extend_from_slice(b"\"}");
    };
    match value {
        SqlValue::Null => line.extend_from_slice(b"null"),
        SqlValue::Integer(number) => add_integer(line, *number),
        SqlValue::Real(number) if number.is_finite() => add_real(line, *number),
        SqlValue::Real(number) => object("{\"real\":\"", &|line| add_real(line, *number)),
        SqlValue::Text(text) => add_text(line, text),
        SqlValue::InvalidText(bytes) => object("{\"invalid_text\":\"", &|line| add_hex(line, bytes)),
        SqlValue::Blob(bytes) => object("{\"blob\":\"", &|line| add_hex(line, bytes)),
    }
}

/// A string; what acts on a terminal is spelled out.
fn add_text(line: &mut Vec<u8>, text: &str) {
    line.push(b'"');
    let mut rest = text;
    loop {
        let plain = rest.bytes().position(|byte| !is_plain_in_json(byte)).unwrap_or(rest.len());
        let (start, behind) = rest.split_at_checked(plain).unwrap_or((rest, ""));
        line.extend_from_slice(start.as_bytes());
        let Some(c) = behind.chars().next() else { break };
        super::printable::add_in_json(line, c);
        rest = behind.get(c.len_utf8()..).unwrap_or_default();
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::printable::printable_json;

    #[test]
    fn texts_are_what_serde_and_printable_make_of_them() {
        let special = "\u{0}\u{8}\t\n\u{c}\r\u{1f}\"\\/\u{7f}\u{80}\u{9f}\u{a0}é\u{61c}ů\u{200e}“\u{2028}\u{202e}\u{2066}\u{feff}\u{fffe}🐎";
        let all: String = (0..0x3000).chain(0xfe00..0x1_0000).filter_map(char::from_u32).collect();
        for text in ["", "plain", special, &all] {
            let mut line = Vec::new();
            add_text(&mut line, text);
            let expected = printable_json(serde_json::to_string(text).unwrap());
            assert_eq!(String::from_utf8(line).unwrap(), expected);
        }
    }

    #[test]
    fn values_are_what_serde_makes_of_them() {
        let values = [
            SqlValue::Null,
            SqlValue::Integer(i64::MIN),
            SqlValue::Real(-0.0),
            SqlValue::Real(1e300),
            SqlValue::Real(f64::INFINITY),
            SqlValue::Real(f64::NEG_INFINITY),
            SqlValue::Text("it's".into()),
            SqlValue::InvalidText(&[0xff, 0]),
            SqlValue::Blob(&[0x0a, 0xbc]),
        ];
        for value in values {
            let mut line = Vec::new();
            add_value(&mut line, &value);
            assert_eq!(String::from_utf8(line).unwrap(), serde_json::to_string(&value).unwrap());
        }
    }
}
