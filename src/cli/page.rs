//! `litecopy page`: one page, decoded, with the bytes beside it.

use std::io;
use std::path::PathBuf;

use clap::Args;
use litecopy::PageNumber;
use litecopy::inspect::{self, CellContent, PageContent, PageHeader, Part, PartKind};
use litecopy::rows::SqlValue;

use super::exit_code::Ending;
use super::output::{Output, say_error, say_failure, say_lines};
use super::printable::{printable, printable_path};
use super::reading_arguments::ReadingArguments;

/// How many bytes stand on a line.
const LINE_BYTES: usize = 16;

/// How much of a value is shown.
const LONGEST_VALUE: usize = 60;

/// Show one page decoded, cell by cell, with its bytes
#[derive(Debug, Args)]
pub(crate) struct PageArguments {
    /// The database to look at; it is only read
    file: PathBuf,

    /// The number of the page, from 1
    #[arg(value_name = "N", value_parser = page_number)]
    page: PageNumber,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reading: ReadingArguments,
}

fn page_number(words: &str) -> Result<PageNumber, String> {
    let number = words.parse().ok().and_then(PageNumber::new);
    number.ok_or_else(|| "not the number of a page, which is 1 or more".to_owned())
}

impl PageArguments {
    pub(crate) fn run(&self) -> Ending {
        self.reading.confine(&[&self.file], &[]);
        let opened = self.reading.database(&self.file);
        let content = opened.and_then(|mut database| {
            let content = database.report(|database| inspect::page(database, self.page))?;
            Ok((content, database.page_count()))
        });
        match content {
            Err(error) => say_failure(&error),
            Ok((None, count)) => {
                let file = printable_path(&self.file);
                say_error(&format!("litecopy: {file}: there is no page {}, it has {count}", self.page));
                Ending::Failed
            }
            Ok((Some(content), _)) if self.json => say_lines(|output| output.json(&content)),
            Ok((Some(content), _)) => say_lines(|output| text(&content, output)),
        }
    }
}

fn text(content: &PageContent, output: &mut Output) -> io::Result<()> {
    let owner = content.owner.as_deref().map(|owner| format!(" of {}", printable(owner))).unwrap_or_default();
    output.line(&format!("page {}: {}{owner}", content.page, content.kind))?;
    output.line(&header_words(&content.header))?;
    for damage in &content.damage {
        output.line(&format!("damage: {}", printable(damage)))?;
    }
    for part in &content.parts {
        output.line("")?;
        output.line(&format!("{:>5} {:>5}  {}", part.offset, part.bytes, part_words(part, content)))?;
        hex_lines(part, &content.bytes, output)?;
    }
    Ok(())
}

fn header_words(header: &PageHeader) -> String {
    match header {
        PageHeader::Btree {
            r#type,
            first_free_block,
            cell_count,
            content_start,
            fragmented_bytes,
            right_child,
        } => {
            let child = right_child.map(|child| format!(", right child {child}")).unwrap_or_default();
            format!(
                "type {}, {cell_count} cells, content from {content_start}, first free block {first_free_block}, \
                 {fragmented_bytes} fragmented bytes{child}",
                r#type
            )
        }
        PageHeader::Overflow { next_page, payload_bytes } => {
            let next =
                next_page.map_or("the last of its chain".to_owned(), |next| format!("next page {next}"));
            format!("{payload_bytes} bytes of payload, {next}")
        }
        PageHeader::Trunk { next_trunk, leaves } => {
            let next = next_trunk.map_or("the last trunk".to_owned(), |next| format!("next trunk {next}"));
            format!("{} free pages, {next}", leaves.len())
        }
        PageHeader::PointerMap { entries } => format!("{} entries", entries.len()),
        _ => "nothing to decode".to_owned(),
    }
}

fn part_words(part: &Part, content: &PageContent) -> String {
    let name = match part.what {
        PartKind::DatabaseHeader => "database header",
        PartKind::PageHeader => "page header",
        PartKind::CellPointers => "cell pointers",
        PartKind::Unallocated => "unallocated",
        PartKind::Cell(index) => return cell_words(index, part, content),
        PartKind::FreeBlock => "free block",
        PartKind::Fragment => "fragment",
        PartKind::Link => "next page",
        PartKind::Payload => "payload",
        PartKind::Leaves => "free pages",
        PartKind::MapEntries => "pointer map entries",
        PartKind::Reserved => "reserved",
        _ => "unused",
    };
    name.to_owned()
}

fn cell_words(index: u16, part: &Part, content: &PageContent) -> String {
    let mut words = format!("cell {index}");
    let Some(cell) = content.cells.iter().find(|cell| cell.offset == part.offset) else { return words };
    let CellContent { rowid, left_child, payload_bytes, overflow_page, record, .. } = cell;
    let facts = [
        left_child.map(|page| format!("child {page}")),
        rowid.map(|rowid| format!("rowid {rowid}")),
        payload_bytes.map(|bytes| format!("payload of {bytes}")),
        overflow_page.map(|page| format!("overflow page {page}")),
    ];
    for fact in facts.into_iter().flatten() {
        words.push_str(", ");
        words.push_str(&fact);
    }
    if let Some(record) = record {
        let values: Vec<_> = record.values().map(|value| value_words(&value)).collect();
        words.push_str(&format!(": {}", values.join(" | ")));
    }
    words
}

fn value_words(value: &SqlValue<'_>) -> String {
    let hex = |bytes: &[u8]| {
        let shown =
            bytes.iter().take(LONGEST_VALUE / 2).map(|byte| format!("{byte:02x}")).collect::<String>();
        let more = if bytes.len() > LONGEST_VALUE / 2 { "..." } else { "" };
        format!("x'{shown}'{more}")
    };
    match value {
        SqlValue::Null => "NULL".to_owned(),
        SqlValue::Integer(number) => number.to_string(),
        SqlValue::Real(number) => format!("{number:?}"),
        SqlValue::Text(text) => {
            let shown: String = text.chars().take(LONGEST_VALUE).collect();
            let more = if shown.len() < text.len() { "..." } else { "" };
            format!("'{}'{more}", printable(&shown))
        }
        SqlValue::InvalidText(bytes) => format!("invalid text {}", hex(bytes)),
        SqlValue::Blob(bytes) => hex(bytes),
    }
}

/// The bytes of a part. Lines that are as the one before are left out.
fn hex_lines(part: &Part, bytes: &[u8], output: &mut Output) -> io::Result<()> {
    let part_bytes = bytes.get(part.offset as usize..).and_then(|rest| rest.get(..part.bytes as usize));
    let (mut before, mut skipped) = (None, false);
    for (line, chunk) in part_bytes.unwrap_or_default().chunks(LINE_BYTES).enumerate() {
        if before == Some(chunk) {
            if !skipped {
                output.line("             *")?;
            }
            skipped = true;
            continue;
        }
        (before, skipped) = (Some(chunk), false);
        let hex: String = chunk.iter().map(|byte| format!("{byte:02x} ")).collect();
        let letter = |&byte: &u8| if (0x20..0x7f).contains(&byte) { char::from(byte) } else { '.' };
        let letters: String = chunk.iter().map(letter).collect();
        output
            .line(&format!("       {:>5}  {hex:<48} {letters}", part.offset as usize + line * LINE_BYTES))?;
    }
    Ok(())
}
