//! Input: a wal-index. It is also tried with its header repaired, and its first block searched.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::format::wal_hash::{BLOCK_BYTES, HashBlock};
use litecopy::format::{ByteOrder, Damage, FrameNumber, PageNumber, WalChecksum, WalIndex};

fuzz_target!(|data: &[u8]| {
    let _ = WalIndex::parse(data);
    let mut bytes = data.to_vec();
    bytes.resize(BLOCK_BYTES, 0);
    bytes[12] |= 1;
    let sum = WalChecksum::SEED.extend(ByteOrder::NATIVE, &bytes[..40]);
    bytes[40..44].copy_from_slice(&sum.s1.to_ne_bytes());
    bytes[44..48].copy_from_slice(&sum.s2.to_ne_bytes());
    bytes.copy_within(..48, 48);
    match WalIndex::parse(&bytes) {
        Ok(_) | Err(Damage::WalIndexVersion { .. }) => {}
        Err(damage) => panic!("{damage}"),
    }
    let last = FrameNumber::new(u32::MAX).unwrap();
    let block = HashBlock::new(0, &bytes).unwrap();
    for page in (1..40).filter_map(PageNumber::new) {
        if let Ok(Some(frame)) = block.find(page, FrameNumber::FIRST, last) {
            assert_eq!(block.page_of(frame), Some(page));
        }
    }
});
