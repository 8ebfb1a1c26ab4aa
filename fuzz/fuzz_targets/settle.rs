//! Input: flags, four lengths, then database, log, wal-index, journal of a target. What a dead writer left there is settled as it
//! would be read, and a copy into it that is given up leaves just that.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::{FileTarget, StepOutcome};
use litecopy_fuzz::files::{Files, age};
use litecopy_fuzz::pages::small;
use litecopy_fuzz::{folder, image, options};

fuzz_target!(|data: &[u8]| {
    let Some((_, files)) = Files::from_input(data) else { return };
    let folder = folder::empty();
    let path = files.write(&folder, "a.db");
    let before = image(&path);
    let new = small(files.database.len() as u32);
    let Ok(mut backup) = options().in_place(true).begin(new, FileTarget::new(&path)) else { return };
    let step = backup.step(1);
    drop(backup);
    age(&path);
    if let Ok(before) = before {
        assert!(image(&path).is_ok_and(|after| after == before), "what was there is there");
        if step.is_ok_and(|step| step != StepOutcome::Busy) {
            let Files { wal, journal, .. } = Files::read(&folder, "a.db");
            assert!(wal.is_empty() && journal.is_empty(), "nothing lies over it");
        }
    }
});
