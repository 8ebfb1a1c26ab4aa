//! The b-trees of a sound database, on two cores.
//!
//! Two threads take one tree after the other, each with findings and a set of placed pages of its own. When neither found anything and no
//! page has a place in both, that is all there is to say. Else nothing of it counts, and the trees are gone through in order: what is
//! told of a damaged file does not depend on who was first.

use super::findings::Findings;
use super::plan::Plan;
use super::report::{CheckOptions, CheckProgress, PROGRESS_PAGES};
use super::tree::TreeCheck;
use crate::format::DatabaseHeader;
use crate::format::page_set::PageSet;
use crate::source::Snapshot;
use crate::walk::Walk;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

/// Fewer pages are done before a second thread has begun.
const LEAST_PAGES: u32 = 256;

/// What both threads work on.
struct Shared<'p> {
    snapshot: &'p Snapshot,
    header: &'p DatabaseHeader,
    plan: &'p Plan,
    quick: bool,
    /// The tree that is next.
    next: AtomicUsize,
    /// Pages that have been looked at.
    done: AtomicU32,
    /// Whether one of them came to something that has to be told.
    stopped: AtomicBool,
}

/// Goes through all trees of the plan; `placed` are the pages that are not of them. `None`: they have to be gone through in order.
pub(super) fn check_sound_trees<'p>(
    (snapshot, header): (&'p Snapshot, &'p DatabaseHeader),
    options: &CheckOptions,
    plan: &'p Plan,
    placed: &PageSet,
    progress: &mut impl FnMut(CheckProgress),
) -> Option<(TreeCheck<'p>, PageSet)> {
    let page_count = snapshot.page_count();
    if options.single_thread || page_count < LEAST_PAGES || plan.trees.len() < 2 {
        return None;
    }
    let shared = Shared {
        snapshot,
        header,
        plan,
        quick: options.quick,
        next: AtomicUsize::new(0),
        done: AtomicU32::new(0),
        stopped: AtomicBool::new(false),
    };
    let (first, second) = std::thread::scope(|scope| {
        let second = std::thread::Builder::new().spawn_scoped(scope, || shared.work(|_| {})).ok()?;
        let first = shared.work(|done| progress(CheckProgress { done, page_count }));
        Some((first?, second.join().ok()??))
    })?;
    let ((mut check, first), (other, second)) = (first, second);
    check.add(&other);
    let mut placed = placed.clone();
    (placed.join(&first) && placed.join(&second)).then_some((check, placed))
}

impl<'p> Shared<'p> {
    /// Takes trees until there is none; `None` where something was found, or a page could not be read.
    fn work(&self, mut progress: impl FnMut(u32)) -> Option<(TreeCheck<'p>, PageSet)> {
        let mut walk = Walk::new(self.snapshot, *self.header, Findings::new(false));
        walk.check_pointers();
        let mut check = TreeCheck::new(self.plan, self.header.text_encoding, self.quick);
        while !self.stopped.load(Ordering::Relaxed) {
            let Some(tree) = self.plan.trees.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return Some((check, walk.placed));
            };
            let checked = check.check(tree, &mut walk, || {
                let done = self.done.fetch_add(1, Ordering::Relaxed).saturating_add(1);
                if done.is_multiple_of(PROGRESS_PAGES) {
                    progress(done);
                }
            });
            if checked.is_err() || !walk.sink.is_empty() {
                self.stopped.store(true, Ordering::Relaxed);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use crate::inspect::{CheckOptions, check};
    use crate::{Database, Source, SourceBytes};
    use proptest::prelude::*;
    use rusqlite::Connection;

    fn database(auto_vacuum: bool) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let sqlite = Connection::open(&path).unwrap();
        let sql =
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); CREATE INDEX i ON t(b); CREATE INDEX j ON t(c);
             CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE gone(x);
             WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 300)
                 INSERT INTO t SELECT i, 'name ' || (i * 7919 % 300), zeroblob(i % 9 * 100) FROM n;
             INSERT INTO w SELECT b, c FROM t; INSERT INTO gone SELECT c FROM t; DROP TABLE gone";
        let pragmas = format!("PRAGMA page_size = 1024; PRAGMA auto_vacuum = {}", u8::from(auto_vacuum));
        sqlite.execute_batch(&format!("{pragmas}; {sql}")).unwrap();
        drop(sqlite);
        std::fs::read(path).unwrap()
    }

    fn report(bytes: Vec<u8>, single_thread: bool) -> crate::inspect::CheckReport {
        let bytes = SourceBytes { database: bytes, ..SourceBytes::default() };
        let database = Database::open(Source::open(bytes).unwrap(), None).unwrap();
        check(&database, &CheckOptions::new().single_thread(single_thread), |_| {}).unwrap()
    }

    #[test]
    fn a_sound_database_is_sound_either_way() {
        for auto_vacuum in [false, true] {
            let bytes = database(auto_vacuum);
            let found = report(bytes.clone(), false);
            assert!(found.sound && found.page_count > super::LEAST_PAGES, "{found:?}");
            assert_eq!(found, report(bytes, true));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn what_is_told_of_damage_does_not_depend_on_threads(
            auto_vacuum in any::<bool>(),
            changes in proptest::collection::vec((1024..400_000_usize, any::<u8>()), 1..4),
        ) {
            let mut bytes = database(auto_vacuum);
            for (place, byte) in changes {
                let place = place % bytes.len();
                if place >= 100 {
                    bytes[place] = byte;
                }
            }
            prop_assert_eq!(report(bytes.clone(), false), report(bytes, true));
        }
    }
}
