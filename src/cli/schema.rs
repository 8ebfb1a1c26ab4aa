//! The schema in the report of `litecopy info`.

use litecopy::inspect::{SchemaEntry, SchemaReport};

use super::info::Page;
use super::numbers::grouped;

pub(crate) fn schema_lines(page: &mut Page, schema: &SchemaReport) {
    page.title("schema");
    if let Some(why) = &schema.unread {
        page.line("not read", why);
        return;
    }
    page.line("tables", grouped(schema.table_count));
    page.line("indexes", grouped(schema.index_count));
    page.line("views", grouped(schema.view_count));
    page.line("triggers", grouped(schema.trigger_count));
    for entry in &schema.entries {
        page.line(&format!("  {}", printable(&entry.kind)), entry_words(entry));
    }
    for row in &schema.left_out {
        page.line("left out", format!("page {}, cell {}: {}", row.page, row.cell, row.exceeded));
    }
}

fn entry_words(entry: &SchemaEntry) -> String {
    let mut words = printable(&entry.name);
    if entry.table_name != entry.name {
        words.push_str(&format!(" on {}", printable(&entry.table_name)));
    }
    if let Some(root_page) = entry.root_page.filter(|&page| page != 0) {
        words.push_str(&format!(", root page {root_page}"));
    }
    words
}

/// A name as it may be shown on a terminal: what would move its cursor, or colour it, is spelled out.
pub(super) fn printable(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_control() || is_bidi_control(c) {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

/// Characters that turn the direction of what follows, so that it reads as something else.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_nothing_to_a_terminal() {
        assert_eq!(printable("kůň 🐎"), "kůň 🐎");
        assert_eq!(printable("a\u{1b}[31m\nb\u{202e}"), "a\\u{1b}[31m\\nb\\u{202e}");
    }
}
