//! A small database written over files that may hold anything, and whether all went as promised.

use crate::files::{Files, age};
use crate::in_use::Connected;
use crate::pages::small;
use crate::{folder, image, options};

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    InPlace,
    Refresh,
    Replace,
    /// Into the log of somebody who has it open.
    BesideOthers,
}

/// Writes over the files, and judges what is there then.
pub fn judge(files: &Files, way: Way, choice: u8) {
    let folder = folder::empty();
    let path = files.write(&folder, "a.db");
    let connected = (way == Way::BesideOthers).then(|| Connected::to(&path));
    let before = image(&path);
    let options = match way {
        Way::InPlace | Way::BesideOthers => options().in_place(true),
        Way::Refresh => options().refresh(true),
        Way::Replace => options().replace(true),
    };
    let new = small(choice.into());
    let expected = image(new.clone()).unwrap();
    let copied = options.verify(choice % 2 == 0).copy(new, &path);
    age(&path);
    let after = image(&path);
    match (copied, before) {
        (Ok(_), _) => assert_same_content(&expected, &after.expect("the copy can be read")),
        (Err(_), Ok(before)) => {
            assert!(after.is_ok_and(|after| after == before), "what was there is there");
        }
        (Err(_), Err(_)) => {}
    }
    drop(connected);
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.retain(|name| !["a.db", "a.db-wal", "a.db-shm", "a.db-journal"].contains(&name.as_str()));
    assert_eq!(names, [""; 0], "nothing is left behind");
}

/// All but what a restore changes in the header: journal mode, change counter, page count, schema cookie, version.
fn assert_same_content(expected: &[u8], found: &[u8]) {
    const CHANGED: [std::ops::Range<usize>; 5] = [18..20, 24..28, 28..32, 40..44, 92..100];
    assert_eq!(expected.len(), found.len());
    let changes = |at: usize| CHANGED.iter().any(|range| range.contains(&at));
    let same = expected.iter().zip(found).enumerate().all(|(at, (a, b))| a == b || changes(at));
    assert!(same, "the content is that of the source");
}
