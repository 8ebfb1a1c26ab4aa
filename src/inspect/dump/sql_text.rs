//! SQL as it is put together, statement by statement, before it is written.

use std::io::{self, Write};

/// How many bytes are put together before they are written.
const CHUNK_BYTES: usize = 64 * 1024;

/// What is to be written next.
pub(super) struct SqlText {
    pub(super) bytes: Vec<u8>,
    /// Where each statement ends, where each is written for itself.
    ends: Vec<usize>,
    by_statement: bool,
}

impl SqlText {
    pub(super) fn new(by_statement: bool) -> Self {
        Self { bytes: Vec::new(), ends: Vec::new(), by_statement }
    }

    /// Here a statement ends.
    pub(super) fn end(&mut self) {
        if self.by_statement {
            self.ends.push(self.bytes.len());
        }
    }

    /// A statement, or a line that goes with the one before.
    pub(super) fn line(&mut self, sql: &str) {
        self.bytes.extend_from_slice(sql.as_bytes());
        self.bytes.push(b'\n');
        self.end();
    }

    /// Whether there is enough of it.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= CHUNK_BYTES
    }

    pub(super) fn write_to(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut result = Ok(());
        let mut start = 0;
        let whole = (!self.by_statement).then_some(self.bytes.len());
        for end in self.ends.drain(..).chain(whole) {
            let statement = self.bytes.get(start..end).unwrap_or_default();
            result = result.and_then(|()| out.write_all(statement));
            start = end;
        }
        self.bytes.clear();
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Writes(Vec<String>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(String::from_utf8(bytes.to_vec()).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn statements_are_written_together_or_each_for_itself() {
        for (by_statement, expected) in [(false, &["a;\nb\nc;\n"][..]), (true, &["a;\n", "b\nc;\n"])] {
            let (mut sql, mut writes) = (SqlText::new(by_statement), Writes(Vec::new()));
            sql.line("a;");
            sql.bytes.extend_from_slice(b"b\n");
            sql.line("c;");
            sql.write_to(&mut writes).unwrap();
            assert_eq!(writes.0, expected);
            sql.write_to(&mut writes).unwrap();
            assert!(writes.0.len() <= expected.len() + 1);
        }
    }
}
