//! What another process does at the pause. An act may be refused by a lock: that is what locks are for.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rusqlite::Connection;

use crate::dead_writer::die_after;
use crate::files::beside;
use crate::scene::{Job, Mode, NEXT_SOURCE, Scene, TARGET, open};

/// One act: its name, where it makes sense, and what is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Act {
    pub(crate) name: &'static str,
    pub(crate) fits: fn(&Job) -> bool,
    pub(crate) act: fn(&mut Scene),
}

/// To try another act, add a row.
pub(crate) const ACTS: &[Act] = &[
    act("the source is written", always, |scene| {
        write_source(scene);
    }),
    act("the source is written, and stays open", always, |scene| {
        let connection = write_source(scene);
        scene.connections.push(connection);
    }),
    act("the source is written and checkpointed", source_logs, |scene| {
        let connection = write_source(scene);
        drop(connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
    }),
    act("the log of the source is begun anew", source_logs, |scene| {
        let connection = open(&scene.source());
        drop(connection.execute_batch("PRAGMA wal_checkpoint(RESTART)"));
        write_source(scene);
    }),
    act(
        "the source is closed",
        |job| job.source == Mode::LiveLog,
        |scene| {
            scene.connections.remove(0).close().unwrap();
        },
    ),
    act(
        "the source is written and closed",
        |job| job.source == Mode::LiveLog,
        |scene| {
            write_source(scene);
            scene.connections.remove(0).close().unwrap();
        },
    ),
    act("a transaction of the source is open", always, |scene| {
        let connection = open(&scene.source());
        drop(connection.execute_batch("PRAGMA cache_size = 3; BEGIN IMMEDIATE; UPDATE t SET version = 7;"));
        scene.connections.push(connection);
    }),
    act(
        "a writer of the source dies",
        |job| job.source != Mode::LiveLog,
        |scene| {
            die_after(
                &scene.source(),
                "PRAGMA cache_size = 3; BEGIN IMMEDIATE; UPDATE t SET version = 7, pad = randomblob(800);",
            );
        },
    ),
    act("the source gets another journal mode", always, |scene| {
        let connection = open(&scene.source());
        let mode = |mode| connection.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |_| Ok(()));
        drop(mode("DELETE"));
        drop(mode("WAL"));
        drop(connection);
        write_source(scene);
    }),
    act("the source shrinks", always, |scene| {
        let connection = open(&scene.source());
        drop(connection.execute_batch("DELETE FROM t WHERE id > 8; VACUUM;"));
    }),
    act(
        "another database takes the source's place",
        |job| job.source == Mode::Rollback,
        |scene| {
            scene.source_versions.push(NEXT_SOURCE);
            fs::rename(scene.next_source(), scene.source()).unwrap();
        },
    ),
    act(
        "the source is removed",
        |job| job.source == Mode::Rollback,
        |scene| {
            fs::remove_file(scene.source()).unwrap();
        },
    ),
    act("the source's journal is a link to a stranger's", always, |scene| {
        die_after(
            &scene.stranger(),
            "PRAGMA cache_size = 3; BEGIN IMMEDIATE; UPDATE t SET version = 9, pad = randomblob(800);",
        );
        link(&beside(&scene.stranger(), "-journal"), &beside(&scene.source(), "-journal"));
    }),
    act("the source's log is a link to a stranger's", source_rests, |scene| {
        stranger_logs(scene);
        link(&beside(&scene.stranger(), "-wal"), &beside(&scene.source(), "-wal"));
    }),
    act("the target is written", has_target, |scene| {
        mark_target(scene);
    }),
    act("the target is written, and stays open", has_target, |scene| {
        let connection = mark_target(scene);
        scene.connections.extend(connection);
    }),
    act("the target is read, and stays open", has_target, |scene| {
        let connection = open(&scene.target());
        let begun = connection.execute_batch("BEGIN; SELECT * FROM t;");
        drop(begun);
        scene.connections.push(connection);
    }),
    act("the target is opened by a reader who goes", has_target, |scene| {
        let connection = open(&scene.target());
        drop(connection.query_row("SELECT version FROM t", [], |_| Ok(())));
    }),
    act("the target gets a log and is closed", has_target, |scene| {
        let connection = open(&scene.target());
        drop(connection.execute_batch("PRAGMA journal_mode = WAL; UPDATE t SET pad = randomblob(300);"));
    }),
    act("the target gets a log that stays", has_target, |scene| {
        let connection = open(&scene.target());
        drop(connection.execute_batch("PRAGMA journal_mode = WAL; UPDATE t SET pad = randomblob(300);"));
        scene.connections.push(connection);
    }),
    act("a writer of the target dies", has_target, |scene| {
        die_after(
            &scene.target(),
            "PRAGMA cache_size = 3; BEGIN IMMEDIATE; UPDATE t SET pad = randomblob(800); UPDATE t SET pad = 1;",
        );
    }),
    act("a stranger's database takes the target's place", resting_target, |scene| {
        move_target_away(scene);
        fs::rename(scene.stranger(), scene.target()).unwrap();
        scene.stranger_is_target = true;
    }),
    act("the target is a link to a stranger's database", no_live_target, |scene| {
        move_target_away(scene);
        link(&scene.stranger(), &scene.target());
        scene.stranger_is_target = true;
    }),
    act("the target is moved away", resting_target, |scene| {
        move_target_away(scene);
    }),
    act("the target has another link", has_target, |scene| {
        fs::hard_link(scene.target(), scene.path().join("target/second.db")).unwrap();
    }),
    act("the target's folder is another one", resting_target, |scene| {
        fs::rename(scene.path().join("target"), scene.path().join("moved")).unwrap();
        fs::create_dir(scene.path().join("target")).unwrap();
        fs::rename(scene.stranger(), scene.target()).unwrap();
        scene.stranger_is_target = true;
    }),
    act("the target's journal is a link to a stranger's file", always, |scene| {
        link(&scene.next_source(), &beside(&scene.target(), "-journal"));
    }),
    act("the target's log is a link to a stranger's file", no_live_target, |scene| {
        link(&scene.next_source(), &beside(&scene.target(), "-wal"));
    }),
    act("the target's wal-index is a link to a stranger's", no_live_target, |scene| {
        stranger_logs(scene);
        link(&beside(&scene.stranger(), "-shm"), &beside(&scene.target(), "-shm"));
    }),
    act(
        "a file of the target's name appears",
        |job| job.target.is_none(),
        |scene| {
            scene.stranger_is_target = fs::hard_link(scene.stranger(), scene.target()).is_ok();
        },
    ),
];

const fn act(name: &'static str, fits: fn(&Job) -> bool, act: fn(&mut Scene)) -> Act {
    Act { name, fits, act }
}

fn always(_: &Job) -> bool {
    true
}

fn source_logs(job: &Job) -> bool {
    job.source != Mode::Rollback
}

fn source_rests(job: &Job) -> bool {
    job.source == Mode::Rollback
}

fn has_target(job: &Job) -> bool {
    job.target.is_some()
}

fn resting_target(job: &Job) -> bool {
    job.target == Some(Mode::Rollback)
}

fn no_live_target(job: &Job) -> bool {
    job.target != Some(Mode::LiveLog)
}

/// Commits the next version of the source, if a lock does not forbid it.
fn write_source(scene: &mut Scene) -> Connection {
    let connection = open(&scene.source());
    let next = scene.source_versions.last().unwrap() + 1;
    let written = connection.execute_batch(&format!("UPDATE t SET version = {next}, pad = randomblob(701)"));
    if written.is_ok() {
        scene.source_versions.push(next);
    }
    connection
}

/// Commits a row into the target, and notes whether the new content was there before it.
fn mark_target(scene: &mut Scene) -> Option<Connection> {
    let connection = open(&scene.target());
    let begun = connection.execute_batch("BEGIN IMMEDIATE");
    let seen = connection.query_row("SELECT max(version) FROM t", [], |row| row.get::<_, i64>(0));
    let written = connection.execute_batch("INSERT INTO mark VALUES (1); COMMIT");
    let is_new = seen.is_ok_and(|version| version < TARGET);
    scene.has_late_mark |= begun.is_ok() && written.is_ok() && is_new;
    connection.is_autocommit().then_some(connection)
}

/// Moves the target, if it is there, to another name, with what lies beside it.
fn move_target_away(scene: &Scene) {
    for suffix in ["", "-wal", "-journal"] {
        let moved = scene.path().join(format!("target/moved.db{suffix}"));
        drop(fs::rename(beside(&scene.target(), suffix), moved));
    }
}

/// A stranger's database with a live log.
fn stranger_logs(scene: &mut Scene) {
    let connection = open(&scene.stranger());
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; UPDATE t SET pad = 'secret';",
        )
        .unwrap();
    scene.connections.push(connection);
}

/// Puts a link in the place of whatever is there, in one move.
fn link(to: &Path, at: &Path) {
    let making = beside(at, ".making");
    symlink(to, &making).unwrap();
    fs::rename(&making, at).unwrap();
}
