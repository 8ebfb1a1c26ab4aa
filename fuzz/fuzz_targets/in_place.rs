//! Input: flags, four lengths, then database, log, wal-index, journal of a target, into which a small database is restored,
//! refreshed, or put. Afterwards that is there; or, after an error, what was there before.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy_fuzz::files::Files;
use litecopy_fuzz::target::{Way, judge};

fuzz_target!(|data: &[u8]| {
    let Some((flags, files)) = Files::from_input(data) else { return };
    let way = match flags.choice() % 3 {
        0 => Way::InPlace,
        1 => Way::Refresh,
        _ => Way::Replace,
    };
    judge(&files, way, flags.choice() / 3);
});
