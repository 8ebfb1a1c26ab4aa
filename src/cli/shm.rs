//! `litecopy shm`: what the wal-index says, who holds its locks, and whether it is what the log says.

use std::path::PathBuf;

use clap::Args;
use litecopy::inspect::{ShmContents, ShmHeader, inspect_shm};
use litecopy::lock::LockHolder;

use super::columns::table;
use super::exit_code::Ending;
use super::numbers::{grouped, size};
use super::output::say_report;
use super::printable::{printable, printable_path};
use super::reading_arguments::ReadingArguments;

/// Show the wal-index: its header, read marks and locks, and whether it is what the log says
#[derive(Debug, Args)]
pub(crate) struct ShmArguments {
    /// The database, or the wal-index itself; it is only read
    file: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reading: ReadingArguments,
}

impl ShmArguments {
    pub(crate) fn run(&self) -> Ending {
        self.reading.confine(&[&self.file], &[]);
        let report = inspect_shm(&self.file, &self.reading.options(), Some(self.reading.timeout()));
        say_report(report, &self.file, self.json, text)
    }
}

fn text(shm: &ShmContents) -> String {
    let mut text = format!("wal-index {}, {}", printable_path(&shm.path), size(shm.size_bytes));
    if shm.size_bytes == 0 {
        return format!("{text}\n  there is none, or an empty one");
    }
    text.push_str(if shm.somebody_is_connected {
        ", in use\n"
    } else {
        ", left over: who comes next makes it anew\n"
    });
    let agree = if shm.headers_agree {
        "both copies of the header are the same"
    } else {
        "the copies of the header DIFFER"
    };
    text.push_str(&format!("  {agree}, bytes in {}-endian order\n\n", shm.byte_order));
    let copies = if shm.headers_agree { 1 } else { shm.headers.len() };
    for header in shm.headers.iter().take(copies) {
        text.push_str(&header_lines(header));
    }
    text.push_str(&format!(
        "  {:<22} {}\n  {:<22} {}\n",
        "written back up to",
        grouped(shm.backfill.into()),
        "attempted up to",
        grouped(shm.backfill_attempted.into()),
    ));
    text.push('\n');
    let titles = ["mark", "frame", "held by"].map(str::to_owned);
    text.push_str(&table(
        titles,
        shm.read_marks.iter().enumerate().map(|(slot, mark)| mark_cells(shm, slot, *mark)),
    ));
    let others: Vec<_> =
        shm.locks.iter().filter(|holder| !holder.lock.starts_with("READ")).map(holder_words).collect();
    if !others.is_empty() {
        text.push_str(&format!("  other locks: {}\n", others.join(", ")));
    }
    text.push('\n');
    text.push_str(match shm.agrees_with_log {
        Some(true) => "  it is what the log says\n",
        Some(false) => "  it is NOT what the log says\n",
        None => "  what the log says is not known\n",
    });
    if shm.agrees_with_log != Some(true) {
        for difference in &shm.differences {
            text.push_str(&format!("    {difference}\n"));
        }
    }
    text
}

fn header_lines(header: &ShmHeader) -> String {
    let hex = |[a, b]: [u32; 2]| format!("{a:08x} {b:08x}");
    let mut lines = vec![
        ("last frame", grouped(header.mx_frame.into())),
        ("pages after it", grouped(header.page_count.into())),
        (
            "page size",
            header.page_size.map_or_else(|| "none: no log".to_owned(), |size| grouped(size.into())),
        ),
        ("commits so far", grouped(header.change.into())),
        ("salts", hex(header.salt)),
        ("checksum of the frame", hex(header.frame_checksum)),
    ];
    if let Some(damage) = &header.damage {
        lines.push(("does not count", damage.clone()));
    }
    lines.iter().map(|(name, value)| format!("  {name:<22} {value}\n")).collect()
}

fn mark_cells(shm: &ShmContents, slot: usize, mark: Option<u32>) -> [String; 3] {
    let name = format!("READ{slot}");
    let holders: Vec<_> = shm.locks.iter().filter(|holder| holder.lock == name).map(process).collect();
    [
        slot.to_string(),
        mark.map_or_else(|| "-".to_owned(), |frame| grouped(frame.into())),
        if holders.is_empty() { "nobody".to_owned() } else { holders.join(", ") },
    ]
}

fn holder_words(holder: &LockHolder) -> String {
    format!("{} by {}", holder.lock, process(holder))
}

fn process(holder: &LockHolder) -> String {
    let number =
        holder.process_id.map_or_else(|| "a process not told".to_owned(), |process| process.to_string());
    let command = holder.command.as_ref().map(|command| printable(&command.to_string_lossy()));
    let command = command.map(|command| format!(" ({command})")).unwrap_or_default();
    let kind = if holder.exclusive { " exclusively" } else { "" };
    format!("{number}{command}{kind}")
}
