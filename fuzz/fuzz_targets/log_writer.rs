//! Input: flags, four lengths, then database, log, wal-index, journal of a target that somebody has open in WAL mode: a small
//! database is written into its log. Afterwards that is there; or, after an error, what was there before.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy_fuzz::files::Files;
use litecopy_fuzz::target::{Way, judge};

fuzz_target!(|data: &[u8]| {
    let Some((flags, files)) = Files::from_input(data) else { return };
    if !files.wal_index.is_empty() {
        judge(&files, Way::BesideOthers, flags.choice());
    }
});
