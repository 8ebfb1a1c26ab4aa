//! Input: a rollback journal, read as a rollback reads it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::format::journal_record::record_bytes;
use litecopy::format::{JournalHeader, JournalRecord, PageSize};

fuzz_target!(|data: &[u8]| {
    let Ok(first) = JournalHeader::parse(data) else { return };
    let page_size = first.page_size.unwrap_or(PageSize::DEFAULT);
    let (mut header, mut start) = (first, 0_u64);
    loop {
        let mut at = start + u64::from(first.sector_bytes);
        let mut left = header.records_to_read(data.len() as u64, page_size);
        while left > 0 {
            let Some(rest) = data.get(at as usize..) else { return };
            let Ok(record) = JournalRecord::parse(rest, page_size) else { return };
            let _ = record.check(header.nonce);
            at += record_bytes(page_size) as u64;
            left -= 1;
        }
        let next = first.next_segment_offset(at);
        assert!(next > start && next % u64::from(first.sector_bytes) == 0);
        start = next;
        let Some(rest) = data.get(start as usize..) else { return };
        let Ok(later) = first.parse_later(rest) else { return };
        header = later;
    }
});
