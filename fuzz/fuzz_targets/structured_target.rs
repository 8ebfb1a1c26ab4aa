//! Input: a plan of a database, written validly and then damaged, and how a small one is written over it. Afterwards that is there;
//! or, after an error, what was there before.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy_fuzz::plan::Plan;
use litecopy_fuzz::target::{Way, judge};

fuzz_target!(|input: (Plan, u8)| {
    let (plan, choice) = input;
    let files = plan.build().files;
    let way = match choice % 4 {
        0 => Way::InPlace,
        1 => Way::Refresh,
        2 => Way::Replace,
        _ if files.wal_index.is_empty() => return,
        _ => Way::BesideOthers,
    };
    judge(&files, way, choice / 4);
});
