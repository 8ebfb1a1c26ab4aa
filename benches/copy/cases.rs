//! The cases: which databases, who copies them, and the goals.

use std::fs;
use std::process::Command;

use crate::bench::{Bench, litecopy};
use crate::clones::Mounted;
use crate::contender::{BESIDE_TARGET, Contender};
use crate::databases::{self, Half};
use crate::goal::Goal;
use crate::jobs::Job;
use crate::race::{Pair, Race};
use crate::table::{Case, Row};

/// A case, or why this machine cannot run it.
type Run = fn(&Bench) -> Result<Case, String>;

/// Whether it is in the picture, too.
const DRAWN: bool = true;
const TABLE: bool = false;

/// Name, whether it is drawn, and how it is run.
pub(crate) const CASES: &[(&str, bool, Run)] = &[
    ("large-synced", DRAWN, |bench| Ok(rollback(bench, bench.large(), true))),
    ("large-unsynced", DRAWN, |bench| Ok(rollback(bench, bench.large(), false))),
    ("small-synced", TABLE, |bench| Ok(rollback(bench, bench.small(), true))),
    ("small-unsynced", TABLE, |bench| Ok(rollback(bench, bench.small(), false))),
    ("steps", TABLE, steps),
    ("log-scattered", DRAWN, |bench| {
        Ok(half_in_log(bench, "every second page in the log", Half::EverySecondPage))
    }),
    ("log-together", TABLE, |bench| {
        Ok(half_in_log(bench, "the first half of the pages in the log", Half::First))
    }),
    ("free", DRAWN, half_free),
    ("many-processes", DRAWN, many_processes),
    ("many-in-one", TABLE, many_in_one_process),
    ("restart", DRAWN, restart),
    ("refresh", DRAWN, refresh),
    ("checked", TABLE, checked),
    ("cold", TABLE, cold),
    ("clones", DRAWN, clones),
    ("start-up", TABLE, start_up),
    ("memory", DRAWN, memory),
];

const PLAIN: &[&str] = &["copy"];
const LITECOPY: &str = "litecopy";
const ONE_STEP: &str = "SQLite backup, one step";
const HUNDRED: &str = "SQLite backup, 100 pages a step";
const LOOP: &str = "read and write, 256 KiB";
const CP_AUTO: &str = "cp --reflink=auto";
const CP_NEVER: &str = "cp --reflink=never";

/// 1500 MB, or 1.5 GB.
fn size(megabytes: u64) -> String {
    if megabytes < 1_000 { format!("{megabytes} MB") } else { format!("{} GB", megabytes as f64 / 1_000.0) }
}

fn with_sync(synced: bool) -> &'static str {
    if synced { "with a sync" } else { "without a sync" }
}

fn plain(synced: bool) -> Contender {
    Contender::litecopy(LITECOPY, PLAIN, synced)
}

fn one_step(synced: bool) -> Contender {
    Contender::job(ONE_STEP, Job::SqliteOneStep, synced)
}

fn read_write(synced: bool) -> Contender {
    Contender::job(LOOP, Job::Loop, synced)
}

fn rollback(bench: &Bench, megabytes: u64, synced: bool) -> Case {
    let source = bench.rollback(megabytes);
    let rows = Race::of_one(bench, &source).run(vec![
        plain(synced),
        one_step(synced),
        Contender::job(HUNDRED, Job::SqliteSteps, synced),
        Contender::job("VACUUM INTO", Job::VacuumInto, synced),
        Contender::cp("auto", synced),
        Contender::cp("never", synced),
        read_write(synced),
    ]);
    let goals = if megabytes != bench.large() {
        Vec::new()
    } else if synced {
        vec![
            Goal::times_as_fast(LITECOPY, ONE_STEP, 3.0),
            Goal::at_most_times(LITECOPY, &[CP_AUTO, CP_NEVER, LOOP], 1.1),
        ]
    } else {
        vec![Goal::times_as_fast(LITECOPY, ONE_STEP, 5.0)]
    };
    Case::of(
        format!("{}, rollback mode, {}", size(megabytes), with_sync(synced)),
        "Nobody else uses the database, and the system has it in its cache. SQLite's target is `synchronous` FULL or OFF. \
         `cp` and the loop take no lock: beside a writer they are wrong.",
        rows,
        &goals,
    )
}

fn steps(bench: &Bench) -> Result<Case, String> {
    const ALL: &str = "litecopy, one step";
    const STEPS: &str = "litecopy, 100 pages a step";
    let rows = Race::of_one(bench, &bench.rollback(bench.large())).run(vec![
        Contender::litecopy(ALL, &["copy", "--consistency=step", "--pages=-1"], true),
        Contender::litecopy(STEPS, &["copy", "--consistency=step", "--pages=100"], true),
        one_step(true),
        Contender::job(HUNDRED, Job::SqliteSteps, true),
    ]);
    let about = "Between the steps all locks are let go, and nobody sleeps.";
    let title = format!("{}, rollback mode, in steps", size(bench.large()));
    Ok(Case::of(title, about, rows, &[Goal::at_most_times(STEPS, &[ALL], 1.5)]))
}

fn half_in_log(bench: &Bench, which: &str, half: Half) -> Case {
    let source = bench.folder().join("log.db");
    // Open until the end: SQLite's last connection would empty the log.
    let holder = databases::half_in_log(&source, bench.large(), half);
    let rows = Race::of_one(bench, &source).run(vec![
        plain(true),
        one_step(true),
        Contender::job(HUNDRED, Job::SqliteSteps, true),
        Contender::job("VACUUM INTO", Job::VacuumInto, true),
    ]);
    holder.close().unwrap();
    fs::remove_file(source).unwrap();
    Case::of(
        format!("{}, WAL mode, {which}", size(bench.large())),
        "A connection stays open, so that the log is as it was for each copy.",
        rows,
        &[Goal::times_as_fast(LITECOPY, ONE_STEP, 3.0)],
    )
}

fn half_free(bench: &Bench) -> Result<Case, String> {
    const SKIPS: &str = "litecopy --skip-free";
    let source = bench.folder().join("free.db");
    databases::half_free(&source, bench.large());
    let rows = Race::of_one(bench, &source).run(vec![
        plain(true),
        Contender::litecopy(SKIPS, &["copy", "--skip-free"], true),
        one_step(true),
        Contender::job("VACUUM INTO", Job::VacuumInto, true),
        Contender::cp("auto", true),
        Contender::cp("never", true),
    ]);
    fs::remove_file(source).unwrap();
    let title = format!("{}, half of the pages free", size(bench.large()));
    let goals = [Goal::faster(SKIPS, &[CP_AUTO, CP_NEVER])];
    Ok(Case::of(title, "The free pages lie in runs of a megabyte. VACUUM leaves them out.", rows, &goals))
}

/// Databases of 40 kB, and where their copies go.
fn many(bench: &Bench, count: usize) -> Vec<Pair> {
    let folder = bench.folder().join("many");
    fs::create_dir_all(&folder).unwrap();
    let path = |number: usize| folder.join(format!("{number}.db"));
    for number in (0..count).filter(|number| !path(*number).exists()) {
        databases::of_ten_pages(&path(number));
    }
    (0..count).map(|number| Pair::of(&path(number))).collect()
}

fn many_processes(bench: &Bench) -> Result<Case, String> {
    let pairs = many(bench, bench.count(500));
    let title = format!("{} databases of 40 kB, one after the other, a process for each", pairs.len());
    let rows = Race::of(bench, pairs).run(vec![plain(true), one_step(true), Contender::cp("auto", true)]);
    let about = "The time of all together. Each file and its name is synced.";
    Ok(Case::of(title, about, rows, &[Goal::at_most_times(LITECOPY, &[CP_AUTO], 1.3)]))
}

fn many_in_one_process(bench: &Bench) -> Result<Case, String> {
    let pairs = many(bench, bench.count(500));
    let title = format!("{} databases of 40 kB, one after the other, in one process", pairs.len());
    let rows = Race::of(bench, pairs).run(vec![
        Contender::job_for_all("litecopy, library", Job::Library),
        Contender::job_for_all(ONE_STEP, Job::SqliteOneStep),
        Contender::job_for_all(LOOP, Job::Loop),
        Contender::cp("auto", true).named("cp, a process for each"),
    ]);
    Ok(Case::of(title, "The time of all together. Each file and its name is synced.", rows, &[]))
}

fn restart(bench: &Bench) -> Result<Case, String> {
    // Not the shared one: it is written.
    let source = bench.folder().join("restart.db");
    databases::rollback(&source, bench.large());
    let job = |label, job| Contender::job(label, job, true);
    let rows = Race::of_one(bench, &source).run(vec![
        job("litecopy, library, a commit at half", Job::LibraryStepsBesideCommit),
        job("litecopy, library, no commit", Job::LibrarySteps),
        job("SQLite backup, a commit at half", Job::SqliteStepsBesideCommit),
        job("SQLite backup, no commit", Job::SqliteSteps),
    ]);
    fs::remove_file(source).unwrap();
    let title =
        format!("{}, rollback mode, 100 pages a step, started again in the middle", size(bench.large()));
    let about = "When half of the pages are copied, another process changes one row and commits: every copy begins anew.";
    Ok(Case::of(title, about, rows, &[]))
}

fn refresh(bench: &Bench) -> Result<Case, String> {
    let old = bench.rollback(bench.large());
    let source = bench.folder().join("refresh.db");
    fs::copy(&old, &source).unwrap();
    databases::change_one_percent(&source);
    let rows = Race::of_one(bench, &source).over(&old).run(vec![
        Contender::litecopy("litecopy refresh", &["refresh"], true),
        Contender::litecopy("litecopy refresh --replace", &["refresh", "--replace"], true),
        Contender::litecopy("litecopy copy --replace", &["copy", "--replace"], true),
        one_step(true).named("SQLite backup, over the old copy"),
        Contender::cp("auto", true),
    ]);
    fs::remove_file(source).unwrap();
    let title = format!("{}, one page in a hundred changed since the last copy", size(bench.large()));
    Ok(Case::of(title, "The old copy is there when the time begins.", rows, &[]))
}

fn checked(bench: &Bench) -> Result<Case, String> {
    const VERIFIED: &str = "litecopy --verify";
    const LISTED: &str = "litecopy --manifest";
    let rows = Race::of_one(bench, &bench.rollback(bench.large())).run(vec![
        plain(true),
        Contender::litecopy(VERIFIED, &["copy", "--verify"], true),
        Contender::litecopy(LISTED, &["copy", "--manifest", BESIDE_TARGET], true),
    ]);
    let goals = [VERIFIED, LISTED].map(|label| Goal::at_most_times(label, &[LITECOPY], 2.0));
    let title = format!("{}, read back, or summed", size(bench.large()));
    Ok(Case::of(title, "What it costs to be sure.", rows, &goals))
}

fn cold(bench: &Bench) -> Result<Case, String> {
    let rows = Race::of_one(bench, &bench.rollback(bench.large())).cold().run(vec![
        plain(true),
        one_step(true),
        Contender::cp("auto", true),
        Contender::cp("never", true),
        read_write(true),
    ]);
    let about = "The source was taken out of the system's cache (`posix_fadvise`) before each run.";
    Ok(Case::of(format!("{}, rollback mode, cold cache", size(bench.large())), about, rows, &[]))
}

fn clones(bench: &Bench) -> Result<Case, String> {
    const SMALL: &str = "litecopy, a tenth of the size";
    let (large, small) = (bench.rollback(bench.large()), bench.rollback(bench.small()));
    // The sources, and a copy that shares nothing.
    let mounted = Mounted::with_room(bench.folder(), (2 * bench.large() + bench.small()) * 1_000_000)?;
    let on_clones = |name: &str| mounted.folder().join(name);
    fs::copy(large, on_clones("large.db")).unwrap();
    fs::copy(small, on_clones("small.db")).unwrap();
    let mut rows = Race::of_one(bench, &on_clones("large.db")).run(vec![
        plain(true),
        one_step(true),
        Contender::cp("never", true),
        Contender::cp("auto", true),
    ]);
    rows.extend(Race::of_one(bench, &on_clones("small.db")).run(vec![plain(true).named(SMALL)]));
    Ok(Case::of(
        format!("{}, on {} mounted from an image", size(bench.large()), mounted.kind),
        "A file system on which files can share their pages until one is written.",
        rows,
        &[Goal::times_as_fast(LITECOPY, CP_NEVER, 10.0)],
    ))
}

fn start_up(bench: &Bench) -> Result<Case, String> {
    let pairs = many(bench, bench.count(500));
    let title = format!("Start-up: {} times a database of 40 kB", pairs.len());
    let rows = Race::of(bench, pairs).run(vec![
        plain(false),
        Contender::start("litecopy --version", version),
        Contender::start("true", || Command::new("true")),
        Contender::cp("auto", false),
        one_step(false),
        plain(true),
    ]);
    let about = "The time of all together, one process after the other. `true` is what any process costs.";
    Ok(Case::of(title, about, rows, &[]))
}

fn version() -> Command {
    let mut command = litecopy();
    command.arg("--version");
    command
}

fn memory(bench: &Bench) -> Result<Case, String> {
    const IDLE: &str = "litecopy --version";
    const MOST_KIB: f64 = 16.0 * 1024.0;
    let sparse = bench.folder().join("sparse.db");
    databases::sparse(&sparse, 4 * bench.large());
    let sources = [
        (size(bench.small()), bench.rollback(bench.small())),
        (size(bench.large()), bench.rollback(bench.large())),
        (format!("{}, sparse", size(4 * bench.large())), sparse.clone()),
    ];
    let mut goals = Vec::new();
    let mut rows: Vec<Row> = Vec::new();
    for (what, source) in &sources {
        let label = |who: &str| format!("{who}, {what}");
        let mut contenders =
            vec![plain(true).named(&label(LITECOPY)), one_step(true).named(&label("SQLite backup"))];
        if rows.is_empty() {
            contenders.insert(0, Contender::start(IDLE, version));
        }
        rows.extend(Race::of_one(bench, source).of_memory().run(contenders));
        goals.push(Goal::at_most_above_kib(&label(LITECOPY), IDLE, MOST_KIB));
    }
    fs::remove_file(sparse).unwrap();
    let about = "The most that a process had resident at any time (`VmHWM`), its program's text included; of all rounds the most. \
                 An idle litecopy, that only says its version, is the first row.";
    Ok(Case::of("Peak memory".to_owned(), about, rows, &goals))
}
