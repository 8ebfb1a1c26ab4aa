//! Input: a log. Its header, and each frame whose page number has the highest bit set, get the salts and
//! checksums that they should have, so that frames behind the first are reached too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use litecopy::format::frame_number::frame_bytes;
use litecopy::format::{ByteOrder, FrameChain, FrameFault, WalChecksum, WalHeader};

fuzz_target!(|data: &[u8]| {
    let mut wal = data.to_vec();
    if wal.len() < 32 {
        return;
    }
    let order = if wal[3] & 1 == 0 { ByteOrder::Little } else { ByteOrder::Big };
    store(WalChecksum::SEED.extend(order, &wal[..24]), &mut wal[24..32]);
    let Ok(header) = WalHeader::parse(&wal) else { return };
    let (head, frames) = wal.split_at_mut(32);
    let mut chain = FrameChain::new(&header);
    for frame in frames.chunks_mut(frame_bytes(header.page_size)) {
        let whole = frame.len() == frame_bytes(header.page_size);
        let repaired = whole && frame[0] & 0x80 != 0;
        if repaired {
            frame[8..16].copy_from_slice(&head[16..24]);
            let sum = chain.checksum().extend(order, &frame[..8]).extend(order, &frame[24..]);
            store(sum, &mut frame[16..24]);
        }
        let before = chain;
        match chain.accept(frame) {
            Ok(accepted) => assert_eq!(accepted.number.get(), before.accepted() + 1),
            Err(fault) => {
                assert_eq!(chain, before);
                assert!(!repaired, "{fault}");
                assert_eq!(whole, !matches!(fault, FrameFault::Short { .. }));
            }
        }
    }
});

fn store(sum: WalChecksum, place: &mut [u8]) {
    place[..4].copy_from_slice(&sum.s1.to_be_bytes());
    place[4..].copy_from_slice(&sum.s2.to_be_bytes());
}
