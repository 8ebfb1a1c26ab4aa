//! Input: a whole database, whose schema is read; what is told of it is no longer than the file allows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::inspect::inspect_schema;
use litecopy::{Source, SourceBytes};

fuzz_target!(|data: &[u8]| {
    let bytes = SourceBytes { database: data.to_vec(), ..SourceBytes::default() };
    let report = inspect_schema(&mut Source::open(bytes).unwrap());
    // The last page reads as if zeros followed.
    let most = data.len().next_multiple_of(65536);
    assert!(report.damage.len() <= 100);
    assert!((report.entries.len() + report.left_out.len()) * 4 <= most);
    // Two bytes of UTF-16 can become three of UTF-8, and one that is wrong three.
    let texts = |entry: &litecopy::inspect::SchemaEntry| {
        entry.kind.len()
            + entry.name.len()
            + entry.table_name.len()
            + entry.sql.as_ref().map_or(0, String::len)
    };
    assert!(report.entries.iter().map(texts).sum::<usize>() <= 3 * most);
});
