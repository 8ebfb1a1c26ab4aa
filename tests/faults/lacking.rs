//! Systems that lack calls (gVisor, FUSE, FAT, SMB, NFS without its lock service): the copy is made all the same, or what is
//! missing is named.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use crate::files::Folder;
use crate::kinds::{KINDS, State};
use crate::shim::Shim;
use crate::sources::Sources;

/// What a target's system may lack without any kind of target failing for it.
const LACKS: [&str; 7] = [
    "ofd",
    "noreplace",
    "noreplace,link",
    "chmod",
    "chmod,chown",
    "foldersync",
    "ofd,noreplace,link,chmod,foldersync",
];

#[test]
fn what_a_system_lacks_keeps_no_copy_from_its_target() {
    let Some(shim) = Shim::new("systems that lack calls") else { return };
    let sources = Sources::new(60);
    for lacks in LACKS {
        let mut met = 0;
        for kind in KINDS {
            let folder = kind.prepare(&sources);
            let run = shim.run_lacking(folder.path(), &kind.arguments(&sources, folder.path()), lacks);
            let what = format!("{} without {lacks}: {}", kind.name, run.stderr);
            assert!(run.status.success(), "{what}");
            assert_eq!(kind.look(&sources, folder.path()), Ok(State::New), "{what}");
            assert_eq!(kind.left_over(folder.path(), State::New), [""; 0], "{what}");
            met += run.fault_count();
        }
        assert!(met > 0, "nobody asked for {lacks}");
    }
    sources.assert_untouched();
}

/// The source's, whose folder is watched here.
fn copy(shim: &Shim, source: &Path, lacks: &str) -> (bool, String) {
    let targets = Folder::new();
    let arguments: Vec<OsString> =
        ["copy".into(), source.into(), targets.join("copy.db").into(), "--timeout=5".into()].into();
    let run = shim.run_lacking(source.parent().unwrap(), &arguments, lacks);
    let copied =
        run.status.success() && fs::read(targets.join("copy.db")).unwrap() == fs::read(source).unwrap();
    (copied, run.stderr)
}

#[test]
fn locks_of_the_process_serve_where_there_are_none_of_an_open_file_and_no_locks_are_no_writer() {
    let Some(shim) = Shim::new("systems without locks") else { return };
    let sources = Sources::new(20);
    let (copied, said) = copy(&shim, &sources.path("source.db"), "ofd");
    assert!(copied && said.contains("note: the system has no locks that belong to an open file"), "{said}");
    let (copied, said) = copy(&shim, &sources.path("source.db"), "locks");
    assert!(!copied && said.contains("ENOLCK") && !said.contains("writer"), "{said}");
    sources.assert_untouched();
}
