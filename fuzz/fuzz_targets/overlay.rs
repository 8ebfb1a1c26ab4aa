//! Input: flags, four lengths, then database, log, wal-index, journal. What lies over the file is laid over it as SQLite recovers
//! it; with somebody connected the wal-index is believed, as far as it can be.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy_fuzz::files::Files;
use litecopy_fuzz::in_use::Connected;
use litecopy_fuzz::sqlite::Verdict;
use litecopy_fuzz::{folder, image, sqlite};

fuzz_target!(|data: &[u8]| {
    let Some((flags, files)) = Files::from_input(data) else { return };
    let folder = folder::empty();
    let path = files.write(&folder, "a.db");
    if flags.choice() & 1 != 0 && !files.wal_index.is_empty() {
        let _connected = Connected::to(&path);
        let _ = image(&path);
        assert_eq!(Files::read(&folder, "a.db"), files, "the source is only read");
        return;
    }
    let ours = image(&path);
    assert_eq!(Files::read(&folder, "a.db"), files, "the source is only read");
    match (ours, sqlite::read(&path)) {
        (Ok(ours), Verdict::Image(theirs)) => assert!(ours == theirs, "other pages than SQLite's"),
        (Ok(_), Verdict::Refused(why)) => panic!("SQLite refuses it: {why}"),
        _ => {}
    }
});
