//! Text that comes from files, paths and other processes, as it may be shown on a terminal or written to a log.

use std::ffi::OsStr;

/// Every character that would move the cursor, colour what follows, begin a line, or turn the direction of reading is spelled
/// out as in Rust's string literals. What is printed of a stranger's text goes through here.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if acts_on_terminals(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A path or another name of the system; bytes in it that are not UTF-8 are spelled out as `\xff`.
pub(crate) fn printable_path(path: impl AsRef<OsStr>) -> String {
    let mut shown = String::new();
    for chunk in path.as_ref().as_encoded_bytes().utf8_chunks() {
        shown.push_str(&printable(chunk.valid()));
        shown.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    shown
}

/// Text of several lines that we made ourselves: the line breaks stay.
pub(crate) fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// JSON, in which such characters are spelled out as JSON does, so that programs read the same. Line breaks between its members stay.
pub(crate) fn printable_json(json: String) -> String {
    if !json.chars().any(|c| c != '\n' && acts_on_terminals(c)) {
        return json;
    }
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && acts_on_terminals(c) {
            // All of them have 16 bits.
            shown.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Whether a byte of a text stands for itself in JSON, whatever stands around it. Of those that begin a character, some begin one
/// that does not: U+0080 to U+009F, U+061C, U+2000 to U+2FFF, U+FEFF.
pub(crate) fn is_plain_in_json(byte: u8) -> bool {
    #[allow(clippy::indexing_slicing, reason = "past the end it would not compile")]
    const PLAIN: [bool; 256] = {
        let mut plain = [true; 256];
        let mut byte = 0;
        while byte < 256 {
            plain[byte] = !matches!(byte, 0..=31 | 34 | 92 | 127 | 0xc2 | 0xd8 | 0xe2 | 0xef);
            byte += 1;
        }
        plain
    };
    PLAIN.get(usize::from(byte)).copied().unwrap_or(false)
}

/// Adds a character of a text as JSON has it; what acts on a terminal is spelled out.
pub(crate) fn add_in_json(json: &mut Vec<u8>, c: char) {
    let short = match c {
        '"' => b"\\\"",
        '\\' => b"\\\\",
        '\u{8}' => b"\\b",
        '\t' => b"\\t",
        '\n' => b"\\n",
        '\u{c}' => b"\\f",
        '\r' => b"\\r",
        _ if acts_on_terminals(c) => {
            return json.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
        }
        _ => return json.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
    };
    json.extend_from_slice(short);
}

fn acts_on_terminals(c: char) -> bool {
    c.is_control() || turns_direction(c) || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Characters that turn the direction of what follows, so that it reads as something else.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_nothing_to_a_terminal() {
        assert_eq!(printable("kůň 🐎"), "kůň 🐎");
        assert_eq!(printable("a\u{1b}[31m\nb\u{202e}\u{9b}"), "a\\u{1b}[31m\\nb\\u{202e}\\u{9b}");
        assert_eq!(printable_lines("a\r\nb"), "a\\r\nb");
    }

    #[test]
    fn programs_read_the_same() {
        let text = "a\u{7f}\u{9b}\u{202e}\n\u{1b}é";
        let json = printable_json(serde_json::to_string(text).unwrap());
        assert_eq!(json, "\"a\\u007f\\u009b\\u202e\\n\\u001bé\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_spelled_out() {
        use std::os::unix::ffi::OsStrExt;
        assert_eq!(printable_path(OsStr::from_bytes(b"a\xff\n.db")), "a\\xff\\n.db");
    }
}
