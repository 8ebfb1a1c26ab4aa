//! Bundles of evidence: of every state, beside writers, without rights. The files are there as they were found, the merged copy is what a
//! copy would have been, and nothing of the source has moved.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use litecopy::lock::LockStyle;
use litecopy::{
    AcquireOptions, Acquired, Bundle, CancelToken, CopyOptions, ErrorKind, FileRole, SourceOptions,
    verify_bundle,
};

use crate::content::{dump, integrity_check};
use crate::copies::memory_copy;
use crate::files::{Folder, beside};
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::{assert_same_bytes, logical_image};
use crate::makers::{self, contents, journal_modes, sizes};
use crate::peer::{Peer, until};
use crate::random::{Random, seed};
use crate::states::{BIG_CHANGE, Scene};
use crate::super_journals::bound_database;
use crate::writer::{self, Plan};

const SUFFIXES: [(&str, FileRole); 4] = [
    ("", FileRole::Database),
    ("-journal", FileRole::Journal),
    ("-wal", FileRole::Log),
    ("-shm", FileRole::WalIndex),
];

/// A bundle in a folder of its own.
pub(crate) struct Taken {
    pub(crate) folder: Folder,
    pub(crate) acquired: Acquired,
}

impl Taken {
    pub(crate) fn of(source: &Path) -> Self {
        Self::with(&AcquireOptions::new(), source)
    }

    pub(crate) fn with(options: &AcquireOptions, source: &Path) -> Self {
        let folder = Folder::new();
        let acquired = options.acquire(source, folder.join("bundle"), |_| {}).unwrap();
        Self { folder, acquired }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join("bundle").join(name)
    }

    pub(crate) fn bundle(&self) -> &Bundle {
        self.acquired.manifest.bundle.as_ref().unwrap()
    }

    #[track_caller]
    pub(crate) fn assert_intact(&self) {
        let report = verify_bundle(self.folder.join("bundle"), Some(self.acquired.manifest_sha256)).unwrap();
        assert!(report.intact && report.compared_with_given, "{report:#?}");
        assert_eq!(report.merged_copy_compared, self.bundle().no_merged_copy.is_none());
        assert_eq!(self.folder.names(), ["bundle"], "nothing beside it");
    }

    /// Each file is there byte for byte as it was found.
    #[track_caller]
    fn assert_as_found(&self, source: &Path) {
        for (suffix, role) in SUFFIXES {
            let found = beside(source, suffix);
            let told = self.bundle().files.iter().find(|file| file.role == role);
            assert_eq!(told.is_some(), found.exists(), "{suffix}");
            if let Some(told) = told {
                assert_same_bytes(&found, &self.path(role.name()));
                assert_eq!(told.size_bytes, fs::metadata(&found).unwrap().len());
                assert!(told.is_unchanged() && told.sha256 == told.read_again_sha256, "{told:?}");
                assert_eq!(told.before, told.after, "{suffix}");
                assert_eq!(told.before.inode, Some(fs::metadata(&found).unwrap().ino()));
            }
        }
    }
}

/// When the files of a folder were last read.
fn access_times(folder: &Folder) -> Vec<(i64, i64)> {
    let metadata = |name: &String| fs::metadata(folder.join(name)).unwrap();
    folder.names().iter().map(metadata).map(|it| (it.atime(), it.atime_nsec())).collect()
}

#[test]
fn of_every_kind() {
    let hot = ["DELETE", "TRUNCATE", "PERSIST"].map(|mode| {
        makers::Kind::at_rest(format!("a hot journal, {mode}"), move |path| makers::hot_journal(path, mode))
    });
    for kind in journal_modes().into_iter().chain(hot).chain(contents()).chain(sizes()) {
        println!("{}", kind.name);
        let made = kind.make();
        let (before, times) = (Fingerprint::of(made.folder.path()), access_times(&made.folder));
        let taken = Taken::of(&made.path);
        assert_same(&before, &Fingerprint::of(made.folder.path()));
        // We own the files, or are root.
        assert_eq!(times, access_times(&made.folder), "read without a mark");
        taken.assert_as_found(&made.path);
        taken.assert_intact();
        let (copy, _) = memory_copy(&CopyOptions::new(), &made.path).unwrap();
        assert!(copy == fs::read(taken.path("merged.db")).unwrap(), "the merged copy");
        if made.peer.is_none() {
            let images = Folder::new();
            assert_same_bytes(&logical_image(&made.path, &images), &taken.path("merged.db"));
        }
        assert_eq!(taken.bundle().journal.hot, kind.name.starts_with("a hot journal"));
    }
}

/// What is no database is taken all the same.
#[test]
fn what_cannot_be_read_is_taken_as_it_is() {
    let folder = Folder::new();
    for (name, bytes) in [
        ("text", b"no database, but evidence".repeat(100)),
        ("header", [&b"SQLite format 3\0"[..], &[0xff; 200]].concat()),
        ("noise", (0..9000_u32).flat_map(|i| i.wrapping_mul(0x9e37_79b9).to_le_bytes()).collect()),
    ] {
        let path = folder.join(name);
        fs::write(&path, &bytes).unwrap();
        fs::write(beside(&path, "-wal"), &bytes).unwrap();
        fs::write(beside(&path, "-journal"), &bytes).unwrap();
        let before = Fingerprint::of(folder.path());
        let taken = Taken::of(&path);
        assert_same(&before, &Fingerprint::of(folder.path()));
        taken.assert_as_found(&path);
        assert!(taken.bundle().no_merged_copy.is_some() && !taken.path("merged.db").exists(), "{name}");
        taken.assert_intact();
    }
}

/// The journal is hot as long as its super-journal is there; in the bundle it stays what it was.
#[test]
fn with_a_super_journal() {
    let Some((set, scene, super_journal)) = bound_database() else {
        println!("SKIP: no writer was killed with a super-journal in its hands");
        return;
    };
    let before = Fingerprint::of(set.path());
    let taken = Taken::of(&scene.path);
    assert_same(&before, &Fingerprint::of(set.path()));
    assert!(taken.bundle().journal.hot, "{:?}", taken.bundle().journal);
    assert_same_bytes(&super_journal, &taken.path("super-journal"));
    let (copy, _) = memory_copy(&CopyOptions::new(), &scene.path).unwrap();
    assert!(copy == fs::read(taken.path("merged.db")).unwrap());
    drop((set, scene));
    taken.assert_intact();
}

#[test]
fn beside_writers_that_delete_their_journal() {
    beside_writers("DELETE", 0);
}

#[test]
fn beside_writers_with_a_log_that_stay() {
    beside_writers("WAL", 0);
}

#[test]
fn beside_writers_with_a_log_that_come_and_go() {
    beside_writers("WAL", 3);
}

fn beside_writers(journal_mode: &'static str, reconnect_after: u64) {
    let mut random = Random::from_seed(seed(&format!("acquire beside writers, {journal_mode}")));
    let folder = Folder::new();
    let source = folder.join("source.db");
    writer::create(&source, journal_mode);
    let inode = fs::metadata(&source).unwrap().ino();
    let mut peer = Peer::start();
    peer.start_writer(&Plan {
        database: source.clone(),
        seed: random.next() >> 1,
        journal_mode,
        reconnect_after,
        checkpoints: journal_mode == "WAL",
        pause_ms: 10,
        big: false,
    });
    until("the writer commits", || peer.versions().committed > 0);
    let mut written_meanwhile = 0;
    for _ in 0..15 {
        let committed = peer.versions().committed;
        let taken = Taken::of(&source);
        let begun = peer.versions().begun;
        taken.assert_intact();
        let judged = Folder::for_judging();
        fs::copy(taken.path("merged.db"), judged.join("copy.db")).unwrap();
        let version = writer::verify(&judged.join("copy.db"));
        assert!((committed..=begun).contains(&version), "{version} not in {committed}..={begun}");
        written_meanwhile += u64::from(begun > committed);
        // What SQLite recovers from the bundle's own bytes is the merged copy.
        let images = Folder::new();
        let image = logical_image(&taken.path("found.db"), &images);
        if !taken.bundle().log.as_ref().is_some_and(|log| log.told_by_wal_index) {
            assert_same_bytes(&image, &taken.path("merged.db"));
        }
        assert_eq!(dump(&image), dump(&judged.join("copy.db")));
    }
    let report = peer.stop_writer();
    println!("{written_meanwhile} of 15 with commits meanwhile, beside {report:?}");
    report.assert_only_busy();
    assert_eq!(writer::verify(&source), report.commits, "what the writer left");
    assert_eq!(fs::metadata(&source).unwrap().ino(), inode);
}

/// While the wal-index is copied nobody can commit; for the rest of the time everybody can.
#[test]
fn a_commit_goes_to_the_log_meanwhile() {
    // Where all frames are in the file already, the next commit would begin the log anew.
    for is_written_back in [false, true] {
        let scene = Scene::new();
        let mut peer =
            scene.peer("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; UPDATE t SET c = 'x'");
        // So that a mark stands at the last commit: a reader of that would let checkpoints go on.
        peer.query("main", "SELECT count(*) FROM t").unwrap();
        let mut in_file = "0".to_owned();
        if is_written_back {
            in_file.clone_from(&peer.query("main", "PRAGMA wal_checkpoint(PASSIVE)").unwrap()[0][2]);
            assert_ne!(in_file, "0");
        }
        let copy = || memory_copy(&CopyOptions::new(), &scene.path).unwrap().0;
        let mut versions = vec![copy()];
        let folder = Folder::new();
        let acquired = AcquireOptions::new().acquire(&scene.path, folder.join("bundle"), |progress| {
            // Once when the files are being copied, once when they are read again.
            let third = progress.total_bytes / 3;
            let due = [third / 2, third + third / 2].iter().filter(|&&at| progress.done_bytes > at).count();
            if versions.len() <= due {
                peer.execute("main", "UPDATE t SET c = 'y' || random() WHERE a = 1").unwrap();
                let checkpointed = peer.query("main", "PRAGMA wal_checkpoint(PASSIVE)").unwrap();
                // Not one frame more is brought to the file.
                assert_eq!(checkpointed[0][2], in_file, "{checkpointed:?}");
                versions.push(copy());
            }
        });
        let taken = Taken { folder, acquired: acquired.unwrap() };
        assert_eq!(versions.len(), 3);
        taken.assert_intact();
        // It is that of the moment in which nobody could commit: after the first.
        assert!(versions[1] == fs::read(taken.path("merged.db")).unwrap());
        let log = taken.bundle().log.as_ref().unwrap();
        assert!(log.told_by_wal_index && log.last_frame > 0);
        let held = &taken.bundle().held;
        assert!(
            held.gate_nanoseconds.is_some() && held.locks.starts_with(&["SHARED".into(), "READ0".into()])
        );
        assert_eq!(held.locks.len(), if is_written_back { 3 } else { 2 }, "{:?}", held.locks);
        let told = &taken.bundle().opened_by.processes;
        let named = told.iter().any(|process| process.process_id == peer.process_id());
        assert!(named || !cfg!(target_os = "linux"), "{told:?}");
        assert!(taken.bundle().locks.iter().any(|lock| lock.lock == "DMS"));
        assert_eq!(integrity_check(&taken.path("merged.db")), "'ok'");
    }
}

/// A writer in the middle of its transaction is waited for by nobody: its journal is taken as it is, and does not count.
#[test]
fn beside_a_transaction_that_does_not_end() {
    for (settings, roles) in
        [("", 2), ("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; UPDATE t SET c = 1;", 3)]
    {
        let scene = Scene::new();
        let mut peer = scene.peer(settings);
        peer.execute("main", "PRAGMA cache_size = 1000; BEGIN IMMEDIATE; UPDATE t SET c = 'mine'").unwrap();
        let (copy, _) = memory_copy(&CopyOptions::new(), &scene.path).unwrap();
        let taken = Taken::of(&scene.path);
        taken.assert_intact();
        assert!(!taken.bundle().journal.hot);
        assert_eq!(taken.bundle().files.len(), roles, "{:?}", taken.bundle().files);
        assert!(copy == fs::read(taken.path("merged.db")).unwrap());
        assert_eq!(taken.bundle().held.gate_nanoseconds, None);
        peer.execute("main", "COMMIT").unwrap();
    }
}

#[test]
fn one_who_keeps_it_locked_is_named() {
    let scene = Scene::new();
    let mut peer = Peer::connected_to(&scene.path);
    peer.execute("main", &format!("PRAGMA locking_mode = EXCLUSIVE; {BIG_CHANGE}")).unwrap();
    let folder = Folder::new();
    let options = AcquireOptions::new().lock_timeout(Duration::from_millis(200));
    let error = options.acquire(&scene.path, folder.join("bundle"), |_| {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(
        error.lock_holders().iter().any(|it| it.process_id == Some(peer.process_id()))
            || !cfg!(target_os = "linux")
    );
    assert_eq!(folder.names(), [""; 0]);
    let unlocked = options.source(SourceOptions::new().lock_style(LockStyle::None));
    let taken = Taken::with(&unlocked, &scene.path);
    taken.assert_intact();
    taken.assert_as_found(&scene.path);
    assert_eq!(taken.bundle().held.locks, [""; 0]);
}

#[test]
fn what_is_stopped_leaves_nothing() {
    let scene = Scene::new();
    let before = Fingerprint::of(scene.folder.path());
    let folder = Folder::new();
    let token = CancelToken::new();
    let cancelled = AcquireOptions::new().cancel(token.clone());
    let error = cancelled.acquire(&scene.path, folder.join("bundle"), |_| token.cancel()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let limited = AcquireOptions::new().max_hold(Duration::ZERO);
    let error = limited.acquire(&scene.path, folder.join("bundle"), |_| {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HoldLimit);
    assert_eq!(folder.names(), [""; 0]);
    assert_same(&before, &Fingerprint::of(scene.folder.path()));
}

#[test]
fn a_bundle_takes_the_place_of_nothing() {
    let scene = Scene::new();
    let folder = Rc::clone(&scene.folder);
    fs::create_dir(folder.join("empty")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("dangling")).unwrap();
    let before = Fingerprint::of(folder.path());
    let wal = beside(&scene.path, "-wal");
    for target in
        [scene.path.clone(), wal, folder.join("empty"), folder.join("dangling"), folder.join("no/bundle")]
    {
        let refused = AcquireOptions::new().acquire(&scene.path, &target, |_| {}).unwrap_err();
        println!("{refused}");
        assert_same(&before, &Fingerprint::of(folder.path()));
    }
    assert!(AcquireOptions::new().acquire(folder.join("none"), folder.join("bundle"), |_| {}).is_err());
}

/// A side file that is a link could be anybody's.
#[test]
fn a_side_file_that_is_a_link_is_refused() {
    let scene = Scene::new();
    let (strangers, targets) = (Folder::new(), Folder::new());
    fs::write(strangers.join("secret"), "a stranger's").unwrap();
    for suffix in ["-journal", "-wal", "-shm"] {
        std::os::unix::fs::symlink(strangers.join("secret"), beside(&scene.path, suffix)).unwrap();
        let refused = AcquireOptions::new().acquire(&scene.path, targets.join("bundle"), |_| {});
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotAFile, "{suffix}");
        assert_eq!(targets.names(), [""; 0]);
        fs::remove_file(beside(&scene.path, suffix)).unwrap();
    }
}
