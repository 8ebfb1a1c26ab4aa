//! Input: a journal. What is told of it fits into it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::Limits;
use litecopy::inspect::JournalSegment;

fuzz_target!(|data: &[u8]| {
    let Ok(segments) = JournalSegment::read_all(data.to_vec(), &Limits::new()) else { return };
    let mut behind = 0;
    for segment in &segments {
        assert!(segment.offset >= behind);
        for record in &segment.records {
            assert!(record.offset > segment.offset && record.offset >= behind);
            assert!(record.checksum_ok || !record.rolled_back);
            behind = record.offset + u64::from(segment.page_size) + 8;
            assert!(behind <= data.len() as u64);
        }
    }
});
