//! A copy in a stream: whole and of one version, or an error that says what became of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use litecopy::{Consistency, CopyOptions, ErrorKind, PageSize, StepOutcome, StreamTarget};
use rusqlite::Connection;

use crate::copies::memory_copy;
use crate::files::{Folder, byte_copy};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::{LOCK_BYTES_AT, assert_right_copy, assert_same_bytes, logical_image};
use crate::makers;
use crate::peer::Peer;

/// A writer into a file that leaves zeros as holes, so that a long stream costs little.
struct WithHoles(File);

impl Write for WithHoles {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const ZEROS: [u8; 4096] = [0; 4096];
        let chunk = &bytes[..bytes.len().min(ZEROS.len())];
        if chunk == &ZEROS[..chunk.len()] {
            self.0.seek(SeekFrom::Current(chunk.len() as i64))?;
            return Ok(chunk.len());
        }
        self.0.write(chunk)
    }

    fn flush(&mut self) -> io::Result<()> {
        let size_bytes = self.0.stream_position()?;
        self.0.set_len(size_bytes)
    }
}

fn streamed<W: Write>(source: &std::path::Path, writer: W) -> litecopy::Result<litecopy::Copied<W>> {
    CopyOptions::new().begin(source, StreamTarget::new(writer))?.run(litecopy::quiet)
}

/// The page of the lock bytes is not read, and lies in the middle of the stream all the same.
#[test]
fn the_lock_byte_page_goes_out_as_zeros() {
    let made = makers::past_the_lock_byte_page().make();
    crate::files::patch(&made.path, LOCK_BYTES_AT + 600, b"not data");
    let targets = Folder::new();
    let copy = targets.join("copy.db");
    let file = OpenOptions::new().write(true).create_new(true).open(&copy).unwrap();
    streamed(&made.path, WithHoles(file)).unwrap();
    let images = Folder::new();
    assert_same_bytes(&logical_image(&made.path, &images), &copy);
}

/// However many steps it takes and whatever was asked for, it is one snapshot.
#[test]
fn a_stream_is_of_one_version_while_others_commit() {
    for journal_mode in ["DELETE", "WAL"] {
        let made = makers::usual();
        let mut other = Peer::connected_to(&made.path);
        other
            .execute("main", &format!("PRAGMA journal_mode = {journal_mode}; PRAGMA busy_timeout = 0; UPDATE t SET b = 'before' WHERE a = 1;"))
            .unwrap();
        let images = Folder::new();
        let image = logical_image(&made.path, &images);
        let target = StreamTarget::new(Vec::new());
        let mut backup = CopyOptions::new().consistency(Consistency::Step).begin(&made.path, target).unwrap();
        assert_eq!(backup.step(2).unwrap(), StepOutcome::More);
        let committed = other.execute("main", "UPDATE t SET b = 'later'").is_ok();
        assert_eq!(committed, journal_mode == "WAL");
        while backup.step(3).unwrap() != StepOutcome::Done {}
        assert_eq!(backup.progress().restarts, 0);
        let copy = images.join("copy.db");
        fs::write(&copy, backup.finish().unwrap().output).unwrap();
        assert_right_copy(&image, &copy);
    }
}

/// Takes a stream, and has another process commit each time.
struct Committing(Peer, Vec<u8>);

impl Write for Committing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.execute("main", "UPDATE t SET b = b || 'later' WHERE a = 1").unwrap();
        self.1.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whoever takes a stream may take his time: under auto no commit waits for him, and the stream is of one version all the same.
#[test]
fn no_commit_waits_for_whoever_takes_a_stream() {
    for journal_mode in ["DELETE", "PERSIST", "WAL"] {
        let made = makers::usual();
        let mut other = Peer::connected_to(&made.path);
        let sql = format!(
            "PRAGMA journal_mode = {journal_mode}; PRAGMA busy_timeout = 0; UPDATE t SET b = '' WHERE a = 1;"
        );
        other.execute("main", &sql).unwrap();
        let (images, spool) = (Folder::new(), Folder::new());
        let image = logical_image(&made.path, &images);
        let options = CopyOptions::new().consistency(Consistency::Auto).pages_per_step(7);
        let target = StreamTarget::new(Committing(other, Vec::new()));
        let backup = options.spool_folder(spool.path().to_owned()).begin(&made.path, target).unwrap();
        let mut left = Vec::new();
        let copied = backup
            .run(|progress| {
                left.push(progress.remaining);
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        let copy = images.join("copy.db");
        fs::write(&copy, copied.output.1).unwrap();
        assert_right_copy(&image, &copy);
        assert_eq!((copied.report.restarts, spool.names().len(), left.last()), (0, 0, Some(&0)));
    }
}

/// A log without a wal-index can be read without any lock that keeps others out: if somebody comes, what was read does not count.
#[test]
fn a_snapshot_that_did_not_hold_is_an_error_and_no_restart() {
    let folder = Folder::new();
    makers::left_log(&folder.join("source.db"));
    let alone = Folder::new();
    let source = byte_copy(&folder.join("source.db"), &alone);
    let mut backup = CopyOptions::new().begin(&source, StreamTarget::new(Vec::new())).unwrap();
    assert_eq!(backup.step(1).unwrap(), StepOutcome::More);
    let mut other = Peer::connected_to(&source);
    other.query("main", "SELECT count(*) FROM sqlite_schema").unwrap();
    let error = loop {
        match backup.step(-1) {
            Ok(outcome) => assert_eq!(outcome, StepOutcome::Busy),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), error.sqlite_code()), (ErrorKind::SourceChanged, 5), "{error}");
    assert!(error.advice().is_some());
    assert_eq!(backup.step(-1).unwrap_err().kind(), ErrorKind::SourceChanged, "it stays so");
}

/// Runs a shell script with `$litecopy`, in the folder of the source.
fn shell(folder: &Path, script: &str) -> Output {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).env("litecopy", assert_cmd::cargo::cargo_bin!("litecopy"));
    shell.current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_command_writes_the_database_and_nothing_else_to_stdout() {
    let made = makers::usual();
    let folder = made.folder.path();
    let targets = Folder::new();
    for (place, options) in ["", "--pages 3 --progress json", "--quiet", "--name main --attach a=source.db"]
        .into_iter()
        .enumerate()
    {
        if options.contains("--attach") {
            drop(Connection::open(made.folder.join("other.db")).unwrap());
        }
        let options = options.replace("a=source.db", "a=other.db");
        let copy = targets.join(&format!("copy {place}.db"));
        let before = Fingerprint::of(folder);
        let output =
            shell(folder, &format!("\"$litecopy\" copy source.db - {options} | cat > '{}'", copy.display()));
        assert_same(&before, &Fingerprint::of(folder));
        assert_right_copy(&made.path, &copy);
        let said = text(&output.stderr);
        match options.as_str() {
            "--quiet" => assert_eq!(said, ""),
            json if json.contains("json") => {
                assert!(said.lines().last().unwrap().contains(r#""event":"done""#), "{said}");
            }
            _ => assert!(said.starts_with("source.db -> -: "), "{said}"),
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_told_from_a_failure() {
    let folder = Folder::new();
    let source = folder.join("source.db");
    // More than a pipe holds.
    Connection::open(&source)
        .unwrap()
        .execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(4000000))")
        .unwrap();
    for (option, expected) in
        [("", "litecopy: the stream: was closed"), ("--progress=json", r#""kind":"stream_closed""#)]
    {
        let script = format!(
            r#"{{ "$litecopy" copy source.db - {option}; echo "ended with $?" >&2; }} | head -c 100"#
        );
        let output = shell(folder.path(), &script);
        assert!(output.stdout.starts_with(b"SQLite format 3\0") && output.stdout.len() == 100);
        let said = text(&output.stderr);
        assert!(said.contains(expected) && said.ends_with("ended with 141\n"), "{said}");
    }
    let full = shell(folder.path(), r#""$litecopy" copy source.db - > /dev/full"#);
    assert_eq!(full.status.code(), Some(1), "{}", text(&full.stderr));
}

/// Whatever is written into a log or a journal of the source would be a part of it.
#[test]
fn a_stream_into_a_side_file_of_a_source_is_refused() {
    let made = makers::usual();
    drop(Connection::open(made.folder.join("other.db")).unwrap());
    for name in ["source.db-wal", "source.db-journal", "other.db-wal"] {
        fs::write(made.folder.join(name), "").unwrap();
        let script = format!(r#""$litecopy" copy source.db - --name main --attach a=other.db >> {name}"#);
        let output = shell(made.folder.path(), &script);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(fs::read(made.folder.join(name)).unwrap().is_empty(), "{name}");
    }
}

#[test]
fn where_a_stream_makes_no_sense_it_is_refused() {
    let made = makers::usual();
    let before = Fingerprint::of(made.folder.path());
    for script in [
        r#""$litecopy" copy source.db - --all > /dev/null"#,
        r#""$litecopy" copy source.db - --replace > /dev/null"#,
        r#""$litecopy" copy source.db - >> source.db"#,
    ] {
        let output = shell(made.folder.path(), script);
        assert_eq!(output.status.code(), Some(2), "{script}: {}", text(&output.stderr));
        assert!(text(&output.stderr).starts_with("litecopy: "));
    }
    assert_same(&before, &Fingerprint::of(made.folder.path()));
    // The tool `script` gives a terminal, where it is there.
    let has_terminal = Command::new("script").args(["-qec", "test -t 1", "/dev/null"]).output();
    if !has_terminal.is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: no way to have a terminal");
        return;
    }
    let output = shell(made.folder.path(), r#"script -qec "'$litecopy' copy source.db -" /dev/null"#);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stdout).contains("not for a terminal"), "{output:?}");
}

/// A writer that takes little at a time, is interrupted, and fails in the end.
struct Stubborn {
    taken: Vec<u8>,
    calls: u32,
    room_bytes: usize,
}

impl Write for Stubborn {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.taken.len() >= self.room_bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let mut part = bytes.take(1000);
        part.read_to_end(&mut self.taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn short_and_interrupted_writes_go_on_and_others_fail() {
    let made = makers::usual();
    let (bytes, report) = memory_copy(&CopyOptions::new(), &made.path).unwrap();
    assert!(report.page_size >= PageSize::DEFAULT && bytes.len() > 5000);
    let mut writer = Stubborn { taken: Vec::new(), calls: 0, room_bytes: usize::MAX };
    streamed(&made.path, &mut writer).unwrap();
    assert!(writer.taken == bytes);
    let mut writer = Stubborn { taken: Vec::new(), calls: 0, room_bytes: 5000 };
    let error = streamed(&made.path, &mut writer).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
}
