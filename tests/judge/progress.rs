//! The well-known call: `progress` sees status, remaining and total after every step, the last included, and can
//! stop the copy; every wait and every chase after a busy writer ends (C6).

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use litecopy::{Consistency, CopyOptions, ErrorKind, FileTarget};

use crate::files::Folder;
use crate::judge::assert_right_copy;
use crate::makers;
use crate::peer::{Peer, until};
use crate::writer::{self, Plan};

/// Status, remaining and total of each call.
type Told = Vec<(i32, u32, u32)>;

#[test]
fn every_step_is_told() {
    let made = makers::usual();
    let whole = told(&CopyOptions::new(), &made);
    let page_count = whole[0].2;
    assert!(page_count > 20);
    assert_eq!(whole, [(101, 0, page_count)]);
    for pages in [-7, 0] {
        assert_eq!(told(&CopyOptions::new().pages_per_step(pages), &made), whole, "all in one step");
    }
    for pages in [1, 7, 1000] {
        let steps = told(&CopyOptions::new().pages_per_step(pages.try_into().unwrap()), &made);
        let step_count = page_count.div_ceil(pages);
        let expected: Told = (1..=step_count)
            .map(|step| {
                let remaining = page_count.saturating_sub(step * pages);
                (if remaining == 0 { 101 } else { 0 }, remaining, page_count)
            })
            .collect();
        assert_eq!(steps, expected);
    }
}

fn told(options: &CopyOptions, made: &makers::Made) -> Told {
    let targets = Folder::new();
    let copy = targets.join("copy.db");
    let mut told = Vec::new();
    let backup = options.begin(&made.path, FileTarget::new(&copy)).unwrap();
    let copied = backup
        .run(|progress| {
            told.push((progress.status.code(), progress.remaining, progress.page_count));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_right_copy(&made.path, &copy);
    assert_eq!(copied.report.page_count, told[0].2);
    told
}

#[test]
fn busy_steps_are_told_and_slept_after() {
    let made = makers::usual();
    let mut writer = Peer::connected_to(&made.path);
    writer.execute("main", "BEGIN EXCLUSIVE").unwrap();
    let targets = Folder::new();
    let sleep = Duration::from_millis(50);
    let begun = Instant::now();
    let mut statuses = Vec::new();
    let options = CopyOptions::new().sleep(sleep);
    let backup = options.begin(&made.path, FileTarget::new(targets.join("copy.db"))).unwrap();
    backup
        .run(|progress| {
            statuses.push(progress.status.code());
            if statuses.len() == 3 {
                writer.execute("main", "COMMIT").unwrap();
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(statuses, [5, 5, 5, 101]);
    assert!(begun.elapsed() >= sleep * 3);
}

#[test]
fn a_copy_can_be_stopped() {
    let made = makers::usual();
    let targets = Folder::new();
    let mut calls = 0;
    let options = CopyOptions::new().pages_per_step(3);
    let outcome = options.begin(&made.path, FileTarget::new(targets.join("copy.db"))).unwrap().run(|_| {
        calls += 1;
        if calls == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(outcome.map(drop).unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(calls, 2);
    assert_eq!(targets.names(), [""; 0], "left behind");
}

/// The last call comes when all is copied, and nothing is shown yet: what is stopped then is stopped like any other.
#[test]
fn a_copy_can_be_stopped_at_the_last_call() {
    let made = makers::usual();
    let targets = Folder::new();
    let copy = targets.join("copy.db");
    let stop_at_the_end = |progress: &litecopy::Progress| match progress.status {
        litecopy::Status::Done => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let options = CopyOptions::new();
    let outcome = options.begin(&made.path, FileTarget::new(&copy)).unwrap().run(stop_at_the_end);
    assert_eq!(outcome.map(drop).unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(targets.names(), [""; 0], "left behind");
    let set = litecopy::DatabaseSet::open(&made.path).unwrap();
    let outcome = options.begin_set(&set, targets.join("set")).unwrap().run(stop_at_the_end);
    assert_eq!(outcome.map(drop).unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(targets.names(), [""; 0], "left behind");
    std::fs::copy(&made.path, &copy).unwrap();
    let in_place = options.in_place(true);
    let outcome = in_place.begin(&made.path, FileTarget::new(&copy)).unwrap().run(stop_at_the_end);
    assert_eq!(outcome.map(drop).unwrap_err().kind(), ErrorKind::Cancelled);
    assert_right_copy(&made.path, &copy);
}

/// A callback may take its time: nobody has changed the source, so nothing stalls.
#[test]
fn a_slow_callback_is_no_stall() {
    let made = makers::usual();
    let targets = Folder::new();
    let options = CopyOptions::new().pages_per_step(10).patience(Duration::ZERO);
    let mut pauses = 3;
    let copied = options.begin(&made.path, FileTarget::new(targets.join("copy.db"))).unwrap().run(|_| {
        if pauses > 0 {
            std::thread::sleep(Duration::from_millis(20));
            pauses -= 1;
        }
        ControlFlow::Continue(())
    });
    assert_eq!(copied.unwrap().report.restarts, 0);
}

/// Small steps never catch up with a writer that never rests: the deadline ends them, and holding gets through.
#[test]
fn a_chase_after_a_writer_ends() {
    for journal_mode in ["DELETE", "WAL"] {
        let folder = Folder::new();
        let database = folder.join("source.db");
        writer::create(&database, journal_mode);
        let mut peer = Peer::start();
        let plan = Plan {
            database: database.clone(),
            seed: 1,
            journal_mode,
            reconnect_after: 0,
            checkpoints: false,
            pause_ms: 0,
            big: false,
        };
        peer.start_writer(&plan);
        until("the writer commits", || peer.versions().committed > 3);
        let targets = Folder::new();
        let options = CopyOptions::new().pages_per_step(1).sleep(Duration::from_millis(1));
        let begun = Instant::now();
        let chase = options.clone().deadline(Duration::from_millis(500));
        let slowed = |_: &litecopy::Progress| {
            std::thread::sleep(Duration::from_millis(5));
            ControlFlow::Continue(())
        };
        let error = chase
            .consistency(Consistency::Step)
            .begin(&database, FileTarget::new(targets.join("chased.db")))
            .unwrap()
            .run(slowed)
            .map(drop)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeadlinePassed, "{error}");
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert_eq!(targets.names(), [""; 0], "left behind");
        let held = targets.join("held.db");
        options.consistency(Consistency::Hold).copy(&database, &held).unwrap();
        writer::verify(&held);
        peer.stop_writer().assert_only_busy();
    }
}
