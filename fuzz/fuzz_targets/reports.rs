//! Input: a whole database; every report on its structure is made, and they agree on what there is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::inspect::{CheckOptions, PageUse, check, page, pages, space};
use litecopy::{Database, PageNumber, Source, SourceBytes};

/// How many pages are decoded one by one.
const MOST_DECODED: u32 = 20;

fuzz_target!(|data: &[u8]| {
    let bytes = SourceBytes { database: data.to_vec(), ..SourceBytes::default() };
    let Ok(database) = Source::open(bytes).and_then(|source| Database::open(source, None)) else { return };
    let uses = pages(&database).unwrap();
    assert_eq!(uses.iter().count(), database.page_count() as usize);
    let sums = space(&database).unwrap();
    let count = |kind| uses.iter().filter(|page| page.kind == kind).count();
    assert_eq!(count(PageUse::Unreachable), sums.unreachable_pages as usize);
    let owned = uses.iter().filter(|page| page.owner.is_some()).count();
    assert_eq!(owned, sums.owners.iter().map(|owner| owner.pages as usize).sum::<usize>());
    let quick = check(&database, &CheckOptions::new().quick(true), |_| {}).unwrap();
    let whole = check(&database, &CheckOptions::new(), |_| {}).unwrap();
    assert!(whole.findings.len() <= 100 && (quick.sound || !whole.sound));
    // What cannot be reached is damage.
    assert!(whole.page_count == 0 || count(PageUse::Unreachable) == 0 || !whole.sound);
    for number in (1..=database.page_count().min(MOST_DECODED)).filter_map(PageNumber::new) {
        let content = page(&database, number).unwrap().unwrap();
        let bytes: u32 = content.parts.iter().map(|part| part.bytes).sum();
        assert!(bytes >= database.page_size().bytes());
    }
});
