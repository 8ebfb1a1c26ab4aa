//! Databases that belong together: each by its name, or all of them into one folder; what is refused, what is waited for,
//! and what is left then.

use std::fs;
use std::ops::ControlFlow;
#[cfg(unix)]
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use litecopy::lock::LockStyle;
use litecopy::{CopyOptions, DatabaseSet, Error, ErrorKind, JournalMode, SourceOptions};

use crate::files::Folder;
use crate::fingerprint::{Fingerprint, assert_same};
use crate::judge::assert_right_copy;
use crate::pair::{Pair, TRANSACTION, in_folder};
use crate::peer::{BUSY, Peer};

#[test]
fn each_database_by_its_name_and_all_together() {
    for modes in [["DELETE", "DELETE"], ["WAL", "WAL"], ["WAL", "DELETE"]] {
        let pair = Pair::new(modes);
        let mut peer = pair.writer("PRAGMA wal_autocheckpoint = 0;");
        peer.execute("w", TRANSACTION).unwrap();
        let (targets, set) = (Folder::new(), pair.set());
        assert_eq!(set.names().collect::<Vec<_>>(), ["main", "aux"]);
        let before = Fingerprint::of(pair.folder.path());
        let reports = CopyOptions::new().copy_set(&set, targets.join("set")).unwrap();
        for (name, source) in
            [("main", &pair.main), ("MAIN", &pair.main), ("aux", &pair.aux), ("Aux", &pair.aux)]
        {
            let target = targets.join(&format!("{name}.db"));
            CopyOptions::new().copy(set.member(name).unwrap(), &target).unwrap();
            assert_right_copy(source, &target);
        }
        assert_same(&before, &Fingerprint::of(pair.folder.path()));
        let [main, aux] = in_folder(&targets.join("set"));
        assert_right_copy(&pair.main, &main);
        assert_right_copy(&pair.aux, &aux);
        let names: Vec<&str> = reports.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["main", "aux"]);
        for (report, (copy, mode)) in
            reports.iter().map(|member| &member.report).zip([&main, &aux].into_iter().zip(modes))
        {
            assert_eq!(report.size_bytes(), fs::metadata(copy).unwrap().len());
            assert_eq!(report.mode == JournalMode::Wal, mode == "WAL");
        }
        // Nothing is held any more.
        peer.execute("w", TRANSACTION).unwrap();
    }
}

#[track_caller]
fn assert_error(outcome: Result<impl Sized, Error>, kind: ErrorKind, words: &[&str]) {
    let error = outcome.map(drop).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let message = error.to_string();
    assert!(words.iter().all(|word| message.contains(word)), "{message}");
    assert!(!message.contains('\n') && error.advice().is_some(), "{message}");
}

#[test]
fn unknown_names_and_temp_are_errors() {
    let pair = Pair::new(["DELETE", "DELETE"]);
    let (targets, set) = (Folder::new(), pair.set());
    let copy = |name| CopyOptions::new().copy(set.member(name)?, targets.join("copy.db"));
    assert_error(copy("logs"), ErrorKind::UnknownName, &["unknown database logs", "main, aux"]);
    assert_error(copy(""), ErrorKind::UnknownName, &["unknown database"]);
    assert_error(copy("Temp"), ErrorKind::UnknownName, &["temp", "no other process can read"]);
    assert_error(set.member("äux"), ErrorKind::UnknownName, &["äux"]);
    assert_eq!(targets.names(), [""; 0]);
}

#[test]
fn what_cannot_be_attached_is_refused_at_once() {
    let pair = Pair::new(["DELETE", "DELETE"]);
    let folder = &pair.folder;
    #[cfg(unix)]
    symlink(&pair.main, folder.join("link.db")).unwrap();
    #[cfg(not(unix))]
    fs::hard_link(&pair.main, folder.join("link.db")).unwrap();
    fs::hard_link(&pair.aux, folder.join("hard.db")).unwrap();
    fs::copy(&pair.aux, folder.join("third.db")).unwrap();
    let attach = |name: &str, file: &str| pair.set().attach(name, folder.join(file));
    for name in ["main", "MAIN", "temp", "Temp", "aux", "AUX"] {
        assert_error(attach(name, "third.db"), ErrorKind::AlreadyInSet, &[name, "already in use"]);
    }
    assert_error(attach("third", "link.db"), ErrorKind::AlreadyInSet, &["link.db", "main"]);
    assert_error(attach("third", "hard.db"), ErrorKind::AlreadyInSet, &["hard.db", "aux"]);
    assert_error(attach("third", "missing.db"), ErrorKind::NotFound, &["missing.db"]);
    assert_error(DatabaseSet::open(folder.join("missing.db")), ErrorKind::NotFound, &["missing.db"]);
    assert_error(DatabaseSet::open(folder.path()), ErrorKind::NotAFile, &["folder"]);
    assert_eq!(attach("third", "third.db").unwrap().names().count(), 3);
}

#[test]
fn folders_that_would_not_do_are_refused_before_anything_is_read() {
    let pair = Pair::new(["DELETE", "DELETE"]);
    let folder = &pair.folder;
    fs::create_dir(folder.join("x")).unwrap();
    fs::copy(&pair.aux, folder.join("x/main.db")).unwrap();
    fs::copy(&pair.aux, folder.join("x/main.db-wal")).unwrap();
    fs::write(folder.join("no database.db"), "no database, whatever its name says").unwrap();
    let copy = |set: DatabaseSet, target: &str| CopyOptions::new().copy_set(&set, folder.join(target));
    let before = Fingerprint::of(folder.path());
    for (target, kind) in [
        ("x", ErrorKind::TargetExists),
        ("no database.db", ErrorKind::TargetExists),
        ("aux.db", ErrorKind::SameFile),
        ("aux.db-wal", ErrorKind::TargetIsSideFile),
        ("none/set", ErrorKind::NotFound),
    ] {
        assert_error(copy(pair.set(), target), kind, &[target]);
    }
    for other in ["x/main.db", "x/main.db-wal"] {
        // The one that is no database shows that nothing was read.
        let set = pair.set().attach("other", folder.join(other)).unwrap();
        let set = set.attach("no database", folder.join("no database.db")).unwrap();
        assert_error(copy(set, "set"), ErrorKind::FileNameConflict, &["main.db"]);
    }
    let set = pair.set().attach("other", folder.join("no database.db")).unwrap();
    let error = copy(set, "set").map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotADatabase);
    // The folder's times tell of a temporary folder that came and went.
    assert_same(&before, &Fingerprint::of(folder.path()));
}

/// Copies while somebody holds what we need; it must end at its bound, name the file, and leave nothing.
#[track_caller]
fn assert_busy(pair: &Pair, of: &Path) {
    let timeout = Duration::from_millis(300);
    let targets = Folder::new();
    let before = Fingerprint::of(pair.folder.path());
    let begun = Instant::now();
    let outcome = CopyOptions::new().lock_timeout(Some(timeout)).copy_set(&pair.set(), targets.join("set"));
    assert!(begun.elapsed() >= timeout && begun.elapsed() < timeout * 20);
    assert_error(outcome, ErrorKind::Busy, &[of.to_str().unwrap()]);
    assert_eq!(targets.names(), [""; 0], "left behind");
    assert_same(&before, &Fingerprint::of(pair.folder.path()));
}

#[test]
fn a_lock_on_one_of_them_is_waited_for_and_the_others_go_free() {
    for (modes, begin) in [(["DELETE", "DELETE"], "BEGIN EXCLUSIVE"), (["WAL", "WAL"], "BEGIN IMMEDIATE")] {
        let pair = Pair::new(modes);
        for (path, other) in [(&pair.main, &pair.aux), (&pair.aux, &pair.main)] {
            let (mut holder, mut free) = (Peer::connected_to(path), Peer::connected_to(other));
            holder.execute("main", begin).unwrap();
            assert_busy(&pair, path);
            free.execute("main", "BEGIN EXCLUSIVE; COMMIT;").unwrap();
            holder.execute("main", "COMMIT").unwrap();
            CopyOptions::new().copy_set(&pair.set(), Folder::new().join("set")).unwrap();
        }
    }
}

/// The folder is looked for again at the end, when all is copied.
#[test]
fn a_folder_that_comes_meanwhile_is_kept() {
    let pair = Pair::new(["DELETE", "WAL"]);
    let targets = Folder::new();
    let options = CopyOptions::new().pages_per_step(10);
    let outcome = options.begin_set(&pair.set(), targets.join("set")).unwrap().run(|_| {
        fs::create_dir_all(targets.join("set")).unwrap();
        ControlFlow::Continue(())
    });
    assert_error(outcome, ErrorKind::TargetExists, &["set"]);
    assert_eq!(targets.names(), ["set"]);
    assert_eq!(fs::read_dir(targets.join("set")).unwrap().count(), 0);
}

#[test]
fn a_name_that_leads_elsewhere_at_the_end_gets_no_folder() {
    let pair = Pair::new(["DELETE", "WAL"]);
    let targets = Folder::new();
    for name in ["here", "there"] {
        fs::create_dir(targets.join(name)).unwrap();
    }
    let link = targets.join("link");
    let lead_to = |name: &str| {
        drop(fs::remove_file(&link));
        std::os::unix::fs::symlink(name, &link).unwrap();
    };
    lead_to("here");
    let options = CopyOptions::new().pages_per_step(10);
    let outcome = options.begin_set(&pair.set(), link.join("set")).unwrap().run(|_| {
        lead_to("there");
        ControlFlow::Continue(())
    });
    assert_error(outcome, ErrorKind::TargetMoved, &["set"]);
    for name in ["here", "there"] {
        assert_eq!(fs::read_dir(targets.join(name)).unwrap().count(), 0, "{name}");
    }
}

#[test]
fn a_copy_that_is_stopped_or_late_leaves_nothing() {
    let pair = Pair::new(["DELETE", "WAL"]);
    let targets = Folder::new();
    let mut seen = Vec::new();
    let options = CopyOptions::new().pages_per_step(10);
    let outcome = options.begin_set(&pair.set(), targets.join("set")).unwrap().run(|progress| {
        seen.push((progress.remaining, progress.page_count));
        if seen.len() == 6 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(outcome.map(drop).unwrap_err().kind(), ErrorKind::Cancelled);
    let pages = |path: &Path| u32::try_from(fs::metadata(path).unwrap().len() / 1024).unwrap();
    let all = pages(&pair.main) + pages(&pair.aux);
    let expected: Vec<_> = (1..=6).map(|step| (all - 10 * step, all)).collect();
    assert_eq!(seen, expected, "the pages of both together");
    let late = CopyOptions::new().pages_per_step(1).deadline(Some(Duration::ZERO));
    assert_error(late.copy_set(&pair.set(), targets.join("set")), ErrorKind::DeadlinePassed, &["left"]);
    assert_eq!(targets.names(), [""; 0], "left behind");
    let mut writer = pair.writer("");
    writer.execute("w", TRANSACTION).unwrap();
}

/// What is copied is let go at once: in rollback mode, whose commits wait, before the log's turn comes.
#[test]
fn commits_wait_only_until_their_database_is_copied() {
    let pair = Pair::new(["WAL", "DELETE"]);
    let (mut main, mut aux) = (Peer::connected_to(&pair.main), Peer::connected_to(&pair.aux));
    let targets = Folder::new();
    let aux_pages = u32::try_from(fs::metadata(&pair.aux).unwrap().len() / 1024).unwrap();
    let change = "UPDATE counter SET n = n + 1";
    CopyOptions::new()
        .pages_per_step(1)
        .begin_set(&pair.set(), targets.join("set"))
        .unwrap()
        .run(|progress| {
            // Writers with a log never wait.
            main.execute("main", change).unwrap();
            let copied = progress.page_count - progress.remaining;
            match aux.execute("main", change) {
                Ok(()) => assert!(copied >= aux_pages),
                Err(failure) => assert!(failure.code == BUSY && copied < aux_pages, "{failure:?}"),
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    let [main_copy, aux_copy] = in_folder(&targets.join("set"));
    assert_eq!(Pair::verify([&main_copy, &aux_copy]), 0);
}

/// With the log of one of them kept by nobody there is nothing to lock: that somebody came is seen at the end, and then
/// both are copied again.
#[test]
fn somebody_who_comes_to_a_log_that_nobody_had_open_makes_all_begin_again() {
    let pair = Pair::new(["DELETE", "WAL"]);
    let targets = Folder::new();
    let mut writer = None;
    let reports = CopyOptions::new()
        .pages_per_step(20)
        .sleep(Duration::from_millis(1))
        .begin_set(&pair.set(), targets.join("set"))
        .unwrap()
        .run(|progress| {
            // The first database is copied and let go; the log's has begun.
            if writer.is_none() && progress.remaining < progress.page_count / 2 {
                let mut peer = pair.writer("");
                peer.execute("w", TRANSACTION).unwrap();
                writer = Some(peer);
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    let restarts: Vec<u64> = reports.iter().map(|member| member.report.restarts).collect();
    assert_eq!(restarts, [1, 1]);
    let [main, aux] = in_folder(&targets.join("set"));
    assert_eq!(Pair::verify([&main, &aux]), 1);
}

/// Whatever they are locked by, all are held together, and nothing is left of it.
#[test]
fn other_kinds_of_locks() {
    let pair = Pair::new(["DELETE", "DELETE"]);
    for &(name, style) in LockStyle::ALL {
        for immutable in [false, true] {
            let options = SourceOptions::new().lock_style(style).immutable(immutable);
            let targets = Folder::new();
            let names = pair.folder.names();
            CopyOptions::new().source(options).copy_set(&pair.set(), targets.join("set")).unwrap();
            assert_eq!(pair.folder.names(), names, "{name}");
            let [main, aux] = in_folder(&targets.join("set"));
            assert_right_copy(&pair.main, &main);
            assert_right_copy(&pair.aux, &aux);
        }
    }
    // Others lock aux by a folder: main's is let go before the next try.
    fs::create_dir(pair.folder.join("aux.db.lock")).unwrap();
    let targets = Folder::new();
    let options = CopyOptions::new().lock_timeout(Duration::from_millis(100));
    let options = options.source(SourceOptions::new().lock_style(LockStyle::Dotfile));
    assert_error(options.copy_set(&pair.set(), targets.join("set")), ErrorKind::Busy, &["aux.db"]);
    assert_eq!(pair.folder.names(), ["aux.db", "aux.db.lock", "main.db"]);
}

#[test]
fn empty_databases_and_sets_of_one_are_copied_too() {
    let folder = Folder::new();
    let targets = Folder::new();
    fs::write(folder.join("empty.db"), "").unwrap();
    let set = DatabaseSet::open(folder.join("empty.db")).unwrap();
    CopyOptions::new().copy_set(&set, targets.join("set")).unwrap();
    assert_eq!(fs::read(targets.join("set/empty.db")).unwrap(), b"");
    let made = crate::makers::usual();
    let set = set.attach("usual", &made.path).unwrap();
    CopyOptions::new().copy_set(&set, targets.join("both")).unwrap();
    assert_right_copy(&made.path, &targets.join("both/source.db"));
}
