//! Input: a plan of a database, written validly and then damaged. Where SQLite reads it too, the pages are the same; what SQLite
//! refuses as no database or damaged, litecopy refuses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy_fuzz::files::Files;
use litecopy_fuzz::plan::Plan;
use litecopy_fuzz::sqlite::Verdict;
use litecopy_fuzz::{folder, image, sqlite};

fuzz_target!(|plan: Plan| {
    let built = plan.build();
    let folder = folder::empty();
    let path = built.files.write(&folder, "a.db");
    let ours = image(&path);
    assert_eq!(Files::read(&folder, "a.db"), built.files, "the source is only read");
    match (ours, sqlite::read(&path)) {
        (Ok(ours), Verdict::Image(theirs)) => assert!(ours == theirs, "other pages than SQLite's"),
        (Ok(_), Verdict::Refused(why)) => panic!("SQLite refuses it: {why}"),
        _ => {}
    }
    if built.expected.is_some() {
        sqlite::integrity(&path).unwrap();
    }
});
