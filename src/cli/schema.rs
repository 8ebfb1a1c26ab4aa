//! The schema in the report of `litecopy info`.

use litecopy::inspect::{SchemaEntry, SchemaReport};

use super::columns::Page;
use super::numbers::grouped;
use super::printable::printable;

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
    if let Some(exceeded) = &schema.cut {
        page.line("not listed", format!("the rest: {exceeded}"));
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
