//! A copy of one kind or another as a job: its progress is told, then what came of it.

use std::ops::ControlFlow;
use std::path::PathBuf;

use litecopy::inspect::JsonName;
use litecopy::{CopyReport, Error, JournalMode, Progress};
use serde_json::json;

use super::exit_code::{Ending, json_message, message};
use super::interrupt;
use super::notes::Note;
use super::numbers::{counted, size, time};
use super::output::{say_error, say_error_json};
use super::printable::{printable_json, printable_path};
use super::progress::Reporter;
use super::telling_arguments::{ProgressKind, TellingArguments};

/// One database that was copied.
pub(crate) struct CopiedFile {
    /// Its name in the set, when a set was asked for.
    pub(crate) name: Option<String>,
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) report: CopyReport,
}

/// Does the job, tells of its progress, and says what came of it.
pub(crate) fn report(
    telling: &TellingArguments,
    say: fn(&str) -> Ending,
    job: impl FnOnce(&mut dyn FnMut(&Progress) -> ControlFlow<()>) -> Result<Vec<CopiedFile>, Error>,
) -> Ending {
    let reporter = Reporter::new(telling.progress, telling.quiet);
    interrupt::listen();
    let result = job(&mut |progress| {
        reporter.show(progress);
        if interrupt::came().is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    reporter.clear();
    let for_programs = telling.progress == ProgressKind::Json;
    match result {
        Ok(_) if telling.quiet => Ending::Done,
        Ok(copied) => {
            for it in &copied {
                let faulty = it.report.wal_reset_fault.map(Note::wal_reset_fault);
                for note in faulty
                    .into_iter()
                    .chain(it.report.network_file_system.map(Note::network))
                    .chain(Note::of_source(&it.report.source_notes))
                {
                    if telling.no_notes || !note.is_new() {
                        continue;
                    }
                    let note = note.of(it.name.clone());
                    if for_programs { say_error_json(&note.json()) } else { say_error(&note.text()) }
                }
            }
            let line = |it: &CopiedFile| match for_programs {
                true => printable_json(json_summary(it).to_string()),
                false => summary(it),
            };
            say(&copied.iter().map(line).collect::<Vec<_>>().join("\n"))
        }
        Err(error) => {
            if for_programs {
                say_error_json(&json_message(&error));
            } else {
                say_error(&message(&error));
            }
            // Whatever failed after an interrupt failed for it.
            if interrupt::came().is_some() { Ending::Interrupted } else { Ending::of(&error) }
        }
    }
}

fn summary(CopiedFile { source, target, report, .. }: &CopiedFile) -> String {
    let mut line = format!(
        "{} -> {}: {} of {} bytes ({}) in {}, {} mode",
        printable_path(source),
        printable_path(target),
        counted(u64::from(report.page_count), "page", "pages"),
        report.page_size.bytes(),
        size(report.size_bytes()),
        time(report.elapsed),
        mode_name(report.mode),
    );
    if let Some(written_bytes) = report.written_bytes.filter(|&bytes| bytes < report.size_bytes()) {
        line.push_str(&format!(", {} written", size(written_bytes)));
    }
    if report.restarts > 0 {
        line.push_str(&format!(", restarted {}", counted(report.restarts, "time", "times")));
    }
    if !report.longest_lock.is_zero() {
        line.push_str(&format!(", held commits up for at most {}", time(report.longest_lock)));
    }
    if report.busy_count > 0 {
        line.push_str(&format!(", found it locked {}", counted(report.busy_count, "time", "times")));
    }
    line
}

fn json_summary(CopiedFile { name, source, target, report }: &CopiedFile) -> serde_json::Value {
    let mut object = json!({
        "event": "done",
        "source": JsonName(source.as_os_str()),
        "target": JsonName(target.as_os_str()),
        "page_count": report.page_count,
        "page_size": report.page_size.bytes(),
        "bytes": report.size_bytes(),
        "read_bytes": report.read_bytes,
        "written_bytes": report.written_bytes,
        "restarts": report.restarts,
        "busy_count": report.busy_count,
        "held": report.held,
        "longest_lock_seconds": report.longest_lock.as_secs_f64(),
        "locked_seconds": report.locked.as_secs_f64(),
        "elapsed_seconds": report.elapsed.as_secs_f64(),
        "journal_mode": mode_name(report.mode),
    });
    if let (Some(name), Some(members)) = (name, object.as_object_mut()) {
        members.insert("name".to_owned(), json!(name));
    }
    object
}

fn mode_name(mode: JournalMode) -> &'static str {
    match mode {
        JournalMode::Wal => "wal",
        JournalMode::Rollback => "rollback",
    }
}
