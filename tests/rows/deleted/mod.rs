//! Deleted rows, with truth by construction: every version of every row is known, and whether its bytes are still in a file.
//!
//! Printed are tables: by place, by how much of a row is left, and by confidence.

mod history;
mod measure;
mod places;
mod record;
mod scene;

use std::ops::ControlFlow;
use std::path::Path;

use litecopy::inspect::{DeletedOptions, DeletedRow, deleted_rows};
use litecopy::{Database, Source};

use measure::Sums;

/// How many scenes the tables are of.
const SCENES: u64 = 240;

/// All that is found, also what is hardly likely.
fn found_in(folder: &Path) -> Vec<DeletedRow> {
    let database = Database::open(Source::open(folder.join("a.db")).unwrap(), None).unwrap();
    let mut found = Vec::new();
    let mut options = DeletedOptions::default();
    options.least_confidence = 0.0;
    deleted_rows(&database, &options, &mut |_| ControlFlow::Continue(()), &mut |row| {
        found.push(row);
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

/// The scenes of the seeds from `LITECOPY_SEED` on, else of the first ones.
#[test]
fn deleted_rows_are_found_and_none_is_invented() {
    let first = std::env::var("LITECOPY_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let count = std::env::var("LITECOPY_SCENES").ok().and_then(|it| it.parse().ok()).unwrap_or(SCENES);
    // One scene alone is told in full, and its files are left.
    let is_alone = count == 1;
    println!("seeds {first} to {}", first + count - 1);
    let mut sums = Sums::default();
    for seed in first..first + count {
        let mut folder = tempfile::tempdir().unwrap();
        folder.disable_cleanup(is_alone);
        let scene = scene::make(seed, folder.path());
        let before = crate::select::bytes_of(folder.path());
        let rows = found_in(folder.path());
        assert!(crate::select::bytes_of(folder.path()) == before, "{}: a file changed", scene.what);
        if is_alone {
            println!("{}: {}", folder.path().display(), scene.what);
        }
        sums.add(&scene, folder.path(), &rows, is_alone);
    }
    sums.print();
    sums.check();
}
