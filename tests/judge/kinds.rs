//! Every kind of database that SQLite makes is copied right, to a file, to memory and into a stream, and nothing of it
//! changes.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::{Connection, MAIN_DB};

use crate::content::{dump, dump_of, integrity_check_of};
use crate::copies::memory_copy;
use crate::files::Folder;
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::{assert_right_copy, assert_same_bytes, logical_image};
use crate::makers::{self, Kind, Made};

#[test]
fn shapes_are_copied_right() {
    assert_all_right(makers::shapes());
}

#[test]
fn contents_are_copied_right() {
    assert_all_right(makers::contents());
}

#[test]
fn journal_modes_are_copied_right() {
    assert_all_right(makers::journal_modes());
}

#[test]
fn sizes_that_the_header_does_not_tell_are_copied_right() {
    let mut kinds = makers::sizes();
    if cfg!(windows) {
        println!("SKIP: a file of one byte, which SQLite takes for an empty database on unix only");
        kinds.retain(|kind| kind.name != "1 byte");
    }
    assert_all_right(kinds);
}

/// What lies in the lock-byte page, which is never used for data, is left out.
#[test]
fn past_the_lock_byte_page_is_copied_right() {
    let made = makers::past_the_lock_byte_page().make();
    crate::files::patch(&made.path, crate::judge::LOCK_BYTES_AT + 600, b"not data");
    assert_right_file_copy(&made);
}

fn assert_all_right(kinds: Vec<Kind>) {
    let right = |kind: &Kind| {
        let made = kind.make();
        catch_unwind(AssertUnwindSafe(|| {
            assert_right_file_copy(&made);
            assert_right_memory_copy(&made);
        }))
        .is_ok()
    };
    let wrong: Vec<String> = kinds.into_iter().filter(|kind| !right(kind)).map(|kind| kind.name).collect();
    assert!(wrong.is_empty(), "not copied right:\n{}", wrong.join("\n"));
}

fn assert_right_file_copy(made: &Made) {
    let targets = Folder::new();
    let copy = targets.join("copy.db");
    let before = Fingerprint::of(made.folder.path());
    litecopy::copy_database(&made.path, &copy).unwrap();
    assert_same(&before, &Fingerprint::of(made.folder.path()));
    assert_eq!(targets.names(), ["copy.db"]);
    assert_right_copy(&made.path, &copy);
}

fn assert_right_memory_copy(made: &Made) {
    let before = Fingerprint::of(made.folder.path());
    let (bytes, _) = memory_copy(&litecopy::CopyOptions::new(), &made.path).unwrap();
    let options = litecopy::CopyOptions::new();
    let target = litecopy::StreamTarget::new(Vec::new());
    let streamed = options.begin(&made.path, target).unwrap().run(litecopy::quiet).unwrap().output;
    assert!(streamed == bytes, "the stream is not the image");
    assert_same(&before, &Fingerprint::of(made.folder.path()));
    let folder = Folder::new();
    let (copy, image) = (folder.join("copy.db"), logical_image(&made.path, &folder));
    fs::write(&copy, &bytes).unwrap();
    assert_same_bytes(&image, &copy);
    let target = litecopy::MemoryTarget::for_deserialize();
    let bytes = options.begin(&made.path, target).unwrap().run(litecopy::quiet).unwrap().output;
    let mut connection = Connection::open_in_memory().unwrap();
    connection.deserialize_read_exact(MAIN_DB, bytes.as_slice(), bytes.len(), true).unwrap();
    assert_eq!(integrity_check_of(&connection), "'ok'");
    let found = dump_of(&connection);
    let expected = dump(&image);
    // A database without pages cannot be deserialized: it gets its first one.
    let differs =
        |line: &String| line.starts_with("page_count = ") && fs::metadata(&image).unwrap().len() == 0;
    let compared = |lines: Vec<String>| lines.into_iter().filter(|line| !differs(line)).collect::<Vec<_>>();
    assert_eq!(compared(found), compared(expected));
}
