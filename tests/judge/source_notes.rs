//! What is told of a source although its copy is right, and sizes that cannot be.

use std::fs::{self, OpenOptions};
use std::io::Write;

use litecopy::{CopyOptions, ErrorKind, FileDetour, SourceNotes, SourceOptions};

use crate::copies::memory_copy;
use crate::states::{Scene, cut_to, size_bytes};

fn notes(scene: &Scene) -> SourceNotes {
    memory_copy(&CopyOptions::new(), &scene.path).unwrap().1.source_notes
}

#[test]
fn a_file_that_ends_inside_a_page() {
    let scene = Scene::new();
    assert_eq!(notes(&scene), SourceNotes::default());
    let whole = size_bytes(&scene.path);
    OpenOptions::new().append(true).open(&scene.path).unwrap().write_all(&[7; 300]).unwrap();
    assert_eq!(notes(&scene).trailing_bytes, 300);
    let (bytes, _) = memory_copy(&CopyOptions::new(), &scene.path).unwrap();
    assert_eq!(bytes.len() as u64, whole);
}

#[test]
fn a_file_with_other_names() {
    let scene = Scene::new();
    fs::hard_link(&scene.path, scene.folder.join("alias.db")).unwrap();
    assert_eq!(notes(&scene).other_links, 1);
}

/// A mount needs root, and a system that lets root mount.
#[test]
fn a_file_that_is_mounted_alone() {
    let scene = Scene::new();
    let point = scene.folder.join("mounted.db");
    fs::write(&point, "").unwrap();
    let mount = |arguments: &[&std::ffi::OsStr]| {
        std::process::Command::new("mount")
            .args(arguments)
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if !mount(&["--bind".as_ref(), scene.path.as_os_str(), point.as_os_str()]) {
        println!("nothing can be mounted here");
        return;
    }
    let report = memory_copy(&CopyOptions::new(), &point).map(|(_, report)| report);
    // Parked descriptors keep it busy.
    let gone = std::process::Command::new("umount").arg("-l").arg(&point).status().unwrap();
    assert!(gone.success());
    assert_eq!(report.unwrap().source_notes.detour, Some(FileDetour::SingleFileMount));
}

/// SQLite would throw the log away, and with it all that was committed.
#[test]
fn an_emptied_file_beside_a_log_with_commits_is_an_error() {
    let scene = Scene::with("PRAGMA journal_mode = WAL");
    scene.killed_after("PRAGMA wal_autocheckpoint = 0; UPDATE t SET c = 1;");
    cut_to(&scene.path, 0);
    let error = memory_copy(&CopyOptions::new(), &scene.path).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
    assert!(error.to_string().contains("is empty, but its log holds 1 commits"), "{error}");
    let alone = CopyOptions::new().source(SourceOptions::new().as_of(Some(0)));
    assert!(memory_copy(&alone, &scene.path).unwrap().0.is_empty());
    // A log without a commit is none.
    cut_to(&scene.wal(), 500);
    assert!(memory_copy(&CopyOptions::new(), &scene.path).unwrap().0.is_empty());
}

#[test]
fn a_page_size_that_does_not_divide_an_opaque_file() {
    let scene = Scene::new();
    let copy = |page_size| {
        let source = SourceOptions::new().opaque(litecopy::PageSize::new(page_size));
        memory_copy(&CopyOptions::new().source(source), &scene.path).map(|(bytes, _)| bytes)
    };
    assert!(copy(1024).unwrap() == fs::read(&scene.path).unwrap());
    assert!(copy(65536).unwrap_err().to_string().contains("no whole number of pages of 65536"));
}
