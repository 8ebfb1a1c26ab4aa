//! `litecopy wal` and `WalTimeline`: what SQLite committed, where the log ends, and why.

use std::fs;
use std::path::Path;

use litecopy::SourceOptions;
use litecopy::inspect::{WalCommit, WalEndReason, WalFrameState, WalTimeline};
use serde_json::{Value, json};

use crate::scene::{Scene, assert_golden, change_byte, json_lines, litecopy, said, steady, with_suffix};

const FRAME_BYTES: u64 = 24 + 512;

fn three_commits() -> Scene {
    let scene = Scene::in_wal_mode("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    scene.run("INSERT INTO t(b) VALUES (zeroblob(1000))");
    scene.run("UPDATE t SET b = 1");
    scene
}

fn open(path: &Path) -> WalTimeline {
    WalTimeline::open(path, &SourceOptions::new(), None).unwrap()
}

fn commits(timeline: &WalTimeline) -> Vec<WalCommit> {
    timeline.commits().collect::<Result<_, _>>().unwrap()
}

fn states(timeline: &WalTimeline) -> String {
    let letter = |state| match state {
        WalFrameState::Committed => 'C',
        WalFrameState::Superseded => 's',
        WalFrameState::Uncommitted => 'u',
        WalFrameState::Stale => '-',
        WalFrameState::Unsummed => '0',
        _ => '?',
    };
    timeline.frames().map(|frame| letter(frame.unwrap().state)).collect()
}

/// What is left when a byte of a copy of the log is changed.
fn changed(scene: &Scene, name: &str, offset: u64, change: fn(u8) -> u8) -> WalTimeline {
    let path = scene.left_by_a_crash(name);
    change_byte(&with_suffix(&path, "-wal"), offset, change);
    open(&path)
}

#[test]
fn commits_are_those_that_sqlite_made() {
    let scene = Scene::in_wal_mode("");
    let mut page_counts = Vec::new();
    for sql in [
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b)",
        "INSERT INTO t(b) VALUES (randomblob(5000))",
        "CREATE INDEX i ON t(b)",
        "DELETE FROM t",
        "VACUUM",
    ] {
        scene.run(sql);
        page_counts.push(scene.number("PRAGMA page_count"));
    }
    let timeline = open(&scene.path());
    let found = commits(&timeline);
    // Going into WAL mode is a commit in the file, and not in the log.
    assert_eq!(found.iter().map(|commit| commit.page_count).collect::<Vec<_>>(), page_counts);
    assert!(found.windows(2).all(|pair| pair[0].last_frame + 1 == pair[1].first_frame));
    assert!(found.iter().all(|commit| commit.pages.is_sorted() && commit.pages.contains(&1)));
    let end = timeline.end().clone();
    drop(timeline);
    let frames: u32 = scene.sqlite.query_row("PRAGMA wal_checkpoint", (), |row| row.get(1)).unwrap();
    assert_eq!((end.committed_frames, end.valid_frames, end.file_frames), (frames, frames, frames));
    assert_eq!((end.commits, end.reason), (5, WalEndReason::EndOfFile));
}

#[test]
fn each_way_to_end_is_told() {
    let scene = three_commits();
    let at = |frame: u64, byte: u64| 32 + (frame - 1) * FRAME_BYTES + byte;
    let all = open(&scene.path()).end().file_frames;
    assert_eq!(all, 9);
    for (name, offset, reason, valid) in [
        ("salt", at(5, 8), WalEndReason::Salt, 4),
        ("sum", at(5, 16), WalEndReason::Checksum, 4),
        ("image", at(5, 24), WalEndReason::Checksum, 4),
        ("header", 12, WalEndReason::Checksum, 0),
        ("magic", 0, WalEndReason::Checksum, 0),
    ] {
        let end = changed(&scene, name, offset, |byte| byte ^ 1).end().clone();
        let counts = (end.valid_frames, end.stale_frames, end.file_frames);
        assert_eq!((end.reason, counts), (reason, (valid, all - valid, all)), "{name}");
    }
    // A page number of 0 is told before its sum.
    let zero = changed(&scene, "page", at(5, 3), |_| 0);
    assert_eq!(zero.end().reason, WalEndReason::PageNumber);
    for (cut, reason, committed) in [
        (at(6, 0) + 100, WalEndReason::PartialFrame, 2),
        (at(6, 0), WalEndReason::NoCommit, 2),
        (at(3, 0), WalEndReason::EndOfFile, 2),
        (32, WalEndReason::EndOfFile, 0),
        (20, WalEndReason::PartialFrame, 0),
        (0, WalEndReason::EndOfFile, 0),
    ] {
        let path = scene.left_by_a_crash("cut");
        let log = fs::File::options().write(true).open(with_suffix(&path, "-wal")).unwrap();
        log.set_len(cut).unwrap();
        let timeline = open(&path);
        let end = timeline.end();
        assert_eq!((end.reason, end.committed_frames), (reason, committed), "cut to {cut}");
        assert_eq!(end.uncommitted_frames, end.valid_frames - committed);
        assert_eq!(timeline.header().is_some(), cut >= 32);
    }
}

#[test]
fn frames_are_told_apart() {
    let scene = three_commits();
    assert_eq!(states(&open(&scene.path())), expected_states(&scene));
    // Begun anew: what is behind is of the generation before.
    scene.run("PRAGMA wal_checkpoint(RESTART); UPDATE t SET b = 2");
    let timeline = open(&scene.path());
    assert_eq!((timeline.end().reason, states(&timeline).as_str()), (WalEndReason::Salt, "C--------"));
    assert_eq!(timeline.header().unwrap().checkpoint_sequence, 1);
}

/// By the pages of the frames: of each page the last frame counts.
fn expected_states(scene: &Scene) -> String {
    let bytes = fs::read(scene.file("-wal")).unwrap();
    let pages: Vec<_> = bytes[32..].chunks(536).map(|frame| frame[..4].to_vec()).collect();
    let is_last = |place: usize| !pages[place + 1..].contains(&pages[place]);
    (0..pages.len()).map(|place| if is_last(place) { 'C' } else { 's' }).collect()
}

#[test]
fn what_a_spilled_transaction_leaves_is_uncommitted_or_unsummed() {
    let scene = Scene::in_wal_mode("CREATE TABLE t(a INTEGER PRIMARY KEY, b); PRAGMA cache_size = 5");
    scene.run("BEGIN; INSERT INTO t(b) VALUES (zeroblob(20000))");
    let spilled = open(&scene.left_by_a_crash("spilled"));
    let end = spilled.end();
    assert_eq!(end.reason, WalEndReason::NoCommit);
    assert!(end.uncommitted_frames > 0 && states(&spilled).ends_with('u'), "{end:?}");
    for _ in 0..20 {
        scene
            .run("INSERT INTO t(b) VALUES (zeroblob(2000)); UPDATE t SET b = zeroblob(2000) WHERE a % 2 = 1");
    }
    let again = open(&scene.left_by_a_crash("again"));
    assert!(again.end().unsummed_frames > 0 && states(&again).contains('0'), "{:?}", again.end());
    scene.run("COMMIT");
    let committed = open(&scene.path());
    assert_eq!((committed.end().unsummed_frames, committed.end().commits), (0, 2));
}

#[test]
fn a_log_alone_says_the_same() {
    let scene = three_commits();
    let beside = json_lines("wal", &scene.path(), &[]);
    assert_eq!(json_lines("wal", &scene.file("-wal"), &[]).len(), beside.len());
    let copy = scene.left_by_a_crash("alone");
    fs::remove_file(&copy).unwrap();
    let alone = json_lines("wal", &copy, &[]);
    assert_eq!(alone, json_lines("wal", &with_suffix(&copy, "-wal"), &[]));
    let evidence = copy.with_file_name("evidence");
    fs::rename(with_suffix(&copy, "-wal"), &evidence).unwrap();
    assert_eq!(alone, json_lines("wal", &evidence, &[]));
    for (alone, beside) in alone.iter().zip(&beside) {
        for key in ["header", "commit", "first_frame", "last_frame", "page_count", "pages", "end"] {
            assert_eq!(alone[key], beside[key], "{key}");
        }
    }
    let header = &beside[0]["header"];
    assert!(header["magic"].as_u64().unwrap() & !1 == 0x377f_0682 && header["checksum_ok"] == true);
    assert_eq!((&header["format"], &header["page_size"]), (&json!(3_007_000), &json!(512)));
    assert_eq!(alone[1]["owners"], Value::Array(Vec::new()));
    assert_eq!(beside[2]["owners"], json!(["t", "sqlite_schema"]));
    let frames = json_lines("wal", &scene.path(), &["--frames"]);
    assert_eq!(frames.len(), 11);
    assert_eq!((&frames[1]["state"], &frames[1]["commit"]), (&json!("superseded"), &json!(1)));
    assert_eq!(frames[1]["owner"], "sqlite_schema");
}

#[test]
fn a_database_without_a_log_has_an_empty_one_and_nothing_is_an_error() {
    let scene = Scene::new("CREATE TABLE t(a)");
    let lines = json_lines("wal", &scene.path(), &[]);
    assert_eq!((&lines[0]["header"], lines.len()), (&Value::Null, 2));
    assert_eq!(
        (&lines[1]["end"]["reason"], &lines[1]["end"]["file_frames"]),
        (&json!("end-of-file"), &json!(0))
    );
    let (code, stdout, stderr) = litecopy("wal", &scene.file("-nothing"), &[]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("cannot open"), "{stderr}");
}

#[test]
fn the_log_is_not_begun_anew_while_it_is_read() {
    let scene = three_commits();
    let timeline = open(&scene.path());
    scene.run("PRAGMA wal_checkpoint(PASSIVE); UPDATE t SET b = 3");
    assert_eq!(commits(&timeline).len(), 3);
    assert_eq!(open(&scene.path()).end().commits, 4, "appended");
    drop(timeline);
    // Without a lock it is, and the list says so instead of ending as if all were well.
    let unlocked = WalTimeline::open(scene.path(), &SourceOptions::new().immutable(true), None).unwrap();
    scene.run("PRAGMA wal_checkpoint(PASSIVE); UPDATE t SET b = 4");
    let last = unlocked.commits().last().unwrap();
    assert_eq!(last.unwrap_err().kind(), litecopy::ErrorKind::Busy);
    assert_eq!(open(&scene.path()).end().commits, 1);
}

#[test]
fn a_locked_database_is_waited_for() {
    let scene = Scene::new("CREATE TABLE t(a); BEGIN EXCLUSIVE");
    let (code, stdout, stderr) = litecopy("wal", &scene.path(), &["--timeout", "0.1"]);
    assert_eq!((code, stdout.as_str()), (5, ""), "{stderr}");
    assert!(stderr.contains("EXCLUSIVE"), "{stderr}");
}

/// SQLite's own answer to whose a page is.
#[test]
fn owners_are_those_of_dbstat() {
    let scene = Scene::in_wal_mode("CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TABLE u(a UNIQUE, b)");
    scene.run("INSERT INTO t(b) VALUES (zeroblob(3000)), (1)");
    scene.run("INSERT INTO u SELECT value, zeroblob(200) FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 20) SELECT value FROM n)");
    let mut statement = scene.sqlite.prepare("SELECT pageno, name FROM dbstat").unwrap();
    let rows = statement.query_map((), |row| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?))).unwrap();
    let owner_of: std::collections::HashMap<u32, String> = rows.map(Result::unwrap).collect();
    let lines = json_lines("wal", &scene.path(), &["--frames"]);
    let mut seen = 0;
    for frame in lines.iter().filter(|line| line["frame"].is_u64()) {
        let page = u32::try_from(frame["page"].as_u64().unwrap()).unwrap();
        assert_eq!(frame["owner"].as_str(), owner_of.get(&page).map(String::as_str), "page {page}");
        seen += 1;
    }
    assert!(seen > 20);
    let last = &json_lines("wal", &scene.path(), &[])[4];
    let counts: Vec<_> =
        last["owner_page_counts"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
    assert_eq!(counts.iter().sum::<u64>(), last["pages"].as_array().unwrap().len() as u64);
    assert_eq!(last["owners"][0], "u");
    for style in ["flock", "dotfile", "none"] {
        let words = ["--lock-style", style, "--timeout", "1"];
        assert_eq!(json_lines("wal", &scene.path(), &words)[4], *last, "{style}");
    }
    let (code, _, stderr) = litecopy("wal", &scene.path(), &["--as-of", "9"]);
    assert_eq!(code, 1, "{stderr}");
}

#[test]
fn people_see_a_timeline() {
    let scene = three_commits();
    scene.run("CREATE INDEX i ON t(b); INSERT INTO t(b) VALUES (zeroblob(9000))");
    let path = scene.left_by_a_crash("golden.db");
    let folder = path.parent().unwrap();
    fs::File::options().write(true).open(with_suffix(&path, "-wal")).unwrap().set_len(14_000).unwrap();
    assert_golden("wal", &steady(&said("wal", &path, &[]), folder));
    assert_golden("wal-frames", &steady(&said("wal", &path, &["--frames"]), folder));
}

/// Seeded damage anywhere in a log, with the sums of its first frames set right again half the time.
#[test]
fn no_damage_makes_it_fail_or_miscount() {
    let seed = crate::scene::seed();
    let mut random = crate::scene::Random(seed);
    let scene = three_commits();
    let whole = fs::read(scene.file("-wal")).unwrap();
    for _ in 0..3_000 {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(4) {
            let place = random.below(bytes.len());
            bytes[place] = u8::try_from(random.below(256)).unwrap();
        }
        if random.below(4) == 0 {
            bytes.truncate(random.below(whole.len() + 1));
        }
        let timeline = WalTimeline::from_bytes(bytes, &SourceOptions::new()).unwrap();
        let end = timeline.end();
        let found = commits(&timeline);
        assert_eq!(found.len(), end.commits as usize);
        assert_eq!(found.last().map_or(0, |commit| commit.last_frame), end.committed_frames);
        let states = states(&timeline);
        assert_eq!(states.len(), end.file_frames as usize);
        let counted = |letter| u32::try_from(states.matches(letter).count()).unwrap();
        assert_eq!(
            (counted('u'), counted('-'), counted('0')),
            (end.uncommitted_frames, end.stale_frames, end.unsummed_frames)
        );
        assert_eq!(counted('C') + counted('s'), end.committed_frames);
    }
}
