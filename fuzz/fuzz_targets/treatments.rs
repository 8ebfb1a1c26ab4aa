//! Input: a database, copied exactly, without free pages, and scrubbed: what is left out is zeros, and nothing else changes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::{CopyOptions, Limit, Limits, MemoryTarget, SourceBytes, SourceOptions, quiet};

/// More pages than any input holds: only what a header claims could be more.
const MOST_PAGES: i64 = 1 << 12;

fn copy(database: &[u8], options: CopyOptions) -> Option<Vec<u8>> {
    let mut limits = Limits::new();
    limits.set(Limit::Pages, MOST_PAGES);
    let bytes = SourceBytes { database: database.to_vec(), wal: Vec::new(), journal: Vec::new() };
    let options = options.source(SourceOptions::new().limits(limits)).verify(true);
    Some(options.begin(bytes, MemoryTarget::new()).ok()?.run(quiet).ok()?.output)
}

fn assert_only_cleared(before: &[u8], after: &[u8]) {
    assert_eq!(before.len(), after.len());
    assert!(before.iter().zip(after).all(|(before, after)| after == before || *after == 0));
}

fuzz_target!(|database: &[u8]| {
    let options = CopyOptions::new;
    let Some(exact) = copy(database, options()) else { return };
    let skipped = copy(database, options().skip_free(true));
    if let Some(skipped) = &skipped {
        assert_only_cleared(&exact, skipped);
    }
    if let Some(scrubbed) = copy(database, options().scrub(true)) {
        assert_only_cleared(&skipped.expect("a scrub believes less"), &scrubbed);
        assert_eq!(copy(&scrubbed, options().scrub(true)), Some(scrubbed), "nothing is left to clear");
    }
});
