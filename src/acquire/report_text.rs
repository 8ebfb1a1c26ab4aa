//! The report of a bundle for people: what was found and done, in plain English.

use super::bundle_folder::{MANIFEST, MERGED, SUMS};
use crate::manifest::{
    Bundle, BundleFile, BundleLock, BundleProcess, FileRole, FileStatus, FoundName, Manifest, hex,
};

/// The whole text. Names that were found are in quotation marks, with whatever is not plain text spelled out.
pub(super) fn report(bundle: &Bundle, manifest: &Manifest) -> String {
    let mut text = String::from("EVIDENCE BUNDLE OF A SQLITE DATABASE\n");
    let mut add = |title: &str, lines: Vec<String>| {
        text.push_str(&format!("\n{title}\n{}\n", "-".repeat(title.len())));
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
    };
    add("What this is", what_this_is(bundle));
    add("The files as they were found", bundle.files.iter().flat_map(file).collect());
    add("What the files say", what_they_say(bundle));
    add("Who was using the database", who(bundle));
    add("What was done, and what was not", what_was_done(bundle));
    add("Whether the source stayed the same", whether_same(bundle));
    add("The merged copy", merged(bundle, manifest));
    add("What must not be done with this bundle", what_harms());
    add("How to check this bundle", how_to_check());
    text
}

fn what_this_is(bundle: &Bundle) -> Vec<String> {
    let user = bundle.user_id.map_or(String::new(), |user| format!(", run as user number {user}"));
    vec![
        format!("Database:  {}", quoted(&bundle.source)),
        format!("Machine:   {:?} ({})", bundle.host, bundle.system.escape_debug()),
        format!("Program:   {}{user}", bundle.tool),
        format!("Begun:     {}", bundle.begun),
        format!("Ended:     {}", bundle.ended),
        "All times are in UTC, by the clocks of that machine and of the file systems on it.".to_owned(),
    ]
}

fn file(file: &BundleFile) -> Vec<String> {
    let what = match file.role {
        FileRole::Database => "the database file",
        FileRole::Journal => "the rollback journal: pages as they were before a transaction changed them",
        FileRole::SuperJournal => {
            "the super-journal: names the journals of a transaction over several databases"
        }
        FileRole::Log => "the write-ahead log: pages as transactions have changed them",
        FileRole::WalIndex => {
            "the wal-index: what the programs that have the database open tell each other about the log"
        }
    };
    let again = if file.sha256 == file.read_again_sha256 { "the same" } else { "not the same, see below" };
    let mut lines = vec![
        format!("{}: {what}", file.name),
        format!("  found as:                {}", quoted(&file.path)),
        format!("  bytes:                   {}", file.size_bytes),
        format!("  SHA-256 of the copy:     {}", file.sha256),
        format!("  of the file, read again: {} ({again})", file.read_again_sha256),
    ];
    lines.extend(status(&file.before).map(|line| format!("  {line}")));
    lines
}

fn status(status: &FileStatus) -> impl Iterator<Item = String> {
    let number = |name: &str, number: Option<u64>| Some(format!("{name} {}", number?));
    let place = [
        number("device", status.device),
        number("inode", status.inode),
        number("links", status.link_count),
        status.mode.as_ref().map(|mode| format!("mode {mode}")),
        number("owner", status.user_id.map(u64::from)),
        number("group", status.group_id.map(u64::from)),
    ];
    let place = place.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let time = |name: &str, time: &Option<String>| Some(format!("{name:<25}{}", time.as_ref()?));
    let times = [
        time("content last changed:", &status.modified),
        time("status last changed:", &status.changed),
        time("last read before this:", &status.accessed),
    ];
    Some(place).filter(|place| !place.is_empty()).into_iter().chain(times.into_iter().flatten())
}

fn what_they_say(bundle: &Bundle) -> Vec<String> {
    let mut lines = Vec::new();
    match &bundle.header {
        None => lines.push("The database file is empty.".to_owned()),
        Some(header) => {
            let page_size = header.page_size.map_or("not a page size".to_owned(), |size| size.to_string());
            lines.push(format!(
                "Header of the database file: page size {page_size}, {} pages, change counter {}, schema cookie {}, user version {}, \
                 application id {}, last written by SQLite {}.",
                header.page_count,
                header.change_counter,
                header.schema_cookie,
                header.user_version,
                header.application_id,
                header.sqlite_version.escape_debug()
            ));
            if let Some(damage) = &header.damage {
                lines.push(format!("SQLite would refuse this header: {}.", damage.escape_debug()));
            }
        }
    }
    let hot = if bundle.journal.hot { "hot" } else { "not hot" };
    lines.push(format!("Rollback journal: {hot}: {}.", bundle.journal.why.escape_debug()));
    lines.push(match &bundle.log {
        None => "Write-ahead log: none that counts.".to_owned(),
        Some(log) => format!(
            "Write-ahead log: {} frames of pages of {} bytes have the right checksums, in {} commits; frames {} to {} count ({}). Salts \
             {:08x} {:08x}, checkpoint sequence {}, room for {} frames.",
            log.valid_frames,
            log.page_size,
            log.commits,
            log.first_frame,
            log.last_frame,
            if log.told_by_wal_index { "so says the wal-index, which was in use" } else { "as recovery finds" },
            log.salts[0],
            log.salts[1],
            log.checkpoint_sequence,
            log.file_frames
        ),
    });
    lines
}

fn who(bundle: &Bundle) -> Vec<String> {
    let process = |BundleProcess { process_id, command, open }: &BundleProcess| {
        let command = command.as_ref().map(quoted).unwrap_or_default();
        let open = open.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ");
        format!("  process {process_id} {command} had open what is {open} here")
    };
    let lock = |BundleLock { lock, exclusive, process_id, command, path }: &BundleLock| {
        let kind = if *exclusive { "exclusive" } else { "shared" };
        let by = process_id.map_or("by a process that the system does not tell".to_owned(), |process| {
            format!("by process {process} {}", command.as_ref().map(quoted).unwrap_or_default())
        });
        format!("  lock {lock} ({kind}) {by}, on {}", quoted(path))
    };
    let mut lines = vec!["Just before the files were locked for copying:".to_owned()];
    lines.extend(bundle.opened_by.processes.iter().map(process));
    lines.extend(bundle.locks.iter().map(lock));
    if bundle.opened_by.processes.is_empty() && bundle.locks.is_empty() {
        lines.push("  nobody that the system told of".to_owned());
    }
    if !bundle.opened_by.complete {
        lines.push("  Not all processes of the machine could be asked.".to_owned());
    }
    lines
}

fn what_was_done(bundle: &Bundle) -> Vec<String> {
    let held = &bundle.held;
    let mut lines = vec!["The files were only read. Nothing was written to them or beside them.".to_owned()];
    if held.locks.is_empty() {
        lines.push("No lock was taken.".to_owned());
    } else {
        lines.push(format!(
            "Shared locks were held ({}), as any reader of SQLite holds them,",
            held.locks.join(", ")
        ));
        lines.push(format!("from {} to {}.", held.from, held.until));
        lines.push(if held.commits_waited {
            "Whoever wanted to commit had to wait meanwhile.".to_owned()
        } else {
            "Transactions could be committed meanwhile: they went to the log, behind the frames that count here.".to_owned()
        });
    }
    if let Some(nanoseconds) = held.gate_nanoseconds {
        let milliseconds = nanoseconds as f64 / 1e6;
        lines.push(format!(
            "For {milliseconds:.3} ms of it nobody could commit, so that wal-index and log are of one moment."
        ));
    }
    if bundle.journal.hot {
        lines.push("The hot journal was not rolled back in the source, only in the merged copy.".to_owned());
    }
    lines.push("The log was not checkpointed. No program of SQLite opened the source.".to_owned());
    for file in &bundle.files {
        if file.before.accessed != file.after.accessed {
            lines.push(format!(
                "Reading has marked the time of access of {}: the system lets only a file's owner and root read without it.",
                quoted(&file.path)
            ));
        }
    }
    lines
}

fn whether_same(bundle: &Bundle) -> Vec<String> {
    let held = if bundle.held.locks.is_empty() { "" } else { ", while the locks were held" };
    let mut lines =
        vec![format!("Each file was read twice where it was found{held}: to copy it, and again at the end.")];
    for file in &bundle.files {
        let (before, after) = (&file.before, &file.after);
        let status_same = (before.inode, before.size_bytes, &before.modified, &before.changed)
            == (after.inode, after.size_bytes, &after.modified, &after.changed);
        lines.push(match (file.is_unchanged(), status_same) {
            (true, true) => format!("{}: the same; inode, size and times of change too.", file.name),
            (true, false) => format!("{}: the same bytes; its times were marked by somebody.", file.name),
            (false, _) => format!(
                "{}: somebody went on writing it: the first {} of {} bytes were the same, and it has {} bytes now.",
                file.name, file.same_bytes, file.size_bytes, after.size_bytes
            ),
        });
    }
    lines.push(
        "What counts was the same: the database file, a hot journal, and the log up to its last frame that counts.".to_owned(),
    );
    lines
}

fn merged(bundle: &Bundle, manifest: &Manifest) -> Vec<String> {
    if let Some(why) = &bundle.no_merged_copy {
        return vec![format!(
            "There is none, since the files cannot be read as a database: {}.",
            why.escape_debug()
        )];
    }
    vec![
        format!("{MERGED} is the database as SQLite would show it at that moment: the database file with the committed"),
        "pages of the log, or with a hot journal rolled back. It was made from the copies in this folder.".to_owned(),
        format!("  bytes:    {} ({} pages of {} bytes)", manifest.size_bytes(), manifest.page_sums.len(), manifest.page_size.bytes()),
        format!("  SHA-256:  {}", hex(&manifest.sha256)),
        "It can be opened with any program for SQLite databases; work on a copy of it, since opening may write.".to_owned(),
    ]
}

fn what_harms() -> Vec<String> {
    let database = FileRole::Database.name();
    vec![
        format!("Never open {database} where it lies with SQLite, or with any program that uses it. With its journal or its log beside it,"),
        "SQLite would roll back or checkpoint it: that changes it, deletes the journal or the log, and deletes the file that a hot".to_owned(),
        "journal names as its super-journal, wherever on this computer that is.".to_owned(),
        format!("Work on a copy of {MERGED}, or copy the whole folder first and work on that, on a computer that is not the source."),
        format!("Where a journal names a super-journal, only {MERGED} shows the database as it was: where that file is not,"),
        "SQLite throws the journal away without rolling back. litecopy itself only reads.".to_owned(),
    ]
}

fn how_to_check() -> Vec<String> {
    vec![
        format!("Any computer:  sha256sum -c {SUMS}   (in this folder)"),
        "With litecopy: litecopy acquire --verify FOLDER --manifest-sha256 DIGITS".to_owned(),
        "It makes all sums anew, and compares the merged copy page by page with what the files as found give.".to_owned(),
        format!("DIGITS is the SHA-256 of {MANIFEST}, which was printed when this bundle was made. It cannot stand in here:"),
        "it is to be kept elsewhere. Whoever can change this folder can change all sums in it too, but not that one.".to_owned(),
    ]
}

/// A name in quotation marks, on one line whatever is in it.
fn quoted(name: &FoundName) -> String {
    match name {
        FoundName::Text(text) => format!("{text:?}"),
        FoundName::Bytes { invalid_text } => format!("bytes {invalid_text}"),
    }
}
