//! Each limit binds: what wants exactly as much passes, with one less it is refused; hostile files are refused at once and
//! with little memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic: that is how it fails")]

#[path = "limits/allocated.rs"]
mod allocated;
#[path = "limits/hostile.rs"]
mod hostile;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use litecopy::format::journal_record::record_bytes;
use litecopy::format::{FrameChain, JournalHeader, JournalRecord, WalHeader};
use litecopy::{CopyOptions, Error, ErrorKind, Limit, Limits, MemoryTarget, SourceBytes, SourceOptions};
use rusqlite::Connection;

fn limited(limit: Limit, value: i64) -> SourceOptions {
    let mut limits = Limits::new();
    limits.set(limit, value);
    SourceOptions::new().limits(limits)
}

fn copy(bytes: &SourceBytes, options: &SourceOptions) -> Result<Vec<u8>, Error> {
    let options = CopyOptions::new().source(*options);
    let mut backup = options.begin(bytes.clone(), MemoryTarget::new()).unwrap();
    backup.step(-1)?;
    Ok(backup.finish().unwrap().output)
}

/// With `enough` the copy is what it is without a limit; with one less the limit is named, with its value and `enough`.
#[track_caller]
fn assert_binds_at(bytes: &SourceBytes, limit: Limit, enough: u64) {
    let unlimited = copy(bytes, &SourceOptions::new()).unwrap();
    let value = i64::try_from(enough).unwrap();
    assert_eq!(copy(bytes, &limited(limit, value)).unwrap(), unlimited, "{limit} {value}");
    let error = copy(bytes, &limited(limit, value - 1)).unwrap_err();
    assert_eq!((error.kind(), error.sqlite_code()), (ErrorKind::LimitExceeded, 18), "{error}");
    let exceeded = error.exceeded_limit().unwrap();
    assert_eq!((exceeded.limit, exceeded.value, exceeded.wanted), (limit, value - 1, enough));
    let message = error.to_string();
    for words in [limit.name(), &(value - 1).to_string(), &enough.to_string()] {
        assert!(message.contains(words), "{words}: {message}");
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A database as it lies there now, with its side files.
fn bytes_of(path: &Path) -> SourceBytes {
    let read = |path: &Path| fs::read(path).unwrap_or_default();
    SourceBytes {
        database: read(path),
        wal: read(&beside(path, "-wal")),
        journal: read(&beside(path, "-journal")),
    }
}

const ROWS: &str = "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t(b)
    WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT randomblob(300) FROM n;";

/// Most of it is in the log, many pages more than once.
fn with_log() -> SourceBytes {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA page_size = 512; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0;")
        .unwrap();
    db.execute_batch(ROWS).unwrap();
    for i in 1..900 {
        db.execute("UPDATE t SET b = randomblob(300) WHERE a = ?1", [i % 7]).unwrap();
    }
    bytes_of(&path)
}

/// In the middle of a transaction larger than the cache.
fn with_hot_journal() -> SourceBytes {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA page_size = 512; PRAGMA synchronous = OFF; PRAGMA cache_size = 2;").unwrap();
    db.execute_batch(ROWS).unwrap();
    db.execute_batch("BEGIN; UPDATE t SET b = randomblob(310) WHERE a < 200; DELETE FROM t WHERE a > 250;")
        .unwrap();
    let bytes = bytes_of(&path);
    assert!(JournalHeader::parse(&bytes.journal).is_ok());
    bytes
}

fn page_count_of(image: &[u8]) -> u64 {
    (image.len() / 512) as u64
}

#[test]
fn pages() {
    for bytes in [with_log(), with_hot_journal()] {
        let image = copy(&bytes, &SourceOptions::new()).unwrap();
        assert_binds_at(&bytes, Limit::Pages, page_count_of(&image));
        let at_rest = SourceBytes { database: image.clone(), ..SourceBytes::default() };
        assert_binds_at(&at_rest, Limit::Pages, page_count_of(&image));
    }
    assert!(
        copy(&SourceBytes::default(), &limited(Limit::Pages, 0)).is_ok(),
        "an empty database has no pages"
    );
}

#[test]
fn log_bytes() {
    let bytes = with_log();
    assert_binds_at(&bytes, Limit::LogBytes, bytes.wal.len() as u64);
    let at_rest = with_hot_journal();
    assert!(copy(&at_rest, &limited(Limit::LogBytes, 0)).is_ok(), "there is no log");
}

#[test]
fn journal_bytes() {
    let bytes = with_hot_journal();
    assert_binds_at(&bytes, Limit::JournalBytes, bytes.journal.len() as u64);
    let mut cold = bytes.clone();
    cold.journal[0] = 0;
    assert!(copy(&cold, &limited(Limit::JournalBytes, 0)).is_ok(), "it is not read");
}

#[test]
fn overlay_bytes_of_a_log() {
    let bytes = with_log();
    let header = WalHeader::parse(&bytes.wal).unwrap();
    let mut chain = FrameChain::new(&header);
    let mut pages = HashSet::new();
    let mut frames = 0;
    for frame in bytes.wal[32..].chunks_exact(24 + 512) {
        pages.insert(chain.accept(frame).unwrap().page_number);
        frames += 1;
    }
    assert!(frames > 3 * pages.len(), "{frames} frames of {} pages: not often enough the same", pages.len());
    assert_binds_at(&bytes, Limit::OverlayBytes, 8 * pages.len() as u64);
}

#[test]
fn overlay_bytes_of_a_journal() {
    let bytes = with_hot_journal();
    let header = JournalHeader::parse(&bytes.journal).unwrap();
    let page_size = header.page_size.unwrap();
    let start = header.sector_bytes as usize;
    let records = bytes.journal[start..].chunks_exact(record_bytes(page_size));
    let page_of = |bytes| {
        let record = JournalRecord::parse(bytes, page_size).ok()?;
        record.check(header.nonce).ok()?;
        record.page_number.filter(|page| page.get() <= header.initial_page_count)
    };
    let pages: HashSet<_> = records.map_while(page_of).collect();
    assert!(pages.len() > 20);
    assert_binds_at(&bytes, Limit::OverlayBytes, 16 * pages.len() as u64);
}

/// The same page a million times costs no more than once.
#[test]
fn a_log_of_one_page_again_and_again_needs_one_entry() {
    let page = hostile::first_page(|_| {});
    let frames: Vec<_> = (0..20_000).map(|_| (1, 1, page.clone())).collect();
    let bytes = SourceBytes { database: page.clone(), wal: hostile::wal(&frames), ..SourceBytes::default() };
    assert_binds_at(&bytes, Limit::OverlayBytes, 8);
    // Also while its transaction is not at its end.
    let mut frames: Vec<_> = (0..20_000).map(|_| (1, 0, page.clone())).collect();
    frames.push((1, 1, page.clone()));
    let bytes = SourceBytes { wal: hostile::wal(&frames), ..bytes };
    assert_binds_at(&bytes, Limit::OverlayBytes, 8);
}

#[test]
fn files_are_limited_like_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (path, target) = (folder.path().join("a.db"), folder.path().join("copy.db"));
    for (bytes, limit, enough) in [
        (with_log(), Limit::LogBytes, with_log().wal.len()),
        (with_hot_journal(), Limit::JournalBytes, with_hot_journal().journal.len()),
    ] {
        fs::write(&path, &bytes.database).unwrap();
        fs::write(beside(&path, "-wal"), &bytes.wal).unwrap();
        fs::write(beside(&path, "-journal"), &bytes.journal).unwrap();
        let options = |value| CopyOptions::new().source(limited(limit, value)).replace(true);
        let enough = i64::try_from(enough).unwrap();
        let error = options(enough - 1).copy(&path, &target).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
        let suffix = if limit == Limit::LogBytes { "a.db-wal" } else { "a.db-journal" };
        assert!(error.path().ends_with(suffix) && error.to_string().contains(suffix), "{error}");
        assert!(!target.exists());
        options(enough).copy(&path, &target).unwrap();
        fs::remove_file(&target).unwrap();
    }
}

/// What a file wants is refused in no time, and takes no memory beyond the buffers: also without any limit set.
#[test]
fn hostile_files_are_refused_at_once_and_with_little_memory() {
    for (name, bytes) in hostile::all() {
        let begun = std::time::Instant::now();
        let (refused, most_bytes) = allocated::most_while(|| {
            let mut backup = CopyOptions::new().begin(bytes, MemoryTarget::new()).unwrap();
            backup.step(-1).map(drop)
        });
        let error = refused.expect_err(name);
        assert!(matches!(error.kind(), ErrorKind::Damaged | ErrorKind::LimitExceeded), "{name}: {error}");
        assert!(most_bytes < 2 << 20, "{name}: {most_bytes} bytes");
        println!("{name}: {error}; {:?}, {most_bytes} bytes", begun.elapsed());
    }
}

/// The limit is asked while the index grows, not when it has grown.
#[test]
fn an_overlay_is_refused_before_it_takes_its_memory() {
    let page = hostile::first_page(|_| {});
    for commits in [true, false] {
        let frames: Vec<_> = (1..40_000).map(|n| (n, if commits { n } else { 0 }, page.clone())).collect();
        let bytes =
            SourceBytes { database: page.clone(), wal: hostile::wal(&frames), ..SourceBytes::default() };
        let options = CopyOptions::new().source(limited(Limit::OverlayBytes, 1000));
        let mut backup = options.begin(bytes, MemoryTarget::new()).unwrap();
        let (refused, most_bytes) = allocated::most_while(|| backup.step(-1).map(drop));
        let exceeded = refused.unwrap_err().exceeded_limit().unwrap();
        assert_eq!((exceeded.limit, exceeded.value), (Limit::OverlayBytes, 1000));
        assert!((1001..=3008).contains(&exceeded.wanted), "{exceeded}");
        assert!(most_bytes < 600 << 10, "{most_bytes} bytes: a buffer of 512 KiB, and a few entries");
    }
}

/// With a limit, the limit is what is named.
#[test]
fn what_a_hostile_file_claims_is_told_by_the_limit() {
    for (name, bytes) in hostile::all() {
        let error = copy(&bytes, &limited(Limit::Pages, 1000)).unwrap_err();
        let exceeded = error.exceeded_limit().unwrap_or_else(|| panic!("{name}: {error}"));
        assert_eq!((exceeded.limit, exceeded.value), (Limit::Pages, 1000), "{name}");
        assert!(exceeded.wanted >= 4_000_000_000, "{name}");
    }
}

/// Pages that were never written are a hole in a file; in memory they would be memory.
#[test]
fn a_copy_in_memory_is_in_proportion_to_what_is_there() {
    let first = hostile::first_page(|page| page[36..40].copy_from_slice(&250_000_u32.to_be_bytes()));
    let mut database = first.clone();
    database.resize(2000 * 512, 7);
    let bytes = SourceBytes { database, wal: hostile::wal(&[(1, 200_000, first)]), ..SourceBytes::default() };
    let exceeded = copy(&bytes, &SourceOptions::new()).unwrap_err().exceeded_limit().unwrap();
    assert_eq!((exceeded.limit, exceeded.wanted), (Limit::Pages, 200_000));
    assert_eq!(exceeded.value, 8 * 2000 + (64 << 20) / 512);
    assert_eq!(copy(&bytes, &limited(Limit::Pages, 200_000)).unwrap().len(), 200_000 * 512);
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("copy.db");
    CopyOptions::new().copy(bytes, &target).unwrap();
    assert_eq!(fs::metadata(&target).unwrap().len(), 200_000 * 512);
}

/// Pages that were freed before they were ever written are no claim, as long as the header counts them.
#[test]
fn as_many_pages_may_be_missing_as_are_free() {
    let first = hostile::first_page(|page| page[36..40].copy_from_slice(&100_u32.to_be_bytes()));
    let of = |page_count| {
        let frames = [(1, 0, first.clone()), (2, page_count, vec![0; 512])];
        copy(
            &SourceBytes { database: first.clone(), wal: hostile::wal(&frames), ..SourceBytes::default() },
            &SourceOptions::new(),
        )
    };
    // Two that are there, the free ones, and perhaps the page of the lock bytes.
    assert_eq!(of(103).unwrap().len(), 103 * 512);
    assert_eq!(of(104).unwrap_err().kind(), ErrorKind::Damaged);
}

#[test]
fn what_is_not_trusted_gets_less_of_everything() {
    let untrusted = Limits::untrusted();
    for &limit in Limit::ALL {
        assert!(untrusted.get(limit) < Limits::new().get(limit), "{limit}");
    }
    assert_eq!(untrusted.get(Limit::ChainLength), 35_247, "16 MiB, in pages of which 476 bytes are used");
}
