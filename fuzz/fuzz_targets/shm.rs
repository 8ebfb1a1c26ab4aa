//! Input: the length of a wal-index (little-endian, 4 bytes), then the wal-index and its log.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::SourceOptions;
use litecopy::inspect::{ShmContents, WalTimeline};

fuzz_target!(|data: &[u8]| {
    let Some((length, rest)) = data.split_first_chunk::<4>() else { return };
    let (shm, wal) = rest.split_at((u32::from_le_bytes(*length) as usize).min(rest.len()));
    let Ok(timeline) = WalTimeline::from_bytes(wal.to_vec(), &SourceOptions::new()) else { return };
    let shm = ShmContents::from_bytes(shm.to_vec(), &timeline).unwrap();
    assert!(shm.agrees_with_log.is_none_or(|agrees| agrees == shm.differences.is_empty()));
    assert!(shm.differences.len() <= 21);
});
